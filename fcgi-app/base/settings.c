/* settings - how a file becomes struct settings. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/envfile.h"
#include "base/path.h"
#include "base/places.h"
#include "base/setting.h"
#include "base/settings.h"

/* Where a value came from. */
enum { LINE_ENVIRONMENT = -1, LINE_NONE = 0 };

struct given {
	const char *value; /* borrowed; NULL: nobody said */
	int line;          /* in the file, or one of the above */
};

/* One reading of a file, with the room for its first complaint. */
struct reading {
	const char *path;
	char *err;
	size_t err_size;
	struct given given[SETTINGS_MAX];
};

/* Writes the one line that says why, with the place before it; -1. */
__attribute__((format(printf, 3, 4))) static int
refuse(struct reading *in, int line, const char *format, ...)
{
	char *at = in->err;
	size_t left = in->err_size;
	va_list args;
	int n;

	if (line == LINE_ENVIRONMENT)
		n = snprintf(at, left, "environment: ");
	else if (line == LINE_NONE)
		n = snprintf(at, left, "%s: ", in->path);
	else
		n = snprintf(at, left, "%s:%d: ", in->path, line);
	if (n > 0 && (size_t)n < left) {
		va_start(args, format);
		vsnprintf(at + n, left - (size_t)n, format, args);
		va_end(args);
	}
	return -1;
}

/* Edits that make one word the other; words beyond 40 characters: many. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[41], diagonal, above;
	size_t n = strlen(b), i, j;

	if (n > 40 || strlen(a) > 40)
		return 40;
	for (j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (i = 0; a[i] != '\0'; i++) {
		diagonal = row[0]++;
		for (j = 0; j < n; j++) {
			above = row[j + 1];
			if (a[i] != b[j]) {
				if (above < diagonal)
					diagonal = above;
				if (row[j] < diagonal)
					diagonal = row[j];
				diagonal++;
			}
			row[j + 1] = diagonal;
			diagonal = above;
		}
	}
	return row[n];
}

static int
refuse_unknown(struct reading *in, const struct env_entry *entry)
{
	unsigned least = 4, d;
	const char *near = NULL;
	size_t i;

	for (i = 0; settings_table[i].name != NULL; i++) {
		d = distance(entry->key, settings_table[i].name);
		if (d < least) {
			least = d;
			near = settings_table[i].name;
		}
	}
	if (near == NULL)
		return refuse(in, entry->line,
		    "%.40s: there is no such key; "
		    "remove the line",
		    entry->key);
	return refuse(in, entry->line,
	    "%.40s: there is no such key; "
	    "did you mean %s?",
	    entry->key, near);
}

static int
take_entry(struct reading *in, const struct env_entry *entry)
{
	struct given *given;
	size_t i;

	for (i = 0; settings_table[i].name != NULL; i++)
		if (strcmp(settings_table[i].name, entry->key) == 0)
			break;
	if (settings_table[i].name == NULL)
		return refuse_unknown(in, entry);
	given = &in->given[i];
	if (given->value != NULL)
		return refuse(in, entry->line,
		    "%s: is in line %d as well; "
		    "remove one of them",
		    entry->key, given->line);
	given->value = entry->value;
	given->line = entry->line;
	return 0;
}

static int
take_file(struct reading *in, char *bytes, size_t len)
{
	struct envfile file;
	struct env_entry entry;
	const char *why;
	int rc;

	envfile_init(&file, bytes, len);
	while ((rc = envfile_next(&file, &entry, &why)) == 1)
		if (take_entry(in, &entry) == -1)
			return -1;
	if (rc == -1)
		return refuse(in, file.line, "%s", why);
	return 0;
}

static void
take_environment(struct reading *in)
{
	const char *value;
	size_t i;

	for (i = 0; settings_table[i].name != NULL; i++) {
		if (settings_table[i].kind == SETTING_SECRET)
			continue;
		value = getenv(settings_table[i].name);
		if (value != NULL)
			in->given[i] =
			    (struct given){ value, LINE_ENVIRONMENT };
	}
}

/* Says what is wrong with a value, what is allowed and what to do. */
static int
refuse_value(struct reading *in, const struct setting *row,
    const struct given *given)
{
	char allowed[160], shown[64] = "the value";
	const char *remedy = row->initial;
	char *c;

	setting_allowed(row, allowed, sizeof(allowed));
	if (row->kind != SETTING_SECRET)
		snprintf(shown, sizeof(shown), "\"%.60s\"", given->value);
	for (c = shown; *c != '\0'; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
	if (remedy == NULL || *remedy == '\0' || strlen(remedy) > 40)
		return refuse(in, given->line,
		    "%s: %s is not %s (%s); "
		    "correct it",
		    row->name, shown, allowed, row->help);
	return refuse(in, given->line,
	    "%s: %s is not %s (%s); correct it or "
	    "remove it for %s",
	    row->name, shown, allowed, row->help, remedy);
}

static int
store_all(struct reading *in, struct settings *settings, const char *folder)
{
	const struct setting *row;
	struct given given;
	size_t i;

	for (i = 0; settings_table[i].name != NULL; i++) {
		row = &settings_table[i];
		given = in->given[i];
		if (given.value == NULL)
			given.value = row->initial;
		if (given.value == NULL ||
		    (*given.value == '\0' && row->flags & SETTING_REQUIRED))
			return refuse(in, given.line,
			    "%s: is missing; add "
			    "%s=... (%s)",
			    row->name, row->name, row->help);
		switch (setting_store(row, given.value, folder, settings)) {
		case SETTING_OK:
			break;
		case SETTING_BAD:
			return refuse_value(in, row, &given);
		case SETTING_MEMORY:
			return refuse(in, LINE_NONE, "out of memory");
		}
	}
	return 0;
}

static int
check_places(struct reading *in, const struct settings *settings)
{
	char why[SETTINGS_ERROR_MAX];

	if (places_check(settings, why, sizeof(why)) == 0)
		return 0;
	return refuse(in, LINE_NONE, "%s", why);
}

int
settings_parse(struct settings *settings, const char *path, const char *bytes,
    size_t len, char *err, size_t err_size)
{
	struct reading in = { .path = path, .err = err, .err_size = err_size };
	char *copy = malloc(len + 1), *folder = path_folder(path);
	int rc = -1;

	memset(settings, 0, sizeof(*settings));
	if (copy == NULL || folder == NULL) {
		refuse(&in, LINE_NONE, "%s", strerror(errno));
		goto done;
	}
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	if (take_file(&in, copy, len) == -1)
		goto done;
	take_environment(&in);
	if (store_all(&in, settings, folder) == -1 ||
	    check_places(&in, settings) == -1)
		settings_release(settings);
	else
		rc = 0;
done:
	free(folder);
	free(copy);
	return rc;
}

/* Reads an open file, if it is one that only its owner may read. */
static ssize_t
read_private(struct reading *in, int fd, char *bytes, size_t size)
{
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return refuse(in, LINE_NONE, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(in, LINE_NONE, "is not a file");
	if ((st.st_mode & 077) != 0)
		return refuse(in, LINE_NONE,
		    "others may read or change it "
		    "(mode %04o) and it holds secrets; chmod 600 it",
		    (unsigned)(st.st_mode & 07777));
	while (len < size && (n = read(fd, bytes + len, size - len)) != 0) {
		if (n == -1)
			return refuse(in, LINE_NONE, "%s", strerror(errno));
		len += (size_t)n;
	}
	if (len == size)
		return refuse(in, LINE_NONE, "is larger than %d bytes",
		    SETTINGS_FILE_MAX);
	return (ssize_t)len;
}

int
settings_load(struct settings *settings, const char *path, char *err,
    size_t err_size)
{
	struct reading in = { .path = path, .err = err, .err_size = err_size };
	char bytes[SETTINGS_FILE_MAX + 1];
	ssize_t len;
	int fd;

	memset(settings, 0, sizeof(*settings));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return refuse(&in, LINE_NONE, "%s; %s", strerror(errno),
		    errno == EACCES
			? "run it as the owner of the file"
			: "make it from .env.example, or name another with "
			  "--config");
	len = read_private(&in, fd, bytes, sizeof(bytes));
	close(fd);
	if (len == -1)
		return -1;
	return settings_parse(settings, path, bytes, (size_t)len, err,
	    err_size);
}

void
settings_release(struct settings *settings)
{
	size_t i;

	for (i = 0; settings_table[i].name != NULL; i++)
		setting_release(&settings_table[i], settings);
	memset(settings, 0, sizeof(*settings));
}

void
settings_print(const struct settings *settings, FILE *out)
{
	size_t i;

	for (i = 0; settings_table[i].name != NULL; i++)
		setting_print(&settings_table[i], settings, out);
}

const char *
settings_file(const char *option)
{
	const char *path = option;

	if (path == NULL)
		path = getenv("MEDEDBOT_CONFIG");
	return path == NULL || *path == '\0' ? "./.env" : path;
}

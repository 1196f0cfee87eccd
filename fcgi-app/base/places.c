/* places - may the paths of the settings stand where they do? */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/places.h"

/* Where the complaint goes. */
struct why {
	char *text;
	size_t size;
};

/* The path of that key may be neither the place nor below it. */
static int
keep_out(const struct why *why, const char *key, const char *path,
    const char *what, const char *place)
{
	switch (path_inside(path, place)) {
	case 0:
		return 0;
	case 1:
		snprintf(why->text, why->size,
		    "%s: %.120s is %s %s %.120s; put it elsewhere", key, path,
		    strcmp(path, place) == 0 ? "the same as" : "inside of",
		    what, place);
		return -1;
	default:
		snprintf(why->text, why->size, "out of memory");
		return -1;
	}
}

/*
 * What must not lie in what: a log in the store or over the key would destroy
 * them, and the web server hands out what is in AUDIO_DIR.
 */
#define PLACE(name, member) name, offsetof(struct settings, member)
static const struct apart {
	const char *key;
	size_t path;
	const char *place_key;
	size_t place;
} aparts[] = {
	{ PLACE("KEY_FILE", key_file), PLACE("DATA_DIR", data_dir) },
	{ PLACE("LOG_FILE", log_file), PLACE("KEY_FILE", key_file) },
	{ PLACE("LOG_FILE", log_file), PLACE("DATA_DIR", data_dir) },
	{ PLACE("AUDIO_DIR", audio_dir), PLACE("DATA_DIR", data_dir) },
	{ PLACE("DATA_DIR", data_dir), PLACE("AUDIO_DIR", audio_dir) },
	{ PLACE("KEY_FILE", key_file), PLACE("AUDIO_DIR", audio_dir) },
	{ PLACE("LOG_FILE", log_file), PLACE("AUDIO_DIR", audio_dir) },
};

static const char *
path_at(const struct settings *settings, size_t offset)
{
	const char *path;

	memcpy(&path, (const char *)settings + offset, sizeof(path));
	return path;
}

static int
check_aparts(const struct why *why, const struct settings *settings)
{
	const struct apart *apart;
	const char *path;
	size_t i;

	for (i = 0; i < sizeof(aparts) / sizeof(aparts[0]); i++) {
		apart = &aparts[i];
		path = path_at(settings, apart->path);
		if (*path != '\0' &&
		    keep_out(why, apart->key, path, apart->place_key,
			path_at(settings, apart->place)) == -1)
			return -1;
	}
	return 0;
}

static int
check_ca_file(const struct why *why, const char *path)
{
	if (*path == '\0' || access(path, R_OK) == 0)
		return 0;
	snprintf(why->text, why->size,
	    "CA_FILE %.200s: %s; correct it, or remove it for the system's",
	    path, strerror(errno));
	return -1;
}

int
places_check(const struct settings *settings, char *text, size_t size)
{
	static const char what[] = "the web server's DOCUMENT_ROOT";
	const char *root = getenv("DOCUMENT_ROOT");
	const struct why why = { text, size };

	if (check_aparts(&why, settings) == -1 ||
	    check_ca_file(&why, settings->ca_file) == -1)
		return -1;
	if (root == NULL || *root != '/')
		return 0;
	if (keep_out(&why, "DATA_DIR", settings->data_dir, what, root) == -1)
		return -1;
	return keep_out(&why, "KEY_FILE", settings->key_file, what, root);
}

/* envfile - splits KEY=value lines in place. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/envfile.h"

void
envfile_init(struct envfile *file, char *bytes, size_t len)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t skip = 0;

	if (len >= sizeof(bom) - 1 && memcmp(bytes, bom, sizeof(bom) - 1) == 0)
		skip = sizeof(bom) - 1;
	*file = (struct envfile){ .at = bytes + skip, .end = bytes + len };
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *
skip_blanks(char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

/* Ends text before the blanks between it and end. */
static void
trim_end(const char *text, char *end)
{
	while (end > text && is_blank(end[-1]))
		end--;
	*end = '\0';
}

/* Takes the next line out of the file, without its end; NULL: none is left. */
static char *
take_line(struct envfile *file, bool *clean)
{
	char *line = file->at, *end, *c;

	if (line == file->end)
		return NULL;
	file->line++;
	end = memchr(line, '\n', (size_t)(file->end - line));
	file->at = end == NULL ? file->end : end + 1;
	if (end == NULL)
		end = file->end;
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	*clean = true;
	for (c = line; c < end; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			*clean = false;
	return line;
}

/* The value behind '=': unquoted, without a comment. */
static const char *
parse_value(char *text, const char **why)
{
	char *value = skip_blanks(text), *end;

	if (*value == '"' || *value == '\'') {
		end = strchr(value + 1, *value);
		if (end == NULL) {
			*why = "the closing quote is missing; add the closing "
			       "quote";
			return NULL;
		}
		*end = '\0';
		end = skip_blanks(end + 1);
		if (*end != '\0' && *end != '#') {
			*why = "there is text behind the closing quote; "
			       "remove it";
			return NULL;
		}
		return value + 1;
	}
	for (end = value; *end != '\0'; end++)
		if (*end == '#' && (end == text || is_blank(end[-1])))
			break;
	trim_end(value, end);
	return value;
}

int
envfile_next(struct envfile *file, struct env_entry *entry, const char **why)
{
	char *line, *equals;
	bool clean;

	do {
		line = take_line(file, &clean);
		if (line == NULL)
			return 0;
		if (!clean) {
			*why = "there is a control character in the line; "
			       "remove it";
			return -1;
		}
		line = skip_blanks(line);
	} while (*line == '\0' || *line == '#');

	if (strncmp(line, "export", 6) == 0 && is_blank(line[6])) {
		*why = "the line begins with export; write it without export";
		return -1;
	}
	equals = strchr(line, '=');
	if (equals == NULL || equals == line) {
		*why = "the line is not KEY=value; correct it, or begin it "
		       "with #";
		return -1;
	}
	entry->key = line;
	entry->line = file->line;
	entry->value = parse_value(equals + 1, why);
	trim_end(line, equals);
	return entry->value == NULL ? -1 : 1;
}

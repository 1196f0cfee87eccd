/*
 * envfile.h - the form of a settings file: one KEY=value per line.
 *
 * Blanks around key and value do not count.  A value may stand in single or
 * double quotes, which keep blanks and '#'; there are no escapes.  A line that
 * begins with '#' is a comment, and so is " #" behind a value.  Lines may end
 * with CR LF and the file may begin with a byte order mark.
 */
#ifndef BASE_ENVFILE_H
#define BASE_ENVFILE_H

#include <stddef.h>

/* Where reading stands; the bytes belong to the caller and are changed. */
struct envfile {
	char *at, *end;
	int line; /* of the last entry, from 1 */
};

struct env_entry {
	const char *key, *value; /* in the file's bytes */
	int line;
};

/* len bytes with one more, a NUL, behind them. */
void envfile_init(struct envfile *, char *bytes, size_t len);

/*
 * Reads the next entry.  1; 0 at the end; -1 when the line (file->line) is
 * none of the above, and then *why says what it lacks and what to do (static,
 * without any of the file's text, which may be a secret).
 */
int envfile_next(struct envfile *file, struct env_entry *, const char **why);

#endif

/*
 * key_file - the master key: 64 hex digits in a file that only we can read
 * and that does not lie beside what it locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "store/store_priv.h"

enum { DIGITS = 2 * SEAL_KEY };

/* The folder a path lies in, without symbolic links; new, or NULL. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name, *folder;

	if (slash == NULL)
		return realpath(".", NULL);
	name = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (name == NULL)
		return NULL;
	folder = realpath(name, NULL);
	free(name);
	return folder;
}

static bool
is_below(const char *folder, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(folder, dir, len) == 0 &&
	    (folder[len] == '\0' || folder[len] == '/' || len == 1);
}

enum store_rc
key_file_check(const char *path, const char *dir, char *why)
{
	char *folder = folder_of(path), *data = NULL;
	enum store_rc rc = STORE_OK;

	if (folder == NULL)
		rc = place_why(why, STORE_REFUSED,
		    "KEY_FILE %s: its folder: %s; make the folder", path,
		    strerror(errno));
	else if ((data = realpath(dir, NULL)) == NULL)
		rc = place_why(why, STORE_ERR, "DATA_DIR %s: %s", dir,
		    strerror(errno));
	else if (is_below(folder, data))
		rc = place_why(why, STORE_REFUSED,
		    "KEY_FILE %s: is in DATA_DIR; keep the key elsewhere, so "
		    "that a copy of the data does not hold it",
		    path);
	free(folder);
	free(data);
	return rc;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
key_parse(const char *text, size_t len, uint8_t key[SEAL_KEY])
{
	int high, low;
	size_t i;

	if (len == DIGITS + 1 && text[DIGITS] == '\n')
		len--;
	if (len != DIGITS)
		return false;
	for (i = 0; i < SEAL_KEY; i++) {
		high = digit(text[2 * i]);
		low = digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

enum store_rc
key_file_read(const char *path, uint8_t key[SEAL_KEY], char *why)
{
	char text[DIGITS + 2], thing[STORE_WHY_MAX];
	ssize_t len;
	enum store_rc rc;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1 && errno == ENOENT)
		return STORE_NONE;
	if (fd == -1)
		return place_why(why, STORE_REFUSED,
		    "KEY_FILE %s: cannot be opened: %s; must be a "
		    "plain file of ours: chown it and chmod 600 it",
		    path, strerror(errno));
	snprintf(thing, sizeof(thing), "KEY_FILE %s", path);
	rc = place_check_file(thing, fd, why);
	if (rc == STORE_OK) {
		len = read(fd, text, sizeof(text));
		if (len < 0 || !key_parse(text, (size_t)len, key))
			rc = place_why(why, STORE_REFUSED,
			    "KEY_FILE %s: is not 64 hex digits; restore it "
			    "from its backup",
			    path);
		explicit_bzero(text, sizeof(text));
	}
	close(fd);
	return rc;
}

/* A new file's name is safe only when its folder is on the disk, too. */
static bool
sync_folder_of(const char *path)
{
	char *folder = folder_of(path);
	int fd;
	bool done;

	if (folder == NULL)
		return false;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd == -1)
		return false;
	done = fsync(fd) == 0;
	close(fd);
	return done;
}

static bool
write_key(int fd, const uint8_t key[SEAL_KEY])
{
	char text[DIGITS + 2];
	size_t i;
	bool done;

	for (i = 0; i < SEAL_KEY; i++)
		snprintf(text + 2 * i, 3, "%02x", key[i]);
	text[DIGITS] = '\n';
	done = write(fd, text, DIGITS + 1) == DIGITS + 1 && fsync(fd) == 0;
	explicit_bzero(text, sizeof(text));
	return done;
}

enum store_rc
key_file_make(const char *path, uint8_t key[SEAL_KEY], char *why)
{
	bool done;
	int fd;

	if (getrandom(key, SEAL_KEY, 0) != SEAL_KEY)
		return place_why(why, STORE_ERR, "KEY_FILE %s: getrandom: %s",
		    path, strerror(errno));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return place_why(why, STORE_REFUSED,
		    "KEY_FILE %s: cannot be made: %s; name a folder we may "
		    "write to",
		    path, strerror(errno));
	done = write_key(fd, key) && sync_folder_of(path);
	if (!done) {
		place_why(why, STORE_ERR, "KEY_FILE %s: cannot be written: %s",
		    path, strerror(errno));
		unlink(path); /* no store depends on it yet */
	}
	close(fd);
	return done ? STORE_OK : STORE_ERR;
}

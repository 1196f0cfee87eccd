/*
 * place - the folder and its files: are they ours, and ours alone?
 *
 * Everything is opened relative to the folder's descriptor and without
 * following symbolic links.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/store_priv.h"

/* Locks and shared memory reach only as far as one kernel. */
static const struct {
	unsigned long type;
	const char *name;
} networks[] = {
	/* clang-format off */
	{ 0x6969, "NFS" },        { 0xff534d42, "CIFS" },
	{ 0xfe534d42, "SMB2" },   { 0x517b, "SMB" },
	{ 0x65735546, "FUSE" },   { 0x01021997, "9p" },
	{ 0x00c36400, "Ceph" },   { 0x7461636f, "OCFS2" },
	{ 0x0bd00bd0, "Lustre" }, { 0x01161970, "GFS2" },
	{ 0x5346414f, "AFS" },    { 0x73757245, "Coda" },
	/* clang-format on */
};

enum store_rc
place_why(char *why, enum store_rc rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, STORE_WHY_MAX, format, args);
	va_end(args);
	return rc;
}

enum { USER_MAX = 48 };

/* "33 (www-data)", or the number alone; returns out. */
static const char *
user_text(uid_t uid, char out[USER_MAX])
{
	char bytes[1024];
	struct passwd user, *found = NULL;

	getpwuid_r(uid, &user, bytes, sizeof(bytes), &found);
	if (found == NULL)
		snprintf(out, USER_MAX, "%u", (unsigned)uid);
	else
		snprintf(out, USER_MAX, "%u (%.32s)", (unsigned)uid,
		    found->pw_name);
	return out;
}

static enum store_rc
refuse_owner(const char *thing, uid_t uid, char *why)
{
	char owner[USER_MAX], us[USER_MAX];

	return place_why(why, STORE_REFUSED,
	    "%s: belongs to user %s, this program runs as %s; run it as the "
	    "owner, or chown it",
	    thing, user_text(uid, owner), user_text(geteuid(), us));
}

static enum store_rc
check_network(const char *dir, int fd, char *why)
{
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) == -1)
		return place_why(why, STORE_ERR, "DATA_DIR %s: fstatfs: %s",
		    dir, strerror(errno));
	for (i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		if (networks[i].type != ((unsigned long)fs.f_type & 0xffffffff))
			continue;
		return place_why(why, STORE_REFUSED,
		    "DATA_DIR %s: is on %s; choose a folder on a disk of this "
		    "machine",
		    dir, networks[i].name);
	}
	return STORE_OK;
}

static enum store_rc
check_dir(const char *dir, int fd, char *why)
{
	char thing[STORE_WHY_MAX];
	struct stat st;

	if (fstat(fd, &st) == -1)
		return place_why(why, STORE_ERR, "DATA_DIR %s: fstat: %s", dir,
		    strerror(errno));
	snprintf(thing, sizeof(thing), "DATA_DIR %s", dir);
	if (st.st_uid != geteuid())
		return refuse_owner(thing, st.st_uid, why);
	if ((st.st_mode & 077) != 0)
		return place_why(why, STORE_REFUSED,
		    "DATA_DIR %s: mode is %04o; chmod 700 it", dir,
		    (unsigned)st.st_mode & 07777);
	return check_network(dir, fd, why);
}

/* Without a slash at the end, which would follow a link. */
static int
open_itself(const char *dir)
{
	char path[PATH_MAX];
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, dir, len);
	path[len] = '\0';
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

enum store_rc
place_open_dir(const char *dir, int *fd, char *why)
{
	enum store_rc rc;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return place_why(why, STORE_REFUSED,
		    "DATA_DIR %s: cannot be made: %s; make its parent folder "
		    "or name another",
		    dir, strerror(errno));
	*fd = open_itself(dir);
	if (*fd == -1 && (errno == ELOOP || errno == ENOTDIR))
		return place_why(why, STORE_REFUSED,
		    "DATA_DIR %s: is a symbolic link or not a folder; name the "
		    "folder itself",
		    dir);
	if (*fd == -1)
		return place_why(why, STORE_REFUSED,
		    "DATA_DIR %s: cannot be opened: %s; run as its owner", dir,
		    strerror(errno));
	rc = check_dir(dir, *fd, why);
	if (rc != STORE_OK) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

/*
 * Gives the file its disk space now: a hole that is mapped and then does not
 * fit the disk ends the process.  Not with posix_fallocate(), which writes
 * into the file where the file system cannot allocate.
 */
static bool
allocate(int fd, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return false;
	if ((size_t)st.st_size >= size)
		return true;
	return fallocate(fd, 0, 0, (off_t)size) == 0 ||
	    (errno == EOPNOTSUPP && ftruncate(fd, (off_t)size) == 0);
}

enum store_rc
place_check_file(const char *thing, int fd, char *why)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return place_why(why, STORE_ERR, "%s: fstat: %s", thing,
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return place_why(why, STORE_REFUSED,
		    "%s: is not a plain file; move it away", thing);
	if (st.st_uid != geteuid())
		return refuse_owner(thing, st.st_uid, why);
	if ((st.st_mode & 077) != 0)
		return place_why(why, STORE_REFUSED,
		    "%s: others may use it (mode %04o); chmod 600 it", thing,
		    (unsigned)st.st_mode & 07777);
	return STORE_OK;
}

enum store_rc
place_open_file(int dir_fd, const char *name, size_t size, int *fd, char *why)
{
	char thing[64];
	enum store_rc rc;

	*fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (*fd == -1)
		return place_why(why, STORE_REFUSED,
		    "%s in DATA_DIR: cannot be opened: %s; it must be a plain "
		    "file of ours: chown it, or move it away",
		    name, strerror(errno));
	snprintf(thing, sizeof(thing), "%s in DATA_DIR", name);
	rc = place_check_file(thing, *fd, why);
	if (rc == STORE_OK && !allocate(*fd, size))
		rc = place_why(why, STORE_ERR,
		    "%s in DATA_DIR: %zu bytes: %s; free disk space", name,
		    size, strerror(errno));
	if (rc != STORE_OK) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

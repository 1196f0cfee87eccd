/* shelf - the folder of voice answers, which the web server hands out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/shelf.h"

enum { NAME_BYTES = SHELF_BITS / 8, HEX_LEN = 2 * NAME_BYTES };

/* Writing one takes far less; what is older was left by a killed process. */
enum { UNFINISHED_S = 600 };

#define FINISHED   ".mp3"
#define UNFINISHED ".tmp"

static enum shelf_rc
rc_of_errno(void)
{
	return errno == ENOENT                   ? SHELF_NONE
	    : errno == ENOSPC || errno == EDQUOT ? SHELF_FULL
						 : SHELF_ERR;
}

const char *
shelf_remedy(int error)
{
	switch (error) {
	case ENOTDIR: /* what a link to a folder is called as well */
	case ELOOP:
		return "name a folder, and no link to one";
	case EACCES:
	case EPERM:
		return "let the user who runs this write to it";
	case ENOSPC:
	case EDQUOT:
		return "make room on its disk";
	case ENOENT:
		return "make the folder that it is in";
	default:
		return "is its disk mounted, writable and sound?";
	}
}

static int
open_folder(const char *folder)
{
	return open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

enum shelf_rc
shelf_open(const char *folder)
{
	int fd;

	if (mkdir(folder, 0711) == -1 && errno != EEXIST)
		return rc_of_errno();
	fd = open_folder(folder);
	if (fd == -1)
		return rc_of_errno();
	close(fd);
	return access(folder, R_OK | W_OK | X_OK) == 0 ? SHELF_OK
						       : rc_of_errno();
}

/* ---- what is there ------------------------------------------------------- */

/* Without the dot of one that is not finished. */
struct entry {
	char name[SHELF_NAME_SIZE + 1];
	int64_t age_s;
	uint64_t bytes;
};

struct entries {
	struct entry *list;
	size_t n, room;
};

static bool
is_ours(const char *name, const char *suffix)
{
	return strspn(name, "0123456789abcdef") == HEX_LEN &&
	    strcmp(name + HEX_LEN, suffix) == 0;
}

static int
keep(struct entries *entries, const struct entry *entry)
{
	struct entry *list = entries->list;

	if (entries->n == entries->room) {
		size_t room = entries->room == 0 ? 64 : entries->room * 2;

		list = realloc(list, room * sizeof(*list));
		if (list == NULL)
			return -1;
		entries->list = list;
		entries->room = room;
	}
	list[entries->n++] = *entry;
	return 0;
}

/*
 * Looks at one name: removes it when it is old, else keeps it in the list.  A
 * file from the future, written before the clock was set back, has an age
 * below 0, and no more than ttl_s of it.  -1 when memory is short or an old
 * one cannot be removed.
 */
static int
look(int fd, const char *name, const struct shelf_limits *limits, int64_t now_s,
    struct shelf_swept *swept, struct entries *entries)
{
	bool unfinished = name[0] == '.' && is_ours(name + 1, UNFINISHED);
	int64_t limit_s = unfinished ? UNFINISHED_S : limits->ttl_s;
	struct entry entry;
	struct stat st;

	if ((!unfinished && !is_ours(name, FINISHED)) ||
	    fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return 0;
	entry.age_s = now_s - st.st_mtime;
	entry.bytes = (uint64_t)st.st_size;
	if (entry.age_s > limit_s || entry.age_s < -limit_s) {
		if (unlinkat(fd, name, 0) == -1)
			return errno == ENOENT ? 0 : -1;
		++*(unfinished ? &swept->unfinished : &swept->expired);
		return 0;
	}
	swept->bytes += entry.bytes;
	if (unfinished)
		return 0;
	memcpy(entry.name, name, SHELF_NAME_SIZE);
	return keep(entries, &entry);
}

static int
by_age(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->age_s != right->age_s)
		return left->age_s > right->age_s ? -1 : 1;
	return strcmp(left->name, right->name);
}

static void
evict(int fd, struct entries *entries, uint64_t max_bytes,
    struct shelf_swept *swept)
{
	size_t i;

	if (entries->n == 0 || swept->bytes <= max_bytes)
		return;
	qsort(entries->list, entries->n, sizeof(*entries->list), by_age);
	for (i = 0; i < entries->n && swept->bytes > max_bytes; i++) {
		/* one that is gone already makes room as well */
		if (unlinkat(fd, entries->list[i].name, 0) == 0)
			swept->evicted++;
		else if (errno != ENOENT)
			continue;
		swept->bytes -= entries->list[i].bytes;
	}
}

static enum shelf_rc
sweep(int fd, const struct shelf_limits *limits, int64_t now_ms,
    struct shelf_swept *swept)
{
	struct entries entries = { NULL, 0, 0 };
	const struct dirent *found;
	enum shelf_rc rc = SHELF_OK;
	DIR *dir;
	int copy;

	memset(swept, 0, sizeof(*swept));
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = copy == -1 ? NULL : fdopendir(copy);
	if (dir == NULL) {
		if (copy != -1)
			close(copy);
		return SHELF_ERR;
	}
	while (rc == SHELF_OK && (found = readdir(dir)) != NULL)
		if (look(fd, found->d_name, limits, now_ms / 1000, swept,
			&entries) == -1)
			rc = SHELF_ERR;
	evict(fd, &entries, limits->max_bytes, swept);
	free(entries.list);
	closedir(dir);
	return rc;
}

enum shelf_rc
shelf_sweep(const char *folder, const struct shelf_limits *limits,
    int64_t now_ms, struct shelf_swept *swept)
{
	int fd = open_folder(folder);
	enum shelf_rc rc;

	memset(swept, 0, sizeof(*swept));
	if (fd == -1)
		return rc_of_errno();
	rc = sweep(fd, limits, now_ms, swept);
	close(fd);
	return rc;
}

/* ---- a new one ----------------------------------------------------------- */

static void
add_hex(const uint8_t bits[NAME_BYTES], char *to)
{
	size_t i;

	for (i = 0; i < NAME_BYTES; i++)
		snprintf(to + 2 * i, 3, "%02x", bits[i]);
}

void
shelf_name(const uint8_t bits[NAME_BYTES], char name[SHELF_NAME_SIZE])
{
	add_hex(bits, name);
	memcpy(name + HEX_LEN, FINISHED, sizeof(FINISHED));
}

/* Of its own: who was killed with one of this name may have left it. */
static int
draw_unfinished(char name[SHELF_NAME_SIZE + 1])
{
	uint8_t bits[NAME_BYTES];

	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return -1;
	name[0] = '.';
	add_hex(bits, name + 1);
	memcpy(name + 1 + HEX_LEN, UNFINISHED, sizeof(UNFINISHED));
	return 0;
}

/* All of it, and down on the disk: the name must not outlive the bytes. */
static int
write_all(int file, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(file, bytes, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(file);
}

static int
write_file(int fd, const char *name, const void *bytes, size_t len)
{
	int file = openat(fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int rc;

	if (file == -1)
		return -1;
	rc = write_all(file, bytes, len);
	if (close(file) == -1)
		rc = -1;
	return rc;
}

/* Under a name that nobody is handed out, then under its own. */
static enum shelf_rc
put(int fd, const void *bytes, size_t len, const char *name)
{
	char unfinished[SHELF_NAME_SIZE + 1];
	enum shelf_rc rc;

	if (draw_unfinished(unfinished) == -1)
		return SHELF_ERR;
	if (write_file(fd, unfinished, bytes, len) == 0 &&
	    renameat(fd, unfinished, fd, name) == 0 && fsync(fd) == 0)
		return SHELF_OK;
	rc = rc_of_errno();
	unlinkat(fd, unfinished, 0);
	return rc == SHELF_NONE ? SHELF_ERR : rc;
}

enum shelf_rc
shelf_put(const char *folder, const void *bytes, size_t len,
    const struct shelf_limits *limits, int64_t now_ms, const char *name)
{
	struct shelf_limits others = *limits;
	struct shelf_swept swept;
	enum shelf_rc rc;
	int fd;

	if (len > limits->max_bytes)
		return SHELF_FULL;
	others.max_bytes -= len;
	if (!is_ours(name, FINISHED))
		return SHELF_ERR;
	fd = open_folder(folder);
	if (fd == -1)
		return rc_of_errno();
	rc = sweep(fd, &others, now_ms, &swept);
	if (rc == SHELF_OK)
		rc = put(fd, bytes, len, name);
	close(fd);
	return rc;
}

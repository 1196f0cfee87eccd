/*
 * shelf.h - the folder of voice answers, which the web server hands out.
 *
 * Who knows a name may hear the file, so a name is 128 bits that
 * nobody can guess.  A file
 * appears whole under its name or not at all.  What holds for all of it:
 *
 *  - several processes may use one folder at once;
 *  - only files of our own names are counted, aged and removed, never what a
 *    link points to;
 *  - modes are what the umask leaves of 0711 for the folder (no list of it)
 *    and 0644 for the files: with umask 077 only the same user can serve them.
 */
#ifndef AUDIO_SHELF_H
#define AUDIO_SHELF_H

#include <stddef.h>
#include <stdint.h>

enum shelf_rc {
	SHELF_OK = 0,
	SHELF_NONE, /* no such folder */
	SHELF_FULL, /* no room on the disk, or more than max_bytes */
	SHELF_ERR   /* errno says what */
};

/* What helps when errno says why a folder was refused; static. */
const char *shelf_remedy(int error);

/* 32 hexadecimal digits, ".mp3" and a NUL. */
enum { SHELF_NAME_SIZE = 37 };

struct shelf_limits {
	uint32_t ttl_s;
	uint64_t max_bytes; /* of all files together */
};

/* Makes the folder if there is none; a link to one is refused. */
enum shelf_rc shelf_open(const char *folder);

/* The name that these bits stand for. */
enum { SHELF_BITS = 128 };
void shelf_name(const uint8_t bits[SHELF_BITS / 8], char name[SHELF_NAME_SIZE]);

/*
 * Publishes len bytes under a name of shelf_name()'s, instead of what may be
 * there.  Removes the expired and, to make room, the oldest.  Slow: it waits
 * for the disk.
 */
enum shelf_rc shelf_put(const char *folder, const void *bytes, size_t len,
    const struct shelf_limits *, int64_t now_ms, const char *name);

struct shelf_swept {
	size_t expired, /* older than ttl_s */
	    evicted,    /* the oldest, above max_bytes */
	    unfinished; /* begun by a process that was killed */
	uint64_t bytes; /* what is left */
};

/* Removes what is too old or too much.  *swept is set in any case. */
enum shelf_rc shelf_sweep(const char *folder, const struct shelf_limits *,
    int64_t now_ms, struct shelf_swept *swept);

#endif

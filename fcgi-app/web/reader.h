/*
 * reader.h - connections from the listening socket to requests that are whole.
 *
 * One thread at a time reads; slots of requests that it has given away come
 * back by slot_free() from any thread.
 */
#ifndef WEB_READER_H
#define WEB_READER_H

#include <stdatomic.h>

#include "web/fcgi.h"

enum { READER_SLOTS = 128 };

enum slot_state {
	SLOT_FREE = 0,
	SLOT_SILENT, /* accepted, nothing came yet */
	SLOT_PART,   /* half a request came */
	SLOT_TAKEN   /* given away */
};

/* A connection with at most one request. */
struct slot {
	atomic_int state; /* enum slot_state */
	int fd;
	int64_t since_ms;
	struct fcgi *fcgi;
	struct web_request *web; /* when taken */
};

struct reader; /* opaque */

/* NULL when memory is short. */
struct reader *reader_new(int listen_fd, int stop_fd, size_t body_max);
void reader_free(struct reader *);

/* What one look around came to. */
struct reading {
	struct slot *taken[READER_SLOTS]; /* whole requests */
	size_t n;
	struct slot *large; /* one for slot_take_large(), or NULL */
	bool ended;         /* stopped, and nothing is left to be read */
};

/*
 * Waits until something comes, or for some 0.1 s.  Without large, requests that
 * are too large to be looked at wait on, and are cut after 2 s.
 */
void reader_read(struct reader *, bool large, struct reading *);

/*
 * Reads a request that was too large to be looked at; may wait for its end, at
 * most 2 s.  False when it never came: then the slot is free already.
 */
bool slot_take_large(struct slot *);

/*
 * Answers and hangs up; what was read stays until slot_free(), which gives the
 * slot back.
 */
void slot_answer(struct slot *);
void slot_free(struct slot *);

#endif

/*
 * buf.h - a growing buffer that was born with a maximum.
 *
 *  - data is NUL-terminated after every add that succeeded; NULL before the
 *    first; len does not count the NUL, max does not either;
 *  - an add happens as a whole or not at all;
 *  - a failed add leaves the content as it was and sets failed for good, so a
 *    row of adds needs one test at its end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap, max;
	bool failed;
};

/* Makes an empty buffer for up to max bytes; allocates nothing. */
void buf_init(struct buf *, size_t max);

/* Frees the content and makes the buffer empty again, with the same max. */
void buf_release(struct buf *);

/* Each returns 0, or -1 when max would be exceeded or memory is short. */
int buf_add(struct buf *, const void *bytes, size_t n);
int buf_puts(struct buf *, const char *text);
int buf_printf(struct buf *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* buf_add() in the form of a callback; buf is a struct buf. */
int buf_sink(const char *bytes, size_t n, void *buf);

/*
 * Takes the content out: a new NUL-terminated string, "" for an empty buffer,
 * its length in *len unless that is NULL.  NULL when an add failed before or
 * memory is short.  The buffer is empty afterwards in either case.
 */
char *buf_take(struct buf *, size_t *len);

#endif

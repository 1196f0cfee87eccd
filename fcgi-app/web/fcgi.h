/*
 * fcgi.h - one FastCGI request in and its answer out, through libfcgi.
 *
 * libfcgi reads with blocking calls, so a connection is handed over only when
 * its request has come whole (see drain.c); a time limit guards the rest.
 */
#ifndef WEB_FCGI_H
#define WEB_FCGI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* One request and its answer.  Strings are borrowed from the connection. */
struct web_request {
	const char *method;
	const char *path;          /* without the query; never NULL */
	const char *signature;     /* X-Line-Signature, or NULL */
	const char *authorization; /* or NULL */
	const char *body;          /* body_len bytes and a NUL */
	size_t body_len;

	int status;         /* what to answer; 0 until somebody decides */
	const char *type;   /* Content-Type */
	const char *header; /* one more header line without its end, or NULL */
	struct buf *answer; /* the answer's body: empty at first */
	void *prepared;     /* what a webhook became, until it is committed */
};

struct fcgi; /* one connection at a time, used again and again */

/*
 * Tells whether descriptor 0 is a listening socket, as a web server hands it
 * over; moves it to a non-blocking descriptor that no child can inherit and
 * puts /dev/null in its place.  Returns the descriptor or -1.
 */
int fcgi_take_socket(void);

/* Readies libfcgi, once per process and before any thread: 0 or -1. */
int fcgi_init(void);

/* NULL when memory is short.  Bodies over body_max bytes are answered 413. */
struct fcgi *fcgi_new(size_t body_max);
void fcgi_free(struct fcgi *);

/*
 * Takes the connection (it is closed later, in any case) and reads the request
 * that lies in it until until_ms of the boot clock.  The result is borrowed
 * until fcgi_leave(); its status is 413 or 400 already when the body is too
 * large or not as long as promised.  NULL when there is no request.
 */
struct web_request *fcgi_take(struct fcgi *, int fd, int64_t until_ms);

/* Sends what the request says and closes the connection. */
void fcgi_answer(struct fcgi *);

/* Ends what fcgi_take() gave, after the answer. */
void fcgi_leave(struct fcgi *);

#endif

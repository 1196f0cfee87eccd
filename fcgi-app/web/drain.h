/*
 * drain.h - an accept thread: takes every request that waits (at most
 * DRAIN_MAX), has them served together and answers all, so that a burst of
 * webhooks costs one commit and a lone one waits for nobody.
 */
#ifndef WEB_DRAIN_H
#define WEB_DRAIN_H

#include "web/fcgi.h"

enum { DRAIN_MAX = 64 };

struct drain;

struct drain_config {
	int listen_fd;   /* non-blocking; may be shared with other processes */
	int stop_fd;     /* readable: stop accepting and return */
	size_t body_max; /* of a request, in bytes */
	/* Sets the status of n requests, 1 to DRAIN_MAX. */
	void (*serve)(void *arg, struct web_request **, size_t n);
	void *arg;
};

/* NULL when memory is short. */
struct drain *drain_new(const struct drain_config *);
void drain_free(struct drain *);

/*
 * The thread's body: serves until stop_fd is readable; requests that were
 * accepted before are still answered if they are whole within 0.1 s.
 */
void drain_run(struct drain *);

#endif

/*
 * drain.h - the accept threads of a process and the two roles they share.
 *
 * One reads: takes every connection that waits, and each request that is
 * whole.  One commits: waits for the store's turn, and when it has come,
 * commits all that was read by then together.  Who has nothing to do takes
 * the role that is free, so a lone webhook goes through the hands of one
 * thread, while a burst is read during the commit before its own and shares
 * the next.  Nobody reads the same connection twice, and no queue needs a
 * wake-up but these two roles.
 */
#ifndef WEB_DRAIN_H
#define WEB_DRAIN_H

#include "web/fcgi.h"

enum { DRAIN_MAX = 128 }; /* connections in hand, and requests of a commit */

struct drain;

enum drain_way {
	DRAIN_ANSWER = 0, /* status is set */
	DRAIN_COMMIT,     /* to be gathered by the next commit */
	DRAIN_SERVE       /* needs no commit, but may take time */
};

/* Gives up to max of the requests that wait for a commit, oldest first. */
typedef size_t drain_gather_fn(void *drain, struct web_request **, size_t max);

struct drain_config {
	int listen_fd;   /* non-blocking; may be shared with other processes */
	int stop_fd;     /* readable: stop accepting and return */
	size_t body_max; /* of a request, in bytes */
	/* Of a request that came whole: what is to be done?  Never waits. */
	enum drain_way (*sort)(void *arg, struct web_request *);
	/* Sets the status of one that is DRAIN_SERVE. */
	void (*serve)(void *arg, struct web_request *);
	/* How long after the last commit's begin the next one may begin. */
	uint32_t (*pace_us)(void *arg);
	/* Gathers once, commits, sets each status; one thread at a time. */
	void (*commit)(void *arg, drain_gather_fn *, void *drain);
	/* When those n were answered: what nobody has to wait for. */
	void (*after)(void *arg, struct web_request **, size_t n);
	void *arg; /* of all five */
};

/* NULL when memory is short. */
struct drain *drain_new(const struct drain_config *);
void drain_free(struct drain *);

/*
 * The body of each accept thread: serves until stop_fd is readable; requests
 * that were accepted before are still answered if they are whole in 0.1 s.
 */
void drain_run(struct drain *);

#endif

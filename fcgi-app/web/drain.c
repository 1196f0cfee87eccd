/*
 * drain.c - who waits at the listening socket, and is its request whole?
 *
 * A look into the socket's buffer follows the headers of the FastCGI records
 * to the empty STDIN record that ends a request.  Connections whose sender is
 * slow (mod_proxy_fcgi passes a body on as it comes) wait aside and are cut
 * after WHOLE_MS.  A request larger than the look is read under a time limit.
 */
#include "web/drain.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	WHOLE_MS = 1000, /* for a request to come whole */
	READ_MS = 2000,  /* and to be read, if it is larger than a look */
	PAUSE_MS = 100,  /* when descriptors run out, and at the end */
	PART_MS = 5,     /* between two looks at half a request */
	/* Less than mod_proxy_fcgi puts into a socket that nobody reads. */
	LOOK_BYTES = 16 * 1024,
	RECORD_HEADER = 8, /* FastCGI specification 1.0, section 3.3 */
	RECORD_STDIN = 5
};

enum slot_state {
	SLOT_FREE = 0,
	SLOT_SILENT, /* accepted, nothing came yet */
	SLOT_PART,   /* half a request came */
	SLOT_READY   /* web is filled */
};

struct slot {
	enum slot_state state;
	int fd;
	int64_t since_ms;
	struct fcgi *fcgi;
	struct web_request *web;
};

struct drain {
	struct drain_config config;
	unsigned char *look;
	size_t n_waiting; /* SILENT and PART */
	bool full;        /* out of descriptors: leave the listener alone */
	struct slot slots[DRAIN_MAX];
};

struct drain *
drain_new(const struct drain_config *config)
{
	struct drain *drain = calloc(1, sizeof(*drain));
	size_t i;

	if (drain == NULL)
		return NULL;
	drain->config = *config;
	drain->look = malloc(LOOK_BYTES);
	for (i = 0; i < DRAIN_MAX; i++) {
		drain->slots[i].fcgi = fcgi_new(config->body_max);
		if (drain->slots[i].fcgi == NULL || drain->look == NULL) {
			drain_free(drain);
			return NULL;
		}
	}
	return drain;
}

static bool
is_waiting(const struct slot *slot)
{
	return slot->state == SLOT_SILENT || slot->state == SLOT_PART;
}

static void
hang_up(struct drain *drain, struct slot *slot)
{
	close(slot->fd);
	slot->state = SLOT_FREE;
	drain->n_waiting--;
}

void
drain_free(struct drain *drain)
{
	size_t i;

	if (drain == NULL)
		return;
	for (i = 0; i < DRAIN_MAX; i++) {
		if (is_waiting(&drain->slots[i]))
			hang_up(drain, &drain->slots[i]);
		fcgi_free(drain->slots[i].fcgi);
	}
	free(drain->look);
	free(drain);
}

/* ---------------------------------------------------------- accepting -- */

static bool
accept_one(struct drain *drain, struct slot *slot)
{
	int fd = accept4(drain->config.listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd == -1)
		return false;
	slot->fd = fd;
	slot->since_ms = clock_boot_ms();
	slot->state = SLOT_SILENT;
	drain->n_waiting++;
	return true;
}

/* Accepts all that wait, as far as there are slots. */
static void
accept_all(struct drain *drain)
{
	static struct log_limit limit = LOG_LIMIT(5);
	size_t i;

	for (i = 0; i < DRAIN_MAX; i++) {
		if (drain->slots[i].state != SLOT_FREE)
			continue;
		if (accept_one(drain, &drain->slots[i]))
			continue;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			drain->full = true;
			log_limited(&limit, LOG_WARN, "accept error=\"%s\"",
			    strerror(errno));
		}
		return;
	}
}

/* ------------------------------------------------------------ looking -- */

enum look {
	LOOK_NOTHING = 0,
	LOOK_PART,
	LOOK_WHOLE,
	LOOK_LARGE, /* more than can be looked at: perhaps whole */
	LOOK_GONE
};

/* Do these n bytes hold the record that ends a request? */
static enum look
find_end(const unsigned char *bytes, size_t n)
{
	size_t at = 0, size;

	while (at + RECORD_HEADER <= n) {
		size = (size_t)bytes[at + 4] << 8 | bytes[at + 5];
		if (bytes[at + 1] == RECORD_STDIN && size == 0)
			return LOOK_WHOLE;
		at += RECORD_HEADER + size + bytes[at + 6];
	}
	return LOOK_PART;
}

static enum look
look_into(struct drain *drain, int fd)
{
	ssize_t n = recv(fd, drain->look, LOOK_BYTES, MSG_PEEK | MSG_DONTWAIT);

	if (n == 0)
		return LOOK_GONE;
	if (n == -1)
		return errno == EAGAIN ? LOOK_NOTHING : LOOK_GONE;
	return n == LOOK_BYTES ? LOOK_LARGE : find_end(drain->look, (size_t)n);
}

static void
take(struct drain *drain, struct slot *slot)
{
	slot->web = fcgi_take(slot->fcgi, slot->fd, clock_boot_ms() + READ_MS);
	slot->state = slot->web == NULL ? SLOT_FREE : SLOT_READY;
	drain->n_waiting--;
}

/* Reads may wait here: never while a whole request is there to be served. */
static void
take_large(struct drain *drain, struct slot *slot)
{
	struct timeval limit = { .tv_sec = WHOLE_MS / 1000 };

	(void)setsockopt(slot->fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit));
	take(drain, slot);
}

/* Looks at one that waits: takes it, cuts it, or leaves it for later. */
static enum look
look_at(struct drain *drain, struct slot *slot)
{
	bool late = clock_boot_ms() - slot->since_ms >= WHOLE_MS;
	enum look look = look_into(drain, slot->fd);

	if (look == LOOK_WHOLE)
		take(drain, slot);
	else if (look == LOOK_GONE || (late && look != LOOK_LARGE))
		hang_up(drain, slot);
	else if (look != LOOK_NOTHING)
		slot->state = SLOT_PART;
	return look;
}

/* Serves what was taken, all in one go, and answers it. */
static void
serve_taken(struct drain *drain)
{
	struct web_request *requests[DRAIN_MAX];
	size_t i, n = 0;

	for (i = 0; i < DRAIN_MAX; i++)
		if (drain->slots[i].state == SLOT_READY &&
		    drain->slots[i].web->status == 0)
			requests[n++] = drain->slots[i].web;
	if (n > 0)
		drain->config.serve(drain->config.arg, requests, n);
	for (i = 0; i < DRAIN_MAX; i++)
		if (drain->slots[i].state == SLOT_READY) {
			fcgi_answer(drain->slots[i].fcgi);
			drain->slots[i].state = SLOT_FREE;
		}
}

/* Every request that is whole; then one that may have to be waited for. */
static void
serve(struct drain *drain)
{
	struct slot *large = NULL, *slot;
	size_t i;

	for (i = 0; i < DRAIN_MAX; i++) {
		slot = &drain->slots[i];
		if (is_waiting(slot) && look_at(drain, slot) == LOOK_LARGE)
			large = slot;
	}
	serve_taken(drain);
	if (large == NULL)
		return;
	take_large(drain, large);
	serve_taken(drain);
}

/* --------------------------------------------------------------- loop -- */

/*
 * Stop, listener, then the connections where nothing came yet.  Half a request
 * would be readable all the time: it is looked at by the clock instead.
 */
static nfds_t
poll_set(const struct drain *drain, struct pollfd *fds, bool stopping)
{
	bool take = !stopping && !drain->full && drain->n_waiting < DRAIN_MAX;
	nfds_t i, n = 2;

	fds[0].fd = stopping ? -1 : drain->config.stop_fd;
	fds[1].fd = take ? drain->config.listen_fd : -1;
	for (i = 0; i < DRAIN_MAX; i++)
		if (drain->slots[i].state == SLOT_SILENT)
			fds[n++].fd = drain->slots[i].fd;
	for (i = 0; i < n; i++) {
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
	return n;
}

static int
poll_ms(const struct drain *drain)
{
	size_t i;

	if (drain->n_waiting == 0)
		return drain->full ? PAUSE_MS : -1;
	for (i = 0; i < DRAIN_MAX; i++)
		if (drain->slots[i].state == SLOT_PART)
			return PART_MS;
	return PAUSE_MS;
}

void
drain_run(struct drain *drain)
{
	struct pollfd fds[DRAIN_MAX + 2];
	int64_t until = INT64_MAX;
	nfds_t n;

	while (until == INT64_MAX ||
	    (drain->n_waiting > 0 && clock_boot_ms() < until)) {
		n = poll_set(drain, fds, until != INT64_MAX);
		if (poll(fds, n, poll_ms(drain)) == -1 && errno != EINTR)
			log_die("accept error=\"%s\"", strerror(errno));
		drain->full = false;
		if (fds[0].revents != 0)
			until = clock_boot_ms() + PAUSE_MS;
		else if (fds[1].revents != 0)
			accept_all(drain);
		serve(drain);
	}
}

/*
 * reader.c - who waits at the listening socket, and is its request whole?
 *
 * A look into the socket's buffer follows the headers of the FastCGI records
 * to the empty STDIN record that ends a request.  Connections whose sender is
 * slow (mod_proxy_fcgi passes a body on as it comes) wait aside and are cut
 * after WHOLE_MS.  A request larger than the look is read under a time limit.
 */
#include "web/reader.h"

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

struct reader {
	int listen_fd, stop_fd;
	int64_t until_ms; /* stopping: when to give up; else INT64_MAX */
	size_t n_silent, n_part;
	bool full; /* no descriptor or no slot: leave the listener alone */
	unsigned char *look;
	struct slot slots[READER_SLOTS];
};

struct reader *
reader_new(int listen_fd, int stop_fd, size_t body_max)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	size_t i;

	if (reader == NULL)
		return NULL;
	reader->listen_fd = listen_fd;
	reader->stop_fd = stop_fd;
	reader->until_ms = INT64_MAX;
	reader->look = malloc(LOOK_BYTES);
	for (i = 0; i < READER_SLOTS; i++) {
		reader->slots[i].fcgi = fcgi_new(body_max);
		if (reader->slots[i].fcgi == NULL || reader->look == NULL) {
			reader_free(reader);
			return NULL;
		}
	}
	return reader;
}

/* ------------------------------------------------------------- states -- */

static enum slot_state
state_of(const struct slot *slot)
{
	return (enum slot_state)atomic_load_explicit(&slot->state,
	    memory_order_acquire);
}

static void
set_free(struct slot *slot)
{
	atomic_store_explicit(&slot->state, SLOT_FREE, memory_order_release);
}

static bool
is_waiting(const struct slot *slot)
{
	return state_of(slot) == SLOT_SILENT || state_of(slot) == SLOT_PART;
}

/* Only the reader calls it: of a slot that is free or waits. */
static void
enter(struct reader *reader, struct slot *slot, enum slot_state state)
{
	enum slot_state old = state_of(slot);

	reader->n_silent -= old == SLOT_SILENT;
	reader->n_part -= old == SLOT_PART;
	reader->n_silent += state == SLOT_SILENT;
	reader->n_part += state == SLOT_PART;
	atomic_store_explicit(&slot->state, (int)state, memory_order_release);
}

static void
hang_up(struct reader *reader, struct slot *slot)
{
	close(slot->fd);
	enter(reader, slot, SLOT_FREE);
}

void
reader_free(struct reader *reader)
{
	size_t i;

	if (reader == NULL)
		return;
	for (i = 0; i < READER_SLOTS; i++) {
		if (is_waiting(&reader->slots[i]))
			hang_up(reader, &reader->slots[i]);
		fcgi_free(reader->slots[i].fcgi);
	}
	free(reader->look);
	free(reader);
}

void
slot_answer(struct slot *slot)
{
	fcgi_answer(slot->fcgi);
}

void
slot_free(struct slot *slot)
{
	fcgi_leave(slot->fcgi);
	set_free(slot);
}

/* ---------------------------------------------------------- accepting -- */

static bool
accept_one(struct reader *reader, struct slot *slot)
{
	int fd = accept4(reader->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd == -1)
		return false;
	slot->fd = fd;
	slot->since_ms = clock_boot_ms();
	enter(reader, slot, SLOT_SILENT);
	return true;
}

static void
note_shortage(struct reader *reader)
{
	static struct log_limit limit = LOG_LIMIT(5);

	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM &&
	    errno != ENOBUFS)
		return;
	reader->full = true;
	log_limited(&limit, LOG_WARN, "accept error=\"%s\"", strerror(errno));
}

/* Accepts all that wait, as far as there are slots. */
static void
accept_all(struct reader *reader)
{
	size_t i;

	for (i = 0; i < READER_SLOTS; i++) {
		if (state_of(&reader->slots[i]) != SLOT_FREE)
			continue;
		if (!accept_one(reader, &reader->slots[i])) {
			note_shortage(reader);
			return;
		}
	}
	reader->full = true;
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
look_into(struct reader *reader, int fd)
{
	ssize_t n = recv(fd, reader->look, LOOK_BYTES, MSG_PEEK | MSG_DONTWAIT);

	if (n == 0)
		return LOOK_GONE;
	if (n == -1)
		return errno == EAGAIN ? LOOK_NOTHING : LOOK_GONE;
	return n == LOOK_BYTES ? LOOK_LARGE : find_end(reader->look, (size_t)n);
}

static bool
take(struct slot *slot)
{
	slot->web = fcgi_take(slot->fcgi, slot->fd, clock_boot_ms() + READ_MS);
	if (slot->web == NULL)
		set_free(slot);
	return slot->web != NULL;
}

bool
slot_take_large(struct slot *slot)
{
	struct timeval limit = { .tv_sec = WHOLE_MS / 1000 };

	(void)setsockopt(slot->fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit));
	return take(slot);
}

/* Half a request, until it may be taken: poll() would find it all the time. */
static void
look_at_large(struct reader *reader, struct slot *slot, bool large,
    struct reading *out)
{
	if (large && out->large == NULL) {
		enter(reader, slot, SLOT_TAKEN);
		out->large = slot;
	} else if (clock_boot_ms() - slot->since_ms >= READ_MS) {
		hang_up(reader, slot);
	} else {
		enter(reader, slot, SLOT_PART);
	}
}

/* Looks at one that waits: takes it, cuts it, or leaves it for later. */
static void
look_at(struct reader *reader, struct slot *slot, bool large,
    struct reading *out)
{
	bool late = clock_boot_ms() - slot->since_ms >= WHOLE_MS;
	enum look look = look_into(reader, slot->fd);

	if (look == LOOK_WHOLE) {
		enter(reader, slot, SLOT_TAKEN);
		if (take(slot))
			out->taken[out->n++] = slot;
	} else if (look == LOOK_LARGE) {
		look_at_large(reader, slot, large, out);
	} else if (look == LOOK_GONE || late) {
		hang_up(reader, slot);
	} else if (look == LOOK_PART) {
		enter(reader, slot, SLOT_PART);
	}
}

/* --------------------------------------------------------------- read -- */

/*
 * Stop, listener, then the connections where nothing came yet.  Half a request
 * would be readable all the time: it is looked at by the clock instead.
 */
static nfds_t
poll_set(const struct reader *reader, struct pollfd *fds)
{
	bool stopping = reader->until_ms != INT64_MAX;
	nfds_t i, n = 2;

	fds[0].fd = stopping ? -1 : reader->stop_fd;
	fds[1].fd = stopping || reader->full ? -1 : reader->listen_fd;
	for (i = 0; i < READER_SLOTS && n < reader->n_silent + 2; i++)
		if (state_of(&reader->slots[i]) == SLOT_SILENT)
			fds[n++].fd = reader->slots[i].fd;
	for (i = 0; i < n; i++) {
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
	return n;
}

static int
poll_ms(const struct reader *reader)
{
	if (reader->n_part > 0 || reader->full)
		return PART_MS;
	return reader->n_silent > 0 || reader->until_ms != INT64_MAX ? PAUSE_MS
								     : -1;
}

void
reader_read(struct reader *reader, bool large, struct reading *out)
{
	struct pollfd fds[READER_SLOTS + 2];
	nfds_t n = poll_set(reader, fds);
	size_t i;

	out->n = 0;
	out->large = NULL;
	if (poll(fds, n, poll_ms(reader)) == -1 && errno != EINTR)
		log_die("accept error=\"%s\"", strerror(errno));
	reader->full = false;
	if (fds[0].revents != 0)
		reader->until_ms = clock_boot_ms() + PAUSE_MS;
	else if (fds[1].revents != 0)
		accept_all(reader);
	for (i = 0; i < READER_SLOTS; i++)
		if (is_waiting(&reader->slots[i]))
			look_at(reader, &reader->slots[i], large, out);
	out->ended = reader->until_ms != INT64_MAX &&
	    (reader->n_silent + reader->n_part == 0 ||
		clock_boot_ms() >= reader->until_ms);
}

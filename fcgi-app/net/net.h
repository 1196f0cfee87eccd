/*
 * net.h - HTTPS requests side by side, in one thread.
 *
 * The engine's thread owns a struct net: it starts requests, lets net_run()
 * wait for whatever happens next, and hears of each end through a function of
 * its own.  What holds for everything below:
 *
 *  - only net_wake() may be called from another thread;
 *  - nothing here blocks but net_run(), not even a slow name server (names
 *    are looked up by threads that libcurl starts) nor a cancellation;
 *  - done and ready functions are called by net_run() alone.  They may call
 *    anything here but net_run() and net_close();
 *  - no redirect is followed, no proxy of the environment is used, no answer
 *    is unpacked, certificates are always verified, TLS is 1.2 or newer.
 *    Only https is spoken, and http where the address, looked up, turns out
 *    to be loopback;
 *  - nothing here logs: the reply says what happened.
 *
 * https goes over HTTP/2 where the server speaks it, at most 100 requests a
 * connection; a host gets 4 connections and one more for each 25 requests, up
 * to 64, and what finds no room there waits.  http goes over HTTP/1.1.
 * Connections are kept for the next request.
 *
 * A request with a body is sent at most once.  libcurl by itself sends again,
 * on a new connection, what it sent on a kept one that then died without an
 * answer; here it may only while no byte of the request has left.  A GET may
 * be sent twice.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net;         /* opaque, see net_priv.h */
struct net_request; /* opaque: one exchange under way */

struct net_config {
	const char *ca_file;    /* PEM; NULL or "": the system's */
	unsigned shards_http1;  /* libcurl multi handles for http, 1 to 64 */
	const char *user_agent; /* NULL: none is sent */
};

/* What is certain about the request, whatever the answer says. */
enum net_end {
	NET_ANSWERED = 0, /* a whole HTTP answer came, of any status */
	NET_NOT_SENT,     /* DNS, connect, TLS or the URL failed before a byte
			   * of the request left: certainly not processed */
	NET_UNKNOWN,      /* timeout, reset or cut after the request, or a part
			   * of it, may have left: may have been processed */
	NET_TOO_BIG       /* an answer came, of more than max_bytes */
};

/* Borrowed until done returns, with all that it points to. */
struct net_reply {
	enum net_end end;
	int status;       /* HTTP status, 0 when none came */
	const char *body; /* with a NUL after len bytes; "" if none.
				 * Only whole with NET_ANSWERED */
	size_t len;
	uint32_t retry_after_s; /* the Retry-After header, 0 when none came */
	char request_id[64];    /* x-line-request-id, printable, or "" */
	bool timed_out;         /* by timeout_ms or connect_ms */
	uint32_t total_ms;      /* from net_start() to the end */
	uint32_t connect_ms;    /* DNS, TCP and TLS; 0 on a kept connection */
	const char *error;      /* why it did not succeed, for the log; "" with
				 * NET_ANSWERED.  May name host and address,
				 * never the URL's path or query, a header or
				 * bytes of the answer */
};

/*
 * A body that is made while it is sent.  read writes up to size bytes, those
 * from offset on, and returns how many: at least one while there are more.  It
 * may be asked for the same bytes again.  from is not copied: it must stay as
 * it is until done is called, or until net_cancel() or net_close().
 */
struct net_source {
	size_t (*read)(const void *from, size_t offset, char *to, size_t size);
	const void *from;
};

/*
 * Where an answer's body goes instead of into the reply, piece by piece as it
 * comes; take returns -1 when there is no use in going on: then the end is
 * NET_TOO_BIG.  to must stay as it is as long as source's from.
 */
struct net_sink {
	int (*take)(void *to, const char *bytes, size_t n);
	void *to;
};

/* Copied by net_start(), with all that it points to but what source reads and
 * sink writes. */
struct net_call {
	const char *url;
	const char *const *headers; /* "Name: value", NULL ends; or NULL */
	const char *body; /* NULL, and no source: a GET; else a POST */
	const struct net_source *source; /* NULL, or instead of body */
	size_t body_len;                 /* of either */
	uint32_t timeout_ms;             /* of the whole exchange, at least 1 */
	uint32_t connect_ms;             /* until connected (DNS, TCP, TLS);
			      * 0: timeout_ms */
	size_t max_bytes;                /* of the answer's body */
	const struct net_sink *sink;     /* NULL: it comes in the reply */
	void (*done)(void *arg, const struct net_reply *);
	void *arg;
};

/*
 * *out is new; close it in the same process, a fork must not use it.  -1 with
 * a text in err when descriptors or memory are short or ca_file is unreadable.
 *
 * net_close() ends all requests without calling done, takes the handle and
 * leaves NULL behind.  Watched descriptors stay open.
 */
int net_open(struct net **out, const struct net_config *, char *err,
    size_t err_size);
void net_close(struct net **);

/*
 * Starts an exchange; the result lives until its done is called, which must
 * not cancel it any more, or until net_cancel().  NULL when memory is short:
 * then done is never called.  Everything else that can fail, a bad URL too,
 * is told to done.
 */
struct net_request *net_start(struct net *, const struct net_call *);

/* Takes a request back: the transfer ends at once, done is not called. */
void net_cancel(struct net_request *);

/*
 * Waits until a request ends, a watched descriptor is readable or net_wake()
 * is called, at most timeout_ms (-1: no limit), and deals with all that
 * happened.  May return earlier, libcurl has timers of its own.  The number
 * of done functions called, or -1 when epoll failed (errno says why).
 */
int net_run(struct net *, int timeout_ms);

/*
 * Makes net_run() return soon: the one that waits, or else the next one.  For
 * any thread and for signal handlers; the net must not be closing.
 */
void net_wake(struct net *);

/*
 * Calls ready from net_run() whenever fd is readable (level triggered: ready
 * must read), as long as the net is open.  fd is borrowed and must stay open
 * as long.  At most 8 of them; -1 when there are more or epoll refuses.
 */
int net_watch(struct net *, int fd, void (*ready)(void *arg), void *arg);

/*
 * Frees what is kept for later requests, but connections over https: a peak is
 * over.  Not for done and ready functions.
 */
void net_trim(struct net *);

/* How many requests are under way. */
size_t net_active(const struct net *);

#endif

/*
 * net_priv.h - what the files of net/ share: net.c (the loop), open.c,
 * request.c (an exchange until it ends) and reply.c (what its end means);
 * heap.c stands alone.
 *
 * A shard is one libcurl multi handle with its own connections.  The first
 * NET_HTTPS are for https, where HTTP/2 keeps connections few, and share the
 * hosts between them, so that what one host needs is not allowed to another.
 * The others are for HTTP/1.1: there libcurl looks through all connections to
 * a host one by one at each request, which with thousands of them fills a
 * core, so they are spread.
 */
#ifndef NET_NET_PRIV_H
#define NET_NET_PRIV_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "net/net.h"

enum {
	NET_WATCHES = 1 + 8, /* our own eventfd and net_watch()'s */
	NET_HTTPS = 4        /* shards for https */
};

struct net_shard {
	struct net *net;
	CURLM *multi;
	int64_t timer_ms; /* boot clock, when libcurl wants to be called */
	size_t n_active;
	long connections; /* https: that libcurl may open to one host */
};

struct net_watch {
	int fd;
	void (*ready)(void *arg);
	void *arg;
};

struct net_request {
	TAILQ_ENTRY(net_request) link; /* in net->active or net->idle */
	struct net *net;
	struct net_shard *shard;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	struct net_source source; /* of a body that is made while it is sent */
	size_t source_len, source_at;
	struct net_sink sink; /* or take is NULL */
	size_t sunk;
	int64_t start_ms, connect_end_ms, end_ms; /* boot clock */
	bool connected; /* it has a connection, and was about to be sent */
	bool plain;     /* http */
	bool repeats;   /* a GET */
	bool too_big;
	void (*done)(void *arg, const struct net_reply *);
	void *arg;
	char error[CURL_ERROR_SIZE];
};

TAILQ_HEAD(net_requests, net_request);

struct net {
	int epoll_fd, wake_fd;
	struct net_watch watches[NET_WATCHES];
	size_t n_watches;
	struct net_shard *shards; /* those for https first */
	unsigned n_shards, next_http1;
	CURLSH *share; /* host names and TLS sessions, for all shards */
	bool global;   /* curl_global_init() was called */
	char *ca_file, *ca_path, *user_agent; /* NULL: none */
	struct net_requests active, idle;     /* active: the oldest first */
	size_t n_active, n_idle;
	int64_t check_ms; /* boot clock, when a request may be overdue */
};

/* epoll_ctl() for a shard's descriptor, by the shard's index. */
int net_listen(struct net *, int op, int fd, uint32_t events, unsigned source);

/* Allows a shard for https the connections that its requests may need. */
void net_shard_allow(struct net_shard *);

/* When it is overdue: connect_ms or timeout_ms, whichever counts now. */
int64_t net_request_due_ms(const struct net_request *);

/*
 * The end of an active request, with libcurl's verdict: _finish calls its
 * done.  _end takes it from libcurl and the active ones, then _put frees what
 * belonged to the exchange and keeps the rest for the next one.
 */
void net_request_finish(struct net_request *, CURLcode);
void net_request_end(struct net_request *);
void net_request_put(struct net_request *);

/* Frees one that is neither active nor idle. */
void net_request_free(struct net_request *);

#endif

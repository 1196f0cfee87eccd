/*
 * request.c - one exchange: its options and limits, from start to end.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/heap.h"
#include "net/net_priv.h"

enum {
	IDLE_MAX = 256,      /* handles kept for the next request */
	OVERDUE_MS = 50,     /* libcurl goes first, it knows more */
	KEPT_IDLE_S = 60,    /* an older connection is not used again */
	RECEIVE_BYTES = 4096 /* each exchange under way has such a buffer */
};

static const struct {
	CURLoption option;
	long value;
} fixed[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_NOPROGRESS, 1 },
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_TCP_NODELAY, 1 },
	{ CURLOPT_PIPEWAIT, 1 },
	{ CURLOPT_MAXAGE_CONN, KEPT_IDLE_S },
	{ CURLOPT_BUFFERSIZE, RECEIVE_BYTES },
	{ CURLOPT_UPLOAD_BUFFERSIZE, HEAP_BUFFER },
	/* Without it the end of a name's look-up would be waited for. */
	{ CURLOPT_QUICK_EXIT, 1 },
};

/* ---- what libcurl calls -------------------------------------------------- */

static bool
sink_body(struct net_request *r, const char *bytes, size_t n)
{
	r->too_big = n > r->body.max - r->sunk ||
	    r->sink.take(r->sink.to, bytes, n) == -1;
	r->sunk += r->too_big ? 0 : n;
	return !r->too_big;
}

static size_t
take_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct net_request *r = arg;

	(void)one;
	if (r->sink.take != NULL)
		return sink_body(r, bytes, n) ? n : 0;
	r->too_big = r->body.len + n > r->body.max;
	return buf_add(&r->body, bytes, n) == 0 ? n : 0;
}

static size_t
give_body(char *to, size_t one, size_t n, void *arg)
{
	struct net_request *r = arg;
	size_t left = r->source_len - r->source_at;

	if (left > one * n)
		left = one * n;
	if (left > 0)
		left = r->source.read(r->source.from, r->source_at, to, left);
	r->source_at += left;
	return left;
}

/* Before a second try, of which nothing has left yet either. */
static int
seek_body(void *arg, curl_off_t offset, int origin)
{
	struct net_request *r = arg;

	if (origin != SEEK_SET || offset < 0 ||
	    offset > (curl_off_t)r->source_len)
		return CURL_SEEKFUNC_FAIL;
	r->source_at = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static bool
is_loopback(const struct sockaddr *addr)
{
	const struct sockaddr_in *in4 = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;

	if (addr->sa_family == AF_INET)
		return ntohl(in4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return addr->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	const struct net_request *r = arg;

	(void)purpose;
	if (r->plain && !is_loopback(&to->addr))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/*
 * Connected, about to send.  The second time for the same request means that
 * libcurl tries again on another connection.
 */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static int
before_sending(void *arg, char *to_ip, char *from_ip, int to_port,
    int from_port)
{
	struct net_request *r = arg;
	long sent = 0;

	(void)to_ip, (void)from_ip, (void)to_port, (void)from_port;
	r->connected = true;
	curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent == 0 || r->repeats ? CURL_PREREQFUNC_OK
				       : CURL_PREREQFUNC_ABORT;
}

/* ---- life ---------------------------------------------------------------- */

static int
set_callbacks(struct net_request *r)
{
	CURL *e = r->easy;

	return curl_easy_setopt(e, CURLOPT_PRIVATE, r) ||
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error) ||
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body) ||
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, r) ||
	    curl_easy_setopt(e, CURLOPT_READFUNCTION, give_body) ||
	    curl_easy_setopt(e, CURLOPT_READDATA, r) ||
	    curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, seek_body) ||
	    curl_easy_setopt(e, CURLOPT_SEEKDATA, r) ||
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) ||
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, r) ||
	    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_sending) ||
	    curl_easy_setopt(e, CURLOPT_PREREQDATA, r);
}

/* What is the same for every request of this net. */
static int
set_common(struct net_request *r)
{
	const struct net *net = r->net;
	CURL *e = r->easy;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (curl_easy_setopt(e, fixed[i].option, fixed[i].value))
			return -1;
	return set_callbacks(r) ||
	    curl_easy_setopt(e, CURLOPT_SHARE, net->share) ||
	    curl_easy_setopt(e, CURLOPT_PROXY, "") ||
	    curl_easy_setopt(e, CURLOPT_CAINFO, net->ca_file) ||
	    curl_easy_setopt(e, CURLOPT_CAPATH, net->ca_path) ||
	    curl_easy_setopt(e, CURLOPT_USERAGENT, net->user_agent);
}

/* New, or one that was used before. */
static struct net_request *
request_get(struct net *net)
{
	struct net_request *r = TAILQ_FIRST(&net->idle);

	if (r != NULL) {
		TAILQ_REMOVE(&net->idle, r, link);
		net->n_idle--;
		return r;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->net = net;
	r->easy = curl_easy_init();
	if (r->easy == NULL || set_common(r)) {
		net_request_free(r);
		return NULL;
	}
	return r;
}

void
net_request_put(struct net_request *r)
{
	struct net *net = r->net;

	if (net->n_idle == IDLE_MAX) {
		net_request_free(r);
		return;
	}
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(r->easy, CURLOPT_COPYPOSTFIELDS, NULL);
	curl_slist_free_all(r->headers);
	r->headers = NULL;
	buf_release(&r->body);
	TAILQ_INSERT_HEAD(&net->idle, r, link);
	net->n_idle++;
}

void
net_request_free(struct net_request *r)
{
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	buf_release(&r->body);
	free(r);
}

static void
activate(struct net_request *r)
{
	struct net *net = r->net;
	int64_t due_ms = net_request_due_ms(r);

	TAILQ_INSERT_TAIL(&net->active, r, link);
	net->n_active++;
	r->shard->n_active++;
	net_shard_allow(r->shard);
	if (due_ms < net->check_ms)
		net->check_ms = due_ms;
}

void
net_request_end(struct net_request *r)
{
	curl_multi_remove_handle(r->shard->multi, r->easy);
	TAILQ_REMOVE(&r->net->active, r, link);
	r->net->n_active--;
	r->shard->n_active--;
	net_shard_allow(r->shard);
}

/* ---- start --------------------------------------------------------------- */

static int
add_header(struct net_request *r, const char *line)
{
	struct curl_slist *list = curl_slist_append(r->headers, line);

	if (list == NULL)
		return -1;
	r->headers = list;
	return 0;
}

static int
set_headers(struct net_request *r, const char *const *lines)
{
	for (; lines != NULL && *lines != NULL; lines++)
		if (add_header(r, *lines) == -1)
			return -1;
	/* A large body would wait a second for the server's leave. */
	if (add_header(r, "Expect:") == -1)
		return -1;
	return curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
}

static void
set_sink(struct net_request *r, const struct net_call *call)
{
	const struct net_sink none = { NULL, NULL };

	r->sink = call->sink != NULL ? *call->sink : none;
	r->sunk = 0;
}

static int
set_body(struct net_request *r, const struct net_call *call)
{
	CURL *e = r->easy;

	r->repeats = call->body == NULL && call->source == NULL;
	if (r->repeats)
		return curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
	if (call->source != NULL) {
		r->source = *call->source;
		r->source_len = call->body_len;
		r->source_at = 0;
	}
	return curl_easy_setopt(e, CURLOPT_POST, 1L) ||
	    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)call->body_len) ||
	    curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS,
		call->source != NULL ? NULL : call->body);
}

/* Of https: always the same for a host. */
static unsigned
shard_of_host(const char *url)
{
	const char *host = strstr(url, "://");
	unsigned hash = 0;

	for (host = host == NULL ? url : host + 3;
	     *host != '\0' && *host != '/'; host++)
		hash = hash * 31 + (unsigned char)*host;
	return hash % NET_HTTPS;
}

static struct net_shard *
shard_for(struct net *net, const char *url, bool plain)
{
	if (!plain)
		return &net->shards[shard_of_host(url)];
	net->next_http1 = (net->next_http1 + 1) % (net->n_shards - NET_HTTPS);
	return &net->shards[NET_HTTPS + net->next_http1];
}

static int
set_url(struct net_request *r, const char *url)
{
	CURL *e = r->easy;

	r->plain = strncasecmp(url, "http://", 7) == 0;
	r->shard = shard_for(r->net, url, r->plain);
	return curl_easy_setopt(e, CURLOPT_URL, url) ||
	    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR,
		r->plain ? "http" : "https") ||
	    curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
		(long)(r->plain ? CURL_HTTP_VERSION_1_1
				: CURL_HTTP_VERSION_2TLS));
}

static int
set_limits(struct net_request *r, const struct net_call *call)
{
	uint32_t connect_ms = call->connect_ms;
	CURL *e = r->easy;

	if (connect_ms == 0 || connect_ms > call->timeout_ms)
		connect_ms = call->timeout_ms;
	r->start_ms = clock_boot_ms();
	r->connect_end_ms = r->start_ms + connect_ms;
	r->end_ms = r->start_ms + call->timeout_ms;
	buf_init(&r->body, call->max_bytes);
	return curl_easy_setopt(e, CURLOPT_TIMEOUT_MS,
		   (long)call->timeout_ms) ||
	    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms) ||
	    curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE,
		(curl_off_t)call->max_bytes);
}

struct net_request *
net_start(struct net *net, const struct net_call *call)
{
	struct net_request *r = request_get(net);

	if (r == NULL)
		return NULL;
	r->connected = r->too_big = false;
	r->error[0] = '\0';
	r->done = call->done;
	r->arg = call->arg;
	set_sink(r, call);
	if (set_limits(r, call) || set_url(r, call->url) ||
	    set_headers(r, call->headers) || set_body(r, call) ||
	    curl_multi_add_handle(r->shard->multi, r->easy) != CURLM_OK) {
		net_request_put(r);
		return NULL;
	}
	activate(r);
	return r;
}

void
net_cancel(struct net_request *r)
{
	net_request_end(r);
	net_request_put(r);
}

int64_t
net_request_due_ms(const struct net_request *r)
{
	return OVERDUE_MS + (r->connected ? r->end_ms : r->connect_end_ms);
}

/*
 * net.c - the loop: one epoll for libcurl's sockets, the eventfd of net_wake()
 * and the descriptors of net_watch().
 *
 * An event's data names its source, a shard or WATCH + an index, in the upper
 * half and its descriptor in the lower.  No pointer is in it, so an event that
 * an earlier one of the same turn has made pointless finds nothing freed:
 * libcurl ignores a descriptor that it no longer knows.
 */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/net_priv.h"

enum {
	WATCH = 1 << 16,
	EVENTS = 64 /* dealt with in one turn */
};

int
net_listen(struct net *net, int op, int fd, uint32_t events, unsigned source)
{
	struct epoll_event event = {
		.events = events,
		.data.u64 = (uint64_t)source << 32 | (uint32_t)fd,
	};

	return epoll_ctl(net->epoll_fd, op, fd, &event);
}

int
net_watch(struct net *net, int fd, void (*ready)(void *arg), void *arg)
{
	unsigned i = (unsigned)net->n_watches;

	if (i == NET_WATCHES ||
	    net_listen(net, EPOLL_CTL_ADD, fd, EPOLLIN, WATCH + i) == -1)
		return -1;
	net->watches[i] = (struct net_watch){ fd, ready, arg };
	net->n_watches++;
	return 0;
}

static void
socket_ready(struct net_shard *shard, int fd, uint32_t events)
{
	int mask = 0, running;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		mask |= CURL_CSELECT_IN;
	if ((events & (EPOLLOUT | EPOLLERR)) != 0)
		mask |= CURL_CSELECT_OUT;
	curl_multi_socket_action(shard->multi, fd, mask, &running);
}

static void
dispatch(struct net *net, const struct epoll_event *event)
{
	unsigned source = (unsigned)(event->data.u64 >> 32);
	int fd = (int)(uint32_t)event->data.u64;

	if (source < WATCH)
		socket_ready(&net->shards[source], fd, event->events);
	else
		net->watches[source - WATCH]
		    .ready(net->watches[source - WATCH].arg);
}

static void
run_timers(struct net *net)
{
	int64_t now_ms = clock_boot_ms();
	int running;

	for (unsigned i = 0; i < net->n_shards; i++) {
		struct net_shard *shard = &net->shards[i];

		if (shard->timer_ms > now_ms)
			continue;
		shard->timer_ms = INT64_MAX;
		curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0,
		    &running);
	}
}

static int
reap(struct net_shard *shard)
{
	struct net_request *r;
	CURLMsg *msg;
	int left, n = 0;

	while ((msg = curl_multi_info_read(shard->multi, &left)) != NULL) {
		CURLcode rc = msg->data.result;

		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &r);
		net_request_finish(r, rc);
		n++;
	}
	return n;
}

/* The first that is overdue, or NULL: then check_ms is when one may be. */
static struct net_request *
find_overdue(struct net *net, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;
	struct net_request *r;

	for (r = TAILQ_FIRST(&net->active); r; r = TAILQ_NEXT(r, link)) {
		int64_t due_ms = net_request_due_ms(r);

		if (due_ms <= now_ms)
			return r;
		if (due_ms < next_ms)
			next_ms = due_ms;
	}
	net->check_ms = next_ms;
	return NULL;
}

/*
 * libcurl's own time limits do not hold for a request that waits until another
 * one's connection turns out to be HTTP/2 or not.
 */
static int
end_overdue(struct net *net)
{
	int64_t now_ms = clock_boot_ms();
	struct net_request *r;
	int n = 0;

	if (net->check_ms > now_ms)
		return 0;
	while ((r = find_overdue(net, now_ms)) != NULL) {
		net_request_finish(r, CURLE_OPERATION_TIMEDOUT);
		n++;
	}
	return n;
}

/* How long epoll may wait. */
static int
wait_ms(const struct net *net, int timeout_ms)
{
	int64_t next_ms = net->check_ms, left_ms;

	for (unsigned i = 0; i < net->n_shards; i++)
		if (net->shards[i].timer_ms < next_ms)
			next_ms = net->shards[i].timer_ms;
	if (next_ms == INT64_MAX)
		return timeout_ms;
	left_ms = next_ms - clock_boot_ms();
	if (left_ms < 0)
		left_ms = 0;
	if (timeout_ms >= 0 && timeout_ms < left_ms)
		return timeout_ms;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

int
net_run(struct net *net, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n, ended = 0;

	n = epoll_wait(net->epoll_fd, events, EVENTS, wait_ms(net, timeout_ms));
	if (n == -1 && errno != EINTR)
		return -1;
	for (int i = 0; i < n; i++)
		dispatch(net, &events[i]);
	run_timers(net);
	for (unsigned i = 0; i < net->n_shards; i++)
		if (net->shards[i].n_active > 0)
			ended += reap(&net->shards[i]);
	return ended + end_overdue(net);
}

void
net_wake(struct net *net)
{
	uint64_t one = 1;
	int saved = errno;

	/* A full counter is as good: net_run() has it still to read. */
	if (write(net->wake_fd, &one, sizeof(one)) == -1)
		errno = saved;
}

size_t
net_active(const struct net *net)
{
	return net->n_active;
}

/*
 * Many requests share one thread, and none of them holds up the others: not a
 * slow name server, not one that is taken back, not one that never connects.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/net_fixture.h"

/* ---- the C library's, for this program, libcurl included ----------------- */

static bool forbidden;  /* sockets are not to be had */
static unsigned wanted; /* but were asked for so often */

/* Two names are known, one of them takes its time to be unknown. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
    struct addrinfo **pai)
{
	struct {
		struct addrinfo info;
		struct sockaddr_in addr;
	} * one;

	(void)service;
	if (strcmp(name, "slow.test") == 0)
		usleep(1500 * 1000);
	if (strcmp(name, "outside.test") != 0)
		return EAI_NONAME;
	one = calloc(1, sizeof(*one)); /* freeaddrinfo() frees the whole */
	if (one == NULL)
		return EAI_MEMORY;
	one->addr.sin_family = AF_INET;
	one->addr.sin_port = htons(80);
	inet_pton(AF_INET, "192.0.2.1", &one->addr.sin_addr);
	one->info.ai_family = AF_INET;
	one->info.ai_socktype = req->ai_socktype;
	one->info.ai_addrlen = sizeof(one->addr);
	one->info.ai_addr = (struct sockaddr *)&one->addr;
	*pai = &one->info;
	return 0;
}

int
socket(int domain, int type, int protocol)
{
	if (!forbidden || domain != AF_INET)
		return (int)syscall(SYS_socket, domain, type, protocol);
	wanted++;
	errno = EACCES;
	return -1;
}

/* ---- helpers ------------------------------------------------------------- */

/* Runs until the server has seen it, or a second has passed. */
static void
assert_soon_seen(struct net *net, const char *what, long times)
{
	int64_t end_ms = clock_boot_ms() + 1000;

	while (net_seen(net, what) != times && clock_boot_ms() < end_ms)
		usleep(5000);
	assert_int_equal(net_seen(net, what), times);
}

/* ---- many ---------------------------------------------------------------- */

static void
fetch_many(struct net *net, const char *url, size_t n)
{
	struct result *results = calloc(n, sizeof(*results));

	assert_non_null(results);
	for (size_t i = 0; i < n; i++) {
		struct net_call call = net_call_to(url, "xyz", &results[i]);

		assert_non_null(net_start(net, &call));
	}
	assert_int_equal(net_active(net), n);
	for (size_t i = 0; i < n; i++) {
		net_run_until(net, &results[i].done, 5000);
		assert_int_equal(results[i].reply.end, NET_ANSWERED);
		assert_int_equal(results[i].reply.status, 200);
	}
	assert_int_equal(net_active(net), 0);
	free(results);
}

static void
many_at_once(void **state)
{
	fetch_many(*state, net_url("http", "/echo"), 200);
}

static void
a_hundred_share_an_http2_connection(void **state)
{
	long connections = net_seen(*state, "h2-connections");

	fetch_many(*state, net_url("h2", "/"), 100);
	assert_int_equal(net_seen(*state, "h2-connections"), connections + 1);
}

static void
connections_to_a_host_are_few(void **state)
{
	long connections = net_seen(*state, "h2-connections");

	fetch_many(*state, net_url("h2", "/"), 500);
	connections = net_seen(*state, "h2-connections") - connections;
	assert_in_range(connections, 5, 4 + 500 / 25);
}

static void
a_large_body_fits_through_http2(void **state)
{
	size_t n = 500 * 1000;
	char *body = malloc(n + 1);
	struct result result;

	assert_non_null(body);
	memset(body, 'b', n);
	body[n] = '\0';
	result = net_post(*state, net_url("h2", "/"), body);
	free(body);
	assert_string_equal(result.body, "500000");
}

/* ---- trimmed ------------------------------------------------------------- */

static void
a_trim_closes_what_http_keeps(void **state)
{
	long connections;

	for (int i = 0; i < 5; i++) /* one for each shard, and one more */
		(void)net_get(*state, net_url("http", "/ok"));
	connections = net_seen(*state, "http1-connections");
	assert_int_equal(net_seen(*state, "http1-connections"), connections);
	net_trim(*state);
	assert_int_equal(net_seen(*state, "http1-connections"),
	    connections + 1);
}

static void
a_trim_leaves_what_is_under_way(void **state)
{
	struct net_request *requests[4]; /* one for each shard */
	struct result results[4];
	long before = net_seen(*state, "/hang");
	long gone = net_seen(*state, "gone/hang");

	for (size_t i = 0; i < 4; i++) {
		struct net_call call =
		    net_call_to(net_url("http", "/hang"), "x", &results[i]);

		requests[i] = net_start(*state, &call);
		assert_non_null(requests[i]);
	}
	assert_soon_seen(*state, "/hang", before + 4);
	net_trim(*state);
	assert_int_equal(net_get(*state, net_url("http", "/ok")).reply.status,
	    200);
	assert_int_equal(net_active(*state), 4);
	for (size_t i = 0; i < 4; i++) {
		assert_false(results[i].done);
		net_cancel(requests[i]);
	}
	assert_soon_seen(*state, "gone/hang", gone + 4);
}

/* ---- taken back ---------------------------------------------------------- */

static void
cancel_cuts_the_connection(void **state)
{
	struct result result;
	struct net_call call =
	    net_call_to(net_url("https", "/hang"), "x", &result);
	struct net_request *request = net_start(*state, &call);

	assert_non_null(request);
	assert_soon_seen(*state, "/hang", 1);
	net_cancel(request);
	assert_int_equal(net_active(*state), 0);
	assert_soon_seen(*state, "gone/hang", 1);
	assert_false(result.done);
}

static void
cancel_resets_the_http2_stream_alone(void **state)
{
	struct result hangs, works;
	struct net_call call = net_call_to(net_url("h2", "/"), "hang", &hangs);
	long connections = net_seen(*state, "h2-connections");
	long requests = net_seen(*state, "h2");
	long resets = net_seen(*state, "h2-reset");
	struct net_request *request = net_start(*state, &call);

	assert_non_null(request);
	assert_soon_seen(*state, "h2", requests + 1);
	net_cancel(request);
	works = net_post(*state, net_url("h2", "/"), "four");
	assert_string_equal(works.body, "4");
	assert_soon_seen(*state, "h2-reset", resets + 1);
	assert_int_equal(net_seen(*state, "h2-connections"), connections + 1);
	assert_false(hangs.done);
}

struct rivals {
	struct net_request *other;
	bool done;
};

static void
cancel_other(void *arg, const struct net_reply *reply)
{
	struct rivals *rivals = arg;

	(void)reply;
	if (rivals->other != NULL)
		net_cancel(rivals->other);
	rivals->done = true;
}

/* Both have failed in the same turn: one is told, and takes back the other. */
static void
done_may_cancel_one_that_has_just_ended(void **state)
{
	struct rivals rivals[2];
	struct net_request *requests[2];
	struct net_call call = {
		.url = "file:///nothing",
		.timeout_ms = 1000,
		.done = cancel_other,
	};

	memset(rivals, 0, sizeof(rivals));
	for (size_t i = 0; i < 2; i++) {
		call.arg = &rivals[i];
		requests[i] = net_start(*state, &call);
		assert_non_null(requests[i]);
	}
	rivals[0].other = requests[1];
	rivals[1].other = requests[0];
	while (!rivals[0].done && !rivals[1].done)
		assert_int_not_equal(net_run(*state, 1000), -1);
	assert_int_equal(net_active(*state), 0);
	assert_int_equal(net_run(*state, 0), 0);
	assert_true(rivals[0].done != rivals[1].done);
}

static void
close_ends_what_is_under_way(void **state)
{
	struct result result;
	struct net_call call =
	    net_call_to(net_url("http", "/hang"), "x", &result);

	assert_non_null(net_start(*state, &call));
	net_run(*state, 10);
	net_close((struct net **)state);
	assert_null(*state);
	assert_false(result.done);
}

/* ---- names --------------------------------------------------------------- */

static void
an_unknown_name_is_not_sent(void **state)
{
	struct result result = net_post(*state, "https://unknown.test/", "x");

	assert_int_equal(result.reply.end, NET_NOT_SENT);
	assert_false(result.reply.timed_out);
}

static void
a_name_for_loopback_must_be_loopback(void **state)
{
	struct result http, https;

	forbidden = true;
	wanted = 0;
	http = net_get(*state, "http://outside.test/");
	assert_int_equal(wanted, 0);
	https = net_get(*state, "https://outside.test/");
	assert_int_equal(wanted, 1);
	forbidden = false;
	assert_int_equal(http.reply.end, NET_NOT_SENT);
	assert_int_equal(https.reply.end, NET_NOT_SENT);
}

static void
a_slow_name_server_holds_nobody(void **state)
{
	int64_t start_ms = clock_boot_ms();
	struct result slow, other;
	struct net_call call = net_call_to("https://slow.test/", "x", &slow);
	struct net_request *request;

	call.connect_ms = 300;
	assert_non_null(net_start(*state, &call));
	other = net_get(*state, net_url("https", "/ok"));
	assert_int_equal(other.reply.status, 200);
	net_run_until(*state, &slow.done, 1000);
	assert_int_equal(slow.reply.end, NET_NOT_SENT);
	assert_true(slow.reply.timed_out);

	request = net_start(*state, &call);
	assert_non_null(request);
	net_run(*state, 10);
	net_cancel(request);
	assert_true(clock_boot_ms() - start_ms < 1000);
}

/*
 * They wait for the first one's connection, which never tells whether it is
 * HTTP/2, and libcurl has forgotten their time limits meanwhile.
 */
static void
those_who_wait_for_a_connection_end_in_time(void **state)
{
	struct result results[5];

	for (size_t i = 0; i < 5; i++) {
		struct net_call call =
		    net_call_to(net_url("mute", "/"), "x", &results[i]);

		if (i > 0)
			call.timeout_ms = call.connect_ms = 400;
		assert_non_null(net_start(*state, &call));
	}
	for (size_t i = 1; i < 5; i++) {
		net_run_until(*state, &results[i].done, 1000);
		assert_int_equal(results[i].reply.end, NET_NOT_SENT);
		assert_true(results[i].reply.timed_out);
		assert_in_range(results[i].reply.total_ms, 390, 700);
	}
}

/* ---- wake and watch ------------------------------------------------------ */

static void *
wake_later(void *net)
{
	usleep(50 * 1000);
	net_wake(net);
	return NULL;
}

static void
another_thread_wakes_it(void **state)
{
	int64_t start_ms = clock_boot_ms();
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wake_later, *state), 0);
	assert_int_equal(net_run(*state, 5000), 0);
	assert_in_range(clock_boot_ms() - start_ms, 40, 2000);
	pthread_join(thread, NULL);
}

static void
a_wake_before_the_wait_counts(void **state)
{
	int64_t start_ms = clock_boot_ms();

	net_wake(*state);
	net_wake(*state);
	assert_int_equal(net_run(*state, 2000), 0);
	assert_true(clock_boot_ms() - start_ms < 1000);
	start_ms = clock_boot_ms();
	assert_int_equal(net_run(*state, 100), 0); /* both were taken */
	assert_true(clock_boot_ms() - start_ms >= 100);
}

struct bell {
	int fd;
	uint64_t rung;
};

static void
read_bell(void *arg)
{
	struct bell *bell = arg;
	uint64_t n = 0;

	assert_int_equal(read(bell->fd, &n, sizeof(n)), sizeof(n));
	bell->rung += n;
}

static void
a_watched_descriptor_is_called(void **state)
{
	struct bell bell = { eventfd(0, EFD_CLOEXEC), 0 };
	uint64_t three = 3;

	assert_int_equal(net_watch(*state, bell.fd, read_bell, &bell), 0);
	net_run(*state, 0);
	assert_int_equal(bell.rung, 0);
	assert_int_equal(write(bell.fd, &three, sizeof(three)), sizeof(three));
	assert_int_equal(net_run(*state, 1000), 0);
	assert_int_equal(bell.rung, 3);
	close(bell.fd);
}

static void
nine_are_too_many_to_watch(void **state)
{
	struct bell bell = { eventfd(0, EFD_CLOEXEC), 0 };
	int fds[9];

	for (int i = 0; i < 9; i++) {
		fds[i] = dup(bell.fd);
		assert_int_equal(net_watch(*state, fds[i], read_bell, &bell),
		    i < 8 ? 0 : -1);
	}
	for (int i = 0; i < 9; i++)
		close(fds[i]);
	close(bell.fd);
}

#define TEST(name)                                              \
	cmocka_unit_test_setup_teardown(name, net_fixture_open, \
	    net_fixture_close)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(many_at_once),
		TEST(a_hundred_share_an_http2_connection),
		TEST(connections_to_a_host_are_few),
		TEST(a_large_body_fits_through_http2),
		TEST(cancel_cuts_the_connection),
		TEST(a_trim_closes_what_http_keeps),
		TEST(a_trim_leaves_what_is_under_way),
		TEST(cancel_resets_the_http2_stream_alone),
		TEST(done_may_cancel_one_that_has_just_ended),
		TEST(close_ends_what_is_under_way),
		TEST(an_unknown_name_is_not_sent),
		TEST(a_name_for_loopback_must_be_loopback),
		TEST(a_slow_name_server_holds_nobody),
		TEST(those_who_wait_for_a_connection_end_in_time),
		TEST(another_thread_wakes_it),
		TEST(a_wake_before_the_wait_counts),
		TEST(a_watched_descriptor_is_called),
		TEST(nine_are_too_many_to_watch),
	};

	return cmocka_run_group_tests(tests, net_server_start, net_server_stop);
}

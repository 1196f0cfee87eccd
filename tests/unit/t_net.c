/*
 * What the end of a request means is never guessed: NOT_SENT only where the
 * other side cannot have seen it, and nothing with a body is sent twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/net_fixture.h"

static void
assert_end(const struct result *result, enum net_end end)
{
	if (result->reply.end != end)
		print_error("status %d: %s\n", result->reply.status,
		    result->error);
	assert_int_equal(result->reply.end, end);
	assert_int_equal(result->error[0] == '\0', end == NET_ANSWERED);
}

/* ---- answers ------------------------------------------------------------- */

static void
a_post_is_answered(void **state)
{
	static const char *const headers[] = { "X-One: 1", "X-Two: 2", NULL };
	struct result result;
	struct net_call call =
	    net_call_to(net_url("https", "/echo"), "hello", &result);

	call.headers = headers;
	result = net_fetch(*state, &call);
	assert_end(&result, NET_ANSWERED);
	assert_int_equal(result.reply.status, 200);
	assert_string_equal(result.body, "POST hello");
	assert_int_equal(result.reply.len, strlen(result.body));
	assert_false(result.reply.timed_out);
	assert_true(result.reply.total_ms < 5000);
	assert_int_equal(net_seen(*state, "x-one=1"), 1);
	assert_int_equal(net_seen(*state, "x-two=2"), 1);
	assert_int_equal(net_seen(*state, "accept-encoding="), 0);
}

static void
an_empty_body_is_a_post_and_none_a_get(void **state)
{
	struct result post = net_post(*state, net_url("http", "/echo"), "");
	struct result get = net_get(*state, net_url("http", "/echo"));

	assert_string_equal(post.body, "POST ");
	assert_string_equal(get.body, "GET ");
}

static void
a_handle_that_posted_can_get(void **state)
{
	struct result result;

	for (int i = 0; i < 3; i++) {
		result = net_post(*state, net_url("http", "/echo"), "long");
		assert_string_equal(result.body, "POST long");
		result = net_post(*state, net_url("http", "/echo"), "x");
		assert_string_equal(result.body, "POST x");
		result = net_get(*state, net_url("http", "/echo"));
		assert_string_equal(result.body, "GET ");
	}
}

/* "0123...": what stands at an offset is known. */
static size_t
read_digits(const void *from, size_t offset, char *to, size_t size)
{
	size_t i, most = *(const size_t *)from;

	if (size > most)
		size = most;
	for (i = 0; i < size; i++)
		to[i] = (char)('0' + (offset + i) % 10);
	return size;
}

static void
a_body_may_be_made_while_it_is_sent(void **state)
{
	size_t piece = 7;
	const struct net_source source = { read_digits, &piece };
	struct result result;
	struct net_call call =
	    net_call_to(net_url("http", "/echo"), NULL, &result);

	call.source = &source;
	call.body_len = 25;
	result = net_fetch(*state, &call);
	assert_end(&result, NET_ANSWERED);
	assert_string_equal(result.body, "POST 0123456789012345678901234");
	/* The next ones, on the same connection, have bodies of their own. */
	result = net_post(*state, net_url("http", "/echo"), "x");
	assert_string_equal(result.body, "POST x");
	result = net_get(*state, net_url("http", "/echo"));
	assert_string_equal(result.body, "GET ");
}

static void
a_large_body_is_made_in_pieces(void **state)
{
	enum { LARGE = 3000000 };
	static const char *const kinds[] = { "http", "https" };
	size_t piece = 100000, i;
	const struct net_source source = { read_digits, &piece };
	struct net_call call;
	struct result result;

	for (i = 0; i < 2; i++) {
		call = net_call_to(net_url(kinds[i], "/ok"), NULL, &result);
		call.source = &source;
		call.body_len = LARGE;
		result = net_fetch(*state, &call);
		assert_end(&result, NET_ANSWERED);
		assert_int_equal(result.reply.status, 200);
	}
	assert_int_equal(net_seen(*state, "content-length=3000000"), 2);
}

/* Counts what comes, and has enough at some point. */
struct taker {
	size_t n, enough;
	char first[8];
};

static int
take_some(void *to, const char *bytes, size_t n)
{
	struct taker *taker = to;
	size_t i;

	for (i = 0; i < n && taker->n + i < sizeof(taker->first) - 1; i++)
		taker->first[taker->n + i] = bytes[i];
	taker->n += n;
	return taker->n >= taker->enough ? -1 : 0;
}

static void
an_answer_may_be_taken_as_it_comes(void **state)
{
	static const char *const kinds[] = { "http", "https" };
	struct taker taker;
	const struct net_sink sink = { take_some, &taker };
	struct net_call call;
	struct result result;
	size_t i;

	for (i = 0; i < 2; i++) {
		call = net_call_to(net_url(kinds[i], "/echo"), "abc", &result);
		call.sink = &sink;
		taker = (struct taker){ .enough = 1000 };
		result = net_fetch(*state, &call);
		assert_end(&result, NET_ANSWERED);
		assert_string_equal(result.body, "");
		assert_string_equal(taker.first, "POST ab");
		assert_int_equal(taker.n, strlen("POST abc"));
		taker = (struct taker){ .enough = 5 };
		result = net_fetch(*state, &call);
		assert_end(&result, NET_TOO_BIG);
		taker = (struct taker){ .enough = 1000 };
		call.max_bytes = 7;
		result = net_fetch(*state, &call);
		assert_end(&result, NET_TOO_BIG);
		assert_in_range(taker.n, 0, 7);
		/* The next one's answer is its own. */
		result = net_post(*state, net_url(kinds[i], "/echo"), "x");
		assert_string_equal(result.body, "POST x");
	}
}

static void
line_s_request_id_is_kept(void **state)
{
	struct result result = net_get(*state, net_url("https", "/ok"));

	assert_string_equal(result.reply.request_id, "id-1");
	result = net_get(*state, net_url("https", "/busy"));
	assert_string_equal(result.reply.request_id, "");
}

static void
an_error_status_is_an_answer(void **state)
{
	struct result result = net_post(*state, net_url("http", "/busy"), "x");

	assert_end(&result, NET_ANSWERED);
	assert_int_equal(result.reply.status, 429);
	assert_int_equal(result.reply.retry_after_s, 7);
}

static void
a_redirect_is_not_followed(void **state)
{
	struct result result = net_get(*state, net_url("http", "/redirect"));

	assert_end(&result, NET_ANSWERED);
	assert_int_equal(result.reply.status, 302);
}

static void
a_kept_connection_costs_no_connect(void **state)
{
	struct result first = net_get(*state, net_url("https", "/ok"));
	struct result second = net_get(*state, net_url("https", "/ok"));

	assert_int_equal(first.reply.status, 200);
	assert_int_equal(second.reply.status, 200);
	assert_int_equal(second.reply.connect_ms, 0);
}

/* ---- never sent ---------------------------------------------------------- */

static void
nobody_listens(void **state)
{
	struct result result = net_post(*state, net_url("closed", "/ok"), "x");

	assert_end(&result, NET_NOT_SENT);
	assert_false(result.reply.timed_out);
}

static void
bad_certificates_are_refused(void **state)
{
	static const char *const kinds[] = { "host", "expired", "unknown" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct result result =
		    net_post(*state, net_url(kinds[i], "/refused"), "x");

		assert_end(&result, NET_NOT_SENT);
		assert_false(result.reply.timed_out);
	}
	assert_int_equal(net_seen(*state, "/refused"), 0);
}

static void
only_https_and_loopback_http_are_spoken(void **state)
{
	static const char *const urls[] = { "file:///etc/passwd",
		"http://192.0.2.1/", "http://[2001:db8::1]/",
		"ftp://localhost/", "gopher://localhost/", "localhost",
		"http://", "" };

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct result result = net_get(*state, urls[i]);

		assert_end(&result, NET_NOT_SENT);
		assert_false(result.reply.timed_out);
		assert_string_equal(result.body, "");
	}
}

static void
a_silent_handshake_ends_at_connect_ms(void **state)
{
	struct result result;
	struct net_call call =
	    net_call_to(net_url("mute", "/ok"), "x", &result);

	call.connect_ms = 300;
	result = net_fetch(*state, &call);
	assert_end(&result, NET_NOT_SENT);
	assert_true(result.reply.timed_out);
	assert_in_range(result.reply.total_ms, 290, 1000);
}

/* ---- perhaps sent -------------------------------------------------------- */

static void
late_answers_end_at_the_deadline(void **state)
{
	static const char *const paths[] = { "/hang", "/drip" };

	for (size_t i = 0; i < 2; i++) {
		struct result result;
		struct net_call call =
		    net_call_to(net_url("https", paths[i]), "x", &result);

		call.timeout_ms = 400;
		result = net_fetch(*state, &call);
		assert_end(&result, NET_UNKNOWN);
		assert_true(result.reply.timed_out);
		assert_in_range(result.reply.total_ms, 390, 1000);
	}
}

static void
what_breaks_off_is_unknown(void **state)
{
	static const char *const paths[] = { "/cut", "/drop", "/garbage",
		"/headers" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct result result =
		    net_post(*state, net_url("https", paths[i]), "x");

		assert_end(&result, NET_UNKNOWN);
		assert_false(result.reply.timed_out);
	}
}

/* libcurl alone would send the POST again on a new connection. */
static void
a_kept_connection_that_dies_sends_no_post_twice(void **state)
{
	long before;
	struct result result;

	for (int i = 0; i < 5; i++) { /* one for each shard, and one more */
		result = net_get(*state, net_url("http", "/ok"));
		assert_end(&result, NET_ANSWERED);
	}
	before = net_seen(*state, "/drop");
	result = net_post(*state, net_url("http", "/drop"), "x");
	assert_end(&result, NET_UNKNOWN);
	assert_int_equal(net_seen(*state, "/drop"), before + 1);
}

static void
over_http2_neither(void **state)
{
	struct result result = net_post(*state, net_url("h2", "/"), "four");

	assert_end(&result, NET_ANSWERED);
	assert_string_equal(result.body, "4");
	result = net_post(*state, net_url("h2", "/"), "drop");
	assert_end(&result, NET_UNKNOWN);
	assert_int_equal(net_seen(*state, "h2-drop"), 1);
}

/* ---- too big ------------------------------------------------------------- */

static void
more_than_max_bytes_is_too_big(void **state)
{
	static const char *const paths[] = { "/body", "/long" };

	for (size_t i = 0; i < 2; i++) {
		struct result result =
		    net_get(*state, net_url("https", paths[i]));

		assert_end(&result, NET_TOO_BIG);
		assert_int_equal(result.reply.status, 200);
		assert_true(result.reply.len <= 65536);
	}
}

static void
exactly_max_bytes_is_not(void **state)
{
	struct result result;
	struct net_call call =
	    net_call_to(net_url("http", "/echo"), "12345", &result);

	call.max_bytes = strlen("POST 12345");
	result = net_fetch(*state, &call);
	assert_end(&result, NET_ANSWERED);
	call.max_bytes--;
	result = net_fetch(*state, &call);
	assert_end(&result, NET_TOO_BIG);
}

/* ---- settings ------------------------------------------------------------ */

static void
an_unreadable_ca_file_is_refused(void **state)
{
	struct net_config config = { .ca_file = "/nowhere/ca.pem" };
	struct net *net;
	char err[128];

	(void)state;
	assert_int_equal(net_open(&net, &config, err, sizeof(err)), -1);
	assert_null(net);
	assert_string_equal(err,
	    "CA_FILE /nowhere/ca.pem: No such file or directory; correct it, "
	    "or remove it for the system's");
}

static void
the_system_does_not_trust_the_test(void **state)
{
	struct net_config config = { .shards_http1 = 1 };
	struct net *net;
	struct result result;
	char err[128];

	(void)state;
	assert_int_equal(net_open(&net, &config, err, sizeof(err)), 0);
	result = net_post(net, net_url("https", "/ok"), "x");
	assert_end(&result, NET_NOT_SENT);
	net_close(&net);
}

#define TEST(name)                                              \
	cmocka_unit_test_setup_teardown(name, net_fixture_open, \
	    net_fixture_close)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_post_is_answered),
		TEST(an_empty_body_is_a_post_and_none_a_get),
		TEST(a_handle_that_posted_can_get),
		TEST(a_body_may_be_made_while_it_is_sent),
		TEST(a_large_body_is_made_in_pieces),
		TEST(an_answer_may_be_taken_as_it_comes),
		TEST(line_s_request_id_is_kept),
		TEST(an_error_status_is_an_answer),
		TEST(a_redirect_is_not_followed),
		TEST(a_kept_connection_costs_no_connect),
		TEST(nobody_listens),
		TEST(bad_certificates_are_refused),
		TEST(only_https_and_loopback_http_are_spoken),
		TEST(a_silent_handshake_ends_at_connect_ms),
		TEST(late_answers_end_at_the_deadline),
		TEST(what_breaks_off_is_unknown),
		TEST(a_kept_connection_that_dies_sends_no_post_twice),
		TEST(over_http2_neither),
		TEST(more_than_max_bytes_is_too_big),
		TEST(exactly_max_bytes_is_not),
		cmocka_unit_test(an_unreadable_ca_file_is_refused),
		cmocka_unit_test(the_system_does_not_trust_the_test),
	};

	return cmocka_run_group_tests(tests, net_server_start, net_server_stop);
}

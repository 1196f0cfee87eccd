/*
 * Workers tell each other that an upstream is down, and keep one pace
 * together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

enum { OPEN_MS = 30000, PROBE_MS = 5000, GAP_US = 100000, BURST = 3 };

static const struct store_breaker breaker = {
	.upstream = 2, .fails = 3, .open_ms = OPEN_MS, .probe_ms = PROBE_MS
};

static bool
pass(struct store *s, int64_t ms)
{
	return store_breaker_pass(s, &breaker, at(ms), NULL);
}

static bool
say(struct store *s, enum store_report report, int64_t ms)
{
	return store_breaker_report(s, &breaker, report, at(ms));
}

static void
it_opens_after_so_many_failures_in_a_row(void **state)
{
	struct fixture *f = *state;
	uint32_t wait_ms = 0;

	assert_false(say(f->store, STORE_FAILS, 0));
	assert_false(say(f->store, STORE_FAILS, 1));
	assert_false(say(f->store, STORE_WORKS, 2));
	assert_false(say(f->store, STORE_FAILS, 3));
	assert_false(say(f->store, STORE_FAILS, 4));
	assert_true(pass(f->store, 5));
	assert_true(say(f->store, STORE_FAILS, 10));
	assert_false(say(f->store, STORE_FAILS, 11));
	assert_false(store_breaker_pass(f->store, &breaker, at(1010),
	    &wait_ms));
	assert_int_equal(wait_ms, OPEN_MS - 1000);
}

static void
a_trip_opens_it_at_once(void **state)
{
	struct fixture *f = *state;

	assert_true(say(f->store, STORE_TRIPS, 0));
	assert_false(say(f->store, STORE_TRIPS, 1));
	assert_false(pass(f->store, OPEN_MS - 1));
}

static void
half_open_lets_one_call_pass_at_a_time(void **state)
{
	struct fixture *f = *state;
	uint32_t wait_ms = 0;

	say(f->store, STORE_TRIPS, 0);
	assert_true(pass(f->store, OPEN_MS));
	assert_false(store_breaker_pass(f->store, &breaker, at(OPEN_MS + 1000),
	    &wait_ms));
	assert_int_equal(wait_ms, PROBE_MS - 1000);
	assert_true(pass(f->store, OPEN_MS + PROBE_MS));
}

static void
the_probes_result_decides(void **state)
{
	struct fixture *f = *state;

	say(f->store, STORE_TRIPS, 0);
	assert_true(pass(f->store, OPEN_MS));
	assert_true(say(f->store, STORE_FAILS, OPEN_MS + 1));
	assert_false(pass(f->store, 2 * OPEN_MS));
	assert_true(pass(f->store, 2 * OPEN_MS + 1));
	assert_false(say(f->store, STORE_WORKS, 2 * OPEN_MS + 2));
	assert_true(pass(f->store, 2 * OPEN_MS + 3));
	assert_true(pass(f->store, 2 * OPEN_MS + 3));
	assert_false(say(f->store, STORE_FAILS, 2 * OPEN_MS + 4));
}

static void
upstreams_have_breakers_of_their_own(void **state)
{
	struct fixture *f = *state;
	struct store_breaker other = breaker;

	other.upstream = STORE_UPSTREAMS - 1;
	say(f->store, STORE_TRIPS, 0);
	assert_true(store_breaker_pass(f->store, &other, at(1), NULL));
}

static void
see_open_breaker(struct store *s, void *arg)
{
	bool *passed = arg;

	*passed = pass(s, 2);
	require(say(s, STORE_WORKS, 3) == false);
}

static void
all_processes_see_the_same(void **state)
{
	struct fixture *f = *state;
	struct peer *peer = peer_start(f, at(0));
	bool passed = true;

	say(f->store, STORE_TRIPS, 0);
	peer_do(peer, see_open_breaker, &passed, sizeof(passed));
	assert_false(passed);
	assert_true(pass(f->store, 4));
	peer_end(&peer);
}

static void
the_pace_saves_up_a_burst_and_no_more(void **state)
{
	struct fixture *f = *state;
	int64_t ms;
	int passed = 0, i;

	for (i = 0; i < 10; i++)
		passed += store_pace(f->store, GAP_US, BURST, at(0));
	assert_int_equal(passed, BURST);
	for (ms = 1; ms <= 1000; ms++)
		passed += store_pace(f->store, GAP_US, BURST, at(ms));
	assert_int_equal(passed, BURST + 10);
	for (i = 0; i < 10; i++)
		passed += store_pace(f->store, GAP_US, BURST, at(60000));
	assert_int_equal(passed, BURST + 10 + BURST);
}

static void
a_pace_without_a_burst_is_one_at_a_time(void **state)
{
	struct fixture *f = *state;

	assert_true(store_pace(f->store, GAP_US, 1, at(0)));
	assert_false(store_pace(f->store, GAP_US, 1, at(99)));
	assert_true(store_pace(f->store, GAP_US, 0, at(100)));
	assert_false(store_pace(f->store, GAP_US, 0, at(199)));
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_opens_after_so_many_failures_in_a_row),
		TEST(a_trip_opens_it_at_once),
		TEST(half_open_lets_one_call_pass_at_a_time),
		TEST(the_probes_result_decides),
		TEST(upstreams_have_breakers_of_their_own),
		TEST(all_processes_see_the_same),
		TEST(the_pace_saves_up_a_burst_and_no_more),
		TEST(a_pace_without_a_burst_is_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

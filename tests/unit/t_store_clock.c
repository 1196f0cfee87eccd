/*
 * A wall clock that jumps while the machine runs hides no conversation and
 * removes none; what was before a boot goes by the wall clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"
#include "tests/unit/store_fixture.h"

enum { TTL_MS = 24 * HOUR_MS, DAY_MS = 24 * HOUR_MS };

static const struct store_sweep_rules rules = {
	.session_ttl_ms = TTL_MS, .dead_ttl_ms = DAY_MS, .force = true
};

static int
setup_ttl(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	f->place.session_ttl_ms = TTL_MS;
	fixture_reopen(f, at(0));
	return 0;
}

/* The boot clock goes on by boot_ms, the wall clock jumps as well. */
static struct store_now
jumped(int64_t boot_ms, int64_t jump_ms)
{
	struct store_now now = at(boot_ms);

	now.wall_ms += jump_ms;
	return now;
}

static void
talk(struct store *s, const char *id, struct store_now now)
{
	struct store_step answer = { .kind = STORE_ANSWER,
		.lease_ms = LEASE_MS,
		.reply = "r",
		.reply_len = 1,
		.question = "q",
		.answer = "a",
		.history_turns = 9,
		.history_bytes = 99 };

	answer.lease = admit(s, id, "U1", now).lease;
	assert_int_equal(store_steps(s, &answer, 1, now), STORE_OK);
	assert_int_equal(answer.rc, STORE_OK);
	assert_int_equal(step(s, &answer.lease, STORE_DONE, now), STORE_OK);
}

/* How many turns the next question comes with. */
static size_t
turns(struct store *s, const char *id, struct store_now now)
{
	struct store_lease lease = admit(s, id, "U1", now).lease;
	struct store_job job;
	size_t n;

	assert_int_equal(store_load(s, &lease, now, &job), STORE_OK);
	n = job.n_turns;
	store_job_release(&job);
	assert_int_equal(step(s, &lease, STORE_DONE, now), STORE_OK);
	return n;
}

static void
a_jump_hides_no_conversation(void **state)
{
	struct fixture *f = *state;

	talk(f->store, "e1", at(0));
	assert_int_equal(turns(f->store, "x1", jumped(1, DAY_MS + 1000)), 2);
	assert_int_equal(turns(f->store, "x2", jumped(2, -DAY_MS)), 2);
	/* Nor one that changes while the clock is wrong. */
	talk(f->store, "e2", jumped(3, -2 * (int64_t)DAY_MS));
	assert_int_equal(turns(f->store, "x3", at(4)), 4);
	assert_int_equal(turns(f->store, "x4", at(TTL_MS + 3)), 4);
	assert_int_equal(turns(f->store, "x5", at(TTL_MS + 4)), 0);
}

static void
a_jump_removes_no_conversation(void **state)
{
	struct fixture *f = *state;
	struct store_swept swept;

	talk(f->store, "e1", at(0));
	assert_int_equal(store_sweep(f->store, &rules, jumped(1, DAY_MS + 1000),
			     &swept),
	    STORE_OK);
	assert_int_equal(swept.sessions + swept.lanes, 0);
	assert_int_equal(store_sweep(f->store, &rules,
			     jumped(TTL_MS + 1, -DAY_MS), &swept),
	    STORE_OK);
	assert_int_equal(swept.sessions, 1);
}

static void
over_a_boot_the_wall_clock_decides(void **state)
{
	struct fixture *f = *state;
	struct store_now later = after_boot(0);

	talk(f->store, "e1", at(0));
	assert_int_equal(turns(f->store, "x1", later), 2);
	later.wall_ms = at(TTL_MS).wall_ms;
	assert_int_equal(turns(f->store, "x2", later), 2);
	later.wall_ms++;
	assert_int_equal(turns(f->store, "x3", later), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_ttl, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_jump_hides_no_conversation),
		TEST(a_jump_removes_no_conversation),
		TEST(over_a_boot_the_wall_clock_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * A sweep removes what expired and nothing else: never of a user with an
 * unfinished job, and nothing at all when the clock jumped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

enum {
	TTL_MS = 2 * HOUR_MS,
	LANE_MS = 26 * HOUR_MS, /* as long as the ids of events are known */
	MANY = 1203
};

static const struct store_sweep_rules rules = { .session_ttl_ms = TTL_MS,
	.dead_ttl_ms = TTL_MS };

static struct store_swept
sweep(struct store *s, struct store_now now)
{
	struct store_swept swept;

	assert_int_equal(store_sweep(s, &rules, now, &swept), STORE_OK);
	return swept;
}

/* Gives the user a session, changed now; the job is left in delivery. */
static struct store_lease
answer(struct store *s, const char *id, struct store_now now)
{
	struct store_step step = {
		.lease = admit(s, id, id, now).lease,
		.kind = STORE_ANSWER,
		.lease_ms = LEASE_MS,
		.reply = "r",
		.reply_len = 1,
		.question = "q",
		.answer = "a",
		.history_turns = 9,
		.history_bytes = 99,
	};

	assert_int_equal(store_steps(s, &step, 1, now), STORE_OK);
	assert_int_equal(step.rc, STORE_OK);
	return step.lease;
}

static void
sessions_and_their_lanes_go_when_their_time_is_over(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = answer(f->store, "U1", at(0));
	struct store_swept swept;
	struct store_stat stat;
	size_t n;

	step(f->store, &lease, STORE_DONE, at(1));
	swept = sweep(f->store, at(TTL_MS));
	assert_int_equal(swept.sessions + swept.lanes, 0);
	swept = sweep(f->store, at(TTL_MS + 2));
	assert_int_equal(swept.sessions, 1);
	assert_int_equal(swept.lanes, 0);
	assert_int_equal(sweep(f->store, at(LANE_MS + 2)).lanes, 1);
	assert_int_equal(store_stat(f->store, at(LANE_MS + 1), &stat, NULL, 0,
			     &n),
	    STORE_OK);
	assert_int_equal(stat.total, 0);
}

static void
a_user_with_an_unfinished_job_is_never_swept(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = answer(f->store, "U1", at(0));
	struct store_swept swept = sweep(f->store, at(10 * HOUR_MS));
	struct store_job job;

	assert_int_equal(swept.sessions + swept.lanes, 0);
	assert_int_equal(store_load(f->store, &lease, at(10 * HOUR_MS), &job),
	    STORE_OK);
	assert_int_equal(job.n_turns, 2);
	store_job_release(&job);
}

static void
event_ids_go_by_lines_clock(void **state)
{
	struct fixture *f = *state;
	struct store_event e = message("late", "U2");
	struct store_verdict v;

	admit(f->store, "early", "U1", at(0));
	assert_int_equal(sweep(f->store, at(20 * HOUR_MS)).events, 0);
	e.line_ms += (int64_t)26 * HOUR_MS + 1;
	assert_int_equal(store_admit(f->store, &e, 1, &generous,
			     at(20 * HOUR_MS), &v),
	    STORE_OK);
	assert_int_equal(sweep(f->store, at(20 * HOUR_MS)).events, 1);
	/* It is forgotten, but too old to be admitted again. */
	assert_int_equal(admit(f->store, "early", "U1", at(20 * HOUR_MS)).fate,
	    STORE_OLD);
}

static void
dead_letters_go_when_their_time_is_over(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;

	step(f->store, &lease, STORE_DEAD, at(0));
	assert_int_equal(sweep(f->store, at(TTL_MS)).dead, 0);
	assert_int_equal(sweep(f->store, at(TTL_MS + 1)).dead, 1);
}

static void
many_are_removed_in_several_transactions(void **state)
{
	struct fixture *f = *state;
	struct store_event events[MANY];
	struct store_verdict v[MANY];
	struct store_step steps[MANY];
	static char ids[MANY][8];
	struct store_swept swept;
	size_t i;

	memset(steps, 0, sizeof(steps));
	for (i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%zu", i);
		events[i] = message(ids[i], ids[i]);
	}
	assert_int_equal(store_admit(f->store, events, MANY, &generous, at(0),
			     v),
	    STORE_OK);
	for (i = 0; i < MANY; i++) {
		steps[i].lease = v[i].lease;
		steps[i].kind = STORE_DEAD;
	}
	assert_int_equal(store_steps(f->store, steps, MANY, at(0)), STORE_OK);
	swept = sweep(f->store, at(LANE_MS + 1));
	assert_int_equal(swept.dead, MANY);
	assert_int_equal(swept.lanes, MANY);
	assert_int_equal(swept.events, 0);
}

static enum store_rc
sweep_rc(struct store *s, const struct store_sweep_rules *r,
    struct store_now now)
{
	struct store_swept swept;

	return store_sweep(s, r, now, &swept);
}

static void
nothing_is_swept_when_the_clock_jumped(void **state)
{
	struct fixture *f = *state;
	struct store_sweep_rules forced = rules;
	struct store_now ahead = at(HOUR_MS), back = at(2 * HOUR_MS);

	forced.force = true;
	ahead.wall_ms += 4 * 60 * 1000;
	assert_int_equal(sweep_rc(f->store, &rules, ahead), STORE_OK);
	ahead.wall_ms += 6 * 60 * 1000; /* not even a whole hour */
	assert_int_equal(sweep_rc(f->store, &rules, ahead), STORE_CLOCK);
	/* Seen twice, it is believed. */
	assert_int_equal(sweep_rc(f->store, &rules, ahead), STORE_OK);
	assert_int_equal(sweep_rc(f->store, &rules, back), STORE_CLOCK);
	assert_int_equal(sweep_rc(f->store, &rules, back), STORE_OK);
	assert_int_equal(sweep_rc(f->store, &forced, ahead), STORE_OK);
	back = ahead;
	back.wall_ms -= 4 * 60 * 1000;
	assert_int_equal(sweep_rc(f->store, &rules, back), STORE_OK);
}

static void
a_jump_over_a_boot_is_seen_as_well(void **state)
{
	struct fixture *f = *state;
	struct store_now now = after_boot(0);

	assert_int_equal(sweep_rc(f->store, &rules, now), STORE_OK);
	now.boot_id[0] = '3';
	now.wall_ms += (int64_t)48 * HOUR_MS;
	assert_int_equal(sweep_rc(f->store, &rules, now), STORE_CLOCK);
	now.boot_id[0] = '4';
	now.wall_ms -= HOUR_MS;
	assert_int_equal(sweep_rc(f->store, &rules, now), STORE_CLOCK);
	assert_int_equal(sweep_rc(f->store, &rules, now), STORE_OK);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sessions_and_their_lanes_go_when_their_time_is_over),
		TEST(a_user_with_an_unfinished_job_is_never_swept),
		TEST(event_ids_go_by_lines_clock),
		TEST(dead_letters_go_when_their_time_is_over),
		TEST(many_are_removed_in_several_transactions),
		TEST(nothing_is_swept_when_the_clock_jumped),
		TEST(a_jump_over_a_boot_is_seen_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

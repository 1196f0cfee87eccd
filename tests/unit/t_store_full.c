/*
 * A full store admits nobody, but everything that is in it can be finished
 * and cleaned up, and then it admits again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/store_priv.h"
#include "tests/unit/store_fixture.h"

enum { JOBS_MAX = 5000, TEXT = 500, BATCH = 8 };

static int
setup_small(void **state)
{
	struct fixture *f;

	fixture_setup_root(state);
	f = *state;
	f->place.map_mb = 2;
	f->store = fixture_join(f, at(0));
	return 0;
}

/* Admits users until the store is full; gives how many there are. */
static size_t
fill(struct fixture *f, struct store_lease *leases, bool voice)
{
	struct store_event e;
	struct store_verdict v;
	char text[TEXT + 1], id[16];
	enum store_rc rc;
	size_t n;

	memset(text, 'x', TEXT);
	text[TEXT] = '\0';
	for (n = 0; n < JOBS_MAX; n++) {
		snprintf(id, sizeof(id), "e%zu", n);
		e = message(id, id);
		e.text = text;
		e.voice = voice;
		rc = store_admit(f->store, &e, 1, &generous, at(0), &v);
		if (rc != STORE_OK)
			break;
		leases[n] = v.lease;
	}
	assert_int_equal(rc, STORE_FULL);
	return n;
}

/* One step for each of the jobs, in one transaction. */
static void
step_all(struct fixture *f, const struct store_lease *leases, size_t n,
    enum store_step_kind kind)
{
	struct store_step steps[BATCH];
	size_t i;

	for (i = 0; i < n; i++)
		steps[i] = (struct store_step){
			.lease = leases[i],
			.kind = kind,
			.lease_ms = LEASE_MS,
			.reply = "reply",
			.reply_len = 5,
			.question = "q",
			.answer = "a",
			.history_turns = 9,
			.history_bytes = 999,
		};
	assert_int_equal(store_steps(f->store, steps, n, at(1)), STORE_OK);
	for (i = 0; i < n; i++)
		assert_int_equal(steps[i].rc, STORE_OK);
}

/* Each job's steps, for some jobs at a time. */
static void
end_all(struct fixture *f, const struct store_lease *leases, size_t n,
    enum store_step_kind first, enum store_step_kind last)
{
	size_t i, some;

	for (i = 0; i < n; i += some) {
		some = n - i < BATCH ? n - i : BATCH;
		if (first != last)
			step_all(f, leases + i, some, first);
		step_all(f, leases + i, some, last);
	}
}

static void
a_full_store_finishes_its_jobs_and_then_admits_again(void **state)
{
	struct fixture *f = *state;
	static struct store_lease leases[JOBS_MAX];
	size_t n = fill(f, leases, false);

	assert_in_range(n, 300, JOBS_MAX - 1);
	assert_int_equal(store_ready(f->store, at(0)), STORE_FULL);
	end_all(f, leases, n, STORE_ANSWER, STORE_DONE);
	assert_int_equal(store_ready(f->store, at(2000)), STORE_OK);
	assert_int_equal(admit(f->store, "again", "again", at(2000)).fate,
	    STORE_ACCEPTED);
}

/* When even the users' lanes may go: see sweep.c. */
enum { LATER_MS = 27 * HOUR_MS, LONG_REPLY = 80000, SHORT_REPLY = 1000 };

/*
 * Answers some jobs as long as possible; who finds no room for that is told so
 * and answers shortly.  No transaction finds the map full.
 */
static size_t
answer_at_length(struct fixture *f, const struct store_lease *leases, size_t n)
{
	static char text[LONG_REPLY + 1];
	struct store_step steps[BATCH], again;
	size_t i, fit = 0;

	memset(text, 'x', LONG_REPLY);
	for (i = 0; i < n; i++)
		steps[i] = (struct store_step){ .lease = leases[i],
			.kind = STORE_ANSWER,
			.lease_ms = LEASE_MS,
			.reply = text,
			.reply_len = LONG_REPLY,
			.question = "q",
			.answer = text,
			.history_turns = 9,
			.history_bytes = 5120 };
	assert_int_equal(store_steps(f->store, steps, n, at(1)), STORE_OK);
	for (i = 0; i < n; i++) {
		if (steps[i].rc == STORE_OK) {
			fit++;
			continue;
		}
		assert_int_equal(steps[i].rc, STORE_FULL);
		again = steps[i];
		again.reply_len = SHORT_REPLY;
		again.question = again.answer = NULL;
		assert_int_equal(store_steps(f->store, &again, 1, at(1)),
		    STORE_OK);
		assert_int_equal(again.rc, STORE_OK);
	}
	return fit;
}

static void
no_length_of_answers_keeps_jobs_from_ending(void **state)
{
	const struct store_sweep_rules rules = {
		.session_ttl_ms = HOUR_MS, .dead_ttl_ms = HOUR_MS, .force = true
	};
	struct fixture *f = *state;
	static struct store_lease leases[JOBS_MAX];
	struct store_swept swept;
	struct store_stat stat;
	size_t n = fill(f, leases, false), fit = 0, i, none;

	for (i = 0; i < n; i += BATCH)
		fit += answer_at_length(f, leases + i,
		    n - i < BATCH ? n - i : BATCH);
	assert_in_range(fit, 1, n - 1);
	assert_int_equal(store_stat(f->store, at(2), &stat, NULL, 0, &none),
	    STORE_OK);
	assert_in_range(stat.used_pages, stat.map_pages / 2,
	    stat.map_pages * 95 / 100);
	end_all(f, leases, n, STORE_DONE, STORE_DONE);
	assert_int_equal(store_sweep(f->store, &rules, at(LATER_MS), &swept),
	    STORE_OK);
	assert_int_equal(swept.lanes, n);
	assert_int_equal(store_ready(f->store, at(LATER_MS)), STORE_OK);
	assert_int_equal(admit(f->store, "again", "again", at(LATER_MS)).fate,
	    STORE_ACCEPTED);
}

/* What was said, or for want of room a short word; true if it was heard. */
static bool
hear_one(struct fixture *f, const struct store_lease *lease, const char *text)
{
	struct store_step heard = {
		.lease = *lease,
		.kind = STORE_HEARD,
		.lease_ms = LEASE_MS,
		.text = text,
	};

	assert_int_equal(store_steps(f->store, &heard, 1, at(1)), STORE_OK);
	if (heard.rc == STORE_OK)
		return true;
	assert_int_equal(heard.rc, STORE_FULL);
	step_all(f, lease, 1, STORE_ANSWER);
	return false;
}

static void
what_is_heard_takes_no_room_that_is_owed(void **state)
{
	struct fixture *f = *state;
	static struct store_lease leases[JOBS_MAX];
	static bool was_heard[JOBS_MAX];
	static char text[5001];
	size_t n = fill(f, leases, true), fit = 0, i;

	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(atomic_load(&f->store->shared->owed), n);
	for (i = 0; i < n; i++) {
		was_heard[i] = hear_one(f, &leases[i], text);
		fit += was_heard[i];
	}
	assert_in_range(fit, 1, n - 1);
	assert_int_equal(atomic_load(&f->store->shared->owed), fit);
	for (i = 0; i < n; i++)
		if (was_heard[i])
			step_all(f, &leases[i], 1, STORE_ANSWER);
	assert_int_equal(atomic_load(&f->store->shared->owed), 0);
	end_all(f, leases, n, STORE_DONE, STORE_DONE);
}

/* The first of two answers, with a follow-up if it has room. */
static bool
answer_first(struct fixture *f, const struct store_lease *lease)
{
	struct store_step say = {
		.lease = *lease,
		.kind = STORE_ANSWER,
		.lease_ms = LEASE_MS,
		.reply = "first",
		.reply_len = 5,
		.stays_busy = true,
		.follow = "more",
		.follow_wait_ms = LEASE_MS,
	};
	bool follows;

	assert_int_equal(store_steps(f->store, &say, 1, at(1)), STORE_OK);
	follows = say.rc == STORE_OK;
	if (!follows) {
		assert_int_equal(say.rc, STORE_FULL);
		say.follow = NULL;
		assert_int_equal(store_steps(f->store, &say, 1, at(1)),
		    STORE_OK);
		assert_int_equal(say.rc, STORE_OK);
	}
	return follows;
}

/* A short reply in the place of a shorter one. */
static void
answer_second(struct fixture *f, const struct store_lease *lease)
{
	static char text[SHORT_REPLY];
	struct store_step say = {
		.lease = *lease,
		.kind = STORE_ANSWER,
		.lease_ms = LEASE_MS,
		.reply = text,
		.reply_len = sizeof(text),
	};

	assert_int_equal(store_steps(f->store, &say, 1, at(2)), STORE_OK);
	assert_int_equal(say.rc, STORE_OK);
}

static void
second_answers_and_follow_ups_are_owed_their_room(void **state)
{
	struct fixture *f = *state;
	static struct store_lease leases[JOBS_MAX];
	struct store_lease lease;
	size_t n = fill(f, leases, false), follow = 0, i, some;

	for (i = 0; i < n; i++)
		follow += answer_first(f, &leases[i]);
	assert_in_range(follow, 1, n - 1);
	assert_int_equal(atomic_load(&f->store->shared->owed), n + follow);
	/* Counted anew it is the same. */
	atomic_store(&f->store->shared->owed_is_known, false);
	store_ready(f->store, at(1));
	assert_int_equal(atomic_load(&f->store->shared->owed), n + follow);
	for (i = 0; i < n; i++)
		answer_second(f, &leases[i]);
	assert_int_equal(atomic_load(&f->store->shared->owed), follow);
	end_all(f, leases, n, STORE_DONE, STORE_DONE);
	while (store_claim(f->store, 1, 0, LEASE_MS, at(1 + LEASE_MS), &lease,
		   &some, NULL) == STORE_OK) {
		step_all(f, &lease, 1, STORE_ANSWER);
		step_all(f, &lease, 1, STORE_DONE);
	}
	assert_int_equal(atomic_load(&f->store->shared->owed), 0);
}

/* The promise is counted anew when nobody knows it. */
static void
what_is_owed_is_known_again_after_a_restart(void **state)
{
	struct fixture *f = *state;
	static struct store_lease leases[JOBS_MAX];
	size_t n = fill(f, leases, false);

	assert_int_equal(atomic_load(&f->store->shared->owed), n);
	store_close(&f->store);
	f->store = fixture_join(f, after_boot(0));
	assert_false(atomic_load(&f->store->shared->owed_is_known));
	store_ready(f->store, after_boot(0)); /* needs to know it */
	assert_true(atomic_load(&f->store->shared->owed_is_known));
	assert_int_equal(atomic_load(&f->store->shared->owed), n);
}

static void
a_full_store_is_swept_and_then_admits_again(void **state)
{
	const struct store_sweep_rules rules = {
		.session_ttl_ms = HOUR_MS,
		.dead_ttl_ms = HOUR_MS,
		.force = true,
	};
	struct fixture *f = *state;
	static struct store_lease leases[JOBS_MAX];
	struct store_swept swept;
	struct store_stat stat;
	size_t n = fill(f, leases, false), none;

	end_all(f, leases, n, STORE_DEAD, STORE_DEAD);
	assert_int_equal(store_sweep(f->store, &rules, at(LATER_MS), &swept),
	    STORE_OK);
	assert_int_equal(swept.dead, n);
	assert_int_equal(swept.lanes, n);
	assert_int_equal(store_stat(f->store, at(LATER_MS), &stat, NULL, 0,
			     &none),
	    STORE_OK);
	assert_in_range(stat.used_pages, 1, stat.map_pages / 2);
	assert_int_equal(admit(f->store, "again", "again", at(LATER_MS)).fate,
	    STORE_ACCEPTED);
}

/* Holds a snapshot and is killed with it. */
static enum store_rc
stay(struct tx *tx, void *arg)
{
	struct child *parent = arg;

	(void)tx;
	tell(parent);
	hear(parent);
	return STORE_OK;
}

static void
read_for_ever(struct fixture *f, struct child *parent, void *arg)
{
	struct store *s = fixture_open(f, at(0));
	struct store_now now = at(0);

	(void)arg;
	tx_read(s, &now, stay, parent);
}

static void
pages_that_a_dead_reader_pinned_are_found_again(void **state)
{
	struct fixture *f = *state;
	struct child c = child_start(f, read_for_ever, NULL);
	struct store_lease lease = admit(f->store, "e", "U", at(0)).lease;
	int i;

	hear(&c);
	child_kill(&c);
	/* Without clearing the reader, the map is full after some hundreds. */
	for (i = 0; i < 600; i++)
		assert_int_equal(step(f->store, &lease, STORE_SAVE, at(i)),
		    STORE_OK);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, setup_small, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_full_store_finishes_its_jobs_and_then_admits_again),
		TEST(a_full_store_is_swept_and_then_admits_again),
		TEST(no_length_of_answers_keeps_jobs_from_ending),
		TEST(what_is_heard_takes_no_room_that_is_owed),
		TEST(second_answers_and_follow_ups_are_owed_their_room),
		TEST(what_is_owed_is_known_again_after_a_restart),
		TEST(pages_that_a_dead_reader_pinned_are_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

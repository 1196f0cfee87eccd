/*
 * A job always has somebody who will work on it: its owner while that one
 * lives and keeps the lease, and then whoever asks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

static struct store_progress
progress_of(struct store *s, const struct store_lease *lease,
    struct store_now now)
{
	struct store_progress progress;
	struct store_job job;

	require(store_load(s, lease, now, &job) == STORE_OK);
	progress = job.progress;
	store_job_release(&job);
	return progress;
}

static enum store_rc
claim(struct store *s, struct store_now now, struct store_lease *lease)
{
	size_t n;

	return store_claim(s, 1, 0, LEASE_MS, now, lease, &n, NULL);
}

static void
nothing_is_due_while_the_owner_lives_and_has_its_lease(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease;

	assert_int_equal(claim(f->store, at(0), &lease), STORE_NONE);
	admit(f->store, "e1", "U1", at(0));
	assert_int_equal(claim(f->store, at(LEASE_MS - 1), &lease), STORE_NONE);
}

static int64_t
lease_until_ms(struct store *s, const struct store_lease *lease)
{
	struct store_job job;
	int64_t until_ms;

	require(store_load(s, lease, at(0), &job) == STORE_OK);
	until_ms = job.lease_until_ms;
	store_job_release(&job);
	return until_ms;
}

/* However late the caller comes to know of it. */
static void
a_lease_lasts_from_the_time_that_the_store_was_told(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	int64_t begin = at(0).boot_ms;

	assert_int_equal(lease_until_ms(f->store, &lease), begin + LEASE_MS);
	assert_int_equal(step(f->store, &lease, STORE_SAVE, at(700)), STORE_OK);
	assert_int_equal(lease_until_ms(f->store, &lease),
	    begin + 700 + LEASE_MS);
	lease = claim_one(f->store, at(700 + LEASE_MS));
	assert_int_equal(lease_until_ms(f->store, &lease),
	    begin + 700 + 2 * LEASE_MS);
}

static void
a_late_worker_is_fenced(void **state)
{
	struct fixture *f = *state;
	struct store_lease first = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_lease second = claim_one(f->store, at(LEASE_MS));
	struct store_progress p = progress_of(f->store, &second, at(LEASE_MS));
	struct store_job job;

	assert_true(second.fence > first.fence);
	assert_int_equal(p.tries, 2);
	assert_int_equal(p.interrupted, 1);
	assert_int_equal(p.crashes, 0);
	assert_int_equal(step(f->store, &first, STORE_SAVE, at(LEASE_MS + 1)),
	    STORE_FENCED);
	assert_int_equal(step(f->store, &first, STORE_DONE, at(LEASE_MS + 1)),
	    STORE_FENCED);
	assert_int_equal(store_load(f->store, &first, at(LEASE_MS + 1), &job),
	    STORE_FENCED);
	assert_int_equal(step(f->store, &second, STORE_DONE, at(LEASE_MS + 2)),
	    STORE_OK);
	assert_int_equal(step(f->store, &second, STORE_DONE, at(LEASE_MS + 3)),
	    STORE_FENCED);
}

/* Admits three messages; marks the second one's job if it should. */
static void
admit_three(struct store *s, void *arg)
{
	const bool *marks = arg;
	struct store_lease marked;

	admit(s, "e1", "U1", at(0));
	marked = admit(s, "e2", "U2", at(1)).lease;
	admit(s, "e3", "U3", at(2));
	if (*marks)
		store_mark(s, &marked.id);
}

static struct peer *
peer_with_three(struct fixture *f, bool marks)
{
	struct peer *peer = peer_start(f, at(0));

	assert_int_equal(peer_join(peer, at(0)), STORE_OK);
	peer_do(peer, admit_three, &marks, sizeof(marks));
	return peer;
}

static void
a_dead_owners_jobs_are_claimed_at_once(void **state)
{
	struct fixture *f = *state;
	struct peer *peer = peer_with_three(f, false);
	struct store_lease leases[8];
	struct store_progress p;
	size_t n, i;

	assert_int_equal(store_claim(f->store, 8, 0, LEASE_MS, at(5), leases,
			     &n, NULL),
	    STORE_NONE);
	assert_int_equal(store_orphans(f->store, at(5), &n), STORE_OK);
	assert_int_equal(n, 0);
	peer_kill(&peer);
	assert_int_equal(store_orphans(f->store, at(5), &n), STORE_OK);
	assert_int_equal(n, 3);
	assert_int_equal(store_claim(f->store, 8, 0, LEASE_MS, at(6), leases,
			     &n, NULL),
	    STORE_OK);
	assert_int_equal(n, 3);
	for (i = 0; i < n; i++) {
		p = progress_of(f->store, &leases[i], at(7));
		assert_int_equal(p.interrupted, 1);
		assert_int_equal(p.crashes, 0);
		assert_int_equal(p.tries, 2);
	}
	assert_int_equal(store_orphans(f->store, at(7), &n), STORE_OK);
	assert_int_equal(n, 0);
}

static void
only_the_marked_job_is_blamed_for_a_crash_and_comes_alone(void **state)
{
	struct fixture *f = *state;
	struct peer *peer = peer_with_three(f, true);
	struct store_lease leases[8];
	bool alone;
	size_t n;

	peer_kill(&peer);
	assert_int_equal(store_claim(f->store, 8, 0, LEASE_MS, at(6), leases,
			     &n, &alone),
	    STORE_OK);
	assert_int_equal(n, 2);
	assert_false(alone);
	assert_int_equal(progress_of(f->store, &leases[0], at(7)).crashes, 0);
	assert_int_equal(progress_of(f->store, &leases[1], at(7)).crashes, 0);
	assert_int_equal(store_claim(f->store, 8, 0, LEASE_MS, at(6), leases,
			     &n, &alone),
	    STORE_OK);
	assert_int_equal(n, 1);
	assert_true(alone);
	assert_int_equal(progress_of(f->store, &leases[0], at(7)).crashes, 1);
	assert_int_equal(claim_one(f->store, at(6 + LEASE_MS)).id.seq, 1);
	assert_int_equal(progress_of(f->store, &leases[0], at(7)).crashes, 1);
}

/* Claims all there is, of which one is a suspect. */
static void
expect_one_suspect(struct store *s, void *arg)
{
	struct store_lease leases[8];
	size_t *n = arg;
	bool alone;

	require(store_claim(s, 8, 0, LEASE_MS, at(11), leases, n, &alone) ==
	    STORE_OK);
	require(*n == 2 && !alone);
	require(progress_of(s, &leases[0], at(12)).crashes == 0);
	require(progress_of(s, &leases[1], at(12)).crashes == 0);
	require(store_claim(s, 8, 0, LEASE_MS, at(11), leases, n, &alone) ==
	    STORE_OK);
	require(*n == 1 && alone);
	require(progress_of(s, &leases[0], at(12)).crashes == 1);
	require(progress_of(s, &leases[0], at(12)).interrupted == 1);
}

static void
the_mark_outlives_that_the_slot_is_taken_again(void **state)
{
	struct fixture *f = *state;
	struct peer *peer = peer_with_three(f, true);
	size_t n = 0;

	peer_kill(&peer);
	peer = peer_start(f, at(10));
	assert_int_equal(peer_join(peer, at(10)), STORE_OK);
	peer_do(peer, expect_one_suspect, &n, sizeof(n));
	peer_end(&peer);
}

static void
a_job_that_was_left_unmarked_is_not_blamed(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;

	store_mark(f->store, &lease.id);
	store_mark(f->store, NULL);
	fixture_reopen(f, at(1));
	lease = claim_one(f->store, at(2));
	assert_int_equal(progress_of(f->store, &lease, at(3)).crashes, 0);
	assert_int_equal(progress_of(f->store, &lease, at(3)).interrupted, 1);
}

static void
a_job_given_back_waits_and_was_not_interrupted(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_lease old = lease;

	assert_int_equal(step(f->store, &lease, STORE_WAIT, at(0)), STORE_OK);
	assert_int_equal(claim(f->store, at(4999), &lease), STORE_NONE);
	assert_int_equal(step(f->store, &old, STORE_SAVE, at(4999)),
	    STORE_FENCED);
	assert_int_equal(claim(f->store, at(5000), &lease), STORE_OK);
	assert_int_equal(progress_of(f->store, &lease, at(5001)).interrupted,
	    0);
	assert_int_equal(progress_of(f->store, &lease, at(5001)).tries, 1);
}

static void
jobs_are_claimed_in_the_order_of_their_time(void **state)
{
	struct fixture *f = *state;
	static const uint32_t waits[] = { 300, 100, 200 };
	struct store_step steps[3] = { { .kind = STORE_WAIT } };
	struct store_lease leases[3];
	char id[8];
	size_t i, n;

	for (i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "U%zu", i);
		steps[i].kind = STORE_WAIT;
		steps[i].lease = admit(f->store, id, id, at(0)).lease;
		steps[i].wait_ms = waits[i];
	}
	assert_int_equal(store_steps(f->store, steps, 3, at(0)), STORE_OK);
	assert_int_equal(store_claim(f->store, 2, 0, LEASE_MS, at(300), leases,
			     &n, NULL),
	    STORE_OK);
	assert_int_equal(n, 2);
	assert_memory_equal(leases[0].id.user, steps[1].lease.id.user,
	    sizeof(leases[0].id.user));
	assert_memory_equal(leases[1].id.user, steps[2].lease.id.user,
	    sizeof(leases[0].id.user));
	assert_int_equal(store_claim(f->store, 2, 0, LEASE_MS, at(300), leases,
			     &n, NULL),
	    STORE_OK);
	assert_int_equal(n, 1);
	assert_memory_equal(leases[0].id.user, steps[0].lease.id.user,
	    sizeof(leases[0].id.user));
}

static void
a_boot_ends_all_leases_and_all_waiting(void **state)
{
	struct fixture *f = *state;
	struct store_lease owned = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_lease waits = admit(f->store, "e2", "U2", at(0)).lease;
	struct store_lease leases[4];
	struct store_job job;
	size_t n, i;

	step(f->store, &waits, STORE_WAIT, at(1));
	assert_int_equal(store_orphans(f->store, after_boot(0), &n), STORE_OK);
	assert_int_equal(n, 2);
	assert_int_equal(store_claim(f->store, 4, 0, LEASE_MS, after_boot(0),
			     leases, &n, NULL),
	    STORE_OK);
	assert_int_equal(n, 2);
	for (i = 0; i < n; i++) {
		bool was_owned =
		    memcmp(leases[i].id.user, owned.id.user, 16) == 0;

		assert_int_equal(store_load(f->store, &leases[i], after_boot(1),
				     &job),
		    STORE_OK);
		assert_true(job.aged);
		assert_int_equal(job.progress.interrupted, was_owned);
		store_job_release(&job);
	}
	assert_int_equal(step(f->store, &owned, STORE_SAVE, after_boot(2)),
	    STORE_FENCED);
	assert_int_equal(claim(f->store, after_boot(3), &leases[0]),
	    STORE_NONE);
}

static void
a_slot_is_free_again_when_its_worker_ends(void **state)
{
	struct fixture *f = *state;
	struct peer *peers[STORE_SLOTS];
	size_t i;

	for (i = 0; i < STORE_SLOTS; i++) {
		peers[i] = peer_start(f, at(0));
		assert_int_equal(peer_join(peers[i], at(0)),
		    i < STORE_SLOTS - 1 ? STORE_OK : STORE_FULL); /* ours */
	}
	peer_kill(&peers[7]);
	assert_int_equal(peer_join(peers[STORE_SLOTS - 1], at(0)), STORE_OK);
	for (i = 0; i < STORE_SLOTS; i++)
		if (peers[i] != NULL)
			peer_kill(&peers[i]);
}

static void
joining_twice_gives_the_same_slot(void **state)
{
	struct fixture *f = *state;
	unsigned slot = 9;

	assert_int_equal(store_join(f->store, at(1), &slot), STORE_OK);
	assert_int_equal(slot, 0);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_due_while_the_owner_lives_and_has_its_lease),
		TEST(a_lease_lasts_from_the_time_that_the_store_was_told),
		TEST(a_late_worker_is_fenced),
		TEST(a_dead_owners_jobs_are_claimed_at_once),
		TEST(only_the_marked_job_is_blamed_for_a_crash_and_comes_alone),
		TEST(the_mark_outlives_that_the_slot_is_taken_again),
		TEST(a_job_that_was_left_unmarked_is_not_blamed),
		TEST(a_job_given_back_waits_and_was_not_interrupted),
		TEST(jobs_are_claimed_in_the_order_of_their_time),
		TEST(a_boot_ends_all_leases_and_all_waiting),
		TEST(a_slot_is_free_again_when_its_worker_ends),
		TEST(joining_twice_gives_the_same_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

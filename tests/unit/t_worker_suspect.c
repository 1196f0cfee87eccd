/*
 * A job that crashed a process runs with no other job beside it, and soon,
 * however much there is to do.
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

enum { PATIENCE_MS = 5000, CALM_MS = 10000, MANY = 8 };

/* What a claim said. */
struct claimed {
	enum store_rc rc;
	struct store_lease leases[MANY];
	size_t n;
	bool alone;
};

static struct claimed
claim(struct store *s, size_t held, int64_t ms)
{
	struct claimed c;

	c.rc = store_claim(s, MANY, held, LEASE_MS, at(ms), c.leases, &c.n,
	    &c.alone);
	return c;
}

/* A job that waits for anybody, after so many crashes. */
static void
put_job(struct store *s, const char *chat, uint8_t crashes)
{
	struct store_step step = { .kind = STORE_WAIT,
		.lease = admit(s, chat, chat, at(0)).lease,
		.progress = { .crashes = crashes } };

	require(store_steps(s, &step, 1, at(0)) == STORE_OK);
	require(step.rc == STORE_OK);
}

static int
setup_suspect(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	put_job(f->store, "Ususpect", 1);
	return 0;
}

/* 1: the suspect and nothing else.  0: other jobs.  -1: none. */
static int
kind_of(struct store *s, const struct claimed *c, int64_t ms)
{
	struct store_job job;
	int kind;

	if (c->rc == STORE_NONE) {
		require(c->n == 0);
		return -1;
	}
	require(c->rc == STORE_OK && c->n > 0);
	require(store_load(s, &c->leases[0], at(ms), &job) == STORE_OK);
	kind = job.progress.crashes > 0;
	store_job_release(&job);
	require(kind == 0 || (c->n == 1 && c->alone));
	return kind;
}

static void
who_has_nothing_to_do_takes_a_suspect_at_once(void **state)
{
	struct fixture *f = *state;
	struct claimed c = claim(f->store, 0, 1);

	assert_int_equal(kind_of(f->store, &c, 1), 1);
	c = claim(f->store, 0, 2);
	assert_int_equal(kind_of(f->store, &c, 2), -1);
	assert_false(c.alone);
}

static void
of_two_suspects_one_is_taken(void **state)
{
	struct fixture *f = *state;
	struct claimed c;

	put_job(f->store, "Uother", 2);
	c = claim(f->store, 0, 1);
	assert_int_equal(kind_of(f->store, &c, 1), 1);
	c = claim(f->store, 1, 2);
	assert_int_equal(kind_of(f->store, &c, 2), -1);
	c = claim(f->store, 0, 3);
	assert_int_equal(kind_of(f->store, &c, 3), 1);
}

static void
other_jobs_go_first_for_a_while(void **state)
{
	struct fixture *f = *state;
	struct claimed c;

	put_job(f->store, "Ugood", 0);
	c = claim(f->store, 0, 1);
	assert_int_equal(kind_of(f->store, &c, 1), 0);
	assert_int_equal(c.n, 1);
	assert_false(c.alone);
	put_job(f->store, "Ubetter", 0);
	c = claim(f->store, 0, 1 + PATIENCE_MS);
	assert_int_equal(kind_of(f->store, &c, 1 + PATIENCE_MS), 1);
}

static void
who_asks_for_no_suspect_gets_none(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease;
	size_t n;

	assert_int_equal(store_claim(f->store, 1, 0, LEASE_MS, at(1), &lease,
			     &n, NULL),
	    STORE_NONE);
}

static void
a_busy_worker_becomes_calm_and_takes_it_when_it_is_empty(void **state)
{
	struct fixture *f = *state;
	struct claimed c;
	int64_t ms;

	for (ms = 0; ms < PATIENCE_MS; ms += 250) {
		c = claim(f->store, 9, ms);
		assert_int_equal(kind_of(f->store, &c, ms), -1);
		assert_false(c.alone);
	}
	put_job(f->store, "Ugood", 0);
	for (; ms < PATIENCE_MS + 3000; ms += 250) {
		c = claim(f->store, 9, ms);
		assert_int_equal(kind_of(f->store, &c, ms), -1);
		assert_true(c.alone);
	}
	c = claim(f->store, 0, ms);
	assert_int_equal(kind_of(f->store, &c, ms), 1);
	c = claim(f->store, 0, ms);
	assert_int_equal(kind_of(f->store, &c, ms), 0);
}

static void
a_worker_that_never_gets_empty_takes_it_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct claimed c;
	int64_t ms;
	int kind = -1;

	for (ms = 0; ms <= PATIENCE_MS + CALM_MS && kind == -1; ms += 250) {
		c = claim(f->store, 9, ms);
		kind = kind_of(f->store, &c, ms);
	}
	assert_int_equal(kind, 1);
	assert_in_range(ms, PATIENCE_MS + 1, PATIENCE_MS + CALM_MS + 250);
}

/* Is as busy, from a moment before. */
static void
become_calm(struct store *s, void *arg)
{
	bool *calm = arg;

	require(!claim(s, 9, 0).alone);
	*calm = claim(s, 9, PATIENCE_MS).alone;
}

static void
only_one_of_the_busy_workers_becomes_calm(void **state)
{
	struct fixture *f = *state;
	struct peer *peer = peer_start(f, at(0));
	struct claimed mine;
	bool calm = false;
	int64_t ms;

	assert_int_equal(peer_join(peer, at(0)), STORE_OK);
	peer_do(peer, become_calm, &calm, sizeof(calm));
	assert_true(calm);
	put_job(f->store, "Ugood", 0);
	for (ms = 0; ms < PATIENCE_MS + CALM_MS; ms += 250) {
		mine = claim(f->store, 9, ms);
		assert_false(mine.alone);
		assert_int_equal(kind_of(f->store, &mine, ms),
		    ms == 0 ? 0 : -1);
	}
	/* It died, and is not waited for any longer. */
	peer_kill(&peer);
	assert_true(claim(f->store, 9, ms).alone);
}

static void
a_suspect_that_somebody_took_leaves_nobody_calm(void **state)
{
	struct fixture *f = *state;
	struct claimed c;

	claim(f->store, 9, 0);
	assert_true(claim(f->store, 9, PATIENCE_MS).alone);
	c = claim(f->store, 0, PATIENCE_MS + 1);
	assert_int_equal(kind_of(f->store, &c, PATIENCE_MS + 1), 1);
	put_job(f->store, "Ugood", 0);
	c = claim(f->store, 9, PATIENCE_MS + 2);
	assert_int_equal(kind_of(f->store, &c, PATIENCE_MS + 2), 0);
	assert_false(c.alone);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, setup_suspect, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_has_nothing_to_do_takes_a_suspect_at_once),
		TEST(of_two_suspects_one_is_taken),
		TEST(other_jobs_go_first_for_a_while),
		TEST(who_asks_for_no_suspect_gets_none),
		TEST(a_busy_worker_becomes_calm_and_takes_it_when_it_is_empty),
		TEST(a_worker_that_never_gets_empty_takes_it_all_the_same),
		TEST(only_one_of_the_busy_workers_becomes_calm),
		TEST(a_suspect_that_somebody_took_leaves_nobody_calm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

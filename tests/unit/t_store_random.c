/*
 * Whatever is done in whatever order, the store's own check finds no fault:
 * t_store_audit.c shows that it finds them when there are any.
 *
 * A seed gives the same run again: t_store_random SEED.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"
#include "tests/unit/store_fixture.h"

enum { ROUNDS = 1500, USERS = 300, LEASES = 400, BATCH = 24 };

static unsigned seed = 1;

/* What the run has in its hands. */
struct run {
	struct fixture *f;
	struct store_now now;
	struct store_lease leases[LEASES];
	size_t n;
	unsigned events, boots;
	struct store_totals found; /* by the last check */
};

static size_t
below(size_t n)
{
	return (size_t)rand_r(&seed) % n;
}

static void
keep_lease(struct run *r, struct store_lease lease)
{
	if (r->n < LEASES)
		r->leases[r->n++] = lease;
	else
		r->leases[below(LEASES)] = lease;
}

static void
admit_some(struct run *r)
{
	static char ids[BATCH][32], chats[BATCH][32];
	struct store_event events[BATCH];
	struct store_verdict v[BATCH];
	size_t n = 1 + below(BATCH), i;

	for (i = 0; i < n; i++) {
		snprintf(ids[i], sizeof(ids[i]), "e%07u", r->events++);
		snprintf(chats[i], sizeof(chats[i]), "U%zu", below(USERS));
		events[i] = message(ids[i], chats[i]);
		events[i].voice = below(4) == 0;
	}
	assert_int_equal(store_admit(r->f->store, events, n, &generous, r->now,
			     v),
	    STORE_OK);
	for (i = 0; i < n; i++)
		if (v[i].fate == STORE_ACCEPTED)
			keep_lease(r, v[i].lease);
}

/* Steps of leases that may long have ended: those are fenced. */
static void
step_some(struct run *r)
{
	static const uint8_t prefs[][STORE_PREFS] = { { 0 }, { 1, 2 } };
	struct store_step steps[BATCH];
	size_t n = 1 + below(BATCH), i;

	if (r->n == 0)
		return;
	for (i = 0; i < n; i++)
		steps[i] = (struct store_step){
			.lease = r->leases[below(r->n)],
			.kind = (enum store_step_kind)below(STORE_STEP__MAX),
			.lease_ms = (uint32_t)(1 + below(5000)),
			.wait_ms = (uint32_t)below(5000),
			.reply = below(8) == 0 ? NULL : "reply",
			.reply_len = 5,
			.stays_busy = below(3) == 0,
			.prefs = below(4) == 0 ? prefs[below(2)] : NULL,
			.follow = below(4) == 0 ? "more" : NULL,
			.follow_wait_ms = (uint32_t)below(5000),
			.text = "words",
			.question = below(3) == 0 ? NULL : "question",
			.answer = "answer",
			.history_turns = (unsigned)below(4),
			.history_bytes = 1000,
		};
	assert_int_equal(store_steps(r->f->store, steps, n, r->now), STORE_OK);
	for (i = 0; i < n; i++)
		assert_true(steps[i].rc == STORE_OK ||
		    steps[i].rc == STORE_FENCED ||
		    (steps[i].rc == STORE_NONE &&
			(steps[i].kind == STORE_HEARD ||
			    steps[i].reply == NULL)));
}

static void
claim_some(struct run *r)
{
	struct store_lease leases[BATCH];
	enum store_rc rc;
	size_t n, i;

	rc = store_claim(r->f->store, 1 + below(BATCH), 0, LEASE_MS, r->now,
	    leases, &n, NULL);
	assert_true(rc == STORE_OK || rc == STORE_NONE);
	for (i = 0; i < n; i++)
		keep_lease(r, leases[i]);
}

static void
sweep_all(struct run *r)
{
	const struct store_sweep_rules rules = {
		.session_ttl_ms = 20000, .dead_ttl_ms = 20000, .force = true
	};
	struct store_swept swept;

	assert_int_equal(store_sweep(r->f->store, &rules, r->now, &swept),
	    STORE_OK);
	assert_int_equal(swept.mended, 0);
}

static void
boot(struct run *r)
{
	r->now.boot_id[0] = (uint8_t)++r->boots;
	r->now.boot_ms = (int64_t)below(100000);
}

static void
reopen(struct run *r)
{
	fixture_reopen(r->f, r->now);
}

/* More often what stands here more often. */
/* clang-format off */
static void (*const deeds[])(struct run *) = {
	admit_some, admit_some, admit_some, admit_some,
	step_some,  step_some,  step_some,  step_some,
	claim_some, claim_some,
};
/* clang-format on */
static void (*const rare_deeds[])(struct run *) = { sweep_all, boot, reopen };

static void
tell_fault(void *arg, const struct store_fault *fault)
{
	(void)arg;
	if (!fault->note)
		print_message("%s: %s\n", fault->where, fault->what);
}

static void
check_all(struct run *r)
{
	assert_int_equal(store_audit(r->f->store, r->now, tell_fault, NULL,
			     &r->found),
	    STORE_OK);
	assert_int_equal(r->found.faults, 0);
	assert_true(r->found.whole);
}

static void
end_all(struct run *r)
{
	struct store_lease leases[BATCH];
	struct store_step done = { .kind = STORE_DONE };
	size_t n, i;

	boot(r); /* so that all can be claimed */
	while (store_claim(r->f->store, BATCH, 0, LEASE_MS, r->now, leases, &n,
		   NULL) == STORE_OK)
		for (i = 0; i < n; i++) {
			done.lease = leases[i];
			assert_int_equal(store_steps(r->f->store, &done, 1,
					     r->now),
			    STORE_OK);
			assert_int_equal(done.rc, STORE_OK);
		}
}

static void
no_history_leaves_a_fault(void **state)
{
	static struct run run;
	int i;

	print_message("seed %u\n", seed);
	run.f = *state;
	run.now = at(0);
	for (i = 0; i < ROUNDS; i++) {
		if (below(50) == 0)
			rare_deeds[below(3)](&run);
		else
			deeds[below(sizeof(deeds) / sizeof(deeds[0]))](&run);
		run.now.wall_ms += (int64_t)below(200);
		run.now.boot_ms += (int64_t)below(200);
		if (i % 100 == 0)
			check_all(&run);
	}
	check_all(&run);
	assert_true(run.found.users > 0 && run.found.jobs > 0 &&
	    run.found.sessions > 0 && run.found.dead > 0);
	end_all(&run);
	check_all(&run);
	assert_int_equal(run.found.jobs, 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_history_leaves_a_fault,
		    fixture_setup, fixture_teardown),
	};

	if (argc > 1)
		seed = (unsigned)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

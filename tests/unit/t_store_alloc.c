/*
 * Whichever allocation fails, a call does all of its work or none, and the
 * next one works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/store_fixture.h"

/* A job's whole life.  false: it was refused somewhere for want of memory. */
static bool
live_once(void *arg)
{
	struct fixture *f = arg;
	static int lives;
	char id[16];
	struct store_event e;
	struct store_verdict v;
	struct store_job job;
	struct store_step step = {
		.kind = STORE_ANSWER,
		.lease_ms = LEASE_MS,
		.reply = "reply",
		.reply_len = 5,
		.question = "q",
		.answer = "a",
		.history_turns = 9,
		.history_bytes = 99,
	};
	enum store_rc rc;

	snprintf(id, sizeof(id), "life%d", lives++);
	e = message(id, id);
	rc = store_admit(f->store, &e, 1, &generous, at(0), &v);
	if (rc == STORE_OK) {
		step.lease = v.lease;
		rc = store_load(f->store, &v.lease, at(1), &job);
	}
	if (rc == STORE_OK) {
		store_job_release(&job);
		rc = store_steps(f->store, &step, 1, at(2));
	}
	if (rc == STORE_OK) {
		step.kind = STORE_DONE;
		rc = store_steps(f->store, &step, 1, at(3));
	}
	if (rc == STORE_OK && step.rc != STORE_OK)
		fail_msg("step: %d", step.rc);
	if (rc != STORE_OK && rc != STORE_ERR)
		fail_msg("rc: %d", rc);
	return rc == STORE_OK;
}

static void
a_call_without_memory_is_refused_and_the_next_one_works(void **state)
{
	struct fixture *f = *state;

	assert_true(fail_alloc_each(live_once, f) >= 0);
	assert_true(live_once(f));
}

static bool
open_once(void *arg)
{
	struct fixture *f = arg;
	char why[STORE_WHY_MAX];
	struct store *s;
	enum store_rc rc = store_open(&s, &f->place, at(0), why);

	if (rc != STORE_OK && why[0] == '\0')
		fail_msg("no reason for %d", rc);
	store_close(&s);
	return rc == STORE_OK;
}

static void
opening_without_memory_is_refused_and_leaves_nothing_locked(void **state)
{
	struct fixture *f = *state;

	assert_true(fail_alloc_each(open_once, f) >= 0);
	assert_true(open_once(f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_call_without_memory_is_refused_and_the_next_one_works,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    opening_without_memory_is_refused_and_leaves_nothing_locked,
		    fixture_setup_root, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

/* A job's whole life; false without enough memory for it. */
static bool
live(struct store *s)
{
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
		.stays_busy = true,
		.prefs = (const uint8_t *)"prefs...",
		.follow = "more",
	};
	enum store_rc rc;

	snprintf(id, sizeof(id), "life%d", lives++);
	e = message(id, id);
	rc = store_admit(s, &e, 1, &generous, at(0), &v);
	if (rc == STORE_OK) {
		step.lease = v.lease;
		rc = store_load(s, &v.lease, at(1), &job);
	}
	if (rc == STORE_OK) {
		store_job_release(&job);
		rc = store_steps(s, &step, 1, at(2));
	}
	if (rc == STORE_OK) {
		step.kind = STORE_DONE;
		rc = store_steps(s, &step, 1, at(3));
	}
	if (rc == STORE_OK && step.rc != STORE_OK)
		fail_msg("step: %d", step.rc);
	if (rc != STORE_OK && rc != STORE_ERR)
		fail_msg("rc: %d", rc);
	return rc == STORE_OK;
}

static bool
open_and_live(void *arg)
{
	struct fixture *f = arg;
	char why[STORE_WHY_MAX];
	struct store *s;
	unsigned slot;
	bool done = false;

	if (store_open(&s, &f->place, at(0), why) == STORE_OK)
		done = store_join(s, at(0), &slot) == STORE_OK && live(s);
	else if (why[0] == '\0')
		fail_msg("refused without a reason");
	store_close(&s);
	return done;
}

static void
a_call_without_memory_is_refused_and_the_next_one_works(void **state)
{
	/* The first time OpenSSL starts, which is its own affair. */
	assert_true(open_and_live(*state));
	assert_true(fail_alloc_each(open_and_live, *state) >= 0);
	assert_true(open_and_live(*state));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_call_without_memory_is_refused_and_the_next_one_works,
		    fixture_setup_root, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

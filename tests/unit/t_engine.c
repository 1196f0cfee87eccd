/*
 * What was admitted is answered once, by this engine or the next one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/delivery.h"
#include "jobs/engine.h"
#include "jobs/stage.h"
#include "tests/unit/engine_fixture.h"

static enum store_fate
admit(struct fixture *f, unsigned user, unsigned event,
    struct store_lease *lease)
{
	return admit_token(f, user, event, event, lease);
}

/* -------------------------------------------------------------- scenes -- */

static void
a_question_is_answered_by_reply_and_the_user_is_idle(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(say(f, 1, 1), STORE_ACCEPTED);
	wait_until_finished(f);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
	assert_int_equal(upstream_pushed(f->up), 0);
	assert_int_equal(stat_of(f).active, 0);
	assert_int_equal(say(f, 1, 2), STORE_ACCEPTED);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 2);
}

static void *
say_many(void *arg)
{
	struct fixture *f = arg;
	static atomic_uint next;
	unsigned i;

	for (i = 0; i < 100; i++)
		say(f, 1000 + atomic_fetch_add(&next, 1), 1);
	return NULL;
}

static void
three_hundred_from_three_threads_are_each_answered_once(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[3];
	size_t i;

	start(f);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, say_many, f);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 300);
	assert_int_equal(upstream_model_calls(f->up), 300);
}

static void
a_stopped_engine_hands_its_jobs_to_the_next(void **state)
{
	struct fixture *f = *state;
	int64_t began;
	unsigned i;

	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .model_delay_ms = 3000 });
	start(f);
	for (i = 0; i < 20; i++)
		say(f, i, 1);
	usleep(200000);
	began = clock_boot_ms();
	stop(f);
	assert_true(clock_boot_ms() - began < 900);
	assert_int_equal(stat_of(f).unfinished, 20);
	upstream_set(f->up, (struct upstream_knobs){ .model_status = 200 });
	start(f);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 20);
}

static void
a_model_that_fails_ends_in_an_apology_and_a_dead_letter(void **state)
{
	struct fixture *f = *state;

	upstream_set(f->up, (struct upstream_knobs){ .model_status = 400 });
	start(f);
	say(f, 1, 1);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 1);
	assert_int_equal(upstream_saw(f->up, "An answer."), 0);
	assert_int_equal(stat_of(f).dead, 1);
}

/* As if its processes had died inside its code, three times. */
static void
the_user_of_a_poisoned_job_is_told(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease;
	struct store_step step = { .kind = STORE_WAIT,
		.progress = { .crashes = 3 } };

	assert_int_equal(admit(f, 1, 1, &lease), STORE_ACCEPTED);
	step.lease = lease;
	assert_int_equal(store_steps(f->store, &step, 1, now()), STORE_OK);
	start(f);
	wait_until_finished(f);
	assert_int_equal(upstream_model_calls(f->up), 0);
	assert_int_equal(upstream_saw(f->up, "Something went wrong."), 1);
	assert_int_equal(stat_of(f).dead, 1);
	assert_int_equal(say(f, 1, 2), STORE_ACCEPTED);
	wait_until_finished(f);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
}

/* Committed as answered, then given back in the middle of the delivery. */
static void
leave_in_delivery(struct fixture *f, const struct store_lease *lease,
    struct store_progress progress)
{
	static const char reply[] =
	    "[{\"type\":\"text\",\"text\":\"An answer.\"}]";
	struct store_step step = { .lease = *lease,
		.kind = STORE_ANSWER,
		.progress = { .stage = STAGE_DELIVER },
		.lease_ms = 20000,
		.reply = reply,
		.reply_len = sizeof(reply) - 1 };

	assert_int_equal(store_steps(f->store, &step, 1, now()), STORE_OK);
	step.kind = STORE_WAIT;
	step.progress = progress;
	step.progress.stage = STAGE_DELIVER;
	assert_int_equal(store_steps(f->store, &step, 1, now()), STORE_OK);
	assert_int_equal(step.rc, STORE_OK);
}

/* As if the sending had crashed three times. */
static void
crash_in_delivery(struct fixture *f, const struct store_lease *lease)
{
	leave_in_delivery(f, lease,
	    (struct store_progress){ .crashes = 3, .flags = DELIVERY_UNKNOWN });
}

/* The wall clock jumped since the first push; the boot clock did not. */
static const struct {
	int64_t wall_ago_ms, left_ms;
	unsigned pushed;
} jumps[] = {
	{ 30 * 3600000LL, DELIVERY_LIFE_MS - 1000, 1 },
	{ -24 * 3600000LL, DELIVERY_LIFE_MS - 1000, 1 },
	{ 1000, -1, 0 },
	{ -24 * 3600000LL, -1, 0 },
};

static void
a_wall_clock_that_jumps_ends_no_push(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease;
	unsigned i, pushed = 0;

	for (i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		assert_int_equal(admit(f, 1 + i, 1, &lease), STORE_ACCEPTED);
		leave_in_delivery(f, &lease,
		    (struct store_progress){ .intent = DELIVERY_PUSH,
			.first_push_ms = clock_wall_ms() - jumps[i].wall_ago_ms,
			.deadline_ms = clock_boot_ms() + jumps[i].left_ms });
		start(f);
		wait_until_finished(f);
		stop(f);
		pushed += jumps[i].pushed;
		assert_int_equal(upstream_pushed(f->up), pushed);
	}
}

static void
the_user_of_an_answer_that_crashes_is_told(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease;

	assert_int_equal(admit(f, 1, 1, &lease), STORE_ACCEPTED);
	crash_in_delivery(f, &lease);
	start(f);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 1);
	assert_int_equal(upstream_saw(f->up, "I could not send my answer."), 1);
	assert_int_equal(stat_of(f).dead, 1);
}

static void
who_has_an_answer_that_crashes_is_told_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease;

	start(f);
	say(f, 1, 1);
	wait_until_finished(f);
	stop(f);
	/* The same token again: its answer had arrived. */
	assert_int_equal(admit_token(f, 1, 2, 1, &lease), STORE_ACCEPTED);
	crash_in_delivery(f, &lease);
	start(f);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 1);
	assert_int_equal(upstream_pushed(f->up), 0);
	assert_int_equal(stat_of(f).dead, 1);
}

/* Two more ask while a job runs that had crashed a process. */
static void
nothing_runs_beside_a_suspect(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease;
	struct store_step step = { .kind = STORE_WAIT,
		.progress = { .crashes = 1 } };
	int64_t until = clock_boot_ms() + WAIT_MS;
	unsigned calls, delivered = 0;

	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .model_delay_ms = 700 });
	assert_int_equal(admit(f, 1, 1, &lease), STORE_ACCEPTED);
	step.lease = lease;
	assert_int_equal(store_steps(f->store, &step, 1, now()), STORE_OK);
	start(f);
	while (upstream_model_calls(f->up) == 0 && clock_boot_ms() < until)
		usleep(1000);
	say(f, 2, 1);
	say(f, 3, 1);
	while (delivered == 0 && clock_boot_ms() < until) {
		calls = upstream_model_calls(f->up);
		delivered = upstream_delivered(f->up);
		assert_true(calls == 1 || delivered > 0);
		usleep(1000);
	}
	wait_until_finished(f);
	assert_int_equal(upstream_saw(f->up, "An answer."), 3);
}

static void
an_answer_without_room_becomes_a_short_word(void **state)
{
	static char question[40001]; /* it needs more room than is left over */
	struct store_event e = { .id = "long",
		.chat = "U1",
		.to = "U1",
		.reply_token = "token",
		.text = question,
		.line_ms = clock_wall_ms() };
	struct fixture *f = *state;
	struct store_limits limits = { 1000, 0, 100000, 0,
		engine_lease_ms(&f->settings), 10000 };
	struct store_verdict verdict;
	int64_t until = clock_boot_ms() + 3 * WAIT_MS;

	f->settings.history_bytes = sizeof(question);
	memset(question, 'q', sizeof(question) - 1);
	assert_int_equal(store_admit(f->store, &e, 1, &limits, now(), &verdict),
	    STORE_OK);
	fill_store(f);
	start(f);
	assert_int_equal(mailbox_job(f->mailbox, &verdict.lease), 0);
	mailbox_ring(f->mailbox);
	while (upstream_delivered(f->up) == 0 && clock_boot_ms() < until)
		usleep(5000);
	assert_int_equal(upstream_model_calls(f->up), 1);
	assert_int_equal(upstream_saw(f->up, "System busy"), 1);
}

static void
a_reply_whose_answer_is_lost_is_not_sent_twice(void **state)
{
	struct fixture *f = *state;

	upstream_set(f->up,
	    (struct upstream_knobs){ .model_status = 200, .replies_lost = 1 });
	start(f);
	say(f, 1, 1);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 1);
	assert_int_equal(upstream_pushed(f->up), 0);
}

static void
a_failed_reply_is_tried_again(void **state)
{
	struct fixture *f = *state;

	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .replies_failed = 2 });
	start(f);
	say(f, 1, 1);
	wait_until_finished(f);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
}

static void
a_late_answer_is_pushed_once(void **state)
{
	struct fixture *f = *state;

	f->settings.reply_window = 1;
	upstream_set(f->up,
	    (struct upstream_knobs){ .model_status = 200,
		.model_delay_ms = 1200,
		.pushes_failed = 1 });
	start(f);
	say(f, 1, 1);
	wait_until_finished(f);
	assert_int_equal(upstream_pushed(f->up), 1);
	assert_int_equal(upstream_delivered(f->up), 1);
}

static void
refused_content_becomes_the_plain_text(void **state)
{
	struct fixture *f = *state;

	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .refuse_content = 1 });
	start(f);
	say(f, 1, 1);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 1);
	assert_int_equal(upstream_saw(f->up, "An answer."), 0);
	assert_int_equal(stat_of(f).dead, 1);
}

static void
a_model_that_hangs_is_given_up_in_time(void **state)
{
	struct fixture *f = *state;
	int64_t began = clock_boot_ms(), took;

	f->settings.gemini_timeout = 1;
	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .model_delay_ms = 4000 });
	start(f);
	say(f, 1, 1);
	wait_until_finished(f);
	took = clock_boot_ms() - began;
	assert_true(took >= 900 && took < 2500);
	assert_int_equal(upstream_saw(f->up,
			     "Request timed out, please try again"),
	    1);
}

/* Nobody works with a lease that the store takes for over. */
static void
a_lease_that_is_nearly_over_is_taken_anew(void **state)
{
	struct fixture *f = *state;
	struct store_step step = { .kind = STORE_SAVE, .lease_ms = 1 };

	assert_int_equal(admit(f, 1, 1, &step.lease), STORE_ACCEPTED);
	assert_int_equal(store_steps(f->store, &step, 1, now()), STORE_OK);
	assert_int_equal(step.rc, STORE_OK);
	start(f);
	assert_int_equal(mailbox_job(f->mailbox, &step.lease), 0);
	mailbox_ring(f->mailbox);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 1);
	assert_int_equal(upstream_model_calls(f->up), 1);
}

static void
a_notice_is_replied(void **state)
{
	struct fixture *f = *state;
	int64_t until = clock_boot_ms() + WAIT_MS;

	start(f);
	assert_int_equal(mailbox_notice(f->mailbox, WORDS_SLOW_DOWN, "token"),
	    0);
	mailbox_ring(f->mailbox);
	while (upstream_delivered(f->up) == 0 && clock_boot_ms() < until)
		usleep(5000);
	assert_int_equal(upstream_saw(f->up, "Slow down please"), 1);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_question_is_answered_by_reply_and_the_user_is_idle),
		SCENE(three_hundred_from_three_threads_are_each_answered_once),
		SCENE(a_stopped_engine_hands_its_jobs_to_the_next),
		SCENE(a_model_that_fails_ends_in_an_apology_and_a_dead_letter),
		SCENE(the_user_of_a_poisoned_job_is_told),
		SCENE(the_user_of_an_answer_that_crashes_is_told),
		SCENE(who_has_an_answer_that_crashes_is_told_nothing),
		SCENE(a_wall_clock_that_jumps_ends_no_push),
		SCENE(nothing_runs_beside_a_suspect),
		SCENE(an_answer_without_room_becomes_a_short_word),
		SCENE(a_reply_whose_answer_is_lost_is_not_sent_twice),
		SCENE(a_failed_reply_is_tried_again),
		SCENE(a_late_answer_is_pushed_once),
		SCENE(refused_content_becomes_the_plain_text),
		SCENE(a_model_that_hangs_is_given_up_in_time),
		SCENE(a_lease_that_is_nearly_over_is_taken_anew),
		SCENE(a_notice_is_replied),
	};

	(void)log_open(NULL, LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

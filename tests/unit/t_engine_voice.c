/*
 * What is said is written down once, and answered unless its user found other
 * words meanwhile; what cannot be heard is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/engine_fixture.h"

/* Until a count has come so far. */
static void
wait_for(struct fixture *f, unsigned (*count)(struct upstream_fixture *),
    unsigned n)
{
	int64_t until = clock_boot_ms() + WAIT_MS;

	while (count(f->up) < n && clock_boot_ms() < until)
		usleep(2000);
	assert_true(count(f->up) >= n);
}

static void
a_voice_message_is_heard_and_answered(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(speak(f, 1, 1), STORE_ACCEPTED);
	wait_until_finished(f);
	assert_int_equal(upstream_fetches(f->up), 1);
	assert_int_equal(upstream_stt_calls(f->up), 1);
	assert_int_equal(upstream_model_calls(f->up), 1);
	assert_int_equal(upstream_saw(f->up,
			     "You said: \xe2\x80\x9cHello there.\xe2\x80\x9d"
			     "\\n\\nAn answer."),
	    1);
	assert_int_equal(upstream_delivered(f->up), 1);
	assert_int_equal(stat_of(f).dead, 0);
}

static void
a_recording_that_is_not_ready_is_asked_for_again(void **state)
{
	struct fixture *f = *state;

	upstream_set(f->up,
	    (struct upstream_knobs){ .model_status = 200, .not_ready = 2 });
	start(f);
	speak(f, 1, 1);
	wait_until_finished(f);
	assert_int_equal(upstream_fetches(f->up), 3);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
}

/* What there may be instead of words, and what its user reads. */
static const struct {
	struct upstream_knobs knobs;
	const char *told;
	unsigned stt_calls, dead;
} oddities[] = {
	{ { .words = "[no speech]" }, "I could not hear you.", 1, 0 },
	{ { .words = "" }, "I could not hear you.", 1, 0 },
	{ { .recording = "" }, "I could not hear you.", 0, 0 },
	{ { .recording = "<html>" }, "I could not hear you.", 0, 0 },
	{ { .recording_status = 404 }, "I could not fetch", 0, 0 },
	{ { .recording_status = 410 }, "I could not fetch", 0, 0 },
	{ { .recording_status = 401 }, "Something went wrong.", 0, 1 },
	{ { .stt_status = 400 }, "Something went wrong.", 1, 1 },
	{ { .stt_status = 404 }, "Something went wrong.", 1, 1 },
};

static void
what_cannot_be_heard_is_told(void **state)
{
	struct fixture *f = *state;
	unsigned i, calls = 0, dead = 0;

	start(f);
	for (i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++) {
		struct upstream_knobs knobs = oddities[i].knobs;
		unsigned before = upstream_saw(f->up, oddities[i].told);

		knobs.model_status = 200;
		upstream_set(f->up, knobs);
		assert_int_equal(speak(f, 1 + i, 1), STORE_ACCEPTED);
		wait_until_finished(f);
		calls += oddities[i].stt_calls;
		dead += oddities[i].dead;
		if (upstream_saw(f->up, oddities[i].told) != before + 1)
			fail_msg("case %u: not told %s", i, oddities[i].told);
		assert_int_equal(upstream_stt_calls(f->up), calls);
		assert_int_equal(stat_of(f).dead, dead);
	}
	assert_int_equal(upstream_model_calls(f->up), 0);
	assert_int_equal(upstream_saw(f->up, "You said:"), 0);
}

static void
a_text_overtakes_a_voice_message(void **state)
{
	struct fixture *f = *state;

	upstream_set(f->up,
	    (struct upstream_knobs){ .model_status = 200,
		.stt_delay_ms = 500,
		.model_delay_ms = 1500 });
	start(f);
	assert_int_equal(speak(f, 1, 1), STORE_ACCEPTED);
	wait_for(f, upstream_stt_calls, 1);
	assert_int_equal(say(f, 1, 2), STORE_ACCEPTED);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 1);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
	assert_int_equal(upstream_saw(f->up, "You said:"), 0);
	assert_int_equal(upstream_model_calls(f->up), 1);
	assert_int_equal(stat_of(f).dead, 0);
}

/* The lease of a dead worker's job, whose words were committed. */
static void
what_was_heard_is_not_heard_again(void **state)
{
	struct fixture *f = *state;

	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .model_delay_ms = 3000 });
	start(f);
	speak(f, 1, 1);
	wait_for(f, upstream_model_calls, 1);
	stop(f);
	upstream_set(f->up, (struct upstream_knobs){ .model_status = 200 });
	start(f);
	wait_until_finished(f);
	assert_int_equal(upstream_stt_calls(f->up), 1);
	assert_int_equal(upstream_saw(f->up, "Hello there."), 1);
}

static void
a_stopped_engine_hands_on_what_it_listens_to(void **state)
{
	struct fixture *f = *state;
	int64_t began;
	unsigned i;

	f->settings.speech_jobs = 3;
	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .stt_delay_ms = 3000 });
	start(f);
	for (i = 1; i <= 10; i++)
		speak(f, i, 1);
	wait_for(f, upstream_stt_calls, 3);
	began = clock_boot_ms();
	stop(f);
	assert_true(clock_boot_ms() - began < 900);
	assert_int_equal(stat_of(f).unfinished, 10);
	upstream_set(f->up, (struct upstream_knobs){ .model_status = 200 });
	start(f);
	wait_until_finished(f);
	assert_int_equal(upstream_saw(f->up, "An answer."), 10);
}

static void
no_more_than_speech_jobs_are_listened_to(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	f->settings.speech_jobs = 2;
	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .stt_delay_ms = 400 });
	start(f);
	for (i = 1; i <= 6; i++)
		speak(f, i, 1);
	wait_for(f, upstream_stt_calls, 2);
	assert_int_equal(upstream_fetches(f->up), 2);
	/* A text does not wait for them. */
	say(f, 7, 1);
	wait_for(f, upstream_delivered, 1);
	wait_until_finished(f);
	assert_int_equal(upstream_delivered(f->up), 7);
	assert_int_equal(upstream_stt_calls(f->up), 6);
}

static void
who_is_not_heard_in_time_is_told(void **state)
{
	struct fixture *f = *state;

	f->settings.stt_timeout = 1;
	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .stt_delay_ms = 4000 });
	start(f);
	speak(f, 1, 1);
	wait_until_finished(f);
	assert_int_equal(upstream_saw(f->up, "Request timed out"), 1);
	assert_int_equal(stat_of(f).dead, 1);
	upstream_set(f->up, (struct upstream_knobs){ .model_status = 200 });
	assert_int_equal(speak(f, 1, 2), STORE_ACCEPTED);
	wait_until_finished(f);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
}

static void
a_model_that_is_overloaded_is_asked_again(void **state)
{
	struct fixture *f = *state;

	upstream_set(f->up,
	    (struct upstream_knobs){ .model_status = 200, .stt_status = 503 });
	start(f);
	speak(f, 1, 1);
	wait_for(f, upstream_stt_calls, 2);
	upstream_set(f->up, (struct upstream_knobs){ .model_status = 200 });
	wait_until_finished(f);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
}

static void
who_waits_too_long_for_a_place_is_told(void **state)
{
	struct fixture *f = *state;

	f->settings.speech_jobs = 1;
	f->settings.gemini_timeout = 1;
	f->settings.stt_timeout = 20; /* of a lease of 35 s: 10 s to wait */
	upstream_set(f->up,
	    (struct upstream_knobs){
		.model_status = 200, .stt_delay_ms = 12000 });
	start(f);
	speak(f, 1, 1);
	wait_for(f, upstream_stt_calls, 1);
	speak(f, 2, 1);
	wait_for(f, upstream_delivered, 1);
	assert_int_equal(upstream_saw(f->up, "System busy"), 1);
	wait_until_finished(f);
	assert_int_equal(upstream_stt_calls(f->up), 1);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_voice_message_is_heard_and_answered),
		SCENE(a_recording_that_is_not_ready_is_asked_for_again),
		SCENE(what_cannot_be_heard_is_told),
		SCENE(a_text_overtakes_a_voice_message),
		SCENE(what_was_heard_is_not_heard_again),
		SCENE(a_stopped_engine_hands_on_what_it_listens_to),
		SCENE(no_more_than_speech_jobs_are_listened_to),
		SCENE(who_is_not_heard_in_time_is_told),
		SCENE(a_model_that_is_overloaded_is_asked_again),
		SCENE(who_waits_too_long_for_a_place_is_told),
	};

	(void)log_open(NULL, LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Answers are read aloud where that is wanted, and never wait for it longer
 * than their reply token lives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/engine_fixture.h"

#define SOUND "\"originalContentUrl\":\"https://bot.example/audio/"

static int
setup_voice(void **state)
{
	struct fixture *f;

	if (setup(state) != 0)
		return -1;
	f = *state;
	free(f->settings.public_base_url);
	f->settings.public_base_url = strdup("https://bot.example");
	return 0;
}

static unsigned
files(struct fixture *f)
{
	DIR *dir = opendir(f->settings.audio_dir);
	const struct dirent *found;
	unsigned n = 0;

	while (dir != NULL && (found = readdir(dir)) != NULL)
		n += strstr(found->d_name, ".mp3") != NULL;
	if (dir != NULL)
		closedir(dir);
	return n;
}

static struct upstream_knobs
usual(void)
{
	return (struct upstream_knobs){ .model_status = 200 };
}

static void
ask(struct fixture *f, unsigned event, const char *text)
{
	assert_int_equal(say_text(f, 1, event, text), STORE_ACCEPTED);
	wait_until_finished(f);
}

static void
assert_counts(struct fixture *f, unsigned model, unsigned tts, unsigned sounds)
{
	assert_int_equal(upstream_model_calls(f->up), model);
	assert_int_equal(upstream_tts_calls(f->up), tts);
	assert_int_equal(upstream_saw(f->up, SOUND), sounds);
}

static void
a_voice_is_answered_by_text_and_voice(void **state)
{
	struct fixture *f = *state;

	start(f);
	speak(f, 1, 1);
	wait_until_finished(f);
	assert_counts(f, 1, 1, 1);
	assert_int_equal(upstream_delivered(f->up), 1);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
	assert_int_equal(upstream_saw(f->up, "\"duration\":1000"), 1);
	assert_int_equal(files(f), 1);
}

static void
a_text_is_answered_by_text(void **state)
{
	struct fixture *f = *state;

	start(f);
	ask(f, 1, "What is it?");
	assert_counts(f, 1, 0, 0);
}

static void
the_user_says_when_a_voice_is_wanted(void **state)
{
	struct fixture *f = *state;

	start(f);
	ask(f, 1, "Voice on!");
	assert_counts(f, 0, 0, 0);
	ask(f, 2, "What is it?");
	assert_counts(f, 1, 1, 1);
	ask(f, 3, "voice off");
	speak(f, 1, 4);
	wait_until_finished(f);
	assert_counts(f, 2, 1, 1);
	ask(f, 5, "voice auto");
	speak(f, 1, 6);
	wait_until_finished(f);
	assert_counts(f, 3, 2, 2);
	assert_int_equal(upstream_delivered(f->up), 6);
}

static void
the_last_answer_is_said_aloud(void **state)
{
	struct fixture *f = *state;

	start(f);
	ask(f, 1, "speak");
	assert_int_equal(upstream_saw(f->up, SOUND), 0);
	assert_int_equal(upstream_delivered(f->up), 1);
	ask(f, 2, "What is it?");
	ask(f, 3, "speak");
	ask(f, 4, "\xe6\x9c\x97\xe8\xae\x80");
	assert_counts(f, 1, 2, 2);
	assert_int_equal(upstream_delivered(f->up), 4);
}

/* With voices and an answer to read aloud, too. */
static void
help_is_said_and_not_read_aloud(void **state)
{
	struct fixture *f = *state;

	start(f);
	ask(f, 1, "What is it?");
	ask(f, 2, "HELP!");
	assert_counts(f, 1, 0, 0);
	assert_int_equal(upstream_saw(f->up, "I am not a doctor."), 1);
	ask(f, 3, "new");
	assert_counts(f, 2, 0, 0);
}

static void
without_an_address_there_are_no_voices(void **state)
{
	struct fixture *f = *state;

	start(f);
	ask(f, 1, "voice on");
	assert_int_equal(upstream_delivered(f->up), 1);
	speak(f, 1, 2);
	wait_until_finished(f);
	assert_counts(f, 1, 0, 0);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
}

/* What may come instead of a voice; the text comes in any case. */
static const struct {
	struct upstream_knobs knobs;
	unsigned calls;
} oddities[] = {
	{ { .tts_status = 400 }, 1 },
	{ { .tts_status = 404 }, 1 },
	{ { .tts_ms = 1 }, 3 },      /* no answer can be so short */
	{ { .tts_ms = 120000 }, 3 }, /* nor so long */
	{ { .tts_ms = 300000 }, 1 }, /* that is more than is taken */
	{ { .tts_type = "text/plain" }, 3 },
};

static void
without_a_sound_the_text_comes_alone(void **state)
{
	struct fixture *f = *state;
	unsigned i, calls = 0;

	start(f);
	for (i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++) {
		struct upstream_knobs knobs = oddities[i].knobs;

		knobs.model_status = 200;
		upstream_set(f->up, knobs);
		speak(f, 1 + i, 1);
		wait_until_finished(f);
		calls += oddities[i].calls;
		if (upstream_tts_calls(f->up) != calls)
			fail_msg("case %u: %u calls, not %u", i,
			    upstream_tts_calls(f->up), calls);
		assert_int_equal(upstream_saw(f->up, "An answer."), i + 1);
	}
	assert_counts(f, i, calls, 0);
	assert_int_equal(upstream_delivered(f->up), i);
	assert_int_equal(files(f), 0);
	assert_int_equal(stat_of(f).dead, 0);
}

static void
who_waits_for_a_voice_is_busy_until_it_is_late(void **state)
{
	struct fixture *f = *state;
	struct upstream_knobs knobs = usual();
	int64_t began = clock_boot_ms();

	knobs.tts_delay_ms = 10000;
	upstream_set(f->up, knobs);
	f->settings.tts_timeout = 2;
	start(f);
	speak(f, 1, 1);
	while (upstream_tts_calls(f->up) == 0 &&
	    clock_boot_ms() - began < WAIT_MS)
		usleep(1000);
	assert_int_equal(say(f, 1, 2), STORE_DROPPED);
	wait_until_finished(f);
	assert_true(clock_boot_ms() - began < 8000);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
	assert_int_equal(say(f, 1, 3), STORE_ACCEPTED);
	wait_until_finished(f);
	assert_counts(f, 2, 1, 0);
}

static void
a_late_voice_may_follow_by_a_push(void **state)
{
	struct fixture *f = *state;
	struct upstream_knobs knobs = usual();

	knobs.tts_delay_ms = 2500;
	upstream_set(f->up, knobs);
	f->settings.reply_window = 7; /* 5 s of it are for sending */
	f->settings.voice_push = VOICE_PUSH_ON;
	start(f);
	speak(f, 1, 1);
	wait_until_finished(f);
	assert_counts(f, 1, 2, 1);
	assert_int_equal(upstream_delivered(f->up), 2);
	assert_int_equal(upstream_pushed(f->up), 1);
	assert_int_equal(upstream_saw(f->up, "An answer."), 1);
	assert_int_equal(stat_of(f).dead, 0);
	assert_int_equal(files(f), 1);
}

static void
a_stopped_engine_hands_on_what_it_speaks(void **state)
{
	struct fixture *f = *state;
	struct upstream_knobs knobs = usual();
	int64_t began = clock_boot_ms();

	knobs.tts_delay_ms = 4000;
	upstream_set(f->up, knobs);
	start(f);
	speak(f, 1, 1);
	while (upstream_tts_calls(f->up) == 0 &&
	    clock_boot_ms() - began < WAIT_MS)
		usleep(1000);
	stop(f);
	assert_int_equal(stat_of(f).unfinished, 1);
	upstream_set(f->up, usual());
	start(f);
	wait_until_finished(f);
	assert_counts(f, 1, 2, 1);
	assert_int_equal(upstream_stt_calls(f->up), 1);
	assert_int_equal(upstream_saw(f->up, "Hello there."), 1);
}

static void
no_more_than_speech_jobs_are_spoken(void **state)
{
	struct fixture *f = *state;
	struct upstream_knobs knobs = usual();
	unsigned i;

	knobs.tts_delay_ms = 300;
	upstream_set(f->up, knobs);
	f->settings.speech_jobs = 2;
	start(f);
	for (i = 1; i <= 6; i++)
		speak(f, i, 1);
	wait_until_finished(f);
	assert_counts(f, 6, 6, 6);
	assert_int_equal(files(f), 6);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, setup_voice, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_voice_is_answered_by_text_and_voice),
		SCENE(a_text_is_answered_by_text),
		SCENE(the_user_says_when_a_voice_is_wanted),
		SCENE(the_last_answer_is_said_aloud),
		SCENE(help_is_said_and_not_read_aloud),
		SCENE(without_a_sound_the_text_comes_alone),
		SCENE(who_waits_for_a_voice_is_busy_until_it_is_late),
		SCENE(a_late_voice_may_follow_by_a_push),
		SCENE(a_stopped_engine_hands_on_what_it_speaks),
		SCENE(no_more_than_speech_jobs_are_spoken),
		cmocka_unit_test_setup_teardown(
		    without_an_address_there_are_no_voices, setup, teardown),
	};

	(void)log_open(NULL, LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#include "jobs/stage.h"
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
}

static void
what_is_forgotten_is_not_said_aloud(void **state)
{
	struct fixture *f = *state;

	start(f);
	ask(f, 1, "Voice on");
	ask(f, 2, "What is it?");
	assert_counts(f, 1, 1, 1);
	ask(f, 3, "New");
	ask(f, 4, "Speak");
	assert_counts(f, 1, 1, 1);
	assert_int_equal(upstream_saw(f->up, "A fresh start"), 1);
	assert_int_equal(upstream_saw(f->up, "There is no answer to read"), 1);
	ask(f, 5, "What is it?"); /* what was chosen stays */
	assert_counts(f, 2, 2, 2);
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

/* Not told to the engine yet, with a lease as long as its own. */
static void
admit_text(struct fixture *f, const char *id, const char *text,
    struct store_verdict *verdict)
{
	struct store_event e = { .id = id,
		.chat = "U1",
		.to = "U1",
		.reply_token = id,
		.text = text,
		.line_ms = clock_wall_ms() };
	struct store_limits limits = { 1000, 0, 100000, 0,
		engine_lease_ms(&f->settings), 10000 };

	assert_int_equal(store_admit(f->store, &e, 1, &limits, now(), verdict),
	    STORE_OK);
	assert_int_equal(verdict->fate, STORE_ACCEPTED);
}

static void
wait_for_delivery(struct fixture *f, unsigned n)
{
	int64_t until = clock_boot_ms() + 4 * WAIT_MS;

	while (upstream_delivered(f->up) < n && clock_boot_ms() < until)
		usleep(5000);
	assert_int_equal(upstream_delivered(f->up), n);
}

/* What the conversation was before. */
static void
remember(struct fixture *f, const char *question, const char *answer)
{
	struct store_verdict verdict;
	struct store_step steps[2] = { { .kind = STORE_ANSWER,
					   .lease_ms = 60000,
					   .reply = "[]",
					   .reply_len = 2,
					   .question = question,
					   .answer = answer,
					   .history_turns = 10,
					   .history_bytes = 100000 },
		{ .kind = STORE_DONE } };

	admit_text(f, "before", question, &verdict);
	steps[0].lease = steps[1].lease = verdict.lease;
	assert_int_equal(store_steps(f->store, steps, 2, now()), STORE_OK);
	assert_int_equal(steps[1].rc, STORE_OK);
}

/* A choice that finds no room must not hold up anybody. */
static void
a_choice_without_room_becomes_a_short_word(void **state)
{
	static char question[40001];
	struct fixture *f = *state;
	struct store_verdict verdict;

	memset(question, 'q', sizeof(question) - 1);
	remember(f, question, "An answer.");
	admit_text(f, "choice", "voice on", &verdict);
	fill_store(f);
	start(f);
	assert_int_equal(mailbox_job(f->mailbox, &verdict.lease), 0);
	mailbox_ring(f->mailbox);
	wait_for_delivery(f, 1);
	assert_int_equal(upstream_saw(f->up, "System busy"), 1);
}

/* A job whose answer is in the store, and is to be read aloud. */
static void
leave_to_be_spoken(struct fixture *f, const char *reply)
{
	struct store_verdict verdict;
	struct store_step steps[2] = { { .kind = STORE_ANSWER,
					   .progress.stage = STAGE_SPEAK,
					   .lease_ms = 60000,
					   .reply = reply,
					   .reply_len = strlen(reply),
					   .stays_busy = true },
		{ .kind = STORE_WAIT, .progress.stage = STAGE_SPEAK } };

	admit_text(f, "long", "What shall I do?", &verdict);
	steps[0].lease = steps[1].lease = verdict.lease;
	assert_int_equal(store_steps(f->store, steps, 2, now()), STORE_OK);
	assert_int_equal(steps[0].rc, STORE_OK);
	assert_int_equal(steps[1].rc, STORE_OK);
}

/* The text is in the store, and waits for no room that its sound may want. */
static void
without_room_for_the_sound_the_text_goes_at_once(void **state)
{
	static const char head[] = "[{\"type\":\"text\",\"text\":\"";
	static const char sentence[] = "Drink water, and rest for a day. ";
	static char reply[16384]; /* more than what is left when it is full */
	struct fixture *f = *state;
	struct upstream_knobs knobs = usual();
	size_t at = sizeof(head) - 1;

	memcpy(reply, head, sizeof(head));
	for (; at + sizeof(sentence) + 4 < sizeof(reply);
	     at += sizeof(sentence) - 1)
		memcpy(reply + at, sentence, sizeof(sentence));
	memcpy(reply + at, "\"}]", 4);
	leave_to_be_spoken(f, reply);
	fill_store(f);
	knobs.tts_ms = 100000;
	upstream_set(f->up, knobs);
	start(f);
	wait_for_delivery(f, 1);
	assert_counts(f, 0, 1, 0);
	assert_int_equal(upstream_saw(f->up, "Drink water"), 1);
	assert_int_equal(upstream_pushed(f->up), 0);
}

static void
of_a_long_answer_it_says_that_it_speaks_the_beginning(void **state)
{
	static const char sentence[] = "Drink water, and rest for a day. ";
	static char answer[8192];
	struct fixture *f = *state;
	struct upstream_knobs knobs = usual();
	struct store_verdict verdict;
	size_t at;

	for (at = 0; at + sizeof(sentence) < sizeof(answer);
	     at += sizeof(sentence) - 1)
		memcpy(answer + at, sentence, sizeof(sentence));
	remember(f, "What shall I do?", answer);
	knobs.tts_ms = 100000;
	upstream_set(f->up, knobs);
	start(f);
	admit_text(f, "speak", "speak", &verdict);
	assert_int_equal(mailbox_job(f->mailbox, &verdict.lease), 0);
	mailbox_ring(f->mailbox);
	wait_until_finished(f);
	assert_counts(f, 0, 1, 1);
	assert_int_equal(upstream_saw(f->up, "Only the beginning"), 1);
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
		SCENE(what_is_forgotten_is_not_said_aloud),
		SCENE(without_a_sound_the_text_comes_alone),
		SCENE(who_waits_for_a_voice_is_busy_until_it_is_late),
		SCENE(a_late_voice_may_follow_by_a_push),
		SCENE(a_stopped_engine_hands_on_what_it_speaks),
		SCENE(no_more_than_speech_jobs_are_spoken),
		SCENE(a_choice_without_room_becomes_a_short_word),
		SCENE(without_room_for_the_sound_the_text_goes_at_once),
		SCENE(of_a_long_answer_it_says_that_it_speaks_the_beginning),
		cmocka_unit_test_setup_teardown(
		    without_an_address_there_are_no_voices, setup, teardown),
	};

	(void)log_open(NULL, LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

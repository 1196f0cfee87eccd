/*
 * A speech model is asked in the form it knows, and its answer is either a
 * sound, whole, or a reason that tells what to do next; however it is cut into
 * pieces on its way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "audio/pcm.h"
#include "model/speak.h"
#include "tests/unit/data.h"
#include "tests/unit/fail_alloc.h"

enum { SOUND_MAX = 1000 * 1000 };

#define PART(type, data) \
	"{\"inlineData\":{\"mimeType\":\"" type "\",\"data\":\"" data "\"}}"
#define ANSWER(parts)                                      \
	"{\"candidates\":[{\"content\":{\"parts\":[" parts \
	"],\"role\":\"model\"},\"finishReason\":\"STOP\"}]}"

/* ---- request ------------------------------------------------------------ */

static void
check_request(const struct speak_ask *ask, const char *wanted)
{
	size_t len;
	char *json = speak_request(ask, &len);

	assert_non_null(json);
	assert_string_equal(json, wanted);
	assert_int_equal(len, strlen(json));
	free(json);
}

static void
request_has_text_and_voice(void **state)
{
	(void)state;
	check_request(&(struct speak_ask){ "Drink \"water\".\n", "Kore", "" },
	    "{\"contents\":[{\"role\":\"user\",\"parts\":"
	    "[{\"text\":\"Drink \\\"water\\\".\\n\"}]}],"
	    "\"generationConfig\":{\"responseModalities\":[\"AUDIO\"],"
	    "\"speechConfig\":{\"voiceConfig\":{\"prebuiltVoiceConfig\":"
	    "{\"voiceName\":\"Kore\"}}}}}");
}

static void
request_may_name_the_language(void **state)
{
	(void)state;
	check_request(&(struct speak_ask){ "a\xff", "Puck", "th-TH" },
	    "{\"contents\":[{\"role\":\"user\",\"parts\":"
	    "[{\"text\":\"a\xef\xbf\xbd\"}]}],"
	    "\"generationConfig\":{\"responseModalities\":[\"AUDIO\"],"
	    "\"speechConfig\":{\"voiceConfig\":{\"prebuiltVoiceConfig\":"
	    "{\"voiceName\":\"Puck\"}},\"languageCode\":\"th-TH\"}}}");
}

/* ---- answer ------------------------------------------------------------- */

static struct speak_reply
read_in(int status, const char *body, size_t len, size_t piece)
{
	struct speak_reader reader;
	struct speak_reply reply;
	size_t at, n;

	speak_begin(&reader, SOUND_MAX);
	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		if (speak_feed(&reader, body + at, n) == -1)
			break;
	}
	speak_end(&reader, status, &reply);
	assert_int_equal(reply.outcome == GEMINI_ANSWER, reply.sound != NULL);
	return reply;
}

static const size_t pieces[] = { 1, 2, 3, 7, 100, SOUND_MAX };
enum { PIECES = sizeof(pieces) / sizeof(pieces[0]) };

static void
check_outcome(int status, const char *body, enum gemini_outcome wanted)
{
	struct speak_reply reply;
	size_t i;

	for (i = 0; i < PIECES; i++) {
		reply = read_in(status, body, strlen(body), pieces[i]);
		if (reply.outcome != wanted)
			print_message("%s\n", body);
		assert_int_equal(reply.outcome, wanted);
		speak_reply_release(&reply);
	}
}

static void
check_sound(const char *body, const char *bytes, size_t len, const char *type)
{
	struct speak_reply reply;
	size_t i;

	for (i = 0; i < PIECES; i++) {
		reply = read_in(200, body, strlen(body), pieces[i]);
		assert_int_equal(reply.outcome, GEMINI_ANSWER);
		assert_int_equal(reply.len, len);
		assert_memory_equal(reply.sound, bytes, len);
		assert_string_equal(reply.type, type);
		speak_reply_release(&reply);
	}
}

/* Each family of models, as recorded: 250 ms of sound, 24 kHz. */
static void
both_families_are_heard(void **state)
{
	static const struct {
		const char *file, *type;
	} rows[] = {
		{ "tts-2.5-l16", "audio/L16;codec=pcm;rate=24000" },
		{ "tts-3.1-l16-lowercase",
		    "audio/l16; rate=24000; channels=1" },
		{ "tts-3.8-wav", "audio/wav" },
	};
	struct speak_reply reply;
	struct pcm pcm;
	char path[128], *body;
	size_t i, k, len;
	int status;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(path, sizeof(path),
		    "tests/data/speech-responses/%s.json", rows[i].file);
		body = data_answer(path, &status, &len);
		for (k = 0; k < PIECES; k++) {
			reply = read_in(status, body, len, pieces[k]);
			assert_int_equal(reply.outcome, GEMINI_ANSWER);
			assert_string_equal(reply.type, rows[i].type);
			assert_int_equal(pcm_find(&pcm, reply.sound, reply.len,
					     reply.type),
			    PCM_OK);
			assert_int_equal(pcm.rate, 24000);
			assert_int_equal(pcm.frames, 6000);
			speak_reply_release(&reply);
		}
		free(body);
	}
}

static void
recorded_failures_say_what_to_do(void **state)
{
	static const struct {
		const char *file;
		enum gemini_outcome outcome;
	} rows[] = {
		{ "speech-responses/tts-empty-data", GEMINI_EMPTY },
		{ "speech-responses/tts-no-audio", GEMINI_EMPTY },
		{ "speech-responses/tts-text-instead-of-audio", GEMINI_EMPTY },
		{ "speech-responses/error-400-tts-text", GEMINI_EMPTY },
		{ "speech-responses/error-400-tts-system-instruction",
		    GEMINI_REFUSED },
		{ "gemini-responses/blocked-prompt-safety", GEMINI_BLOCKED },
		{ "gemini-responses/error-400-api-key", GEMINI_REFUSED },
		{ "gemini-responses/error-404-model", GEMINI_NO_MODEL },
		{ "gemini-responses/error-429-per-day", GEMINI_QUOTA },
		{ "gemini-responses/error-429-per-minute", GEMINI_RATE },
		{ "gemini-responses/error-503-overloaded", GEMINI_OVERLOADED },
		{ "gemini-responses/ok", GEMINI_EMPTY },
	};
	char path[128], *body;
	size_t i, len;
	int status;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(path, sizeof(path), "tests/data/%s.json",
		    rows[i].file);
		body = data_answer(path, &status, &len);
		check_outcome(status, body, rows[i].outcome);
		free(body);
	}
}

static void
spelling_of_the_json_does_not_matter(void **state)
{
	(void)state;
	check_sound(ANSWER(PART("audio/wav", "Zm9v\\/+8=")), "foo\xff\xef", 5,
	    "audio/wav");
	check_sound(ANSWER(PART("a", "Zm9v\\u002f\\u002B8\\u003d")),
	    "foo\xff\xef", 5, "a");
	check_sound(ANSWER(PART("a", "Zm\\n9v")), "foo", 3, "a");
	check_sound(ANSWER("{\"inlineData\" : {\n\"data\"\t:\r\n\"Zm9v\"}}"),
	    "foo", 3, "");
	check_sound("[" ANSWER(PART("a", "Zm9v")) "]", "foo", 3, "a");
	check_sound(ANSWER("{\"text\":\"\\\"data\\\":\\\"x\\\"\"},"
			   "{\"text\":\"data\"}," PART("a", "Zm9v")),
	    "foo", 3, "a");
}

static void
a_sound_may_come_in_parts(void **state)
{
	(void)state;
	check_sound(ANSWER(PART("a", "Zm8=") "," PART("a", "bw==")), "foo", 3,
	    "a");
	check_outcome(200, ANSWER(PART("a", "Zm9v") "," PART("b", "Zm9v")),
	    GEMINI_EMPTY);
}

/* Decoded, but not where an answer's sound stands. */
static void
a_sound_elsewhere_is_none(void **state)
{
	(void)state;
	check_outcome(200, ANSWER("{\"text\":\"a\",\"data\":\"Zm9v\"}"),
	    GEMINI_EMPTY);
	check_outcome(200,
	    "{\"data\":\"Zm9v\"," /* and a good one */
	    "\"candidates\":[{\"content\":{\"parts\":[" PART("a",
		"Zm9v") "]}}]}",
	    GEMINI_EMPTY);
	check_outcome(200, "{\"data\":\"Zm9v\"}", GEMINI_EMPTY);
}

static void
a_cut_or_damaged_sound_is_none(void **state)
{
	(void)state;
	check_outcome(200, ANSWER(PART("a", "Zm9v!")), GEMINI_EMPTY);
	check_outcome(200, ANSWER(PART("a", "Zm9vZ")), GEMINI_EMPTY);
	check_outcome(200, ANSWER(PART("a", "Zm9v\\b")), GEMINI_EMPTY);
	check_outcome(200, ANSWER(PART("a", "Zm9v\\u0100")), GEMINI_EMPTY);
	check_outcome(200, ANSWER(PART("a", "")), GEMINI_EMPTY);
	check_outcome(200,
	    "{\"candidates\":[{\"content\":{\"parts\":["
	    "{\"inlineData\":{\"data\":\"Zm9v",
	    GEMINI_OVERLOADED);
	check_outcome(200, "", GEMINI_OVERLOADED);
	check_outcome(200,
	    "{\"candidates\":[{\"content\":{\"parts\":[" PART("a",
		"Zm9v") "]},\"finishReason\":\"MAX_TOKENS\"}]}",
	    GEMINI_EMPTY);
	check_outcome(200,
	    "{\"candidates\":[{\"content\":{\"parts\":[" PART("a",
		"Zm9v") "]},\"finishReason\":\"SAFETY\"}]}",
	    GEMINI_BLOCKED);
}

/* What is fed has no end: the reader has. */
static void
an_endless_answer_is_refused(void **state)
{
	static const char *const begins[] = { "{\"data\":\"", "{\"text\":\"",
		"" };
	char piece[1000];
	struct speak_reader reader;
	struct speak_reply reply;
	size_t i, n;

	(void)state;
	memset(piece, 'A', sizeof(piece));
	for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		speak_begin(&reader, SOUND_MAX);
		speak_feed(&reader, begins[i], strlen(begins[i]));
		for (n = 0; n < 10000; n++)
			if (speak_feed(&reader, piece, sizeof(piece)) == -1)
				break;
		assert_true(n < 2000);
		assert_int_equal(speak_feed(&reader, piece, 1), -1);
		speak_end(&reader, 200, &reply);
		assert_int_equal(reply.outcome, GEMINI_EMPTY);
		speak_reply_release(&reply);
	}
}

static void
a_reader_can_be_given_up(void **state)
{
	struct speak_reader reader;

	(void)state;
	speak_begin(&reader, SOUND_MAX);
	assert_int_equal(speak_feed(&reader, "{\"data\":\"Zm9v", 13), 0);
	speak_abort(&reader);
	assert_null(reader.sound.data);
	assert_null(reader.rest.data);
}

static bool
ask_or_run_short(void *unused)
{
	size_t len;
	char *json =
	    speak_request(&(struct speak_ask){ "a", "Kore", "en" }, &len);

	(void)unused;
	free(json);
	return json != NULL;
}

static bool
read_or_run_short(void *unused)
{
	static const char body[] = ANSWER(PART("a", "Zm9v"));
	struct speak_reply reply = read_in(200, body, sizeof(body) - 1, 50);
	bool done = reply.outcome == GEMINI_ANSWER;

	(void)unused;
	speak_reply_release(&reply);
	return done;
}

static void
every_allocation_may_fail(void **state)
{
	(void)state;
	assert_true(fail_alloc_each(ask_or_run_short, NULL) >= 0);
	assert_true(fail_alloc_each(read_or_run_short, NULL) >= 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_has_text_and_voice),
		cmocka_unit_test(request_may_name_the_language),
		cmocka_unit_test(both_families_are_heard),
		cmocka_unit_test(recorded_failures_say_what_to_do),
		cmocka_unit_test(spelling_of_the_json_does_not_matter),
		cmocka_unit_test(a_sound_may_come_in_parts),
		cmocka_unit_test(a_sound_elsewhere_is_none),
		cmocka_unit_test(a_cut_or_damaged_sound_is_none),
		cmocka_unit_test(an_endless_answer_is_refused),
		cmocka_unit_test(a_reader_can_be_given_up),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

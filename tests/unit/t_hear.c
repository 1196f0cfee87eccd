/*
 * A recording becomes the request that each family of models wants, byte by
 * byte, in whatever pieces it is read; and who said nothing is not answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "model/hear.h"
#include "tests/unit/fail_alloc.h"

static const char m4a[] = "\0\0\0\x1c"
			  "ftypM4A ";

/* All of a body, read in pieces of that size. */
static char *
read_all(const struct hear_body *body, size_t piece)
{
	size_t len = hear_body_len(body), at = 0, n;
	char *text = malloc(len + piece + 1);

	assert_non_null(text);
	while ((n = hear_body_read(body, at, text + at, piece)) > 0) {
		assert_true(n <= piece);
		at += n;
		assert_true(at <= len);
	}
	assert_int_equal(at, len);
	text[len] = '\0';
	return text;
}

static char *
request(const char *model, const char *audio, size_t len, size_t piece)
{
	struct hear_body body;
	char *text;

	assert_int_equal(hear_body_init(&body, model, "audio/m4a", audio, len),
	    0);
	text = read_all(&body, piece);
	hear_body_release(&body);
	return text;
}

static const json_t *
parts_of(const json_t *root)
{
	const json_t *content =
	    json_array_get(json_object_get(root, "contents"), 0);

	assert_string_equal(json_string_value(json_object_get(content, "role")),
	    "user");
	return json_object_get(content, "parts");
}

static const char *
data_of(const json_t *part)
{
	const json_t *data = json_object_get(part, "inlineData");

	assert_string_equal(json_string_value(json_object_get(data,
				"mimeType")),
	    "audio/m4a");
	return json_string_value(json_object_get(data, "data"));
}

static void
a_transcriber_gets_the_recording_alone(void **state)
{
	char *text =
	    request("gemini-3.5-transcribe", m4a, sizeof(m4a) - 1, 4096);
	json_t *root = json_loads(text, 0, NULL);
	const json_t *parts = parts_of(root);

	(void)state;
	assert_int_equal(json_object_size(root), 1);
	assert_int_equal(json_array_size(parts), 1);
	assert_string_equal(data_of(json_array_get(parts, 0)),
	    "AAAAHGZ0eXBNNEEg");
	json_decref(root);
	free(text);
}

static void
another_model_is_told_what_to_do_with_it(void **state)
{
	char *text = request("gemini-3.5-flash-lite", m4a, sizeof(m4a) - 1, 9);
	json_t *root = json_loads(text, 0, NULL);
	const json_t *parts = parts_of(root);
	const char *told =
	    json_string_value(json_object_get(json_array_get(parts, 0),
		"text"));

	(void)state;
	assert_int_equal(json_array_size(parts), 2);
	assert_non_null(strstr(told, "word for word"));
	assert_non_null(strstr(told, "[no speech]"));
	assert_string_equal(data_of(json_array_get(parts, 1)),
	    "AAAAHGZ0eXBNNEEg");
	json_decref(root);
	free(text);
}

static void
pieces_of_any_size_make_the_same_body(void **state)
{
	char audio[257], *whole, *text;
	size_t len, piece, i;

	(void)state;
	for (i = 0; i < sizeof(audio); i++)
		audio[i] = (char)(i * 7);
	for (len = sizeof(audio) - 3; len <= sizeof(audio); len++) {
		whole = request("m", audio, len, 100000);
		for (piece = 1; piece < 70; piece++) {
			text = request("m", audio, len, piece);
			assert_string_equal(text, whole);
			free(text);
		}
		free(whole);
	}
}

static void
any_byte_is_encoded(void **state)
{
	static const struct {
		const char *audio, *data;
	} cases[] = {
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "\xff\xfe\xfd", "//79" },
		{ "\xfb\xff", "+/8=" },
	};
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = request("transcribe", cases[i].audio,
		    strlen(cases[i].audio), 1000);
		if (strstr(text, cases[i].data) == NULL)
			fail_msg("%s is not in %s", cases[i].data, text);
		free(text);
	}
}

static void
recordings_are_known_by_their_bytes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *mime;
	} cases[] = {
		{ "\0\0\0\x1c"
		  "ftypM4A ",
		    12, "audio/mp4" },
		{ "RIFF\0\0\0\0WAVEfmt ", 16, "audio/wav" },
		{ "RIFF\0\0\0\0AVI fmt ", 16, NULL },
		{ "OggS\0", 5, "audio/ogg" },
		{ "ID3\x04", 4, "audio/mp3" },
		{ "\xff\xfb\x90", 3, "audio/mp3" },
		{ "\xff\xf1P", 3, "audio/aac" },
		{ "fLaC", 4, "audio/flac" },
		{ "<html>", 6, NULL },
		{ "\0\0\0\x1c"
		  "fty",
		    7, NULL },
		{ "", 0, NULL },
	};
	const char *mime;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mime = hear_mime(cases[i].bytes, cases[i].len, "audio/mp4");
		if (cases[i].mime == NULL)
			assert_null(mime);
		else
			assert_string_equal(mime, cases[i].mime);
	}
}

static void
silence_is_told_from_words(void **state)
{
	static const char bracketed[] = "\xe3\x80\x90\xe7\x84\xa1"
					"\xe8\x81\xb2\xe3\x80\x91";
	static const char *const silences[] = { "", " ", "...", "\n",
		"[no speech]", "[No speech.]", "(silence)", "[BLANK_AUDIO]",
		"\xe2\x80\xa6", "\xe3\x80\x82", bracketed, "- -" };
	static const char *const words[] = { "yes", "No!", "7",
		"(cough) I have a fever", "[one] and [two]", "(",
		"\xe5\xa5\xbd", "[no speech] but then", "\xf0\x9f\x98\x80" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(silences) / sizeof(silences[0]); i++)
		if (!hear_is_silence(silences[i]))
			fail_msg("words: \"%s\"", silences[i]);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (hear_is_silence(words[i]))
			fail_msg("silence: \"%s\"", words[i]);
}

static bool
make_or_run_short(void *unused)
{
	struct hear_body body;

	(void)unused;
	if (hear_body_init(&body, "m", "audio/m4a", m4a, sizeof(m4a)) == -1)
		return false;
	hear_body_release(&body);
	return true;
}

static void
every_allocation_may_fail(void **state)
{
	(void)state;
	assert_true(fail_alloc_each(make_or_run_short, NULL) >= 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transcriber_gets_the_recording_alone),
		cmocka_unit_test(another_model_is_told_what_to_do_with_it),
		cmocka_unit_test(pieces_of_any_size_make_the_same_body),
		cmocka_unit_test(any_byte_is_encoded),
		cmocka_unit_test(recordings_are_known_by_their_bytes),
		cmocka_unit_test(silence_is_told_from_words),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Whatever is added, there are at most five messages, the buttons are on the
 * last one, and nothing of the answer is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "line/grapheme.h"
#include "line/message.h"
#include "tests/unit/fail_alloc.h"

#define HI "{\"type\":\"text\",\"text\":\"Hi\",\"quoteToken\":\"q\"}"
#define SOUND                                                                 \
	"{\"type\":\"audio\",\"originalContentUrl\":\"https://a.org/b.mp3\"," \
	"\"duration\":1234"
#define NOTE "{\"type\":\"text\",\"text\":\"(\\\"note\\\")\""
#define BUTTON(x)                                                            \
	"{\"type\":\"action\",\"action\":{\"type\":\"message\",\"label\":" x \
	",\"text\":" x "}}"
#define URL "https://a.org/b.mp3"

static const char *const labels[] = { "Speak", "語音開" };
enum { N_LABELS = sizeof(labels) / sizeof(labels[0]) };
#define BUTTONS                                                        \
	",\"quickReply\":{\"items\":[" BUTTON("\"Speak\"") "," BUTTON( \
	    "\"語音開\"") "]}"

/* Twenty characters as people see them. */
#define NURSE_AND_19 "👩🏽‍⚕️1234567890123456789"

/* Frees what was made. */
static void
same(char *made, const char *wanted)
{
	assert_non_null(made);
	assert_string_equal(made, wanted);
	free(made);
}

/* An answer of n messages; new. */
static char *
answer(size_t n)
{
	char *text = malloc(n * MESSAGE_UNITS_MAX + 1), *json;

	memset(text, 'x', n * MESSAGE_UNITS_MAX);
	text[n * MESSAGE_UNITS_MAX] = '\0';
	json = message_texts(text, "q", NULL);
	free(text);
	return json;
}

/* Of messages, the number; all but the last without buttons. */
static size_t
count(const char *json, bool with_buttons)
{
	json_t *all = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	size_t n = json_array_size(all), i;

	assert_in_range(n, 1, MESSAGES_MAX);
	for (i = 0; i < n; i++)
		assert_int_equal(json_object_get(json_array_get(all, i),
				     "quickReply") != NULL,
		    with_buttons && i == n - 1);
	json_decref(all);
	return n;
}

static void
buttons_are_on_the_last_message(void **state)
{
	char *two = answer(2), *json, *again;
	size_t len;

	(void)state;
	json = message_with_quick_replies("[" HI "]", labels, N_LABELS, &len);
	assert_int_equal(len, strlen(json));
	same(json,
	    "[{\"type\":\"text\",\"text\":\"Hi\",\"quoteToken\":\"q\"" BUTTONS
	    "}]");
	json = message_with_quick_replies(two, labels, N_LABELS, NULL);
	assert_int_equal(count(json, true), 2);
	again = message_with_quick_replies(json, labels, N_LABELS, NULL);
	same(again, json); /* in the place of those before */
	again = message_with_quick_replies(json, labels, 0, NULL);
	same(again, two);
	free(json);
	free(two);
}

static void
what_line_refuses_is_no_button(void **state)
{
	static const char *const some[] = { "", " \n", "123456789012345678901",
		NURSE_AND_19, "\"\\" };
	static const char *const many[] = { "0", "1", "2", "3", "4", "5", "6",
		"7", "8", "9", "a", "b", "c", "d", "e" };
	json_t *all, *items;
	char *json;

	(void)state;
	json = message_with_quick_replies("[" HI "]", some, 3, NULL);
	same(json, "[" HI "]");
	json = message_with_quick_replies("[" HI "]", some, 5, NULL);
	same(json,
	    "[{\"type\":\"text\",\"text\":\"Hi\",\"quoteToken\":\"q\""
	    ",\"quickReply\":{\"items\":[" BUTTON(
		"\"" NURSE_AND_19 "\"") "," BUTTON("\"\\\"\\\\\"") "]}}]");
	json = message_with_quick_replies("[" HI "]", many,
	    sizeof(many) / sizeof(many[0]), NULL);
	all = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	items = json_object_get(json_object_get(json_array_get(all, 0),
				    "quickReply"),
	    "items");
	assert_int_equal(json_array_size(items), MESSAGE_BUTTONS_MAX);
	json_decref(all);
	free(json);
}

static void
a_note_stands_behind(void **state)
{
	char *buttons, *five = answer(5);
	size_t len;

	(void)state;
	same(message_with_note("[" HI "]", "(\"note\")", &len),
	    "[" HI "," NOTE "}]");
	buttons =
	    message_with_quick_replies("[" HI "]", labels, N_LABELS, NULL);
	same(message_with_note(buttons, "(\"note\")", NULL),
	    "[" HI "," NOTE BUTTONS "}]");
	free(buttons);
	same(message_with_note(five, "(\"note\")", NULL), five);
	buttons = message_with_quick_replies(five, labels, N_LABELS, NULL);
	same(message_with_note(buttons, "(\"note\")", NULL), buttons);
	free(buttons);
	free(five);
}

static void
a_sound_stands_last(void **state)
{
	char *buttons, *json;
	size_t len;

	(void)state;
	json = message_with_audio("[" HI "]", NULL, URL, 1234, &len);
	assert_int_equal(len, strlen(json));
	same(json, "[" HI "," SOUND "}]");
	same(message_with_audio("[" HI "]", "(\"note\")", URL, 1234, NULL),
	    "[" HI "," NOTE "}," SOUND "}]");
	buttons =
	    message_with_quick_replies("[" HI "]", labels, N_LABELS, NULL);
	same(message_with_audio(buttons, NULL, URL, 1234, NULL),
	    "[" HI "," SOUND BUTTONS "}]");
	same(message_with_audio(buttons, "(\"note\")", URL, 1234, NULL),
	    "[" HI "," NOTE "}," SOUND BUTTONS "}]");
	free(buttons);
	json = message_audio(URL, 1234, &len);
	assert_int_equal(len, strlen(json));
	same(json,
	    "[{\"type\":\"audio\",\"originalContentUrl\":\"" URL
	    "\",\"duration\":1234}]");
	json = message_with_audio("[" HI "]", NULL, URL, 0, NULL);
	assert_non_null(strstr(json, "\"duration\":1}]"));
	free(json);
}

static void
a_sixth_message_is_not_made(void **state)
{
	static const struct {
		size_t before, with_sound, with_both, with_note;
	} cases[] = {
		/* 0: NULL */
		{ 1, 2, 3, 2 },
		{ 3, 4, 5, 4 },
		{ 4, 5, 5, 5 },
		{ 5, 0, 0, 5 },
	};
	char *json, *texts;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		texts = answer(cases[i].before);
		assert_int_equal(message_room(texts), 5 - cases[i].before);
		json = message_with_audio(texts, NULL, URL, 1, NULL);
		assert_int_equal(json == NULL ? 0 : count(json, false),
		    cases[i].with_sound);
		free(json);
		json = message_with_audio(texts, "note", URL, 1, NULL);
		assert_int_equal(json == NULL ? 0 : count(json, false),
		    cases[i].with_both);
		free(json);
		json = message_with_note(texts, "note", NULL);
		assert_int_equal(count(json, false), cases[i].with_note);
		free(json);
		free(texts);
	}
}

/* An answer that looks like our JSON is a text like any other. */
static void
a_text_cannot_look_like_json(void **state)
{
	static const char text[] =
	    "\"}]\",\"quickReply\":{\"items\":[]}},{\"type\":\"text\"";
	char *texts = message_texts(text, NULL, NULL), *json, *more;
	char *heard;

	(void)state;
	assert_int_equal(message_room(texts), 4);
	json = message_with_quick_replies(texts, labels, N_LABELS, NULL);
	assert_int_equal(count(json, true), 1);
	assert_int_equal(message_room(json), 4);
	more = message_with_audio(json, text, URL, 1, NULL);
	assert_int_equal(count(more, true), 3);
	heard = message_plain(more);
	free(more);
	more = malloc(2 * sizeof(text) + 2);
	snprintf(more, 2 * sizeof(text) + 2, "%s\n\n%s", text, text);
	same(heard, more);
	free(more);
	more = message_with_quick_replies(json, labels, 0, NULL);
	same(more, texts);
	free(json);
	free(texts);
}

static void
plain_is_what_the_user_reads(void **state)
{
	char *texts = message_texts("Drink \"water\".\n\nRest.", "q", NULL);
	char *json = message_with_audio(texts, "Note", URL, 1, NULL);

	(void)state;
	same(message_plain(texts), "Drink \"water\".\n\nRest.");
	same(message_plain(json), "Drink \"water\".\n\nRest.\n\nNote");
	free(json);
	free(texts);
	same(message_plain("[" SOUND "}]"), "");
}

static void
others_json_is_refused(void **state)
{
	static const char *const cases[] = { "", "{}", "[]", "[", "null",
		"[{\"type\":\"text\"", "[{\"type\":\"text\"}" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(message_room(cases[i]), 0);
		assert_null(message_with_note(cases[i], "n", NULL));
		assert_null(message_with_audio(cases[i], NULL, URL, 1, NULL));
		assert_null(message_with_quick_replies(cases[i], labels, 1,
		    NULL));
	}
	assert_null(message_plain(""));
	assert_null(message_plain("{}"));
}

static bool
make_all_or_run_short(void *messages)
{
	char *buttons, *note = NULL, *sound = NULL, *plain = NULL;
	bool done;

	buttons = message_with_quick_replies(messages, labels, N_LABELS, NULL);
	if (buttons != NULL)
		note = message_with_note(buttons, "note", NULL);
	if (note != NULL)
		sound = message_with_audio(note, "note", URL, 1, NULL);
	if (sound != NULL)
		plain = message_plain(sound);
	done = plain != NULL;
	free(buttons);
	free(note);
	free(sound);
	free(plain);
	return done;
}

static void
every_allocation_may_fail(void **state)
{
	char *texts = answer(1);

	(void)state;
	assert_true(fail_alloc_each(make_all_or_run_short, texts) >=
	    FAIL_ALLOC_LEAST(8));
	free(texts);
}

static void
graphemes_are_counted(void **state)
{
	(void)state;
	assert_int_equal(grapheme_count(""), 0);
	assert_int_equal(grapheme_count("ab"), 2);
	assert_int_equal(grapheme_count("朗讀"), 2);
	assert_int_equal(grapheme_count("👩🏽‍⚕️!"), 2);
	assert_int_equal(grapheme_count("ที่นี่"), 2);
	assert_int_equal(grapheme_count("เปิด"), 3); /* LINE's view of it */
	assert_int_equal(grapheme_count("🇹🇼🇹🇭"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buttons_are_on_the_last_message),
		cmocka_unit_test(what_line_refuses_is_no_button),
		cmocka_unit_test(a_note_stands_behind),
		cmocka_unit_test(a_sound_stands_last),
		cmocka_unit_test(a_sixth_message_is_not_made),
		cmocka_unit_test(a_text_cannot_look_like_json),
		cmocka_unit_test(plain_is_what_the_user_reads),
		cmocka_unit_test(others_json_is_refused),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(graphemes_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

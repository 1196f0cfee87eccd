/*
 * A voice reads the words of an answer and nothing else, and never words that
 * would mean something else because others were left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/pace.h"
#include "audio/speakable.h"
#include "tests/unit/fail_alloc.h"

enum { PLENTY_MS = 1000 * 1000 };

struct row {
	const char *text, *spoken;
};

static void
check(const struct row *rows, size_t n)
{
	struct speakable got;
	size_t i;

	for (i = 0; i < n; i++) {
		assert_int_equal(speakable_make(&got, rows[i].text, PLENTY_MS),
		    0);
		assert_string_equal(got.text, rows[i].spoken);
		assert_false(got.cut);
		assert_int_equal(got.pace_ms, pace_text_ms(got.text));
		free(got.text);
	}
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void
plain_text_stays_as_it_is(void **state)
{
	static const struct row rows[] = {
		{ "Rest, and drink water.", "Rest, and drink water." },
		{ "38.5 \xc2\xb0"
		  "C is a fever (a light one).",
		    "38.5 \xc2\xb0"
		    "C is a fever (a light one)." },
		{ "pulse < 60 or > 100, pH<7.3",
		    "pulse < 60 or > 100, pH<7.3" },
		{ "> 38 is a fever", "> 38 is a fever" },
		{ "5*3 is 15, 2 * 2 is 4", "5*3 is 15, 2 * 2 is 4" },
		{ "snake_case", "snake_case" },
		{ "\xe5\xa4\x9a\xe5\x96\x9d\xe6\xb0\xb4\xe3\x80\x82",
		    "\xe5\xa4\x9a\xe5\x96\x9d\xe6\xb0\xb4\xe3\x80\x82" },
		{ "a\nb", "a\nb" },
		{ "  a  \n\n\n  b  ", "a\nb" },
		{ "", "" },
	};

	(void)state;
	CHECK(rows);
}

static void
addresses_are_not_read(void **state)
{
	static const struct row rows[] = {
		{ "See https://who.int/fever?a=1#b.", "See ." },
		{ "the WHO (https://who.int/a_b), and", "the WHO , and" },
		{ "[the WHO](https://who.int) says", "the WHO says" },
		{ "![a picture](https://x.org/p.png)", "a picture" },
		{ "<https://who.int> says", "says" },
		{ "at www.who.int, today", "at , today" },
		{ "HTTPS://WHO.INT", "" },
		{ "https://", "" },
		{ "http is a word, awww. too", "http is a word, awww. too" },
	};

	(void)state;
	CHECK(rows);
}

static void
marks_are_not_read(void **state)
{
	static const struct row rows[] = {
		{ "**Never** take *both* `pills`", "Never take both pills" },
		{ "# Fever\n## What to do\n- rest\n* drink\n+ sleep\n1. wait",
		    "Fever\nWhat to do\nrest\ndrink\nsleep\n1. wait" },
		{ "\xe2\x80\xa2 rest\n> said he\n> - twice",
		    "rest\nsaid he\ntwice" },
		{ "| a | b |", "a b" },
		{ "__bold__ ~~gone~~", "bold gone" },
		{ "Well \xf0\x9f\x98\x80\xef\xb8\x8f done \xe2\x9c\x85",
		    "Well done" },
	};

	(void)state;
	CHECK(rows);
}

static void
orders_to_the_model_are_not_obeyed(void **state)
{
	static const struct row rows[] = {
		{ "[sigh] It is [whispering] a cold.", "It is a cold." },
		{ "<sigh>It is<br/> a <b>cold</b>.", "It is a cold." },
		{ "<a href=\"https://x.org\">here</a>, <p class=x>", "here," },
		{ "[SHOUTING] no", "no" },
		{ "[evil laugh] no", "evil laugh no" },
		{ "<evil laugh> no", "evil laugh no" },
	};

	(void)state;
	CHECK(rows);
}

static void
words_in_brackets_keep_their_meaning(void **state)
{
	static const struct row rows[] = {
		{ "Do [not] take it.", "Do not take it." },
		{ "Ask <your doctor> first.", "Ask your doctor first." },
		{ "Take [2] tablets", "Take 2 tablets" },
		{ "It is a cold[1], often [2, 3].", "It is a cold, often ." },
		{ "a cold [1]\n[2]", "a cold" },
		{ "a ] b [ c", "a b c" },
	};

	(void)state;
	CHECK(rows);
}

static void
check_cut(const char *text, uint64_t limit_ms, const char *spoken)
{
	struct speakable got;

	assert_int_equal(speakable_make(&got, text, limit_ms), 0);
	assert_string_equal(got.text, spoken);
	assert_int_equal(got.cut, strlen(spoken) < strlen(text));
	assert_true(got.pace_ms <= limit_ms);
	free(got.text);
}

static void
a_long_text_ends_with_a_sentence(void **state)
{
	static const char text[] = "Rest a lot. Drink water. Sleep 7.5 hours";

	(void)state;
	check_cut(text, pace_text_ms(text), text);
	check_cut(text, pace_text_ms(text) - 1, "Rest a lot. Drink water.");
	check_cut(text, pace_text_ms("Rest a lot. Drink water."),
	    "Rest a lot. Drink water.");
	check_cut(text, pace_text_ms("Rest a lot. Drink water.") - 1,
	    "Rest a lot.");
}

static void
a_long_sentence_ends_with_a_word(void **state)
{
	static const char text[] = "No. One two three four five six seven";
	static const char thai[] = "\xe0\xb8\x99\xe0\xb9\x89\xe0\xb8\xb3";

	(void)state;
	check_cut(text, pace_text_ms("No. One two three four five six") + 10,
	    "No. One two three four five");
	check_cut(thai, pace_text_ms(thai) - 1, "\xe0\xb8\x99\xe0\xb9\x89");
	check_cut("abc", 0, "");
}

static void
a_sentence_may_end_in_other_scripts(void **state)
{
	static const char text[] = "\xe5\xa4\x9a\xe5\x96\x9d\xe6\xb0\xb4"
				   "\xe3\x80\x82"
				   "\xe5\xa4\x9a\xe4\xbc\x91\xe6\x81\xaf";

	(void)state;
	check_cut(text, pace_text_ms(text) - 1,
	    "\xe5\xa4\x9a\xe5\x96\x9d\xe6\xb0\xb4\xe3\x80\x82");
}

static bool
make_or_run_short(void *unused)
{
	struct speakable got;
	int rc = speakable_make(&got, "[a](https://b) **c** <d e>", PLENTY_MS);

	(void)unused;
	if (rc == -1)
		assert_null(got.text);
	free(got.text);
	return rc == 0;
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
		cmocka_unit_test(plain_text_stays_as_it_is),
		cmocka_unit_test(addresses_are_not_read),
		cmocka_unit_test(marks_are_not_read),
		cmocka_unit_test(orders_to_the_model_are_not_obeyed),
		cmocka_unit_test(words_in_brackets_keep_their_meaning),
		cmocka_unit_test(a_long_text_ends_with_a_sentence),
		cmocka_unit_test(a_long_sentence_ends_with_a_word),
		cmocka_unit_test(a_sentence_may_end_in_other_scripts),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * However a word is typed, it is compared in one form.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fold.h"
#include "tests/unit/fail_alloc.h"

static void
check(const char *text, const char *wanted)
{
	char *folded = fold_text(text, strlen(text));

	assert_non_null(folded);
	assert_string_equal(folded, wanted);
	free(folded);
}

static void
width_and_case_make_no_difference(void **state)
{
	static const char *const cases[][2] = {
		{ "Voice ON", "voice on" },
		{ "ＶＯＩＣＥ　ｏｎ", "voice on" },
		{ "ⅤＯice", "voice" },
		{ "Straße", "strasse" },
		{ "ΣΊΣΥΦΟΣ", "σίσυφοσ" },
		{ "ﾄﾞｷﾄﾞｷ ｽﾄｯﾌﾟ", "ドキドキ ストップ" },
		{ "開始", "開始" },
		{ "㍻", "平成" },
		{ "①", "1" },
		{ "ﬁne", "fine" },
		{ "가나", "가나" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i][0], cases[i][1]);
}

static void
accents_have_one_spelling(void **state)
{
	(void)state;
	check("e\u0301", "\u00e9");
	check("dừng", "dừng");
	check("du\u031b\u0300ng", "d\u1eebng");
	check("du\u0300\u031bng", "d\u1eebng"); /* marks in the other order */
	check("\u30cf\u309a", "\u30d1");
	check("\u1112\u1161\u11ab", "\ud55c"); /* Hangul's letters */
}

static void
thai_is_kept(void **state)
{
	(void)state;
	check("  หยุด! ", "หยุด");
	check("ที่นี่", "ที่นี่");
	/* sara am is two characters in one */
	check("\u0e19\u0e49\u0e33", "\u0e19\u0e49\u0e4d\u0e32");
	check("หยุด\u200bพูด", "หยุดพูด");
}

static void
what_has_no_width_is_left_out(void **state)
{
	(void)state;
	check("\ufeffvo\u200bi\u200dc\u2060e\u00ad", "voice");
	check("\u2764\ufe0f a \u2764\ufe0f b", "a \u2764 b");
	check("\u200b\u200c\ufe0f", "");
	check("\u202evoice\u202c", "voice"); /* right to left */
}

static void
white_space_is_squeezed(void **state)
{
	(void)state;
	check(" \t\r\nvoice \u3000 \u00a0\u2028 on\v\f", "voice on");
	check("a\001b\302\205c", "a b c");
	check("a \u200b b", "a b");
	check("", "");
	check(" \u3000\n", "");
}

static void
trimmings_go_at_the_ends_alone(void **state)
{
	static const char *const cases[][2] = {
		{ "speak!", "speak" },
		{ "« speak »…", "speak" },
		{ "「朗讀」。", "朗讀" },
		{ "…voice - on?!", "voice - on" },
		{ "don't", "don't" },
		{ "speak 🔊👍🏽", "speak" },
		{ "#\ufe0f\u20e3 speak", "\u20e3 speak" },
		{ "～開始～", "開始" },
		{ "speak´", "speak" },
		{ "\u0301speak", "speak" },
		{ "?!", "" },
		{ "🙂", "" },
		{ "38°", "38" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i][0], cases[i][1]);
}

static void
any_bytes_may_come(void **state)
{
	char *folded;

	(void)state;
	check("a\xff"
	      "b\xed\xa0\x80"
	      "c",
	    "a\ufffdb\ufffd\ufffd\ufffdc");
	check("\xff\xc0", "");
	check("voice\xe9", "voice");
	folded = fold_text("a\0b", 3);
	assert_string_equal(folded, "a b");
	free(folded);
	folded = fold_text("speaker", 5);
	assert_string_equal(folded, "speak");
	free(folded);
	assert_null(fold_text("", SIZE_MAX));
}

/* The length of a text of n times the same, folded. */
static size_t
folded_length(const char *bit, size_t n)
{
	size_t len = strlen(bit), i;
	char *text = malloc(2 + n * len), *folded;

	text[0] = 'x';
	for (i = 0; i < n; i++)
		memcpy(text + 1 + i * len, bit, len);
	text[1 + n * len] = '\0';
	folded = fold_text(text, 1 + n * len);
	assert_non_null(folded);
	len = strlen(folded);
	free(folded);
	free(text);
	return len;
}

/* A hundred thousand marks that want to be sorted, and words that grow. */
static void
hostile_texts_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(folded_length("\u0301\u0323", 50000), 1 + 30 * 2);
	assert_int_equal(folded_length("\ufdfa", 50000), 1 + 50000 * 33);
}

static bool
fold_or_run_short(void *text)
{
	char *folded = fold_text(text, strlen(text));
	bool done = folded != NULL;

	free(folded);
	return done;
}

static void
every_allocation_may_fail(void **state)
{
	char text[] = "more than sixteen letters need to grow";

	(void)state;
	assert_true(fail_alloc_each(fold_or_run_short, text) >=
	    FAIL_ALLOC_LEAST(2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(width_and_case_make_no_difference),
		cmocka_unit_test(accents_have_one_spelling),
		cmocka_unit_test(thai_is_kept),
		cmocka_unit_test(what_has_no_width_is_left_out),
		cmocka_unit_test(white_space_is_squeezed),
		cmocka_unit_test(trimmings_go_at_the_ends_alone),
		cmocka_unit_test(any_bytes_may_come),
		cmocka_unit_test(hostile_texts_are_bounded),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

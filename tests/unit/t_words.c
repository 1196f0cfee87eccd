/*
 * Every sentence exists in every language, and some language always answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/settings.h"
#include "base/utf8.h"
#include "bot/language.h"
#include "bot/words.h"
#include "tests/unit/fail_alloc.h"

/*
 * A user reads it at a glance, and in any script it fits into what the store
 * keeps free for a short reply.
 */
static void
every_sentence_is_short(void **state)
{
	enum words which;
	const char *text;
	size_t i;

	(void)state;
	for (i = 0; languages[i].tag != NULL; i++)
		for (which = WORDS_SYSTEM_BUSY; which < WORDS__MAX; which++) {
			text = words_text(which, languages[i].tag);
			assert_ptr_equal(text, languages[i].words[which]);
			assert_non_null(text);
			assert_false(utf8_is_blank(text));
			assert_true(utf16_units(text) <= 200);
			assert_true(strlen(text) <= 500);
		}
}

static void
documented_sentences_stay(void **state)
{
	(void)state;
	assert_string_equal(words_text(WORDS_SYSTEM_BUSY, "en"),
	    "System busy, try again");
	assert_string_equal(words_text(WORDS_SLOW_DOWN, "en"),
	    "Slow down please");
	assert_string_equal(words_text(WORDS_TIMEOUT, "en"),
	    "Request timed out, please try again");
}

static void
unknown_language_is_english(void **state)
{
	static const char *const tags[] = { NULL, "", "e", "eng", "tlh", "-",
		"-en", "_", " ", "zhh", "z", "zh cmn", "in th" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		assert_null(words_language(tags[i]));
		assert_string_equal(words_text(WORDS_SLOW_DOWN, tags[i]),
		    "Slow down please");
	}
}

static void
first_part_of_a_tag_decides(void **state)
{
	static const char *const cases[][2] = {
		{ "en", "en" },
		{ "EN", "en" },
		{ "en-GB", "en" },
		{ "en_US.UTF-8", "en" },
		{ "zh", "zh-Hant" },
		{ "zh-TW", "zh-Hant" },
		{ "zh-Hant", "zh-Hant" },
		{ "zh-Hant-HK", "zh-Hant" },
		{ "ZH_tw", "zh-Hant" },
		{ "zh-CN", "zh-Hant" },
		{ "yue", "zh-Hant" },
		{ "nan-TW", "zh-Hant" },
		{ "ja", "ja" },
		{ "ja-JP", "ja" },
		{ "th-TH", "th" },
		{ "vi", "vi" },
		{ "id-ID", "id" },
		{ "in", "id" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(words_language(cases[i][0]), cases[i][1]);
}

/* What --check and .env.example call a language is what it is called here. */
static void
operator_may_choose_each_of_them_and_no_other(void **state)
{
	static const char file[] = "LINE_CHANNEL_SECRET=s\n"
				   "LINE_CHANNEL_ACCESS_TOKEN=t\n"
				   "GEMINI_API_KEY=k\nDEFAULT_LANGUAGE=";
	char text[256], err[SETTINGS_ERROR_MAX];
	const char *p;
	struct settings set;
	size_t i, named = 1;
	int len;

	(void)state;
	for (i = 0; languages[i].tag != NULL; i++) {
		len = snprintf(text, sizeof(text), "%s%s\n", file,
		    languages[i].tag);
		assert_int_equal(settings_parse(&set, "/tmp/.env", text,
				     (size_t)len, err, sizeof(err)),
		    0);
		assert_string_equal(set.default_language, languages[i].tag);
		settings_release(&set);
	}
	len = snprintf(text, sizeof(text), "%sxx\n", file);
	assert_int_equal(settings_parse(&set, "/tmp/.env", text, (size_t)len,
			     err, sizeof(err)),
	    -1);
	for (p = strstr(err, "one of"); *p != '\0'; p++)
		named += *p == '|';
	assert_int_equal(named, i);
}

static void
names_are_filled_in(void **state)
{
	static const struct words_value values[] = { { "other", "x" },
		{ "hear", "x" }, { "heard", "{heard} \xe6\xb0\xb4" },
		{ "heardd", "x" } };
	char *text;

	(void)state;
	text = words_fill(WORDS_HEARD, "zh-TW", values, 4);
	assert_string_equal(text,
	    "\xe6\x82\xa8\xe8\xaa\xaa\xef\xbc\x9a\xe3\x80\x8c"
	    "{heard} \xe6\xb0\xb4\xe3\x80\x8d");
	free(text);
	text = words_fill(WORDS_HEARD, "en", NULL, 0);
	assert_string_equal(text, "You said: \xe2\x80\x9c\xe2\x80\x9d");
	free(text);
	text = words_fill(WORDS_SLOW_DOWN, "en", NULL, 0);
	assert_string_equal(text, "Slow down please");
	free(text);
}

static bool
fill_or_run_short(void *unused)
{
	static const struct words_value value = { "heard", "good morning" };
	char *text = words_fill(WORDS_HEARD, "th", &value, 1);

	(void)unused;
	free(text);
	return text != NULL;
}

static void
every_allocation_may_fail(void **state)
{
	(void)state;
	assert_true(fail_alloc_each(fill_or_run_short, NULL) >=
	    FAIL_ALLOC_LEAST(1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sentence_is_short),
		cmocka_unit_test(documented_sentences_stay),
		cmocka_unit_test(unknown_language_is_english),
		cmocka_unit_test(first_part_of_a_tag_decides),
		cmocka_unit_test(operator_may_choose_each_of_them_and_no_other),
		cmocka_unit_test(names_are_filled_in),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

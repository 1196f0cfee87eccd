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
	enum language language;
	enum words which;
	const char *text;

	(void)state;
	for (language = 0; language < LANGUAGE__MAX; language++)
		for (which = WORDS_SYSTEM_BUSY; which < WORDS__MAX; which++) {
			text = words_text(which, language_tag(language));
			assert_non_null(text);
			assert_false(utf8_is_blank(text));
			assert_true(utf16_units(text) <=
			    (which == WORDS_HELP ? 400 : 200));
			assert_true(strlen(text) <=
			    (which == WORDS_HELP ? 800 : 500));
		}
}

/* A sentence that was forgotten to be translated would be the English one. */
static void
every_language_has_its_own(void **state)
{
	enum language language;
	enum words which;

	(void)state;
	for (language = 1; language < LANGUAGE__MAX; language++)
		for (which = WORDS_SYSTEM_BUSY; which < WORDS__MAX; which++)
			assert_string_not_equal(words_text(which, "en"),
			    words_text(which, language_tag(language)));
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
	static const char *const tags[] = { NULL, "", "tlh", "-en", "zha",
		"zh cmn", "z" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		assert_string_equal(words_text(WORDS_SLOW_DOWN, tags[i]),
		    "Slow down please");
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
	enum language i;
	int named = 1, len;

	(void)state;
	for (i = 0; i < LANGUAGE__MAX; i++) {
		len = snprintf(text, sizeof(text), "%s%s\n", file,
		    language_tag(i));
		assert_int_equal(settings_parse(&set, "/tmp/.env", text,
				     (size_t)len, err, sizeof(err)),
		    0);
		assert_string_equal(set.default_language, language_tag(i));
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
		cmocka_unit_test(every_language_has_its_own),
		cmocka_unit_test(documented_sentences_stay),
		cmocka_unit_test(unknown_language_is_english),
		cmocka_unit_test(operator_may_choose_each_of_them_and_no_other),
		cmocka_unit_test(names_are_filled_in),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Every sentence exists in every language, and some language always answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "bot/words.h"

static void
every_sentence_exists(void **state)
{
	enum words which;
	const char *text;

	(void)state;
	for (which = WORDS_SYSTEM_BUSY; which < WORDS__MAX; which++) {
		text = words_text(which, "en");
		assert_non_null(text);
		assert_false(utf8_is_blank(text));
		assert_true(utf16_units(text) <= 200);
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
	static const char *const languages[] = { NULL, "", "en", "EN", "en-GB",
		"en_US.UTF-8", "e", "eng", "tlh", "-" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
		assert_string_equal(words_text(WORDS_SLOW_DOWN, languages[i]),
		    "Slow down please");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sentence_exists),
		cmocka_unit_test(documented_sentences_stay),
		cmocka_unit_test(unknown_language_is_english),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

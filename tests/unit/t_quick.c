/*
 * What is offered is understood, of use, and small enough for LINE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bot/quick.h"
#include "line/grapheme.h"

static void
offers_follow_the_choice(void **state)
{
	static const struct {
		enum prefs_voice chosen;
		bool spoken;
		enum command offers[4]; /* up to COMMAND_NONE */
	} cases[] = {
		{ PREFS_VOICE_AUTO, false,
		    { COMMAND_SPEAK, COMMAND_VOICE_ON, COMMAND_VOICE_OFF } },
		{ PREFS_VOICE_AUTO, true,
		    { COMMAND_VOICE_ON, COMMAND_VOICE_OFF } },
		{ PREFS_VOICE_ON, true,
		    { COMMAND_VOICE_AUTO, COMMAND_VOICE_OFF } },
		{ PREFS_VOICE_ON, false,
		    { COMMAND_SPEAK, COMMAND_VOICE_AUTO, COMMAND_VOICE_OFF } },
		{ PREFS_VOICE_OFF, false,
		    { COMMAND_SPEAK, COMMAND_VOICE_ON, COMMAND_VOICE_AUTO } },
	};
	const char *labels[BOT_QUICK_MAX];
	uint8_t prefs[PREFS_BYTES] = { 0 };
	size_t i, j, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		prefs[PREFS_VOICE] = (uint8_t)cases[i].chosen;
		n = bot_quick(prefs, true, cases[i].spoken, "en", labels);
		for (j = 0; cases[i].offers[j] != COMMAND_NONE; j++)
			assert_string_equal(labels[j],
			    command_label(cases[i].offers[j], "en"));
		assert_int_equal(n, j);
		assert_int_equal(bot_quick(prefs, false, cases[i].spoken, "en",
				     labels),
		    0);
	}
}

static void
labels_are_understood(void **state)
{
	static const uint8_t prefs[PREFS_BYTES] = { 0 };
	static const char *const tags[] = { "en", "zh-Hant", "ja", "th", "vi",
		"id" };
	const char *labels[BOT_QUICK_MAX], *language;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		n = bot_quick(prefs, true, false, tags[i], labels);
		assert_int_equal(n, 3);
		while (n-- > 0) {
			assert_int_not_equal(command_match(labels[n],
						 &language),
			    COMMAND_NONE);
			assert_string_equal(language, tags[i]);
			assert_in_range(grapheme_count(labels[n]), 1,
			    COMMAND_LABEL_MAX);
		}
	}
}

static void
commands_are_confirmed(void **state)
{
	enum command c;

	(void)state;
	assert_int_equal(bot_command_words(COMMAND_VOICE_ON, true),
	    WORDS_VOICE_ON);
	assert_int_equal(bot_command_words(COMMAND_VOICE_OFF, true),
	    WORDS_VOICE_OFF);
	assert_int_equal(bot_command_words(COMMAND_VOICE_AUTO, true),
	    WORDS_VOICE_AUTO);
	assert_int_equal(bot_command_words(COMMAND_SPEAK, true),
	    WORDS_NOTHING_TO_SPEAK);
	assert_int_equal(bot_command_words(COMMAND_HELP, true), WORDS_HELP);
	assert_int_equal(bot_command_words(COMMAND_HELP, false), WORDS_HELP);
	for (c = COMMAND_VOICE_ON; c <= COMMAND_SPEAK; c++)
		assert_int_equal(bot_command_words(c, false), WORDS_NO_VOICE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers_follow_the_choice),
		cmocka_unit_test(labels_are_understood),
		cmocka_unit_test(commands_are_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

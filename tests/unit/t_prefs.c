/*
 * What a user chose decides what is read aloud, and is offered no second time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bot/prefs.h"

static void
commands_choose(void **state)
{
	static const struct {
		enum command command;
		enum prefs_voice voice;
		bool of_voice, of_text; /* is the answer to it read aloud? */
	} cases[] = {
		{ COMMAND_VOICE_ON, PREFS_VOICE_ON, true, true },
		{ COMMAND_VOICE_OFF, PREFS_VOICE_OFF, false, false },
		{ COMMAND_VOICE_AUTO, PREFS_VOICE_AUTO, true, false },
	};
	uint8_t prefs[PREFS_BYTES] = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(prefs_voice(prefs), PREFS_VOICE_AUTO);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(prefs_apply(prefs, cases[i].command));
		assert_int_equal(prefs[PREFS_VOICE], cases[i].voice);
		assert_int_equal(prefs_voice(prefs), cases[i].voice);
		assert_int_equal(prefs_voice_command(prefs), cases[i].command);
		assert_int_equal(prefs_want_voice(prefs, true),
		    cases[i].of_voice);
		assert_int_equal(prefs_want_voice(prefs, false),
		    cases[i].of_text);
	}
}

static void
other_commands_choose_nothing(void **state)
{
	uint8_t prefs[PREFS_BYTES], before[PREFS_BYTES];

	(void)state;
	memset(prefs, 1, sizeof(prefs));
	memcpy(before, prefs, sizeof(prefs));
	assert_false(prefs_apply(prefs, COMMAND_NONE));
	assert_false(prefs_apply(prefs, COMMAND_SPEAK));
	assert_memory_equal(prefs, before, sizeof(prefs));
	assert_true(prefs_apply(prefs, COMMAND_VOICE_OFF));
	assert_memory_equal(prefs + 1, before + 1, sizeof(prefs) - 1);
}

static void
a_newer_programs_choice_counts_as_none(void **state)
{
	uint8_t prefs[PREFS_BYTES] = { [PREFS_VOICE] = 3 };

	(void)state;
	assert_int_equal(prefs_voice(prefs), PREFS_VOICE_AUTO);
	prefs[PREFS_VOICE] = 0xff;
	assert_int_equal(prefs_voice_command(prefs), COMMAND_VOICE_AUTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_choose),
		cmocka_unit_test(other_commands_choose_nothing),
		cmocka_unit_test(a_newer_programs_choice_counts_as_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

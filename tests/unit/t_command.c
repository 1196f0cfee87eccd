/*
 * A command is understood however it is typed, and a question is never taken
 * for one.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fold.h"
#include "bot/command.h"
#include "bot/language.h"
#include "line/grapheme.h"
#include "tests/unit/fail_alloc.h"

/* Calls test for every spelling there is. */
static void
for_each(void (*test)(enum command, enum language, const char *word))
{
	const char *const *word;
	enum command c;
	enum language l;

	for (c = COMMAND_NONE + 1; c < COMMAND__MAX; c++)
		for (l = 0; l < LANGUAGE__MAX; l++) {
			word = command_spellings(c, l);
			assert_non_null(*word);
			for (; *word != NULL; word++)
				test(c, l, *word);
		}
}

static void
means(const char *text, enum command wanted, enum language wanted_language)
{
	const char *language = NULL;
	enum command command = command_match(text, &language);

	if (command != wanted)
		fail_msg("\"%s\" means %d", text, (int)command);
	assert_int_equal(command_of(text), command);
	if (command == COMMAND_NONE)
		assert_null(language);
	else
		assert_string_equal(language, language_tag(wanted_language));
}

static void
is_question(const char *text)
{
	means(text, COMMAND_NONE, LANGUAGE__MAX);
}

static void
check_spelling(enum command c, enum language l, const char *word)
{
	char *folded = fold_text(word, strlen(word));

	assert_string_equal(folded, word); /* else it is never found */
	free(folded);
	assert_true(strlen(word) <= COMMAND_BYTES_MAX);
	means(word, c, l); /* and no other command has it */
}

static void
every_word_is_understood(void **state)
{
	(void)state;
	for_each(check_spelling);
}

/* Small ASCII letters as capital and as wide ones. */
static void
widen(const char *word, char *capital, char *wide)
{
	for (; *word != '\0'; word++) {
		*capital++ = (char)toupper((unsigned char)*word);
		if (*word >= 'a' && *word <= 'z') {
			memcpy(wide, "\xef\xbd\x81", 3); /* a wide a */
			wide[2] = (char)(wide[2] + (*word - 'a'));
			wide += 3;
		} else {
			*wide++ = *word;
		}
	}
	*capital = *wide = '\0';
}

static void
check_disguises(enum command c, enum language l, const char *word)
{
	char capital[COMMAND_BYTES_MAX], wide[3 * COMMAND_BYTES_MAX];
	char text[4 * COMMAND_BYTES_MAX];
	static const char *const around[][2] = {
		{ " ", "\n" },
		{ "", "!" },
		{ "", "。" },
		{ "「", "」" },
		{ "\xe3\x80\x80", " ?!" },
		{ "\xef\xbb\xbf", "\xe2\x80\x8b" },
		{ "", "…" },
		{ "(", ")" },
	};
	size_t i;

	widen(word, capital, wide);
	means(capital, c, l);
	means(wide, c, l);
	for (i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		snprintf(text, sizeof(text), "%s%s%s", around[i][0], word,
		    around[i][1]);
		means(text, c, l);
	}
}

static void
disguises_make_no_difference(void **state)
{
	(void)state;
	for_each(check_disguises);
	assert_int_equal(command_of("VOICE \t  On"), COMMAND_VOICE_ON);
	assert_int_equal(command_of("ＶＯＩＣＥ　ＯＦＦ！"), COMMAND_VOICE_OFF);
}

static void
check_questions(enum command c, enum language l, const char *word)
{
	static const char *const around[][2] = {
		{ "please ", " it" },
		{ "", " 5 mg" },
		{ "我", "" },
		{ "", "嗎" },
		{ "a", "" },
		{ "", "s" },
	};
	char text[4 * COMMAND_BYTES_MAX];
	size_t i;

	(void)c;
	(void)l;
	for (i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		snprintf(text, sizeof(text), "%s%s%s", around[i][0], word,
		    around[i][1]);
		is_question(text);
	}
}

static void
a_question_with_a_word_is_no_command(void **state)
{
	static const char *const questions[] = {
		"",
		"?",
		"voice",
		"on",
		"My voice is off since Monday",
		"Can I speak after the operation?",
		"speak speak",
		"voiceon",
		"voice o n",
		"朗讀障礙是什麼",
		"語音",
		"\xff\xfe",
	};
	size_t i;

	(void)state;
	for_each(check_questions);
	for (i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		is_question(questions[i]);
}

static void
a_long_text_is_no_command(void **state)
{
	char text[COMMAND_BYTES_MAX + 2];

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "speak", 5);
	text[COMMAND_BYTES_MAX] = '\0';
	assert_int_equal(command_of(text), COMMAND_SPEAK);
	text[COMMAND_BYTES_MAX] = ' ';
	text[COMMAND_BYTES_MAX + 1] = '\0';
	is_question(text);
}

static void
labels_fit_and_are_understood(void **state)
{
	const char *label;
	char *folded;
	enum command c;
	enum language l;

	(void)state;
	for (c = COMMAND_NONE + 1; c < COMMAND__MAX; c++)
		for (l = 0; l < LANGUAGE__MAX; l++) {
			label = command_label(c, language_tag(l));
			assert_in_range(grapheme_count(label), 1,
			    COMMAND_LABEL_MAX);
			means(label, c, l);
			folded = fold_text(label, strlen(label));
			assert_string_equal(folded, *command_spellings(c, l));
			free(folded);
		}
	assert_null(command_label(COMMAND_NONE, "en"));
	assert_null(command_spellings(COMMAND_NONE, LANGUAGE_EN));
}

static bool
understand(void *text)
{
	return command_of(text) == COMMAND_SPEAK;
}

static void
short_memory_makes_a_question(void **state)
{
	char text[] = "Speak!";

	(void)state;
	assert_true(fail_alloc_each(understand, text) >= FAIL_ALLOC_LEAST(1));
}

static void
tags_choose_a_label(void **state)
{
	static const struct {
		const char *tag, *label;
	} cases[] = {
		{ NULL, "Speak" },
		{ "", "Speak" },
		{ "EN-gb", "Speak" },
		{ "tlh", "Speak" },
		{ "z", "Speak" },
		{ "zha", "Speak" },
		{ "zh", "朗讀" },
		{ "zh-TW", "朗讀" },
		{ "zh_Hant.UTF-8", "朗讀" },
		{ "ZH-Hant", "朗讀" },
		{ "ja-JP", "読み上げ" },
		{ "vi", "Đọc to" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(command_label(COMMAND_SPEAK, cases[i].tag),
		    cases[i].label);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_is_understood),
		cmocka_unit_test(disguises_make_no_difference),
		cmocka_unit_test(a_question_with_a_word_is_no_command),
		cmocka_unit_test(a_long_text_is_no_command),
		cmocka_unit_test(labels_fit_and_are_understood),
		cmocka_unit_test(short_memory_makes_a_question),
		cmocka_unit_test(tags_choose_a_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

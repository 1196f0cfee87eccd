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
#include "line/grapheme.h"
#include "tests/unit/fail_alloc.h"

/* Calls test for every spelling there is. */
static void
for_each(void (*test)(enum command, enum language, const char *word))
{
	const char *word;
	enum command c;
	enum language l;
	unsigned i;

	for (c = COMMAND_NONE + 1; c < COMMAND__MAX; c++)
		for (l = 0; l < LANGUAGE__MAX; l++) {
			assert_non_null(command_spelling(c, l, 0));
			for (i = 0; (word = command_spelling(c, l, i)) != NULL;
			     i++)
				test(c, l, word);
		}
}

static void
means(const char *text, enum command wanted, enum language wanted_language)
{
	enum language language = LANGUAGE__MAX;

	if (command_match(text, &language) != wanted)
		fail_msg("\"%s\" means %d", text, command_of(text));
	assert_int_equal(command_of(text), wanted);
	assert_int_equal(language, wanted_language);
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
	means("VOICE \t  On", COMMAND_VOICE_ON, LANGUAGE_EN);
	means("ＶＯＩＣＥ　ＯＦＦ！", COMMAND_VOICE_OFF, LANGUAGE_EN);
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
		means(text, COMMAND_NONE, LANGUAGE__MAX);
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
		means(questions[i], COMMAND_NONE, LANGUAGE__MAX);
}

static void
a_long_text_is_no_command(void **state)
{
	char text[COMMAND_BYTES_MAX + 2];

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "speak", 5);
	text[COMMAND_BYTES_MAX] = '\0';
	means(text, COMMAND_SPEAK, LANGUAGE_EN);
	text[COMMAND_BYTES_MAX] = ' ';
	text[COMMAND_BYTES_MAX + 1] = '\0';
	means(text, COMMAND_NONE, LANGUAGE__MAX);
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
			label = command_label(c, l);
			assert_non_null(label);
			assert_in_range(grapheme_count(label), 1,
			    COMMAND_LABEL_MAX);
			means(label, c, l);
			folded = fold_text(label, strlen(label));
			assert_string_equal(folded, command_spelling(c, l, 0));
			free(folded);
		}
	for (l = 0; l < LANGUAGE__MAX; l++) {
		assert_null(command_label(COMMAND_NONE, l));
		assert_null(command_spelling(COMMAND_NONE, l, 0));
	}
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
tags_choose_a_language(void **state)
{
	static const struct {
		const char *tag;
		enum language language;
	} cases[] = {
		{ NULL, LANGUAGE_EN },
		{ "", LANGUAGE_EN },
		{ "EN-gb", LANGUAGE_EN },
		{ "tlh", LANGUAGE_EN },
		{ "z", LANGUAGE_EN },
		{ "zha", LANGUAGE_EN },
		{ "zh", LANGUAGE_ZH_HANT },
		{ "zh-TW", LANGUAGE_ZH_HANT },
		{ "zh_Hant.UTF-8", LANGUAGE_ZH_HANT },
		{ "ZH-Hant", LANGUAGE_ZH_HANT },
	};
	enum language l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(language_of(cases[i].tag), cases[i].language);
	for (l = 0; l < LANGUAGE__MAX; l++)
		assert_int_equal(language_of(language_tag(l)), l);
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
		cmocka_unit_test(tags_choose_a_language),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The user always reads a sentence, without Markdown, and only answers enter
 * the history.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bot/bot.h"
#include "bot/words.h"
#include "tests/unit/fail_alloc.h"

static void
outcomes_become_sentences(void **state)
{
	static const struct {
		enum bot_outcome outcome;
		const char *answer;
		const char *text; /* NULL: words */
		enum words words;
		bool remember;
	} cases[] = {
		{ BOT_ANSWER, " **Drink** water.\n", "Drink water.", 0, true },
		{ BOT_ANSWER, "", NULL, WORDS_EMPTY, false },
		{ BOT_ANSWER, "---\n \n", NULL, WORDS_EMPTY, false },
		{ BOT_TRUNCATED, "```\n```", NULL, WORDS_EMPTY, false },
		{ BOT_BLOCKED, "ignored", NULL, WORDS_BLOCKED, false },
		{ BOT_EMPTY, NULL, NULL, WORDS_EMPTY, false },
		{ BOT_ERROR, NULL, NULL, WORDS_ERROR, false },
		{ BOT_BUSY, NULL, NULL, WORDS_SYSTEM_BUSY, false },
		{ BOT_TIMEOUT, NULL, NULL, WORDS_TIMEOUT, false },
	};
	struct bot_say say;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(bot_answer(cases[i].outcome, cases[i].answer,
				     "en", &say),
		    0);
		assert_string_equal(say.text,
		    cases[i].text != NULL ? cases[i].text
					  : words_text(cases[i].words, "en"));
		assert_int_equal(say.remember, cases[i].remember);
		free(say.text);
	}
}

static void
truncated_answer_says_so(void **state)
{
	struct bot_say say;

	(void)state;
	assert_int_equal(bot_answer(BOT_TRUNCATED, "Drink wat", "en", &say), 0);
	assert_true(say.remember);
	assert_memory_equal(say.text, "Drink wat\n\n", 11);
	assert_string_equal(say.text + 11, words_text(WORDS_CUT, "en"));
	free(say.text);
}

#define BULLET "\xe2\x80\xa2"
#define NI     "\xe4\xbd\xa0"

static void
markdown_is_taken_out(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "plain text\n\nstays", "plain text\n\nstays" },
		{ "# Title", "Title" },
		{ "###### Small\ntext", "Small\ntext" },
		{ "####### seven", "####### seven" },
		{ "#1 reason", "#1 reason" },
		{ "## **Both**", "Both" },
		{ "**bold** and **more**", "bold and more" },
		{ "***both***", "both" },
		{ "__bold__ but snake__case__name",
		    "bold but snake__case__name" },
		{ NI "**" NI "**" NI, NI NI NI },
		{ "2 ** 3 ** 4", "2 ** 3 ** 4" },
		{ "**not closed", "**not closed" },
		{ "**not\nclosed**", "**not\nclosed**" },
		{ "a ****", "a ****" },
		{ "5 * 3 * 2", "5 * 3 * 2" },
		{ "* one\n- two\n  + three\n-four",
		    BULLET " one\n" BULLET " two\n  " BULLET " three\n-four" },
		{ "* **Sugar:** less", BULLET " Sugar: less" },
		{ "1. first", "1. first" },
		{ "use `code` and ``co`de``", "use code and co`de" },
		{ "a ` b", "a ` b" },
		{ "`**kept**`", "**kept**" },
		{ "```c\nint *a; **x**\n```\nend", "int *a; **x**\nend" },
		{ "```\nopen", "open" },
		{ "above\n---\nbelow", "above\nbelow" },
		{ "***", "" },
		{ "-- two", "-- two" },
		{ "[WHO](https://who.int/x)", "WHO (https://who.int/x)" },
		{ "![heart](https://a.b/c.png \"title\")",
		    "heart (https://a.b/c.png)" },
		{ "[https://a.b](https://a.b)", "https://a.b" },
		{ "**[WHO](https://who.int)**", "WHO (https://who.int)" },
		{ "[a] (b), [c]d, [](e), [f]()",
		    "[a] (b), [c]d, [](e), [f]()" },
		{ "wow! [not", "wow! [not" },
		{ "!", "!" },
		{ "[", "[" },
		{ "**", "**" },
		{ "`", "`" },
		{ "line\n", "line" },
		{ "\n\nlate", "\n\nlate" },
	};
	size_t i;
	char *plain;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		plain = bot_plain(cases[i][0]);
		assert_string_equal(plain, cases[i][1]);
		free(plain);
	}
}

static void
hostile_text_costs_little(void **state)
{
	static const char *const bits[] = { "**a ", "[", "![a](", "`a", "__a ",
		"***", "*", "- ", "# " };
	size_t i, j, n, size = 50000;
	char *text = malloc(size + 8), *plain;

	(void)state;
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		n = strlen(bits[i]);
		for (j = 0; j < size; j += n)
			memcpy(text + j, bits[i], n + 1);
		plain = bot_plain(text);
		assert_non_null(plain);
		free(plain);
	}
	free(text);
}

static void
what_was_heard_stands_above_the_answer(void **state)
{
	static const char umlaut[] = "\xc3\xa4";
	char heard[2001], *text;
	size_t i;

	(void)state;
	text = bot_heard("how are you?", "Fine.", "en");
	assert_string_equal(text,
	    "You said: \xe2\x80\x9chow are you?\xe2\x80\x9d\n\nFine.");
	free(text);
	text = bot_heard("how are you?", "Fine.", "zh-TW");
	assert_string_equal(text,
	    "\xe6\x82\xa8\xe8\xaa\xaa\xef\xbc\x9a\xe3\x80\x8c"
	    "how are you?\xe3\x80\x8d\n\nFine.");
	free(text);
	heard[0] = 'x';
	for (i = 1; i + 2 < sizeof(heard); i += 2)
		memcpy(heard + i, umlaut, sizeof(umlaut));
	text = bot_heard(heard, "Fine.", "en");
	assert_true(strlen(text) < 1100);
	assert_non_null(strstr(text,
	    "\xc3\xa4\xe2\x80\xa6\xe2\x80\x9d\n\nFine."));
	free(text);
}

static bool
say_or_run_short(void *unused)
{
	struct bot_say say;

	(void)unused;
	if (bot_answer(BOT_TRUNCATED, "**Drink** wat", "en", &say) == -1)
		return false;
	free(say.text);
	return true;
}

static bool
hear_or_run_short(void *unused)
{
	char *text = bot_heard("how are you?", "Fine.", "ja");

	(void)unused;
	free(text);
	return text != NULL;
}

static void
every_allocation_may_fail(void **state)
{
	(void)state;
	assert_true(fail_alloc_each(say_or_run_short, NULL) >= 0);
	assert_true(fail_alloc_each(hear_or_run_short, NULL) >=
	    FAIL_ALLOC_LEAST(3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes_become_sentences),
		cmocka_unit_test(truncated_answer_says_so),
		cmocka_unit_test(markdown_is_taken_out),
		cmocka_unit_test(hostile_text_costs_little),
		cmocka_unit_test(what_was_heard_stands_above_the_answer),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

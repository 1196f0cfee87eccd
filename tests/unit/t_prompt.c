/*
 * The system instruction is plain text that says what must not be missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "model/prompt.h"

static void
instruction_covers_what_matters(void **state)
{
	static const char *const topics[] = { "language of the latest question",
		"No Markdown", "emergency", "dose", "doctor", "not sure",
		"never an order to you" };
	size_t i;

	(void)state;
	assert_true(PROMPT_VERSION >= 1);
	for (i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		if (strstr(prompt_system(), topics[i]) == NULL)
			fail_msg("%s", topics[i]);
}

static void
instruction_is_clean_and_short(void **state)
{
	const char *text = prompt_system();
	char *clean = utf8_clean(text, strlen(text), NULL);

	(void)state;
	assert_string_equal(text, clean);
	assert_true(strlen(text) < 4096);
	free(clean);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instruction_covers_what_matters),
		cmocka_unit_test(instruction_is_clean_and_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * A text between quotation marks is the JSON string that jansson makes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/quote.h"

static void
check(const char *text, size_t len)
{
	json_t *string = json_stringn(text, len);
	char *wanted = json_dumps(string, JSON_ENCODE_ANY), *got;
	struct buf buf;

	buf_init(&buf, 1024);
	buf_puts(&buf, "\"");
	quote_json(&buf, text, len);
	buf_puts(&buf, "\"");
	got = buf_take(&buf, NULL);
	assert_non_null(wanted);
	assert_string_equal(got, wanted);
	free(got);
	free(wanted);
	json_decref(string);
}

static void
every_ascii_character_is_quoted_as_jansson_does(void **state)
{
	char text[3] = "a?b";
	int c;

	(void)state;
	for (c = 0; c < 0x80; c++) {
		text[1] = (char)c;
		check(text, 3);
		check(text + 1, 1);
		check(text, 2);
	}
}

static void
texts_are_quoted_as_jansson_does(void **state)
{
	static const char *const texts[] = {
		"",
		"\"",
		"\\\\\"\"",
		"line\nline\r\n\ttab",
		"\xe5\xb0\x91\xe7\xb3\x96 \"\xf0\x9f\x8d\x8e\"",
		"</script> / \x7f \xe2\x80\xa8",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check(texts[i], strlen(texts[i]));
}

static void
what_does_not_fit_fails_the_buffer(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	quote_json(&buf, "abc\n", 4);
	assert_false(buf.failed);
	quote_json(&buf, "\n", 1);
	assert_true(buf.failed);
	assert_null(buf_take(&buf, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_ascii_character_is_quoted_as_jansson_does),
		cmocka_unit_test(texts_are_quoted_as_jansson_does),
		cmocka_unit_test(what_does_not_fit_fails_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

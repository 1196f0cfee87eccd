/*
 * Whatever the answer, LINE gets 1 to 5 messages that it accepts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/utf8.h"
#include "line/message.h"
#include "tests/unit/fail_alloc.h"

#define APPLE "\xf0\x9f\x8d\x8e"

/* The messages for a text, checked against LINE's limits. */
static json_t *
messages(const char *text, const char *quote_token)
{
	size_t len, i;
	char *json = message_texts(text, quote_token, &len);
	json_t *all, *one;

	assert_non_null(json);
	assert_int_equal(len, strlen(json));
	all = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	free(json);
	assert_in_range(json_array_size(all), 1, MESSAGES_MAX);
	json_array_foreach (all, i, one) {
		const char *type =
		    json_string_value(json_object_get(one, "type"));
		const char *part =
		    json_string_value(json_object_get(one, "text"));

		assert_string_equal(type, "text");
		assert_in_range(utf16_units(part), 1, MESSAGE_UNITS_MAX);
		if (i > 0)
			assert_null(json_object_get(one, "quoteToken"));
	}
	return all;
}

static const char *
text_of(const json_t *all, size_t i)
{
	return json_string_value(json_object_get(json_array_get(all, i),
	    "text"));
}

static const char *
quote_of(const json_t *all)
{
	return json_string_value(json_object_get(json_array_get(all, 0),
	    "quoteToken"));
}

/* A text of n times the same; new. */
static char *
repeat(const char *bit, size_t n)
{
	size_t len = strlen(bit), i;
	char *text = malloc(n * len + 1);

	for (i = 0; i < n; i++)
		memcpy(text + i * len, bit, len);
	text[n * len] = '\0';
	return text;
}

static void
short_answer_is_one_message(void **state)
{
	json_t *all = messages(" \"Hi\"\\\n" APPLE " ", NULL);

	(void)state;
	assert_int_equal(json_array_size(all), 1);
	assert_string_equal(text_of(all, 0), "\"Hi\"\\\n" APPLE);
	assert_null(quote_of(all));
	json_decref(all);
}

static void
first_message_quotes_the_question(void **state)
{
	char *text = repeat("word ", 1500);
	json_t *all = messages(text, "q\"T");

	(void)state;
	assert_int_equal(json_array_size(all), 2);
	assert_string_equal(quote_of(all), "q\"T");
	json_decref(all);
	all = messages(text, "");
	assert_null(quote_of(all));
	json_decref(all);
	free(text);
}

static void
limit_counts_utf16_units(void **state)
{
	static const struct {
		const char *bit;
		size_t n, messages;
	} cases[] = {
		{ "x", 5000, 1 },
		{ "x", 5001, 2 },
		{ APPLE, 2500, 1 },
		{ APPLE, 2501, 2 },
		{ "x", 25000, 5 },
		{ APPLE, 12500, 5 },
	};
	char *text;
	json_t *all;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = repeat(cases[i].bit, cases[i].n);
		all = messages(text, NULL);
		assert_int_equal(json_array_size(all), cases[i].messages);
		assert_null(strstr(text_of(all, cases[i].messages - 1),
		    "\xe2\x80\xa6"));
		json_decref(all);
		free(text);
	}
}

static void
too_long_an_answer_ends_with_an_ellipsis(void **state)
{
	char *text = repeat("x", 25001);
	json_t *all = messages(text, NULL);
	const char *last = text_of(all, 4);

	(void)state;
	assert_int_equal(json_array_size(all), 5);
	assert_string_equal(last + strlen(last) - 3, "\xe2\x80\xa6");
	assert_int_equal(utf16_units(last), 5000);
	json_decref(all);
	free(text);
}

static void
damaged_text_is_cleaned(void **state)
{
	json_t *all = messages("a\xff"
			       "b\x01\xed\xa0\x80",
	    NULL);

	(void)state;
	assert_string_equal(text_of(all, 0),
	    "a\xef\xbf\xbd"
	    "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	json_decref(all);
}

static void
blank_text_is_no_message(void **state)
{
	(void)state;
	assert_null(message_texts("", NULL, NULL));
	assert_null(message_texts(" \n\t\xe3\x80\x80", NULL, NULL));
	assert_null(message_texts("\x01\x02", NULL, NULL));
}

static bool
make_or_run_short(void *text)
{
	char *json = message_texts(text, "quote", NULL);

	free(json);
	return json != NULL;
}

static void
every_allocation_may_fail(void **state)
{
	char *text = repeat("word ", 1500);

	(void)state;
	assert_true(fail_alloc_each(make_or_run_short, text) >=
	    FAIL_ALLOC_LEAST(2));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_answer_is_one_message),
		cmocka_unit_test(first_message_quotes_the_question),
		cmocka_unit_test(limit_counts_utf16_units),
		cmocka_unit_test(too_long_an_answer_ends_with_an_ellipsis),
		cmocka_unit_test(damaged_text_is_cleaned),
		cmocka_unit_test(blank_text_is_no_message),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * LINE gets the bodies it documents, and its answers are not misread: what
 * may have been sent is never called unsent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "line/api.h"
#include "tests/unit/data.h"
#include "tests/unit/fail_alloc.h"

#define MESSAGES "[{\"type\":\"text\",\"text\":\"hi\"}]"

static void
check_body(char *body, size_t len, const char *wanted)
{
	assert_non_null(body);
	assert_string_equal(body, wanted);
	assert_int_equal(len, strlen(wanted));
	free(body);
}

static void
bodies_are_as_documented(void **state)
{
	size_t len = 0;
	char *body;

	(void)state;
	body = api_reply_body("tok\"en", MESSAGES, &len);
	check_body(body, len,
	    "{\"replyToken\":\"tok\\\"en\",\"messages\":" MESSAGES "}");
	body = api_push_body("U1", MESSAGES, &len);
	check_body(body, len, "{\"to\":\"U1\",\"messages\":" MESSAGES "}");
	body = api_loading_body("U1", 20, &len);
	check_body(body, len, "{\"chatId\":\"U1\",\"loadingSeconds\":20}");
}

static void
loading_time_is_in_fives(void **state)
{
	static const unsigned cases[][2] = { { 0, 5 }, { 1, 5 }, { 5, 5 },
		{ 6, 10 }, { 30, 30 }, { 56, 60 }, { 60, 60 }, { 61, 60 },
		{ 4294967295u, 60 } };
	char wanted[64];
	size_t i, len;
	char *body;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(wanted, sizeof(wanted),
		    "{\"chatId\":\"U1\",\"loadingSeconds\":%u}", cases[i][1]);
		body = api_loading_body("U1", cases[i][0], &len);
		check_body(body, len, wanted);
	}
}

static void
body_has_a_limit(void **state)
{
	char *huge = malloc(2000001);

	(void)state;
	memset(huge, ' ', 2000000);
	huge[2000000] = '\0';
	assert_null(api_push_body("U1", huge, NULL));
	free(huge);
}

static void
retry_key_is_a_uuid(void **state)
{
	static const uint8_t key[16] = { 0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b,
		0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x55, 0x44, 0x00, 0x0f };
	char out[API_RETRY_KEY_SIZE];

	(void)state;
	api_retry_key(key, out);
	assert_string_equal(out, "123e4567-e89b-12d3-a456-42665544000f");
}

static void
stored_answers_are_judged(void **state)
{
	static const struct {
		const char *name;
		enum api_answer answer;
	} cases[] = {
		{ "reply-200", API_SENT },
		{ "reply-400-invalid-token", API_BAD_TOKEN },
		{ "reply-400-body", API_BAD_CONTENT },
		{ "push-200", API_SENT },
		{ "push-400-failed", API_BAD_CONTENT },
		{ "push-409-accepted", API_ALREADY },
		{ "push-429-monthly", API_QUOTA },
		{ "any-429-rate", API_RATE },
		{ "any-401", API_AUTH },
		{ "any-403", API_FORBIDDEN },
		{ "any-500", API_FAULT },
	};
	char path[100], *body;
	size_t i, len;
	int status;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(path, sizeof(path),
		    "tests/data/line-responses/%s.json", cases[i].name);
		body = data_answer(path, &status, &len);
		if (api_judge(status, body, len) != cases[i].answer)
			fail_msg("%s", path);
		free(body);
	}
}

static void
status_alone_is_enough(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum api_answer answer;
	} cases[] = {
		{ 200, "", API_SENT },
		{ 202, "{}", API_SENT },
		{ 400, "", API_BAD_CONTENT },
		{ 400, "<html>", API_BAD_CONTENT },
		{ 400, "{\"message\":7}", API_BAD_CONTENT },
		{ 400, "[]", API_BAD_CONTENT },
		{ 400, "{\"message\":\"invalid Reply Token\"}", API_BAD_TOKEN },
		{ 404, "", API_GONE },
		{ 410, "", API_GONE },
		{ 409, "", API_ALREADY },
		{ 413, "", API_BAD_CONTENT },
		{ 415, "", API_BAD_CONTENT },
		{ 429, "", API_RATE },
		{ 429, "{\"message\":\"monthly", API_RATE },
		{ 0, "", API_FAULT },
		{ 100, "", API_FAULT },
		{ 302, "", API_FAULT },
		{ 408, "", API_FAULT },
		{ 502, "<html>", API_FAULT },
		{ -1, "", API_FAULT },
	};
	size_t i;

	(void)state;
	assert_int_equal(api_judge(400, NULL, 0), API_BAD_CONTENT);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (api_judge(cases[i].status, cases[i].body,
			strlen(cases[i].body)) != cases[i].answer)
			fail_msg("%d %s", cases[i].status, cases[i].body);
}

static void
every_answer_has_a_name(void **state)
{
	enum api_answer answer;

	(void)state;
	for (answer = API_SENT; answer < API_ANSWER__MAX; answer++)
		assert_non_null(api_answer_name(answer));
}

static bool
make_or_run_short(void *unused)
{
	char *body = api_push_body("U1", MESSAGES, NULL);

	(void)unused;
	free(body);
	return body != NULL;
}

static void
every_allocation_may_fail(void **state)
{
	(void)state;
	assert_true(fail_alloc_each(make_or_run_short, NULL) >=
	    FAIL_ALLOC_LEAST(1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_as_documented),
		cmocka_unit_test(loading_time_is_in_fives),
		cmocka_unit_test(body_has_a_limit),
		cmocka_unit_test(retry_key_is_a_uuid),
		cmocka_unit_test(stored_answers_are_judged),
		cmocka_unit_test(status_alone_is_enough),
		cmocka_unit_test(every_answer_has_a_name),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Gemini is asked in the form it knows, and each of its answers is either a
 * text for the user or a reason that tells what to do next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "model/gemini.h"
#include "tests/unit/data.h"
#include "tests/unit/fail_alloc.h"

/* ---------------------------------------------------------- request -- */

static const struct gemini_options no_options;

static void
check_request(const char *system, const struct gemini_options *options,
    const struct gemini_ask *given, const char *wanted)
{
	struct gemini_ask ask = *given;
	struct gemini_frame frame;
	size_t len;
	char *json;

	assert_int_equal(gemini_frame_init(&frame, system, options), 0);
	ask.frame = &frame;
	json = gemini_request(&ask, &len);
	gemini_frame_release(&frame);
	assert_non_null(json);
	assert_string_equal(json, wanted);
	assert_int_equal(len, strlen(json));
	free(json);
}

static void
question_alone_is_the_smallest_request(void **state)
{
	static const struct gemini_ask ask = { .question = "why?" };

	(void)state;
	check_request(NULL, &no_options, &ask,
	    "{\"contents\":[{\"role\":\"user\",\"parts\":"
	    "[{\"text\":\"why?\"}]}]}");
}

static void
whole_request_has_all_fields(void **state)
{
	static const struct gemini_turn turns[] = {
		{ true, "hello" },
		{ false, "hi" },
	};
	static const struct gemini_ask ask = {
		.turns = turns,
		.n_turns = 2,
		.question = "why?",
	};
	static const struct gemini_options options = { 2048, "0.7", "0.95",
		"40", "LOW", "BLOCK_ONLY_HIGH" };

	(void)state;
	check_request("be kind", &options, &ask,
	    "{\"systemInstruction\":{\"parts\":[{\"text\":\"be kind\"}]},"
	    "\"contents\":["
	    "{\"role\":\"user\",\"parts\":[{\"text\":\"hello\"}]},"
	    "{\"role\":\"model\",\"parts\":[{\"text\":\"hi\"}]},"
	    "{\"role\":\"user\",\"parts\":[{\"text\":\"why?\"}]}],"
	    "\"generationConfig\":{\"maxOutputTokens\":2048,"
	    "\"temperature\":0.7,\"topP\":0.95,\"topK\":40,"
	    "\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}},"
	    "\"safetySettings\":["
	    "{\"category\":\"HARM_CATEGORY_HARASSMENT\","
	    "\"threshold\":\"BLOCK_ONLY_HIGH\"},"
	    "{\"category\":\"HARM_CATEGORY_HATE_SPEECH\","
	    "\"threshold\":\"BLOCK_ONLY_HIGH\"},"
	    "{\"category\":\"HARM_CATEGORY_SEXUALLY_EXPLICIT\","
	    "\"threshold\":\"BLOCK_ONLY_HIGH\"},"
	    "{\"category\":\"HARM_CATEGORY_DANGEROUS_CONTENT\","
	    "\"threshold\":\"BLOCK_ONLY_HIGH\"}]}");
}

static void
unset_options_are_left_out(void **state)
{
	static const struct gemini_ask ask = { .question = "why?" };
	static const struct gemini_options none = { 0, "", NULL, "", "", "" };
	static const struct gemini_options one = { .temperature = "1" };

	(void)state;
	check_request(NULL, &none, &ask,
	    "{\"contents\":[{\"role\":\"user\",\"parts\":"
	    "[{\"text\":\"why?\"}]}]}");
	check_request(NULL, &one, &ask,
	    "{\"contents\":[{\"role\":\"user\",\"parts\":"
	    "[{\"text\":\"why?\"}]}],\"generationConfig\":"
	    "{\"temperature\":1}}");
}

static void
conversation_begins_and_ends_with_the_user(void **state)
{
	static const struct gemini_turn turns[] = {
		{ false, "left over" },
		{ true, " " },
		{ false, "answer" },
		{ true, "b" },
		{ false, "" },
	};
	static const struct gemini_ask ask = {
		.turns = turns, .n_turns = 5, .question = "c\x01\xff"
	};

	(void)state;
	check_request(NULL, &no_options, &ask,
	    "{\"contents\":["
	    "{\"role\":\"model\",\"parts\":[{\"text\":\"answer\"}]},"
	    "{\"role\":\"user\",\"parts\":[{\"text\":\"b\"}]},"
	    "{\"role\":\"user\",\"parts\":[{\"text\":\"c\xef\xbf\xbd\"}]}]}");
}

static void
path_names_the_model(void **state)
{
	char *path = gemini_path("gemini-3.5-flash-lite");

	(void)state;
	assert_string_equal(path,
	    "/v1beta/models/gemini-3.5-flash-lite:generateContent");
	free(path);
}

/* ----------------------------------------------------------- answer -- */

#define APPLE  "\xf0\x9f\x8d\x8e"
#define ANSWER "\xe5\xb0\x91\xe7\xb3\x96\xe5\xb0\x91\xe6\xb2\xb9 " APPLE

static const struct stored {
	const char *name;
	enum gemini_outcome outcome;
	const char *finish;
	unsigned retry_ms, prompt_tokens, answer_tokens;
	const char *ends; /* of the text; NULL: no text */
} stored[] = {
	{ "ok.json", GEMINI_ANSWER, "STOP", 0, 42, 58, ANSWER },
	{ "ok-multi-part.json", GEMINI_ANSWER, "STOP", 0, 42, 58, ANSWER },
	{ "ok-no-usage.json", GEMINI_ANSWER, "STOP", 0, 0, 0, ANSWER },
	{ "ok-thought-signature.json", GEMINI_ANSWER, "STOP", 0, 42, 58,
	    ANSWER },
	{ "ok-thoughts-included.json", GEMINI_ANSWER, "STOP", 0, 42, 58,
	    ANSWER },
	{ "ok-unknown-fields.json", GEMINI_ANSWER, "STOP", 0, 1, 2, ANSWER },
	{ "max-tokens-partial.json", GEMINI_TRUNCATED, "MAX_TOKENS", 0, 42, 20,
	    "" },
	{ "max-tokens-empty.json", GEMINI_EMPTY, "MAX_TOKENS", 0, 42, 0, NULL },
	{ "stop-empty-parts.json", GEMINI_EMPTY, "STOP", 0, 42, 0, NULL },
	{ "no-candidates.json", GEMINI_EMPTY, "", 0, 42, 0, NULL },
	{ "recitation.json", GEMINI_EMPTY, "RECITATION", 0, 12, 0, NULL },
	{ "blocked-candidate-safety.json", GEMINI_BLOCKED, "SAFETY", 0, 12, 0,
	    NULL },
	{ "blocked-prompt-safety.json", GEMINI_BLOCKED, "SAFETY", 0, 12, 0,
	    NULL },
	{ "blocked-prompt-prohibited.json", GEMINI_BLOCKED,
	    "PROHIBITED_CONTENT", 0, 12, 0, NULL },
	{ "error-400-api-key.json", GEMINI_REFUSED, "API_KEY_INVALID", 0, 0, 0,
	    NULL },
	{ "error-400-unknown-field.json", GEMINI_REFUSED, "INVALID_ARGUMENT", 0,
	    0, 0, NULL },
	{ "error-402-prepay.json", GEMINI_REFUSED, "RESOURCE_EXHAUSTED", 0, 0,
	    0, NULL },
	{ "error-403.json", GEMINI_REFUSED, "PERMISSION_DENIED", 0, 0, 0,
	    NULL },
	{ "error-404-model.json", GEMINI_NO_MODEL, "NOT_FOUND", 0, 0, 0, NULL },
	{ "error-429-array.json", GEMINI_RATE, "RESOURCE_EXHAUSTED", 0, 0, 0,
	    NULL },
	{ "error-429-no-details.json", GEMINI_RATE, "RESOURCE_EXHAUSTED", 0, 0,
	    0, NULL },
	{ "error-429-per-minute.json", GEMINI_RATE, "RESOURCE_EXHAUSTED", 37000,
	    0, 0, NULL },
	{ "error-429-fractional-delay.json", GEMINI_RATE, "RESOURCE_EXHAUSTED",
	    1682, 0, 0, NULL },
	{ "error-429-per-day.json", GEMINI_QUOTA, "RESOURCE_EXHAUSTED",
	    GEMINI_RETRY_MAX_MS, 0, 0, NULL },
	{ "error-500.json", GEMINI_OVERLOADED, "INTERNAL", 0, 0, 0, NULL },
	{ "error-503-overloaded.json", GEMINI_OVERLOADED, "UNAVAILABLE", 0, 0,
	    0, NULL },
	{ "error-504.json", GEMINI_OVERLOADED, "DEADLINE_EXCEEDED", 0, 0, 0,
	    NULL },
	{ "garbage-html-502.html", GEMINI_OVERLOADED, "", 0, 0, 0, NULL },
};

static void
check_stored(const struct stored *c)
{
	struct gemini_reply reply;
	char path[120], *body;
	size_t len, ends;
	int status;

	snprintf(path, sizeof(path), "tests/data/gemini-responses/%s", c->name);
	body = data_answer(path, &status, &len);
	gemini_parse(status, body, len, &reply);
	free(body); /* nothing of the reply may live in it */
	if (reply.outcome != c->outcome || reply.retry_ms != c->retry_ms ||
	    strcmp(reply.finish, c->finish) != 0 ||
	    reply.prompt_tokens != c->prompt_tokens ||
	    reply.answer_tokens != c->answer_tokens)
		fail_msg("%s: %s finish=%s retry=%u tokens=%u,%u", c->name,
		    gemini_outcome_name(reply.outcome), reply.finish,
		    reply.retry_ms, reply.prompt_tokens, reply.answer_tokens);
	assert_int_equal(reply.text == NULL, c->ends == NULL);
	if (c->ends != NULL && reply.text != NULL) {
		ends = strlen(c->ends);
		assert_true(strlen(reply.text) > ends);
		assert_string_equal(reply.text + strlen(reply.text) - ends,
		    c->ends);
		assert_null(strstr(reply.text, "Planning"));
	}
	gemini_reply_release(&reply);
	assert_null(reply.text);
}

static void
stored_answers_are_read_as_wanted(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stored) / sizeof(stored[0]); i++)
		check_stored(&stored[i]);
}

static enum gemini_outcome
outcome_of(int status, const char *body)
{
	struct gemini_reply reply;
	enum gemini_outcome outcome;

	gemini_parse(status, body, strlen(body), &reply);
	outcome = reply.outcome;
	assert_int_equal(reply.text != NULL,
	    outcome == GEMINI_ANSWER || outcome == GEMINI_TRUNCATED);
	gemini_reply_release(&reply);
	return outcome;
}

#define TEXT "\"content\":{\"parts\":[{\"text\":\"hi\"}]}"

static void
odd_answers_have_an_outcome(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum gemini_outcome outcome;
	} cases[] = {
		{ 200, "", GEMINI_OVERLOADED },
		{ 200, "{\"candidates\":[{\"content\":{\"par",
		    GEMINI_OVERLOADED },
		{ 200, "<html>", GEMINI_OVERLOADED },
		{ 200, "null", GEMINI_OVERLOADED },
		{ 200, "[]", GEMINI_OVERLOADED },
		{ 200, "[1]", GEMINI_OVERLOADED },
		{ 200, "{}", GEMINI_EMPTY },
		{ 200, "{\"candidates\":{}}", GEMINI_EMPTY },
		{ 200, "{\"candidates\":[null]}", GEMINI_EMPTY },
		{ 200, "{\"candidates\":[{\"content\":7}]}", GEMINI_EMPTY },
		{ 200,
		    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
		    "7},{},null,{\"text\":\" \"}]}}]}",
		    GEMINI_EMPTY },
		{ 200, "{\"candidates\":[{" TEXT "}]}", GEMINI_ANSWER },
		{ 200, "[{\"candidates\":[{" TEXT "}]}]", GEMINI_ANSWER },
		{ 200, "{\"candidates\":[{" TEXT ",\"finishReason\":\"NEW\"}]}",
		    GEMINI_ANSWER },
		{ 200, "{\"candidates\":[{" TEXT ",\"finishReason\":3}]}",
		    GEMINI_ANSWER },
		{ 200,
		    "{\"candidates\":[{" TEXT ",\"finishReason\":\"SAFETY\"}]}",
		    GEMINI_BLOCKED },
		{ 200,
		    "{\"candidates\":[{" TEXT
		    ",\"finishReason\":\"RECITATION\"}]}",
		    GEMINI_EMPTY },
		{ 200, "{\"promptFeedback\":{\"blockReason\":\"NEW\"}}",
		    GEMINI_BLOCKED },
		{ 200, "{\"promptFeedback\":{},\"candidates\":[{" TEXT "}]}",
		    GEMINI_ANSWER },
		{ 200, "{\"error\":{\"code\":429}}", GEMINI_RATE },
		{ 200, "{\"error\":{}}", GEMINI_OVERLOADED },
		{ 200, "[{\"error\":{\"code\":404}}]", GEMINI_NO_MODEL },
		{ 0, "", GEMINI_OVERLOADED },
		{ 204, "", GEMINI_OVERLOADED },
		{ 301, "", GEMINI_REFUSED },
		{ 400, "", GEMINI_REFUSED },
		{ 401, "{}", GEMINI_REFUSED },
		{ 404, "<html>", GEMINI_NO_MODEL },
		{ 408, "", GEMINI_OVERLOADED },
		{ 413, "", GEMINI_REFUSED },
		{ 429, "", GEMINI_RATE },
		{ 429, "{\"error\":\"no\"}", GEMINI_RATE },
		{ 429,
		    "{\"error\":{\"details\":[7,{\"violations\":[null,"
		    "{\"quotaId\":\"RequestsPerDay\"}]}]}}",
		    GEMINI_QUOTA },
		{ 499, "", GEMINI_OVERLOADED },
		{ 500, "", GEMINI_OVERLOADED },
		{ 502, "", GEMINI_OVERLOADED },
		{ 599, "", GEMINI_OVERLOADED },
	};
	struct gemini_reply reply;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (outcome_of(cases[i].status, cases[i].body) !=
		    cases[i].outcome)
			fail_msg("%d %s", cases[i].status, cases[i].body);
	gemini_parse(200, NULL, 0, &reply);
	assert_int_equal(reply.outcome, GEMINI_OVERLOADED);
}

static void
text_is_clean_and_trimmed(void **state)
{
	static const char body[] =
	    "{\"candidates\":[{\"content\":{\"parts\":["
	    "{\"text\":\"\\n a\\u0000\\u0007\"},{\"inlineData\":{}},"
	    "{\"text\":\"\\u001b[1mb\\r\\n\",\"thought\":false}]}}],"
	    "\"usageMetadata\":{\"promptTokenCount\":-1,"
	    "\"candidatesTokenCount\":99999999999}}";
	struct gemini_reply reply;

	(void)state;
	gemini_parse(200, body, strlen(body), &reply);
	assert_string_equal(reply.text, "a[1mb");
	assert_int_equal(reply.prompt_tokens, 0);
	assert_int_equal(reply.answer_tokens, UINT32_MAX);
	gemini_reply_release(&reply);
}

static void
delays_are_understood_or_ignored(void **state)
{
	static const struct {
		const char *delay;
		unsigned ms;
	} cases[] = {
		{ "\"37s\"", 37000 },
		{ "\"36.9s\"", 36900 },
		{ "\"0.0000001s\"", 0 },
		{ "\"0.001s\"", 1 },
		{ "\"0s\"", 0 },
		{ "\"99999999999999999999s\"", GEMINI_RETRY_MAX_MS },
		{ "\"3600s\"", GEMINI_RETRY_MAX_MS },
		{ "\"-5s\"", 0 },
		{ "\"1e3s\"", 0 },
		{ "\"infs\"", 0 },
		{ "\"1.2.3s\"", 0 },
		{ "\".s\"", 0 },
		{ "\"s\"", 0 },
		{ "\"\"", 0 },
		{ "\"37\"", 0 },
		{ "\"37ms\"", 0 },
		{ "37", 0 },
		{ "{\"seconds\":3}", 0 },
	};
	struct gemini_reply reply;
	char body[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body),
		    "{\"error\":{\"details\":[{\"retryDelay\":%s}]}}",
		    cases[i].delay);
		gemini_parse(503, body, strlen(body), &reply);
		assert_int_equal(reply.outcome, GEMINI_OVERLOADED);
		if (reply.retry_ms / 2 != cases[i].ms / 2)
			fail_msg("%s: %u", cases[i].delay, reply.retry_ms);
	}
}

static void
every_outcome_has_a_name(void **state)
{
	enum gemini_outcome outcome;

	(void)state;
	for (outcome = GEMINI_ANSWER; outcome < GEMINI_OUTCOME__MAX; outcome++)
		assert_non_null(gemini_outcome_name(outcome));
}

static char *
full_request(void)
{
	static const struct gemini_turn turns[] = { { true, "a" },
		{ false, "b" } };
	static const struct gemini_options options = { 2048, "0.7", "0.95",
		"40", "LOW", "OFF" };
	struct gemini_frame frame;
	struct gemini_ask ask = { &frame, turns, 2, "why?" };
	char *json;

	if (gemini_frame_init(&frame, "be kind", &options) == -1)
		return NULL;
	json = gemini_request(&ask, NULL);
	gemini_frame_release(&frame);
	return json;
}

/* A request that is made in spite of a failure lacks nothing. */
static bool
ask_or_run_short(void *whole)
{
	char *json = full_request();
	bool done = json != NULL;

	if (done)
		assert_string_equal(json, whole);
	free(json);
	return done;
}

static bool
read_or_run_short(void *body)
{
	struct gemini_reply reply;
	bool done;

	gemini_parse(200, body, strlen(body), &reply);
	done = reply.outcome == GEMINI_ANSWER;
	assert_true(done || reply.outcome == GEMINI_MEMORY ||
	    reply.outcome == GEMINI_OVERLOADED);
	gemini_reply_release(&reply);
	return done;
}

static void
every_allocation_may_fail(void **state)
{
	int status;
	size_t len;
	char *body =
	    data_answer("tests/data/gemini-responses/ok.json", &status, &len);
	char *whole = full_request();

	(void)state;
	assert_true(fail_alloc_each(read_or_run_short, body) > 10);
	assert_true(fail_alloc_each(ask_or_run_short, whole) >=
	    FAIL_ALLOC_LEAST(2));
	free(whole);
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_alone_is_the_smallest_request),
		cmocka_unit_test(whole_request_has_all_fields),
		cmocka_unit_test(unset_options_are_left_out),
		cmocka_unit_test(conversation_begins_and_ends_with_the_user),
		cmocka_unit_test(path_names_the_model),
		cmocka_unit_test(stored_answers_are_read_as_wanted),
		cmocka_unit_test(odd_answers_have_an_outcome),
		cmocka_unit_test(text_is_clean_and_trimmed),
		cmocka_unit_test(delays_are_understood_or_ignored),
		cmocka_unit_test(every_outcome_has_a_name),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

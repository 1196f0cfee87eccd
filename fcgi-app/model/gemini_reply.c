/*
 * gemini_reply - what generateContent answers.
 *
 * Every field may be missing, so nothing is asked of the JSON but that it is
 * JSON; jansson's getters take NULL and other types for "not there".
 */
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "model/gemini.h"

const char *
gemini_outcome_name(enum gemini_outcome outcome)
{
	static const char *const names[GEMINI_OUTCOME__MAX] = {
		[GEMINI_ANSWER] = "answer",
		[GEMINI_TRUNCATED] = "truncated",
		[GEMINI_BLOCKED] = "blocked",
		[GEMINI_EMPTY] = "empty",
		[GEMINI_OVERLOADED] = "overloaded",
		[GEMINI_RATE] = "rate",
		[GEMINI_QUOTA] = "quota",
		[GEMINI_REFUSED] = "refused",
		[GEMINI_NO_MODEL] = "no_model",
		[GEMINI_MEMORY] = "memory",
	};

	return names[outcome];
}

/* Why a candidate ended, and what that makes of it. */
struct finish {
	const char *name;
	enum gemini_outcome with_text, without_text;
};

static const struct finish finishes[] = {
	{ "STOP", GEMINI_ANSWER, GEMINI_EMPTY },
	{ "MAX_TOKENS", GEMINI_TRUNCATED, GEMINI_EMPTY },
	{ "SAFETY", GEMINI_BLOCKED, GEMINI_BLOCKED },
	{ "PROHIBITED_CONTENT", GEMINI_BLOCKED, GEMINI_BLOCKED },
	{ "BLOCKLIST", GEMINI_BLOCKED, GEMINI_BLOCKED },
	{ "SPII", GEMINI_BLOCKED, GEMINI_BLOCKED },
	{ "RECITATION", GEMINI_EMPTY, GEMINI_EMPTY },
	{ "LANGUAGE", GEMINI_EMPTY, GEMINI_EMPTY },
	{ "OTHER", GEMINI_EMPTY, GEMINI_EMPTY },
	{ "MALFORMED_FUNCTION_CALL", GEMINI_EMPTY, GEMINI_EMPTY },
	{ "MALFORMED_RESPONSE", GEMINI_EMPTY, GEMINI_EMPTY },
	{ "UNEXPECTED_TOOL_CALL", GEMINI_EMPTY, GEMINI_EMPTY },
	{ "TOO_MANY_TOOL_CALLS", GEMINI_EMPTY, GEMINI_EMPTY },
	{ "", GEMINI_ANSWER, GEMINI_EMPTY }, /* absent or new to us */
};

/* The words of theirs that may stand in our log. */
static const char *const known_words[] = {
	"API_KEY_INVALID",
	"INVALID_ARGUMENT",
	"FAILED_PRECONDITION",
	"UNAUTHENTICATED",
	"PERMISSION_DENIED",
	"NOT_FOUND",
	"RESOURCE_EXHAUSTED",
	"CANCELLED",
	"INTERNAL",
	"UNAVAILABLE",
	"DEADLINE_EXCEEDED",
	"SAFETY",
	"OTHER",
	"BLOCKLIST",
	"PROHIBITED_CONTENT",
	"IMAGE_SAFETY",
};

/* Ours of the same letters, so that nothing of a reply outlives it. */
static const char *
known_word(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(known_words) / sizeof(known_words[0]); i++)
		if (word != NULL && strcmp(known_words[i], word) == 0)
			return known_words[i];
	return "";
}

static const struct finish *
find_finish(const char *name)
{
	const struct finish *finish = finishes;

	while (*finish->name != '\0' &&
	    (name == NULL || strcmp(finish->name, name) != 0))
		finish++;
	return finish;
}

static const char *
get_string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static unsigned
get_count(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n < 0 ? 0 : n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

/* ----------------------------------------------------------- errors -- */

/* "36.9s" in ms, rounded up; what is no such time is 0. */
static unsigned
parse_delay(const char *text)
{
	double seconds;
	char *end;

	/* digits alone: strtod would take "inf" and "1e9" as well */
	if (text == NULL || strspn(text, "0123456789.") + 1 != strlen(text))
		return 0;
	seconds = strtod(text, &end);
	if (end == text || strcmp(end, "s") != 0)
		return 0;
	if (seconds * 1000 > GEMINI_RETRY_MAX_MS)
		return GEMINI_RETRY_MAX_MS;
	return (unsigned)(seconds * 1000 + 0.999);
}

static bool
is_daily(const json_t *detail)
{
	const json_t *violations = json_object_get(detail, "violations");
	const json_t *one;
	const char *id;
	size_t i;

	json_array_foreach (violations, i, one) {
		id = get_string(one, "quotaId");
		if (id != NULL && strstr(id, "PerDay") != NULL)
			return true;
	}
	return false;
}

static enum gemini_outcome
judge_status(int status)
{
	switch (status) {
	case 404:
		return GEMINI_NO_MODEL;
	case 429:
		return GEMINI_RATE;
	case 408:
	case 499:
		return GEMINI_OVERLOADED;
	default:
		return status >= 300 && status < 500 ? GEMINI_REFUSED
						     : GEMINI_OVERLOADED;
	}
}

/* error is NULL when there was no JSON: then the status has to do. */
static void
read_error(int status, const json_t *error, struct gemini_reply *reply)
{
	const json_t *details = json_object_get(error, "details"), *detail;
	const char *word;
	size_t i;

	reply->outcome = judge_status(status);
	reply->finish = known_word(get_string(error, "status"));
	json_array_foreach (details, i, detail) {
		unsigned ms = parse_delay(get_string(detail, "retryDelay"));

		if (ms > reply->retry_ms)
			reply->retry_ms = ms;
		word = known_word(get_string(detail, "reason"));
		if (*word != '\0')
			reply->finish = word;
		if (reply->outcome == GEMINI_RATE && is_daily(detail))
			reply->outcome = GEMINI_QUOTA;
	}
}

/* ---------------------------------------------------------- answers -- */

/* All text of the candidate but the model's thoughts, clean; NULL: memory. */
static char *
candidate_text(const json_t *candidate, size_t max)
{
	const json_t *content = json_object_get(candidate, "content");
	const json_t *parts = json_object_get(content, "parts"), *part, *text;
	char *raw, *clean = NULL;
	struct buf buf;
	size_t i, len;

	buf_init(&buf, max);
	json_array_foreach (parts, i, part) {
		text = json_object_get(part, "text");
		if (json_is_string(text) &&
		    !json_is_true(json_object_get(part, "thought")))
			buf_add(&buf, json_string_value(text),
			    json_string_length(text));
	}
	raw = buf_take(&buf, &len);
	if (raw != NULL)
		clean = utf8_clean(raw, len, &len);
	if (clean != NULL)
		utf8_trim(clean, len);
	free(raw);
	return clean;
}

static void
read_candidate(const json_t *candidate, size_t max, struct gemini_reply *reply)
{
	const struct finish *finish =
	    find_finish(get_string(candidate, "finishReason"));
	char *text = candidate_text(candidate, max);

	reply->finish = finish->name;
	if (text == NULL)
		reply->outcome = GEMINI_MEMORY;
	else if (*text == '\0')
		reply->outcome = finish->without_text;
	else
		reply->outcome = finish->with_text;
	if (reply->outcome == GEMINI_ANSWER ||
	    reply->outcome == GEMINI_TRUNCATED)
		reply->text = text;
	else
		free(text);
}

static void
read_answer(const json_t *root, size_t max, struct gemini_reply *reply)
{
	const json_t *usage = json_object_get(root, "usageMetadata");
	const json_t *candidates = json_object_get(root, "candidates");
	const char *block =
	    get_string(json_object_get(root, "promptFeedback"), "blockReason");

	reply->prompt_tokens = get_count(usage, "promptTokenCount");
	reply->answer_tokens = get_count(usage, "candidatesTokenCount");
	if (block != NULL) {
		reply->outcome = GEMINI_BLOCKED;
		reply->finish = known_word(block);
		return;
	}
	read_candidate(json_array_get(candidates, 0), max, reply);
}

void
gemini_parse(int http_status, const char *body, size_t len,
    struct gemini_reply *reply)
{
	const json_t *object, *error;
	json_error_t why;
	json_t *root = NULL;

	memset(reply, 0, sizeof(*reply));
	reply->finish = "";
	if (len > 0)
		root = json_loadb(body, len, JSON_ALLOW_NUL, &why);
	if (len > 0 && root == NULL && why.text[0] == '\0') {
		/* no words for it: an allocation failed */
		reply->outcome = GEMINI_MEMORY;
		return;
	}
	object = json_is_array(root) ? json_array_get(root, 0) : root;
	error = json_object_get(object, "error");
	if (http_status == 200 && error != NULL)
		http_status = (int)get_count(error, "code");
	if (http_status == 200 && json_is_object(object))
		read_answer(object, len, reply);
	else
		read_error(http_status, error, reply);
	json_decref(root);
}

void
gemini_reply_release(struct gemini_reply *reply)
{
	free(reply->text);
	reply->text = NULL;
}

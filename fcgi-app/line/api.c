/* api - bodies of requests, and the meaning of answers. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/quote.h"
#include "line/api.h"

/* LINE refuses larger bodies with 413. */
enum { API_BODY_MAX = 2 * 1000 * 1000 };

/* {"key":"value","messages":[...]}; value came in JSON, so it is UTF-8. */
static char *
messages_body(const char *key, const char *value, const char *messages_json,
    size_t *len)
{
	struct buf buf;

	buf_init(&buf, API_BODY_MAX);
	buf_printf(&buf, "{\"%s\":\"", key);
	quote_json(&buf, value, strlen(value));
	buf_puts(&buf, "\",\"messages\":");
	buf_puts(&buf, messages_json);
	buf_puts(&buf, "}");
	return buf_take(&buf, len);
}

char *
api_reply_body(const char *token, const char *messages_json, size_t *len)
{
	return messages_body("replyToken", token, messages_json, len);
}

char *
api_push_body(const char *to, const char *messages_json, size_t *len)
{
	return messages_body("to", to, messages_json, len);
}

char *
api_loading_body(const char *chat_id, unsigned seconds, size_t *len)
{
	struct buf buf;

	if (seconds < 5)
		seconds = 5;
	if (seconds > 60)
		seconds = 60;
	seconds = (seconds + 4) / 5 * 5;
	buf_init(&buf, API_BODY_MAX);
	buf_puts(&buf, "{\"chatId\":\"");
	quote_json(&buf, chat_id, strlen(chat_id));
	buf_printf(&buf, "\",\"loadingSeconds\":%u}", seconds);
	return buf_take(&buf, len);
}

void
api_retry_key(const uint8_t key[16], char out[API_RETRY_KEY_SIZE])
{
	size_t i, n = 0;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[n++] = '-';
		snprintf(out + n, API_RETRY_KEY_SIZE - n, "%02x", key[i]);
		n += 2;
	}
}

const char *
api_answer_name(enum api_answer answer)
{
	static const char *const names[API_ANSWER__MAX] = {
		[API_SENT] = "sent",
		[API_ALREADY] = "already",
		[API_BAD_TOKEN] = "bad_token",
		[API_BAD_CONTENT] = "bad_content",
		[API_AUTH] = "auth",
		[API_FORBIDDEN] = "forbidden",
		[API_GONE] = "gone",
		[API_RATE] = "rate",
		[API_QUOTA] = "quota",
		[API_FAULT] = "fault",
	};

	return names[answer];
}

/*
 * What a status means, and what else when the message says so: LINE has no
 * codes besides HTTP's.
 */
struct meaning {
	int status;
	enum api_answer answer;
	const char *words;
	enum api_answer with_words;
};

static const struct meaning meanings[] = {
	{ 400, API_BAD_CONTENT, "invalid reply token", API_BAD_TOKEN },
	{ 401, API_AUTH, NULL, API_AUTH },
	{ 403, API_FORBIDDEN, NULL, API_FORBIDDEN },
	{ 404, API_GONE, NULL, API_GONE },
	{ 409, API_ALREADY, NULL, API_ALREADY },
	{ 410, API_GONE, NULL, API_GONE },
	{ 413, API_BAD_CONTENT, NULL, API_BAD_CONTENT },
	{ 415, API_BAD_CONTENT, NULL, API_BAD_CONTENT },
	{ 429, API_RATE, "monthly limit", API_QUOTA },
};

static bool
message_says(const char *body, size_t len, const char *words)
{
	json_t *root = len == 0 ? NULL : json_loadb(body, len, 0, NULL);
	const char *message =
	    json_string_value(json_object_get(root, "message"));
	bool says = message != NULL && strcasestr(message, words) != NULL;

	json_decref(root);
	return says;
}

enum api_answer
api_judge(int http_status, const char *body, size_t len)
{
	const struct meaning *meaning;
	size_t i;

	if (http_status >= 200 && http_status < 300)
		return API_SENT;
	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		meaning = &meanings[i];
		if (meaning->status != http_status)
			continue;
		if (meaning->words != NULL &&
		    message_says(body, len, meaning->words))
			return meaning->with_words;
		return meaning->answer;
	}
	return API_FAULT;
}

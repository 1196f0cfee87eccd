/*
 * event - the events of a webhook body that we answer.
 *
 * All strings go into one block of memory together with the array.  Decoded
 * strings are never longer than what stands in the body (an escape of six
 * bytes makes at most three) and their quotes pay for the NUL, so the body's
 * length is room enough for all but the second copy of a group's id.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scratch.h"
#include "base/utf8.h"
#include "line/event.h"

static const char *
keep(char **arena, const char *text, size_t len)
{
	char *copy = *arena;

	memcpy(copy, text, len);
	copy[len] = '\0';
	*arena += len + 1;
	return copy;
}

/* A member that is a string of 1 to max bytes, borrowed; NULL: it is not. */
static const char *
get_id(const json_t *object, const char *key, size_t max)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (text == NULL || len == 0 || len > max || strlen(text) != len)
		return NULL;
	return text;
}

static bool
is_string(const json_t *object, const char *key, const char *wanted)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && strcmp(text, wanted) == 0;
}

static bool
mentions_us(const json_t *message)
{
	const json_t *mention = json_object_get(message, "mention");
	const json_t *all = json_object_get(mention, "mentionees");
	const json_t *one;
	size_t i;

	json_array_foreach (all, i, one)
		if (json_is_true(json_object_get(one, "isSelf")))
			return true;
	return false;
}

/* "group/user": one lane for each user of a group. */
static const char *
keep_chat(char **arena, const char *group, const char *user)
{
	char *chat = *arena;
	int n;

	n = snprintf(chat, LINE_CHAT_MAX + 1, "%s/%s", group, user);
	if (n < 0 || n > LINE_CHAT_MAX)
		return NULL;
	*arena += n + 1;
	return chat;
}

static bool
read_source(const json_t *source, char **arena, struct line_event *event)
{
	const char *user = get_id(source, "userId", LINE_ID_MAX), *group;

	event->direct = is_string(source, "type", "user");
	if (event->direct)
		group = user;
	else if (is_string(source, "type", "group"))
		group = get_id(source, "groupId", LINE_ID_MAX);
	else if (is_string(source, "type", "room"))
		group = get_id(source, "roomId", LINE_ID_MAX);
	else
		group = NULL;
	if (group == NULL)
		return false;
	event->to = keep(arena, group, strlen(group));
	event->chat = event->direct || user == NULL
	    ? event->to
	    : keep_chat(arena, group, user);
	return event->chat != NULL;
}

static bool
read_text(const json_t *message, char **arena, struct line_event *event)
{
	const json_t *value = json_object_get(message, "text");
	size_t len = json_string_length(value);
	char *text = *arena;

	if (!json_is_string(value) || len > LINE_TEXT_MAX)
		return false;
	len = utf8_clean_into(text, json_string_value(value), len);
	len = utf8_trim(text, len);
	event->text = text;
	*arena += len + 1;
	return len > 0;
}

/* Fills event with what the JSON has to say; false: not for us. */
static bool
read_event(const json_t *json, char **arena, struct line_event *event)
{
	const json_t *message = json_object_get(json, "message");
	const json_t *delivery = json_object_get(json, "deliveryContext");
	const char *id = get_id(json, "webhookEventId", LINE_ID_MAX);
	const char *token = get_id(json, "replyToken", LINE_TOKEN_MAX);
	const char *quote = get_id(message, "quoteToken", LINE_TOKEN_MAX);

	event->timestamp =
	    json_integer_value(json_object_get(json, "timestamp"));
	if (!is_string(json, "type", "message") ||
	    !is_string(json, "mode", "active") ||
	    !is_string(message, "type", "text") || id == NULL ||
	    token == NULL || event->timestamp <= 0 ||
	    !read_source(json_object_get(json, "source"), arena, event) ||
	    !(event->direct || mentions_us(message)) ||
	    !read_text(message, arena, event))
		return false;
	event->id = keep(arena, id, strlen(id));
	event->reply_token = keep(arena, token, strlen(token));
	event->quote_token =
	    quote == NULL ? NULL : keep(arena, quote, strlen(quote));
	event->redelivery =
	    json_is_true(json_object_get(delivery, "isRedelivery"));
	return true;
}

static enum line_rc
read_events(const json_t *events, size_t len, struct line_body *out)
{
	size_t total = json_array_size(events), looked_at = total, i;
	char *arena;

	if (looked_at > LINE_EVENTS_MAX)
		looked_at = LINE_EVENTS_MAX;
	out->memory =
	    malloc(looked_at * (sizeof(struct line_event) + LINE_CHAT_MAX + 1) +
		len);
	if (out->memory == NULL)
		return LINE_MEMORY;
	out->events = out->memory;
	arena = (char *)&out->events[looked_at];
	for (i = 0; i < looked_at; i++)
		if (read_event(json_array_get(events, i), &arena,
			&out->events[out->n]))
			out->n++;
	out->ignored = total - out->n;
	return LINE_OK;
}

static enum line_rc
parse(const char *body, size_t len, struct line_body *out)
{
	/* a NUL in one text must not cost the other events of the body */
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
	enum line_rc rc = LINE_NOT_WEBHOOK;
	const json_t *events;
	json_error_t error;
	json_t *root;

	root = json_loadb(body, len, flags, &error);
	if (root == NULL)
		/* jansson has no words for most failed allocations */
		return error.text[0] == '\0' ? LINE_MEMORY : LINE_NOT_JSON;
	events = json_object_get(root, "events");
	if (json_is_array(events))
		rc = read_events(events, len, out);
	json_decref(root);
	return rc;
}

enum line_rc
line_parse(const char *body, size_t len, struct line_body *out)
{
	enum line_rc rc;

	memset(out, 0, sizeof(*out));
	scratch_open();
	rc = parse(body, len, out);
	scratch_close();
	return rc;
}

void
line_body_release(struct line_body *body)
{
	free(body->memory);
	memset(body, 0, sizeof(*body));
}

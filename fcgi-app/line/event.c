/*
 * event - the events of a webhook body that we answer.
 *
 * The array of events and all of their strings lie in one block of memory.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "line/event.h"
#include "line/fields.h"

/* An event with all that we ask for takes more bytes of a body than this. */
enum { EVENT_BYTES = 128 };

struct reading {
	struct line_body *out;
	struct fields_reader fields;
	char *kept; /* where the texts of the next event begin */
	size_t total;
};

/* 1 to max visible ASCII characters, borrowed; NULL: it is not. */
static const char *
get_id(const struct fields *fields, enum field field, size_t max)
{
	const struct field_text *text = &fields->texts[field];
	size_t i;

	if (text->at == NULL || text->len == 0 || text->len > max)
		return NULL;
	for (i = 0; i < text->len; i++)
		if (text->at[i] <= ' ' || text->at[i] > '~')
			return NULL;
	return text->at;
}

/* An id that is to become a part of an address. */
static const char *
get_name(const struct fields *fields, enum field field)
{
	const char *id = get_id(fields, field, LINE_ID_MAX);
	const char *c;

	for (c = id; c != NULL && *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			return NULL;
	return id;
}

static bool
is_text(const struct fields *fields, enum field field, const char *wanted)
{
	const char *text = fields->texts[field].at;

	return text != NULL && strcmp(text, wanted) == 0;
}

/* "group/user": one lane for each user of a group. */
static const char *
join_chat(struct reading *r, const char *group, const char *user)
{
	char *chat = r->fields.room;
	int n = snprintf(chat, LINE_CHAT_MAX + 1, "%s/%s", group, user);

	if (n < 0 || n > LINE_CHAT_MAX)
		return NULL;
	r->fields.room += n + 1;
	return chat;
}

/* Which kind of source has its id where. */
static const struct {
	const char *type;
	enum field id;
	bool direct;
} sources[] = {
	{ "user", FIELD_USER, true },
	{ "group", FIELD_GROUP, false },
	{ "room", FIELD_ROOM, false },
};

static bool
read_source(struct reading *r, const struct fields *fields,
    struct line_event *event)
{
	const char *user = get_id(fields, FIELD_USER, LINE_ID_MAX);
	size_t i;

	event->to = NULL;
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (is_text(fields, FIELD_SOURCE_TYPE, sources[i].type)) {
			event->to = get_id(fields, sources[i].id, LINE_ID_MAX);
			event->direct = sources[i].direct;
		}
	if (event->to == NULL)
		return false;
	event->chat = event->direct || user == NULL
	    ? event->to
	    : join_chat(r, event->to, user);
	return event->chat != NULL;
}

static bool
read_text(struct reading *r, const struct fields *fields,
    struct line_event *event)
{
	const struct field_text *from = &fields->texts[FIELD_TEXT];
	char *text = r->fields.room;
	size_t len;

	if (from->at == NULL || from->len > LINE_TEXT_MAX)
		return false;
	len = utf8_clean_into(text, from->at, from->len);
	len = utf8_trim(text, len);
	event->text = text;
	r->fields.room += len + 1;
	return len > 0;
}

/* What users send from elsewhere is not fetched: it could be anybody's. */
static bool
read_voice(const struct fields *fields, struct line_event *event)
{
	event->voice = get_name(fields, FIELD_MESSAGE_ID);
	return event->voice != NULL && event->direct &&
	    is_text(fields, FIELD_PROVIDER_TYPE, "line");
}

static bool
read_message(struct reading *r, const struct fields *fields,
    struct line_event *event)
{
	event->text = event->voice = NULL;
	if (is_text(fields, FIELD_MESSAGE_TYPE, "audio"))
		return read_voice(fields, event);
	return is_text(fields, FIELD_MESSAGE_TYPE, "text") &&
	    (event->direct || fields->is_true[FIELD_IS_SELF]) &&
	    read_text(r, fields, event);
}

/* Fills event with what the fields have to say; false: not for us. */
static bool
read_event(struct reading *r, const struct fields *fields,
    struct line_event *event)
{
	event->id = get_id(fields, FIELD_ID, LINE_ID_MAX);
	event->reply_token = get_id(fields, FIELD_REPLY_TOKEN, LINE_TOKEN_MAX);
	event->quote_token = get_id(fields, FIELD_QUOTE_TOKEN, LINE_TOKEN_MAX);
	event->timestamp = fields->time;
	event->redelivery = fields->is_true[FIELD_REDELIVERY];
	return is_text(fields, FIELD_TYPE, "message") &&
	    is_text(fields, FIELD_MODE, "active") && event->id != NULL &&
	    event->reply_token != NULL && event->timestamp > 0 &&
	    read_source(r, fields, event) && read_message(r, fields, event);
}

/* The texts of an event that is left out make room for those of the next. */
static void
on_event(void *arg, const struct fields *fields)
{
	struct reading *r = arg;
	struct line_body *out = r->out;

	if (r->total++ < LINE_EVENTS_MAX && fields != NULL &&
	    read_event(r, fields, &out->events[out->n])) {
		out->n++;
		r->kept = r->fields.room;
	}
	r->fields.room = r->kept;
}

/*
 * Each text has room as it came, and three times as much to become clean, since
 * yajl is not strict about UTF-8; a group's id has room once more.
 */
static bool
make_room(struct reading *r, size_t len)
{
	struct line_body *out = r->out;
	size_t most = len / EVENT_BYTES + 1;

	out->memory =
	    malloc(most * (sizeof(*out->events) + LINE_CHAT_MAX + 1) + 4 * len);
	out->events = out->memory;
	if (out->memory != NULL)
		r->kept = r->fields.room = (char *)&out->events[most];
	return out->memory != NULL;
}

enum line_rc
line_parse(const char *body, size_t len, struct line_body *out)
{
	static const enum line_rc codes[] = {
		[FIELDS_OK] = LINE_OK,
		[FIELDS_BAD] = LINE_NOT_JSON,
		[FIELDS_OTHER] = LINE_NOT_WEBHOOK,
		[FIELDS_MEMORY] = LINE_MEMORY,
	};
	struct reading r = { .out = out, .fields = { on_event, &r, NULL } };
	enum line_rc rc = LINE_MEMORY;

	memset(out, 0, sizeof(*out));
	if (make_room(&r, len))
		rc = codes[fields_read(&r.fields, body, len)];
	out->ignored = r.total - out->n;
	if (rc != LINE_OK)
		line_body_release(out);
	return rc;
}

void
line_body_release(struct line_body *body)
{
	free(body->memory);
	memset(body, 0, sizeof(*body));
}

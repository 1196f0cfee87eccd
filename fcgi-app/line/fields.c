/*
 * fields.c - the members of a webhook body that we know; the only file that
 * knows yajl.
 */
#include "line/fields.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

enum shape { OBJECT = 1, ARRAY, TEXT, NUMBER, TRUTH };

/* Where a member stands: its object or array, its key (none in an array). */
static const struct place {
	enum field within;
	enum shape shape;
	const char *key;
} places[FIELD__MAX] = {
	[FIELD_BODY] = { FIELD_NONE, OBJECT, NULL },
	[FIELD_EVENTS] = { FIELD_BODY, ARRAY, "events" },
	[FIELD_EVENT] = { FIELD_EVENTS, OBJECT, NULL },
	[FIELD_TYPE] = { FIELD_EVENT, TEXT, "type" },
	[FIELD_MODE] = { FIELD_EVENT, TEXT, "mode" },
	[FIELD_ID] = { FIELD_EVENT, TEXT, "webhookEventId" },
	[FIELD_REPLY_TOKEN] = { FIELD_EVENT, TEXT, "replyToken" },
	[FIELD_TIME] = { FIELD_EVENT, NUMBER, "timestamp" },
	[FIELD_SOURCE] = { FIELD_EVENT, OBJECT, "source" },
	[FIELD_SOURCE_TYPE] = { FIELD_SOURCE, TEXT, "type" },
	[FIELD_USER] = { FIELD_SOURCE, TEXT, "userId" },
	[FIELD_GROUP] = { FIELD_SOURCE, TEXT, "groupId" },
	[FIELD_ROOM] = { FIELD_SOURCE, TEXT, "roomId" },
	[FIELD_MESSAGE] = { FIELD_EVENT, OBJECT, "message" },
	[FIELD_MESSAGE_TYPE] = { FIELD_MESSAGE, TEXT, "type" },
	[FIELD_MESSAGE_ID] = { FIELD_MESSAGE, TEXT, "id" },
	[FIELD_TEXT] = { FIELD_MESSAGE, TEXT, "text" },
	[FIELD_QUOTE_TOKEN] = { FIELD_MESSAGE, TEXT, "quoteToken" },
	[FIELD_PROVIDER] = { FIELD_MESSAGE, OBJECT, "contentProvider" },
	[FIELD_PROVIDER_TYPE] = { FIELD_PROVIDER, TEXT, "type" },
	[FIELD_MENTION] = { FIELD_MESSAGE, OBJECT, "mention" },
	[FIELD_MENTIONEES] = { FIELD_MENTION, ARRAY, "mentionees" },
	[FIELD_MENTIONEE] = { FIELD_MENTIONEES, OBJECT, NULL },
	[FIELD_IS_SELF] = { FIELD_MENTIONEE, TRUTH, "isSelf" },
	[FIELD_DELIVERY] = { FIELD_EVENT, OBJECT, "deliveryContext" },
	[FIELD_REDELIVERY] = { FIELD_DELIVERY, TRUTH, "isRedelivery" },
};

enum {
	DEPTH_MAX = 64, /* of what we pass over; LINE's own have less than 10 */
	KNOWN_DEPTH = 8
};

struct parser {
	struct fields_reader *reader;
	struct fields fields;           /* of the event under way */
	enum field within[KNOWN_DEPTH]; /* where we are, as far as known */
	size_t known, depth;            /* levels; all beyond known is passed */
	enum field next;                /* what the last key announced */
	uint32_t seen;                  /* bits: members of open objects */
	bool has_body, has_events;
};

_Static_assert(FIELD__MAX <= 32, "seen has a bit for each");

/* ------------------------------------------------------- where we are -- */

/* A key may hold NULs, so its length is compared first. */
static enum field
find(enum field within, const unsigned char *key, size_t len)
{
	size_t i;

	for (i = FIELD_EVENTS; i < FIELD__MAX; i++)
		if (places[i].within == within && places[i].key != NULL &&
		    strlen(places[i].key) == len &&
		    memcmp(places[i].key, key, len) == 0)
			return (enum field)i;
	return FIELD_NONE;
}

/* Which member is the value that begins now? */
static enum field
member(struct parser *p)
{
	enum field within;

	if (p->depth > p->known)
		return FIELD_NONE;
	if (p->known == 0)
		return FIELD_BODY;
	within = p->within[p->known - 1];
	if (within == FIELD_EVENTS)
		return FIELD_EVENT;
	return within == FIELD_MENTIONEES ? FIELD_MENTIONEE : p->next;
}

/* The same, for a value of this shape; an event must be an object. */
static enum field
member_of_shape(struct parser *p, enum shape shape)
{
	enum field field = member(p);

	if (places[field].shape == shape)
		return field;
	if (field == FIELD_EVENT)
		p->reader->event(p->reader->arg, NULL);
	return FIELD_NONE;
}

static void
forget_members_of(struct parser *p, enum field within)
{
	size_t i;

	for (i = 0; i < FIELD__MAX; i++)
		if (places[i].within == within)
			p->seen &= ~(1U << i);
}

/* ---------------------------------------------------------- callbacks -- */

static int
on_begin(struct parser *p, enum shape shape)
{
	enum field field = member_of_shape(p, shape);

	if (++p->depth > DEPTH_MAX)
		return 0;
	if (field == FIELD_NONE)
		return 1;
	p->within[p->known++] = field;
	forget_members_of(p, field);
	if (field == FIELD_EVENT)
		memset(&p->fields, 0, sizeof(p->fields));
	p->has_body |= field == FIELD_BODY;
	p->has_events |= field == FIELD_EVENTS;
	return 1;
}

static int
on_object(void *arg)
{
	return on_begin(arg, OBJECT);
}

static int
on_array(void *arg)
{
	return on_begin(arg, ARRAY);
}

static int
on_end(void *arg)
{
	struct parser *p = arg;

	if (p->depth-- > p->known)
		return 1;
	if (p->within[--p->known] == FIELD_EVENT)
		p->reader->event(p->reader->arg, &p->fields);
	return 1;
}

static int
on_key(void *arg, const unsigned char *key, size_t len)
{
	struct parser *p = arg;

	if (p->depth > p->known)
		return 1;
	p->next = find(p->within[p->known - 1], key, len);
	if (p->next == FIELD_NONE)
		return 1;
	if (p->seen & 1U << p->next)
		return 0;
	p->seen |= 1U << p->next;
	return 1;
}

/* Copied: what had escapes stands in a buffer of yajl's. */
static int
on_text(void *arg, const unsigned char *text, size_t len)
{
	struct parser *p = arg;
	enum field field = member_of_shape(p, TEXT);
	char *copy = p->reader->room;

	if (field == FIELD_NONE)
		return 1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	p->fields.texts[field] = (struct field_text){ copy, len };
	p->reader->room += len + 1;
	return 1;
}

/* A whole number of at most 18 digits, which is time enough. */
static int
on_number(void *arg, const char *text, size_t len)
{
	struct parser *p = arg;
	int64_t value = 0;
	size_t i;

	if (member_of_shape(p, NUMBER) == FIELD_NONE || len > 18)
		return 1;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 1;
		value = value * 10 + (text[i] - '0');
	}
	p->fields.time = value;
	return 1;
}

static int
on_truth(void *arg, int value)
{
	struct parser *p = arg;
	enum field field = member_of_shape(p, TRUTH);

	if (value)
		p->fields.is_true[field] = true;
	return 1;
}

static int
on_null(void *arg)
{
	return on_truth(arg, false);
}

/* ------------------------------------------------------------- memory -- */

/*
 * yajl uses what it is given without a look, so it must never be short of
 * memory: this block holds all that it can ask for.  That is itself, a buffer
 * for strings with escapes and one for a token that does not end; each starts
 * with 2 KiB and is doubled while it is too small, and what it was before
 * stays behind.  DEPTH_MAX keeps its stack from growing.
 */
struct block {
	unsigned char *at;
	size_t left;
};

enum {
	ALIGN = alignof(max_align_t),
	ITSELF = 4096,
	FIRST_BUFFER = 2048,
	USUAL_BODY = 2048 /* longer ones are worth a call of malloc() */
};

#define BLOCK_SIZE(len) (ITSELF + 2 * 2 * (FIRST_BUFFER + 2 * (len)))

/* The size stands before each piece, for block_resize(). */
static void *
block_take(void *arg, size_t n)
{
	struct block *block = arg;
	size_t size = (n + 2 * ALIGN - 1) / ALIGN * ALIGN;
	unsigned char *piece = block->at + ALIGN;

	if (size > block->left)
		abort(); /* see above: it cannot be */
	memcpy(block->at, &n, sizeof(n));
	block->at += size;
	block->left -= size;
	return piece;
}

static void *
block_resize(void *arg, void *old, size_t n)
{
	void *piece = block_take(arg, n);
	size_t had = 0;

	if (old != NULL)
		memcpy(&had, (unsigned char *)old - ALIGN, sizeof(had));
	if (had > 0)
		memcpy(piece, old, had < n ? had : n);
	return piece;
}

static void
block_leave(void *arg, void *piece)
{
	(void)arg;
	(void)piece;
}

/* --------------------------------------------------------------- read -- */

static enum fields_rc
read_all(struct parser *p, yajl_alloc_funcs *memory, const char *body,
    size_t len)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = on_null,
		.yajl_boolean = on_truth,
		.yajl_number = on_number,
		.yajl_string = on_text,
		.yajl_start_map = on_object,
		.yajl_map_key = on_key,
		.yajl_end_map = on_end,
		.yajl_start_array = on_array,
		.yajl_end_array = on_end,
	};
	yajl_handle yajl = yajl_alloc(&callbacks, memory, p);

	if (yajl_parse(yajl, (const unsigned char *)body, len) !=
		yajl_status_ok ||
	    yajl_complete_parse(yajl) != yajl_status_ok)
		return FIELDS_BAD;
	return p->has_events ? FIELDS_OK : FIELDS_OTHER;
}

enum fields_rc
fields_read(struct fields_reader *reader, const char *body, size_t len)
{
	static _Thread_local alignas(max_align_t) unsigned char
	    usual[BLOCK_SIZE(USUAL_BODY)];
	struct parser p = { .reader = reader };
	struct block block = { usual, BLOCK_SIZE(len) };
	yajl_alloc_funcs memory = { block_take, block_resize, block_leave,
		&block };
	unsigned char *bytes = NULL;
	enum fields_rc rc;

	if (len > USUAL_BODY) {
		block.at = bytes = malloc(block.left);
		if (bytes == NULL)
			return FIELDS_MEMORY;
	}
	rc = read_all(&p, &memory, body, len);
	free(bytes);
	return rc;
}

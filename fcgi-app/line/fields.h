/*
 * fields.h - what we need of a webhook body, as it streams by.
 *
 * A tree of the whole body costs ten times what reading it does, and most of
 * it is never looked at.  So the members that we know are picked out while the
 * body is read; all others are passed over, whatever they hold.
 */
#ifndef LINE_FIELDS_H
#define LINE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The members that we know; fields.c says where they stand. */
enum field {
	FIELD_NONE = 0,
	FIELD_BODY,
	FIELD_EVENTS,
	FIELD_EVENT,
	FIELD_TYPE,
	FIELD_MODE,
	FIELD_ID,
	FIELD_REPLY_TOKEN,
	FIELD_TIME,
	FIELD_SOURCE,
	FIELD_SOURCE_TYPE,
	FIELD_USER,
	FIELD_GROUP,
	FIELD_ROOM,
	FIELD_MESSAGE,
	FIELD_MESSAGE_TYPE,
	FIELD_MESSAGE_ID,
	FIELD_TEXT,
	FIELD_QUOTE_TOKEN,
	FIELD_PROVIDER,
	FIELD_PROVIDER_TYPE,
	FIELD_MENTION,
	FIELD_MENTIONEES,
	FIELD_MENTIONEE,
	FIELD_IS_SELF,
	FIELD_DELIVERY,
	FIELD_REDELIVERY,
	FIELD__MAX
};

/* UTF-8 that may hold NULs; at is NULL when the member is not a string. */
struct field_text {
	const char *at;
	size_t len;
};

/* One event.  What is missing or of another type is NULL, 0 or false. */
struct fields {
	struct field_text texts[FIELD__MAX];
	int64_t time;
	bool is_true[FIELD__MAX]; /* of several mentionees: any */
};

struct fields_reader {
	/* For each element of "events"; NULL when it is not an object. */
	void (*event)(void *arg, const struct fields *);
	void *arg;
	/* Where texts are put, one after the other, each with a NUL behind it;
	 * they never take more than the body does.  event() may move it. */
	char *room;
};

enum fields_rc {
	FIELDS_OK = 0,
	FIELDS_BAD,   /* not JSON, too deep, or a member that we know twice */
	FIELDS_OTHER, /* JSON, but no object with an array "events" */
	FIELDS_MEMORY
};

enum fields_rc fields_read(struct fields_reader *, const char *body,
    size_t len);

#endif

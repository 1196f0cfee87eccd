/*
 * event.h - a webhook body as the questions in it that we answer.
 *
 * LINE adds events, fields and values without notice, so the body as a whole
 * must be JSON with an "events" array, and everything inside is optional: an
 * event that is of another kind, or lacks what we need, or breaks a limit, is
 * counted and left out; it never spoils its neighbours.
 *
 * Answered are messages in mode "active" with reply token, event id, time and
 * source: in 1:1 chats all texts and the voice messages that LINE has, in
 * groups and rooms the texts that mention us.
 */
#ifndef LINE_EVENT_H
#define LINE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest lengths in bytes, without the NUL; events beyond are ignored. */
enum {
	LINE_ID_MAX = 64,
	LINE_CHAT_MAX = 80,
	LINE_TOKEN_MAX = 256,
	LINE_TEXT_MAX = 65536
};

/* Events of one body that are looked at; those behind are ignored. */
enum { LINE_EVENTS_MAX = 1000 };

/* One message to us.  Strings are clean UTF-8 and live in the body. */
struct line_event {
	const char *id;   /* webhookEventId */
	const char *chat; /* user; in a group or room: its id "/" user, or its
	                   * id alone when LINE does not tell the user */
	const char *to;   /* user, group or room: whom a push would go to */
	const char *reply_token;
	const char *quote_token; /* NULL: none */
	const char *text;        /* not blank; NULL: a voice message */
	const char *voice; /* where LINE has what was said: letters, digits,
			    * "-" and "_"; NULL: a text */
	int64_t timestamp; /* LINE's, ms since 1970, above 0 */
	bool direct;       /* 1:1 chat */
	bool redelivery;
};

struct line_body {
	struct line_event *events;
	size_t n;
	size_t ignored;
	void *memory; /* where all of the above live */
};

enum line_rc {
	LINE_OK = 0,
	LINE_NOT_JSON,    /* also: a key twice in one object */
	LINE_NOT_WEBHOOK, /* no object with an "events" array */
	LINE_MEMORY       /* short; inside of a string jansson says not JSON */
};

/*
 * Reads a body.  out is filled on LINE_OK and owned by the caller until
 * line_body_release(); on other codes it is empty.
 */
enum line_rc line_parse(const char *body, size_t len, struct line_body *out);
void line_body_release(struct line_body *);

#endif

/*
 * api.h - requests to LINE, and what its answers mean for a delivery.
 *
 * All are POST with a JSON body to LINE_API_BASE plus path, with the channel
 * access token as bearer.  X-Line-Retry-Key goes with a push, from the first
 * attempt on, and never with a reply: LINE refuses it there.
 *
 * Bodies are new strings, their length in *len unless that is NULL; NULL when
 * memory is short.  The same arguments make the same bytes, which the retry
 * key demands.
 */
#ifndef LINE_API_H
#define LINE_API_H

#include <stddef.h>
#include <stdint.h>

#define API_PATH_REPLY   "/v2/bot/message/reply"
#define API_PATH_PUSH    "/v2/bot/message/push"
#define API_PATH_LOADING "/v2/bot/chat/loading/start"

/* Of LINE_DATA_BASE, by GET; the message's id and "/content" follow. */
#define API_PATH_CONTENT "/v2/bot/message/"

/* messages_json is what message_texts() made. */
char *api_reply_body(const char *token, const char *messages_json, size_t *len);
char *api_push_body(const char *to, const char *messages_json, size_t *len);

/*
 * Shows "typing" in a 1:1 chat (a group's id is refused by LINE) for up to
 * seconds, which LINE wants in fives: rounded up, at least 5, at most 60.
 */
char *api_loading_body(const char *chat_id, unsigned seconds, size_t *len);

enum { API_RETRY_KEY_SIZE = 37 };

/* Writes a retry key as LINE wants it: a UUID in lower case. */
void api_retry_key(const uint8_t key[16], char out[API_RETRY_KEY_SIZE]);

enum api_answer {
	API_SENT = 0,  /* 2xx */
	API_ALREADY,   /* 409: an earlier attempt with this key was accepted */
	API_BAD_TOKEN, /* reply token unknown, used or too old */
	API_BAD_CONTENT, /* LINE does not want this body: 400, 413, 415 */
	API_AUTH,        /* 401: the access token is wrong */
	API_FORBIDDEN,   /* 403 */
	API_GONE,        /* 404, 410 */
	API_RATE,        /* 429: too fast, nothing was sent */
	API_QUOTA,       /* 429: the month's pushes are used up */
	API_FAULT,       /* anything else: perhaps sent, perhaps not */
	API_ANSWER__MAX
};

/* For the log; never NULL. */
const char *api_answer_name(enum api_answer);

/* What an answer of reply or push means; body may be NULL with len 0. */
enum api_answer api_judge(int http_status, const char *body, size_t len);

#endif

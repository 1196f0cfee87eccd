/*
 * speak.h - text to speech by Gemini's generateContent.
 *
 * POST to GEMINI_BASE plus gemini_path() of a speech model.  The answer holds
 * a sound of some 100 KiB as base64 in JSON, so it is read as it comes in:
 * the sound is decoded on the way, and only what is left is ever parsed.
 *
 * Newer models read the text word for word, older ones sometimes answer it
 * instead; that is GEMINI_EMPTY, worth one more try.
 */
#ifndef MODEL_SPEAK_H
#define MODEL_SPEAK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/unbase64.h"
#include "model/gemini.h"

struct speak_ask {
	const char *text;     /* cleaned here */
	const char *voice;    /* one of the model's names, always sent */
	const char *language; /* BCP 47; NULL or "": the text decides */
};

/* Makes the body, new, its length in *len; NULL when memory is short. */
char *speak_request(const struct speak_ask *, size_t *len);

enum { SPEAK_TYPE_SIZE = 64 };

struct speak_reply {
	enum gemini_outcome outcome; /* ANSWER: here is a sound */
	char *sound; /* ANSWER: new, len bytes, as the model sent it */
	size_t len;
	char type[SPEAK_TYPE_SIZE]; /* its media type, cut; "": not told */
	unsigned retry_ms;          /* as in struct gemini_reply */
	const char *finish;         /* the same, static */
};

/* An answer that is coming in.  Private members. */
struct speak_reader {
	struct buf sound, rest;
	struct unbase64 un;
	unsigned state;
	bool after_colon, bad;
	char word[8]; /* the last string, cut */
	size_t word_len;
	char escape[5]; /* what follows a backslash within the sound */
	size_t escape_len, sound_at;
};

/* For a sound of up to max bytes. */
void speak_begin(struct speak_reader *, size_t max);

/*
 * Takes the next piece.  -1 when the sound is too big or memory is short:
 * there is no use in going on.
 */
int speak_feed(struct speak_reader *, const char *piece, size_t n);

/*
 * Says what the answer was, any status, any bytes, and frees the reader.
 * speak_reply_release() frees the sound.
 */
void speak_end(struct speak_reader *, int http_status, struct speak_reply *);
void speak_reply_release(struct speak_reply *);

/* Frees a reader whose answer does not matter any more. */
void speak_abort(struct speak_reader *);

#endif

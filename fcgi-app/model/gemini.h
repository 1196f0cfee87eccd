/*
 * gemini.h - the request and answer of Gemini's generateContent.
 *
 * POST to GEMINI_BASE plus gemini_path(), with the key in x-goog-api-key.
 * Models differ in which generation fields they know and answer 400 to the
 * others, so every field can be left out.
 */
#ifndef MODEL_GEMINI_H
#define MODEL_GEMINI_H

#include <stdbool.h>
#include <stddef.h>

/* Generation fields; 0, NULL or "" leaves one out.  Numbers as decimals. */
struct gemini_options {
	unsigned max_output_tokens;
	const char *temperature, *top_p, *top_k;
	const char *thinking_level;
	const char *safety_threshold; /* for all four categories */
};

struct gemini_turn {
	bool from_user;
	const char *text;
};

/*
 * What is the same in every request, most of its bytes: made once, from the
 * system's instruction (NULL: none) and the options.  0, or -1 when memory is
 * short; then there is nothing to release.
 */
struct gemini_frame {
	char *head, *tail;
	size_t head_len, tail_len;
};
int gemini_frame_init(struct gemini_frame *, const char *system,
    const struct gemini_options *);
void gemini_frame_release(struct gemini_frame *);

/* Everything is borrowed for the call. */
struct gemini_ask {
	const struct gemini_frame *frame;
	const struct gemini_turn *turns; /* oldest first */
	size_t n_turns;
	const char *question;
};

/*
 * Makes the body: turns, then the question as the last one.  Texts are
 * cleaned, blank turns and turns before the user's first are left out.
 * Returns a new string, its length in *len unless that is NULL; NULL when
 * memory is short.
 */
char *gemini_request(const struct gemini_ask *, size_t *len);

/* The path for a model, new; NULL when memory is short. */
char *gemini_path(const char *model);

enum gemini_outcome {
	GEMINI_ANSWER = 0, /* text is whole */
	GEMINI_TRUNCATED,  /* text stops at the token limit */
	GEMINI_BLOCKED,    /* question or answer was filtered: do not retry */
	GEMINI_EMPTY,      /* no text, for no lasting reason: retry once */
	GEMINI_OVERLOADED, /* their side or the way there: retry */
	GEMINI_RATE,       /* too fast: retry after retry_ms */
	GEMINI_QUOTA,      /* the model's day is used up: another model */
	GEMINI_REFUSED,    /* key, billing or request is wrong: tell operator */
	GEMINI_NO_MODEL,   /* the model does not exist: another model */
	GEMINI_MEMORY,     /* ours is short */
	GEMINI_OUTCOME__MAX
};

/* For the log; never NULL. */
const char *gemini_outcome_name(enum gemini_outcome);

/* Longest wait that is believed, in ms. */
enum { GEMINI_RETRY_MAX_MS = 3600 * 1000 };

struct gemini_reply {
	enum gemini_outcome outcome;
	char *text;        /* ANSWER, TRUNCATED: clean, not blank; else NULL */
	unsigned retry_ms; /* RATE, OVERLOADED: what they ask for; 0: nothing */
	const char *finish; /* static, for the log: finish or block reason, or
	                     * the error's status; "" unknown or absent */
	unsigned prompt_tokens, answer_tokens; /* 0: not told */
};

/*
 * Reads an answer: any status, any bytes; body may be NULL with len 0.
 * gemini_reply_release() frees what it made.
 */
void gemini_parse(int http_status, const char *body, size_t len,
    struct gemini_reply *);
void gemini_reply_release(struct gemini_reply *);

#endif

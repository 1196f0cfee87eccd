/*
 * bot.h - what the user is told.  Pure: no I/O, clock or store.
 */
#ifndef BOT_BOT_H
#define BOT_BOT_H

#include <stdbool.h>

/* How thinking ended, whichever model thought. */
enum bot_outcome {
	BOT_ANSWER = 0,
	BOT_TRUNCATED, /* with the beginning of an answer */
	BOT_BLOCKED,
	BOT_EMPTY,
	BOT_ERROR,
	BOT_BUSY,
	BOT_TIMEOUT,
	BOT_UNHEARD, /* the last three of a voice message */
	BOT_NO_RECORDING,
	BOT_TOO_LONG,
	BOT_OUTCOME__MAX
};

struct bot_say {
	char *text;    /* new, never blank */
	bool remember; /* question and answer belong into the history */
};

/*
 * Decides what to say.  answer is the model's text with BOT_ANSWER and
 * BOT_TRUNCATED, else ignored; a blank one counts as BOT_EMPTY.  Only real
 * answers are remembered.  0, or -1 when memory is short.
 */
int bot_answer(enum bot_outcome, const char *answer, const char *language,
    struct bot_say *);

/*
 * The answer to a voice message, with what was heard above it, shortened when
 * it is long.  New; NULL when memory is short.
 */
char *bot_heard(const char *heard, const char *answer, const char *language);

/*
 * LINE shows Markdown as it is written, so what a model emits in spite of its
 * orders is taken out: ** and __ around words, # of headings, backticks and
 * code fences; list bullets become "•", links "text (address)".  Other text
 * stays untouched.  Returns a new string, NULL when memory is short.
 */
char *bot_plain(const char *text);

#endif

/*
 * words.h - every sentence of ours that a user sees, per language.
 *
 * What they say is in bot/languages/, a file for each language; make holds
 * them to this enum, and to the {names} in its comments, which the program
 * fills in.
 */
#ifndef BOT_WORDS_H
#define BOT_WORDS_H

#include <stddef.h>

enum words {
	WORDS_SYSTEM_BUSY = 0, /* all together ask too much */
	WORDS_SLOW_DOWN,       /* this user asks too much */
	WORDS_TIMEOUT,         /* no answer in time */
	WORDS_BLOCKED,         /* the model will not answer this */
	WORDS_EMPTY,           /* the model found no words */
	WORDS_ERROR,           /* a fault of ours */
	WORDS_CUT,             /* appended to an answer that is not whole */
	WORDS_FALLBACK,        /* LINE did not take the answer */
	WORDS_UNHEARD,         /* nothing to be heard in a voice message */
	WORDS_NO_RECORDING,    /* LINE does not have it any more */
	WORDS_TOO_LONG,        /* it is too large */
	WORDS_HEARD,           /* above an answer: what was {heard} */
	WORDS__MAX
};

/*
 * The language of ours that a tag means, such as LINE gives with a profile:
 * its first part decides, so "zh-TW" is "zh-Hant".  Static; NULL when we do
 * not speak it, or the tag is NULL.
 */
const char *words_language(const char *tag);

/*
 * The sentence in the language that a tag means, in English when we do not
 * speak it.  Static.
 */
const char *words_text(enum words, const char *tag);

struct words_value {
	const char *name, *value;
};

/*
 * The same with the values of n {names} in their places; what is in braces in
 * a value stays.  New; NULL when memory is short.
 */
char *words_fill(enum words, const char *tag, const struct words_value *,
    size_t n);

#endif

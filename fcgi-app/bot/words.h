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
	WORDS_VOICE_ON,        /* a choice is confirmed, as the next two */
	WORDS_VOICE_OFF,
	WORDS_VOICE_AUTO,
	WORDS_NO_VOICE,         /* voice is asked for and not set up */
	WORDS_NOTHING_TO_SPEAK, /* "speak", and there is no answer yet */
	WORDS_NOT_SPOKEN,       /* below an answer: its text alone */
	WORDS_VOICE_FOLLOWS,    /* below an answer */
	WORDS_SPOKEN_IN_PART,   /* below an answer: it is too long to read */
	WORDS_HELP,             /* what we can do, and how to ask; a page */
	WORDS__MAX
};

/*
 * The sentence in the language that a tag means, see language.h; in English
 * when we do not speak it or it is NULL.  Static.
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

/*
 * language.h - one language of ours, as scripts/languages.py makes it from
 * its file in bot/languages/.
 *
 * Private to words.c and the table.
 */
#ifndef BOT_LANGUAGE_H
#define BOT_LANGUAGE_H

#include <stddef.h>

#include "bot/words.h"

struct language {
	const char *tag;  /* as the operator writes it: "zh-Hant" */
	const char *tags; /* first parts that mean it, with blanks between */
	const char *words[WORDS__MAX]; /* none is NULL */
};

/* English is the first; one without a tag ends it. */
extern const struct language languages[];

#endif

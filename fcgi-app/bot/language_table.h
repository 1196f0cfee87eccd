/*
 * language_table.h - all that a language is, as scripts/languages.py makes it
 * from the files in bot/languages/.
 *
 * Private to language.c, words.c and command.c.
 */
#ifndef BOT_LANGUAGE_TABLE_H
#define BOT_LANGUAGE_TABLE_H

#include "bot/command.h"
#include "bot/language.h"
#include "bot/words.h"

/* How a command is typed. */
struct wording {
	const char *label;
	const char *const
	    *spellings; /* as fold_text() leaves them; NULL ends */
};

struct language_table {
	const char *tag;  /* as the operator writes it: "zh-Hant" */
	const char *tags; /* first parts that mean it, with blanks between */
	const char *words[WORDS__MAX]; /* none is NULL */
	struct wording commands[COMMAND__MAX];
};

extern const struct language_table language_table[LANGUAGE__MAX];

#endif

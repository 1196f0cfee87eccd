/*
 * command.h - the words that a user types to tell the bot how to behave.
 *
 * The words are in the files of bot/languages/, where the first one is what a
 * button says: what we offer is understood when it is typed.
 */
#ifndef BOT_COMMAND_H
#define BOT_COMMAND_H

#include "bot/language.h"

enum command {
	COMMAND_NONE = 0,   /* a question */
	COMMAND_VOICE_ON,   /* every answer is read aloud */
	COMMAND_VOICE_OFF,  /* none is */
	COMMAND_VOICE_AUTO, /* those to voice messages are */
	COMMAND_SPEAK,      /* read the last answer aloud */
	COMMAND_HELP,       /* say what you can do */
	COMMAND_NEW,        /* begin anew; has words, but nobody obeys it yet */
	COMMAND__MAX
};

enum {
	COMMAND_BYTES_MAX = 128, /* a longer text is none, unread */
	COMMAND_LABEL_MAX = 20   /* graphemes of a label: LINE's limit */
};

/*
 * What a text commands: it has to be one of the words and nothing else, with
 * whatever case, width, white space and punctuation around it.  COMMAND_NONE
 * also when memory is short.
 */
enum command command_of(const char *text);

/* The same; *language, untouched with COMMAND_NONE, is the tag of its word. */
enum command command_match(const char *text, const char **language);

/*
 * What a button for it says, and sends, in the language that a tag means, see
 * language.h; in English when we do not speak it or it is NULL.  Static; NULL
 * for COMMAND_NONE.
 */
const char *command_label(enum command, const char *language);

/*
 * All spellings of a command in one language, as fold_text() leaves them, the
 * label's first; a NULL ends them.  Static; NULL for COMMAND_NONE.
 */
const char *const *command_spellings(enum command, enum language);

#endif

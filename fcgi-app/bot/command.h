/*
 * command.h - the words that a user types to tell the bot how to behave.
 *
 * One table has the words, their languages and what they mean; a button's
 * label is in it as well, so what we offer is understood when it is typed.
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
	COMMAND__MAX
};

enum {
	COMMAND_BYTES_MAX = 128,  /* a longer text is none, unread */
	COMMAND_LABEL_MAX = 20,   /* graphemes of a label: LINE's limit */
	COMMAND_SPELLINGS_MAX = 8 /* of a command in one language */
};

/*
 * What a text commands: it has to be one of the words and nothing else, with
 * whatever case, width, white space and punctuation around it.  COMMAND_NONE
 * also when memory is short.
 */
enum command command_of(const char *text);

/* The same; *language, untouched with COMMAND_NONE, is the word's. */
enum command command_match(const char *text, enum language *language);

/* What a button for it says, and sends; static, NULL for COMMAND_NONE. */
const char *command_label(enum command, enum language);

/*
 * The i-th spelling of a command in a language, as fold_text() leaves it; the
 * first one is the label's.  NULL behind the last.
 */
const char *command_spelling(enum command, enum language, unsigned i);

#endif

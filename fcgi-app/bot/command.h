/*
 * command.h - the words that a user types to tell the bot how to behave.
 *
 * One table has the words, their languages and what they mean; a button's
 * label is in it as well, so what we offer is understood when it is typed.
 */
#ifndef BOT_COMMAND_H
#define BOT_COMMAND_H

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

/* The same; *language, untouched with COMMAND_NONE, is the tag of its word. */
enum command command_match(const char *text, const char **language);

/*
 * What a button for it says, and sends, in the language that a tag means (its
 * first part decides), in English when that is none of ours or NULL.  Static;
 * NULL for COMMAND_NONE.
 */
const char *command_label(enum command, const char *language);

/* The table, row by row; a row without a label ends it. */
struct command_row {
	enum command command;
	const char *language; /* a tag: "zh-Hant" */
	const char *label;
	/* as fold_text() leaves them, the label's first; NULL: no more */
	const char *spellings[COMMAND_SPELLINGS_MAX];
};

extern const struct command_row command_rows[];

#endif

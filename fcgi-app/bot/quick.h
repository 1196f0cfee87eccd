/*
 * quick.h - what is offered after an answer, and what is said to a command.
 */
#ifndef BOT_QUICK_H
#define BOT_QUICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bot/command.h"
#include "bot/prefs.h"
#include "bot/words.h"

enum { BOT_QUICK_MAX = 8 };

/*
 * What to offer below an answer, as labels of buttons in the order in which
 * they are shown: to read it aloud, unless it is spoken already, and the voice
 * settings that are not chosen.  has_voice: this deployment has voice answers;
 * without, none of this is offered.  language: a tag or NULL.  Returns how
 * many; the labels are static.
 */
size_t bot_quick(const uint8_t prefs[PREFS_BYTES], bool has_voice, bool spoken,
    const char *language, const char *labels[BOT_QUICK_MAX]);

/*
 * What is said to a command other than COMMAND_NONE and COMMAND_NEW: that it
 * is done; that there is no voice; to COMMAND_SPEAK that there is nothing to
 * read aloud, for when there is not; to COMMAND_HELP the help.
 */
enum words bot_command_words(enum command, bool has_voice);

#endif

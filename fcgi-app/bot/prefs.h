/*
 * prefs.h - what a user has chosen, in the bytes that the store keeps for us.
 *
 * All 0 is what a user has who never chose.  A byte that a newer program wrote
 * and we do not know counts as 0, and stays until the user chooses again.
 */
#ifndef BOT_PREFS_H
#define BOT_PREFS_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/command.h"
#include "store/store.h"

/* Which byte means what: stored, so never use one for something else. */
enum prefs_byte { PREFS_VOICE = 0, PREFS_BYTES = STORE_PREFS };

/* Are answers read aloud?  Stored: never change a number. */
enum prefs_voice {
	PREFS_VOICE_AUTO = 0, /* those to voice messages */
	PREFS_VOICE_ON = 1,
	PREFS_VOICE_OFF = 2,
	PREFS_VOICE__MAX
};

enum prefs_voice prefs_voice(const uint8_t prefs[PREFS_BYTES]);

/* Is an answer to be read aloud whose question came by voice, or did not? */
bool prefs_want_voice(const uint8_t prefs[PREFS_BYTES], bool asked_by_voice);

/* The command that chooses what is chosen already. */
enum command prefs_voice_command(const uint8_t prefs[PREFS_BYTES]);

/* Does what a command chooses; false, and nothing, if it chooses nothing. */
bool prefs_apply(uint8_t prefs[PREFS_BYTES], enum command);

#endif

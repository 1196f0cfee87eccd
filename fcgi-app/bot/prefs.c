/* prefs - a choice, its byte and its command. */
#include "bot/prefs.h"

static const enum command commands[PREFS_VOICE__MAX] = {
	[PREFS_VOICE_AUTO] = COMMAND_VOICE_AUTO,
	[PREFS_VOICE_ON] = COMMAND_VOICE_ON,
	[PREFS_VOICE_OFF] = COMMAND_VOICE_OFF,
};

enum prefs_voice
prefs_voice(const uint8_t prefs[PREFS_BYTES])
{
	uint8_t voice = prefs[PREFS_VOICE];

	return voice < PREFS_VOICE__MAX ? (enum prefs_voice)voice
					: PREFS_VOICE_AUTO;
}

bool
prefs_want_voice(const uint8_t prefs[PREFS_BYTES], bool asked_by_voice)
{
	enum prefs_voice voice = prefs_voice(prefs);

	return voice == PREFS_VOICE_ON ||
	    (voice == PREFS_VOICE_AUTO && asked_by_voice);
}

enum command
prefs_voice_command(const uint8_t prefs[PREFS_BYTES])
{
	return commands[prefs_voice(prefs)];
}

bool
prefs_apply(uint8_t prefs[PREFS_BYTES], enum command command)
{
	enum prefs_voice voice;

	for (voice = 0; voice < PREFS_VOICE__MAX; voice++)
		if (commands[voice] == command) {
			prefs[PREFS_VOICE] = (uint8_t)voice;
			return true;
		}
	return false;
}

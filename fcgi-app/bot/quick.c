/* quick - the order of the buttons, and the sentence for each command. */
#include "bot/quick.h"

struct offer {
	enum command command;
	bool offered;      /* as a button */
	bool choice;       /* not offered to who has chosen it */
	bool needs_sound;  /* not offered where there is no voice */
	bool needs_silent; /* nor when the answer was spoken */
	enum words words;  /* said to it */
};

static const struct offer offers[] = {
	{ COMMAND_SPEAK, true, false, true, true, WORDS_NOTHING_TO_SPEAK },
	{ COMMAND_VOICE_ON, true, true, true, false, WORDS_VOICE_ON },
	{ COMMAND_VOICE_AUTO, true, true, true, false, WORDS_VOICE_AUTO },
	{ COMMAND_VOICE_OFF, true, true, true, false, WORDS_VOICE_OFF },
	{ COMMAND_HELP, false, false, false, false, WORDS_HELP },
};

enum { N_OFFERS = sizeof(offers) / sizeof(offers[0]) };
_Static_assert((int)N_OFFERS <= (int)BOT_QUICK_MAX,
    "all of them may be offered");
_Static_assert((int)N_OFFERS == (int)COMMAND_NEW - 1,
    "each command that is obeyed has a row");

size_t
bot_quick(const uint8_t prefs[PREFS_BYTES], bool has_voice, bool spoken,
    const char *language, const char *labels[BOT_QUICK_MAX])
{
	enum command chosen = prefs_voice_command(prefs);
	const struct offer *o;
	size_t n = 0;

	for (o = offers; o < offers + N_OFFERS; o++)
		if (o->offered && !(o->choice && o->command == chosen) &&
		    !(o->needs_sound && !has_voice) &&
		    !(o->needs_silent && spoken))
			labels[n++] = command_label(o->command, language);
	return n;
}

enum words
bot_command_words(enum command command, bool has_voice)
{
	const struct offer *o = offers;

	while (o->command != command && o + 1 < offers + N_OFFERS)
		o++;
	return o->needs_sound && !has_voice ? WORDS_NO_VOICE : o->words;
}

/* words - the table of sentences. */
#include <stddef.h>
#include <string.h>

#include "bot/words.h"

struct language {
	const char *tag;
	const char *words[WORDS__MAX];
};

/* The first one is spoken when no other fits. */
static const struct language languages[] = {
	/* clang-format off */
	{ "en", {
		[WORDS_SYSTEM_BUSY] = "System busy, try again",
		[WORDS_SLOW_DOWN] = "Slow down please",
		[WORDS_TIMEOUT] = "Request timed out, please try again",
		[WORDS_BLOCKED] = "I cannot answer this. Please ask a doctor.",
		[WORDS_EMPTY] = "I have no answer. Please ask in other words.",
		[WORDS_ERROR] = "Something went wrong. Please try again later.",
		[WORDS_CUT] = "(My answer was too long. Ask me to go on.)",
		[WORDS_FALLBACK] = "I could not send my answer. Please retry.",
		[WORDS_UNHEARD] = "I could not hear you. Please say it again.",
		[WORDS_NO_RECORDING] =
	"I could not fetch your voice message. Please send it again.",
		[WORDS_TOO_LONG] =
	"Your voice message is too long. Please send a shorter one.",
		[WORDS_HEARD] = "You said:",
		[WORDS_VOICE_ON] = "Voice is on: I read every answer aloud.",
		[WORDS_VOICE_OFF] = "Voice is off: I answer by text alone.",
		[WORDS_VOICE_AUTO] =
	"Voice is automatic: I read aloud when you ask by voice.",
		[WORDS_NO_VOICE] = "I cannot speak here. I answer by text.",
		[WORDS_NOTHING_TO_SPEAK] =
	"There is no answer to read aloud yet. Please ask me something.",
		[WORDS_NOT_SPOKEN] = "(I could not read this aloud this time.)",
		[WORDS_VOICE_FOLLOWS] = "(The voice message follows.)",
		[WORDS_SPOKEN_IN_PART] = "(Only the beginning is read aloud.)",
	} },
	/* clang-format on */
};

enum { N_LANGUAGES = sizeof(languages) / sizeof(languages[0]) };

const char *
words_text(enum words which, const char *language)
{
	size_t n, i;

	if (language == NULL)
		language = "";
	n = strcspn(language, "-_");
	for (i = 0; i < N_LANGUAGES; i++)
		if (strlen(languages[i].tag) == n &&
		    strncasecmp(languages[i].tag, language, n) == 0)
			return languages[i].words[which];
	return languages[0].words[which];
}

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
		[WORDS_NO_RECORDING] = "I could not fetch your voice message. "
				       "Please send it again.",
		[WORDS_TOO_LONG] = "Your voice message is too long. "
				   "Please send a shorter one.",
		[WORDS_HEARD] = "You said:",
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

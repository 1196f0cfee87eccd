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
	{ "en",
	    {
		[WORDS_SYSTEM_BUSY] = "System busy, try again",
		[WORDS_SLOW_DOWN] = "Slow down please",
		[WORDS_TIMEOUT] = "Request timed out, please try again",
		[WORDS_BLOCKED] =
		    "I cannot answer this question. If you are "
		    "worried about your health, please ask a doctor or a "
		    "pharmacist.",
		[WORDS_EMPTY] = "I did not find an answer. Please ask again in "
				"other words.",
		[WORDS_ERROR] = "Something went wrong on our side. Please try "
				"again in a few minutes.",
		[WORDS_CUT] = "(The answer was too long and ends here. Ask me "
			      "to go on.)",
		[WORDS_FALLBACK] = "The answer could not be shown. Please ask "
				   "again in other words.",
	    } },
};

enum { N_LANGUAGES = sizeof(languages) / sizeof(languages[0]) };

const char *
words_text(enum words which, const char *language)
{
	size_t n = language == NULL ? 0 : strcspn(language, "-_"), i;

	for (i = 0; i < N_LANGUAGES; i++)
		if (strlen(languages[i].tag) == n &&
		    strncasecmp(languages[i].tag, language, n) == 0)
			return languages[i].words[which];
	return languages[0].words[which];
}

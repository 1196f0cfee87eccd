/* words_en - our sentences in English. */
#include "bot/words_table.h"

/* clang-format off */
const char *const words_en[WORDS__MAX] = {
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
};
/* clang-format on */

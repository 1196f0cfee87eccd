/* bot - from the outcome of thinking to what the user reads. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "bot/bot.h"
#include "bot/words.h"

/* Bytes of a transcript that are shown: some ten lines. */
enum { HEARD_MAX = 1000 };

/* What is said when there is no answer. */
static const enum words excuses[BOT_OUTCOME__MAX] = {
	[BOT_ANSWER] = WORDS_EMPTY, /* it was blank */
	[BOT_TRUNCATED] = WORDS_EMPTY,
	[BOT_BLOCKED] = WORDS_BLOCKED,
	[BOT_EMPTY] = WORDS_EMPTY,
	[BOT_ERROR] = WORDS_ERROR,
	[BOT_BUSY] = WORDS_SYSTEM_BUSY,
	[BOT_TIMEOUT] = WORDS_TIMEOUT,
	[BOT_UNHEARD] = WORDS_UNHEARD,
	[BOT_NO_RECORDING] = WORDS_NO_RECORDING,
	[BOT_TOO_LONG] = WORDS_TOO_LONG,
};

/* The answer as the user reads it; *blank when there is nothing to read. */
static char *
readable(enum bot_outcome outcome, const char *answer, const char *language,
    bool *blank)
{
	char *plain = bot_plain(answer);
	struct buf buf;

	if (plain == NULL)
		return NULL;
	*blank = utf8_trim(plain, strlen(plain)) == 0;
	if (outcome == BOT_ANSWER)
		return plain;
	buf_init(&buf, strlen(plain) + 1024);
	buf_printf(&buf, "%s\n\n%s", plain, words_text(WORDS_CUT, language));
	free(plain);
	return buf_take(&buf, NULL);
}

int
bot_answer(enum bot_outcome outcome, const char *answer, const char *language,
    struct bot_say *say)
{
	bool blank = true;
	char *text = NULL;

	if (outcome == BOT_ANSWER || outcome == BOT_TRUNCATED) {
		text = readable(outcome, answer, language, &blank);
		if (text == NULL)
			return -1;
	}
	if (blank) {
		free(text);
		text = strdup(words_text(excuses[outcome], language));
	}
	*say = (struct bot_say){ text, !blank };
	return text == NULL ? -1 : 0;
}

/* The beginning of a transcript.  New; NULL when memory is short. */
static char *
shorten(const char *heard)
{
	size_t len = strlen(heard);
	bool cut = len > HEARD_MAX;
	struct buf buf;

	if (cut)
		len = HEARD_MAX;
	while (cut && len > 0 && ((unsigned char)heard[len] & 0xc0) == 0x80)
		len--;
	buf_init(&buf, HEARD_MAX + 8);
	buf_add(&buf, heard, len);
	if (cut)
		buf_puts(&buf, "\xe2\x80\xa6");
	return buf_take(&buf, NULL);
}

char *
bot_heard(const char *heard, const char *answer, const char *language)
{
	char *beginning = shorten(heard);
	struct words_value value = { "heard", beginning };
	char *above = NULL;
	struct buf buf;

	buf_init(&buf, strlen(answer) + HEARD_MAX + 1024);
	if (beginning != NULL)
		above = words_fill(WORDS_HEARD, language, &value, 1);
	if (above != NULL)
		buf_printf(&buf, "%s\n\n%s", above, answer);
	free(beginning);
	free(above);
	return above == NULL ? NULL : buf_take(&buf, NULL);
}

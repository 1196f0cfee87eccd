/*
 * f_gemini - any answer of the model, as success and as errors, through what
 * the user would get to read.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "bot/bot.h"
#include "line/message.h"
#include "model/gemini.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* An answer that can be read can also be sent. */
static void
send_it(const char *text)
{
	struct bot_say say;
	char *messages;

	if (utf8_is_blank(text))
		abort();
	if (bot_answer(BOT_ANSWER, text, "en", &say) == -1)
		return;
	messages = message_texts(say.text, NULL, NULL);
	if (messages == NULL)
		abort();
	free(messages);
	free(say.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const int statuses[] = { 200, 400, 429, 503 };
	struct gemini_reply reply;
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		gemini_parse(statuses[i], (const char *)bytes, len, &reply);
		if (reply.retry_ms > GEMINI_RETRY_MAX_MS)
			abort();
		if (reply.text != NULL)
			send_it(reply.text);
		gemini_reply_release(&reply);
	}
	return 0;
}

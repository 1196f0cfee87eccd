/*
 * f_event - any body; what comes out keeps the promises of line/event.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "line/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const char *text, size_t max)
{
	size_t len = strlen(text), i, n;
	uint32_t c;

	if (len == 0 || len > max)
		abort();
	for (i = 0; i < len; i += n) {
		n = utf8_next(text + i, len - i, &c);
		if (n == 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct line_body body;
	size_t i;

	line_parse((const char *)bytes, len, &body);
	for (i = 0; i < body.n; i++) {
		const struct line_event *event = &body.events[i];

		check(event->id, LINE_ID_MAX);
		check(event->chat, LINE_CHAT_MAX);
		check(event->to, LINE_ID_MAX);
		check(event->reply_token, LINE_TOKEN_MAX);
		if (event->quote_token != NULL)
			check(event->quote_token, LINE_TOKEN_MAX);
		if ((event->text == NULL) == (event->voice == NULL) ||
		    event->timestamp <= 0)
			abort();
		if (event->voice != NULL)
			check(event->voice, LINE_ID_MAX);
		else
			check(event->text, LINE_TEXT_MAX);
		if (event->text != NULL && utf8_is_blank(event->text))
			abort();
	}
	line_body_release(&body);
	return 0;
}

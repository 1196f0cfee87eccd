/* message - an answer as JSON text messages. */
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "line/message.h"
#include "line/split.h"

/* An escape of JSON makes six bytes of one unit. */
enum { MESSAGES_BYTES_MAX = 8 * MESSAGES_MAX * MESSAGE_UNITS_MAX };

/* One text message; a new reference. */
static json_t *
text_message(const char *text, size_t len, const char *mark,
    const char *quote_token)
{
	json_t *whole = json_sprintf("%.*s%s", (int)len, text, mark);

	if (quote_token == NULL || *quote_token == '\0')
		return json_pack("{s:s, s:o}", "type", "text", "text", whole);
	return json_pack("{s:s, s:o, s:s}", "type", "text", "text", whole,
	    "quoteToken", quote_token);
}

/* All messages; a new reference. */
static json_t *
text_messages(const char *text, const struct split_part *parts, size_t n,
    bool cut, const char *quote_token)
{
	json_t *messages = json_array();
	const char *mark;
	size_t i;

	for (i = 0; i < n; i++) {
		mark = cut && i == n - 1 ? SPLIT_MARK : "";
		if (json_array_append_new(messages,
			text_message(text + parts[i].start, parts[i].len, mark,
			    i == 0 ? quote_token : NULL)) == -1) {
			json_decref(messages);
			return NULL;
		}
	}
	return messages;
}

char *
message_texts(const char *text, const char *quote_token, size_t *len)
{
	struct split_part parts[MESSAGES_MAX];
	json_t *messages;
	struct buf out;
	size_t clean_len, n;
	char *clean;
	bool cut;

	clean = utf8_clean(text, strlen(text), &clean_len);
	if (clean == NULL)
		return NULL;
	n = split_text(clean, clean_len, MESSAGE_UNITS_MAX, MESSAGES_MAX, parts,
	    &cut);
	messages =
	    n == 0 ? NULL : text_messages(clean, parts, n, cut, quote_token);
	free(clean);
	/* json_dumps() leaves words out when it cannot grow; a buf says so */
	buf_init(&out, MESSAGES_BYTES_MAX);
	if (json_dump_callback(messages, buf_sink, &out, JSON_COMPACT) == -1)
		out.failed = true;
	json_decref(messages);
	return buf_take(&out, len);
}

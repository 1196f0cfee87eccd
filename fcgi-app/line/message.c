/* message - an answer as JSON text messages. */
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "line/message.h"
#include "line/split.h"

/* One text message; a new reference. */
static json_t *
text_message(
    const char *text, size_t len, const char *mark, const char *quote_token)
{
	json_t *whole = json_sprintf("%.*s%s", (int)len, text, mark);

	if (quote_token == NULL || *quote_token == '\0')
		return json_pack("{s:s, s:o}", "type", "text", "text", whole);
	return json_pack("{s:s, s:o, s:s}", "type", "text", "text", whole,
	    "quoteToken", quote_token);
}

static char *
dump_parts(const char *text, const struct split_part *parts, size_t n, bool cut,
    const char *quote_token)
{
	json_t *messages = json_array();
	char *out = NULL;
	const char *mark;
	size_t i;

	for (i = 0; i < n; i++) {
		mark = cut && i == n - 1 ? SPLIT_MARK : "";
		if (json_array_append_new(messages,
			text_message(text + parts[i].start, parts[i].len, mark,
			    i == 0 ? quote_token : NULL)) == -1)
			goto done;
	}
	out = json_dumps(messages, JSON_COMPACT);
done:
	json_decref(messages);
	return out;
}

char *
message_texts(const char *text, const char *quote_token, size_t *len)
{
	struct split_part parts[MESSAGES_MAX];
	char *clean, *out = NULL;
	size_t clean_len, n;
	bool cut;

	clean = utf8_clean(text, strlen(text), &clean_len);
	if (clean == NULL)
		return NULL;
	n = split_text(
	    clean, clean_len, MESSAGE_UNITS_MAX, MESSAGES_MAX, parts, &cut);
	if (n > 0)
		out = dump_parts(clean, parts, n, cut, quote_token);
	if (out != NULL && len != NULL)
		*len = strlen(out);
	free(clean);
	return out;
}

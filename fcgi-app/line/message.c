/* message - an answer as JSON text messages. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "line/message.h"
#include "line/split.h"

/* An escape of JSON makes six bytes of one unit. */
enum { MESSAGES_BYTES_MAX = 8 * MESSAGES_MAX * MESSAGE_UNITS_MAX };

static void
add_message(struct buf *out, const char *text, size_t len, const char *mark,
    const char *quote_token)
{
	buf_puts(out, "{\"type\":\"text\",\"text\":\"");
	quote_json(out, text, len);
	buf_puts(out, mark);
	if (quote_token != NULL && *quote_token != '\0') {
		buf_puts(out, "\",\"quoteToken\":\"");
		quote_json(out, quote_token, strlen(quote_token));
	}
	buf_puts(out, "\"}");
}

static void
add_messages(struct buf *out, const char *text, const struct split_part *parts,
    size_t n, bool cut, const char *quote_token)
{
	size_t i;

	buf_puts(out, "[");
	for (i = 0; i < n; i++) {
		buf_puts(out, i == 0 ? "" : ",");
		add_message(out, text + parts[i].start, parts[i].len,
		    cut && i == n - 1 ? SPLIT_MARK : "",
		    i == 0 ? quote_token : NULL);
	}
	buf_puts(out, "]");
}

char *
message_texts(const char *text, const char *quote_token, size_t *len)
{
	struct split_part parts[MESSAGES_MAX];
	struct buf out;
	size_t clean_len, n;
	char *clean;
	bool cut;

	clean = utf8_clean(text, strlen(text), &clean_len);
	if (clean == NULL)
		return NULL;
	n = split_text(clean, clean_len, MESSAGE_UNITS_MAX, MESSAGES_MAX, parts,
	    &cut);
	buf_init(&out, MESSAGES_BYTES_MAX);
	add_messages(&out, clean, parts, n, cut, quote_token);
	free(clean);
	if (n == 0)
		buf_release(&out);
	return n == 0 ? NULL : buf_take(&out, len);
}

/* quote - text as the inside of a JSON string. */
#include <string.h>

#include "base/quote.h"

static void
add_escape(struct buf *buf, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = memchr(from, c, sizeof(from) - 1);

	if (found != NULL)
		(void)buf_printf(buf, "\\%c", to[found - from]);
	else
		(void)buf_printf(buf, "\\u%04X", (unsigned)(unsigned char)c);
}

void
quote_json(struct buf *buf, const char *text, size_t len)
{
	size_t i, copied = 0;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		(void)buf_add(buf, text + copied, i - copied);
		add_escape(buf, text[i]);
		copied = i + 1;
	}
	(void)buf_add(buf, text + copied, len - copied);
}

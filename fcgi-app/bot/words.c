/* words - a sentence of ours, with its names filled in. */
#include <string.h>

#include "base/buf.h"
#include "bot/language_table.h"
#include "bot/words.h"

const char *
words_text(enum words which, const char *tag)
{
	return language_table[language_of(tag)].words[which];
}

/* The value for the name of len bytes. */
static const char *
value_of(const char *name, size_t len, const struct words_value *values,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(values[i].name) == len &&
		    memcmp(values[i].name, name, len) == 0)
			return values[i].value;
	return "";
}

char *
words_fill(enum words which, const char *tag, const struct words_value *values,
    size_t n)
{
	const char *text = words_text(which, tag);
	size_t i, len, max = strlen(text);
	struct buf buf;

	for (i = 0; i < n; i++)
		max += strlen(values[i].value);
	buf_init(&buf, max + 1);
	for (;;) {
		len = strcspn(text, "{");
		buf_add(&buf, text, len);
		if (text[len] == '\0')
			return buf_take(&buf, NULL);
		text += len + 1;
		len = strcspn(text, "}");
		buf_puts(&buf, value_of(text, len, values, n));
		text += len + 1;
	}
}

/* words - a sentence in the language that a tag means. */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "bot/language.h"
#include "bot/words.h"

static bool
is_meant(const struct language *language, const char *first, size_t n)
{
	const char *tag = language->tags;
	size_t len;

	for (; *tag != '\0'; tag += strspn(tag, " ")) {
		len = strcspn(tag, " ");
		if (len == n && strncasecmp(tag, first, n) == 0)
			return true;
		tag += len;
	}
	return false;
}

/* NULL: none of ours. */
static const struct language *
find(const char *tag)
{
	size_t i;

	if (tag == NULL)
		return NULL;
	for (i = 0; languages[i].tag != NULL; i++)
		if (is_meant(&languages[i], tag, strcspn(tag, "-_")))
			return &languages[i];
	return NULL;
}

const char *
words_language(const char *tag)
{
	const struct language *language = find(tag);

	return language == NULL ? NULL : language->tag;
}

const char *
words_text(enum words which, const char *tag)
{
	const struct language *language = find(tag);

	return (language == NULL ? &languages[0] : language)->words[which];
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

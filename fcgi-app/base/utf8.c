/* utf8 - decode, clean and count text of others. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

size_t
utf8_next(const char *text, size_t len, uint32_t *c)
{
	/* by length: bits of the first byte, and the least value */
	static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text;
	size_t n, i;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		n = 1;
	else if (p[0] >= 0xc2 && p[0] < 0xe0)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] < 0xf0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] < 0xf5)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	*c = p[0] & mask[n];
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (*c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
		return 0;
	return n;
}

static bool
is_control(uint32_t c)
{
	return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0);
}

/* How many bytes are ASCII to be kept as they are. */
static size_t
plain_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= ' ' && text[n] < 0x7f)
		n++;
	return n;
}

size_t
utf8_clean_into(char *out, const char *text, size_t len)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t i, n, used = 0;
	uint32_t c;

	for (i = 0; i < len; i += n) {
		n = plain_length(text + i, len - i);
		if (n > 0) {
			memcpy(out + used, text + i, n);
			used += n;
			continue;
		}
		n = utf8_next(text + i, len - i, &c);
		if (n == 0) {
			memcpy(out + used, replacement, 3);
			used += 3;
			n = 1;
		} else if (c == '\r') {
			if (i + 1 == len || text[i + 1] != '\n')
				out[used++] = '\n';
		} else if (!is_control(c)) {
			memcpy(out + used, text + i, n);
			used += n;
		}
	}
	out[used] = '\0';
	return used;
}

char *
utf8_clean(const char *text, size_t len, size_t *out_len)
{
	size_t used;
	char *out;

	if (len > (SIZE_MAX - 1) / 3 || (out = malloc(3 * len + 1)) == NULL)
		return NULL;
	used = utf8_clean_into(out, text, len);
	if (out_len != NULL)
		*out_len = used;
	return out;
}

bool
utf8_is_space(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 ||
	    c == 0x1680 || (c >= 0x2000 && c <= 0x200b) || c == 0x2028 ||
	    c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x2060 ||
	    c == 0x3000 || c == 0xfeff;
}

bool
utf8_is_blank(const char *text)
{
	size_t len = strlen(text), n;
	uint32_t c;

	for (; len > 0; text += n, len -= n) {
		n = utf8_next(text, len, &c);
		if (n == 0 || !utf8_is_space(c))
			return false;
	}
	return true;
}

size_t
utf8_trim(char *text, size_t len)
{
	size_t i, n, start = 0, end = 0;
	uint32_t c = 0;

	for (i = 0; i < len; i += n) {
		n = utf8_next(text + i, len - i, &c);
		if (n == 0)
			n = 1;
		else if (utf8_is_space(c))
			continue;
		if (end == 0)
			start = i;
		end = i + n;
	}
	memmove(text, text + start, end - start);
	text[end - start] = '\0';
	return end - start;
}

size_t
utf16_units(const char *text)
{
	size_t units = 0;

	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;

		if ((byte & 0xc0) != 0x80) /* the first of a character */
			units += byte >= 0xf0 ? 2 : 1;
	}
	return units;
}

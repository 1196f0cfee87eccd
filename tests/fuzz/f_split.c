/*
 * f_split - any text and limits (the first two bytes); parts are in order,
 * within limits, and lose nothing but white space.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "line/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { PARTS_MAX = 8 };

static void
check_space(const char *text, size_t len)
{
	size_t i, n;
	uint32_t c;

	for (i = 0; i < len; i += n) {
		n = utf8_next(text + i, len - i, &c);
		if (n == 0 || !utf8_is_space(c))
			abort();
	}
}

static void
check_part(const char *text, size_t len, size_t max_units)
{
	char *part = strndup(text, len);
	size_t i, n;
	uint32_t c;

	if (len == 0 || utf16_units(part) > max_units)
		abort();
	for (i = 0; i < len; i += n) {
		n = utf8_next(part + i, len - i, &c);
		if (n == 0)
			abort();
	}
	free(part);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct split_part parts[PARTS_MAX];
	size_t max_units, max_parts, n, i, end = 0, text_len;
	char *text;
	bool cut;

	if (len < 2)
		return 0;
	max_units = 3 + bytes[0];
	max_parts = 1 + bytes[1] % PARTS_MAX;
	text = utf8_clean((const char *)bytes + 2, len - 2, &text_len);
	n = split_text(text, text_len, max_units, max_parts, parts, &cut);
	if (n > max_parts)
		abort();
	for (i = 0; i < n; i++) {
		check_space(text + end, parts[i].start - end);
		check_part(text + parts[i].start, parts[i].len,
		    max_units - (cut && i == n - 1));
		end = parts[i].start + parts[i].len;
	}
	if (!cut)
		check_space(text + end, text_len - end);
	free(text);
	return 0;
}

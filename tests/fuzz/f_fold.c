/*
 * f_fold - any bytes; what comes out is UTF-8, has neither white space nor
 * ASCII's punctuation at its ends, and no two blanks in a row.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fold.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *folded = fold_text((const char *)bytes, len);
	size_t n, i, end = strlen(folded);
	uint32_t c, before = ' ';

	if (end > 0 &&
	    (ispunct((unsigned char)folded[0]) ||
		ispunct((unsigned char)folded[end - 1])))
		abort();
	for (i = 0; i < end; i += n) {
		n = utf8_next(folded + i, end - i, &c);
		if (n == 0 || (before == ' ' && utf8_is_space(c)) ||
		    (c < 0x80 && isupper((int)c)))
			abort();
		before = c;
	}
	if (end > 0 && before == ' ')
		abort();
	free(folded);
	return 0;
}

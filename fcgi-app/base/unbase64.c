/* unbase64 - bytes out of base64 that comes in pieces. */
#include "base/unbase64.h"

enum { PADDING = 64, BLANK = 65, BAD = 66, SLICE = 3072 };

/* The digit that c is, or one of the above. */
static unsigned
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	switch (c) {
	case '+':
	case '-':
		return 62;
	case '/':
	case '_':
		return 63;
	case '=':
		return PADDING;
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return BLANK;
	default:
		return BAD;
	}
}

/* Takes one character; writes what became whole to out and says how much. */
static size_t
take(struct unbase64 *un, char c, unsigned char *out)
{
	unsigned value = digit(c);

	if (value == BLANK)
		return 0;
	un->padded = un->padded || value == PADDING;
	if (value == BAD || (un->padded && value != PADDING))
		un->bad = true;
	if (value >= PADDING)
		return 0;
	un->bits = un->bits << 6 | value;
	if (++un->digits < 4)
		return 0;
	out[0] = un->bits >> 16 & 0xff;
	out[1] = un->bits >> 8 & 0xff;
	out[2] = un->bits & 0xff;
	un->bits = un->digits = 0;
	return 3;
}

int
unbase64_add(struct unbase64 *un, const char *piece, size_t n, struct buf *out)
{
	unsigned char slice[SLICE];
	size_t len = 0, i;

	for (i = 0; i < n && !un->bad; i++) {
		len += take(un, piece[i], slice + len);
		if (len + 3 > sizeof(slice)) {
			if (buf_add(out, slice, len) == -1)
				return -1;
			len = 0;
		}
	}
	return un->bad ? -1 : buf_add(out, slice, len);
}

int
unbase64_end(struct unbase64 *un, struct buf *out)
{
	/* 2 digits are a byte and 4 bits, 3 are two bytes and 2 bits */
	const uint32_t bits = un->bits >> (un->digits == 2 ? 4 : 2);
	const unsigned char rest[2] = { bits >> 8 & 0xff, bits & 0xff };

	un->bad = un->bad || un->digits == 1;
	if (un->bad)
		return -1;
	switch (un->digits) {
	case 2:
		return buf_add(out, rest + 1, 1);
	case 3:
		return buf_add(out, rest, 2);
	default:
		return 0;
	}
}

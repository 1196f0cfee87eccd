/* unbase64 - bytes out of base64 that comes in pieces. */
#include "base/unbase64.h"

enum { PADDING = 64, BLANK, BAD, SLICE = 3072 };

/* What each character of ASCII is: a digit, or one of the above. */
/* clang-format off */
enum { EQ = PADDING, SP = BLANK, NO = BAD };
static const uint8_t digits[128] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, SP, SP, NO, NO, SP, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	SP, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, 62, NO, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, EQ, NO, NO,
	NO,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, 63,
	NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
};
/* clang-format on */

static unsigned
digit(char c)
{
	return (unsigned char)c < 128 ? digits[(unsigned char)c] : BAD;
}

/*
 * Whole groups of four digits, as nearly all of a sound is.  Returns how many
 * bytes they are, and in *used of how many digits.
 */
static size_t
take_groups(const char *piece, size_t n, unsigned char *out, size_t room,
    size_t *used)
{
	size_t i = 0, len = 0, k;
	uint32_t bits;

	while (n - i >= 4 && room - len >= 3) {
		unsigned d[4];

		for (k = 0; k < 4; k++)
			d[k] = digit(piece[i + k]);
		if (d[0] > 63 || d[1] > 63 || d[2] > 63 || d[3] > 63)
			break;
		bits = d[0] << 18 | d[1] << 12 | d[2] << 6 | d[3];
		out[len++] = bits >> 16 & 0xff;
		out[len++] = bits >> 8 & 0xff;
		out[len++] = bits & 0xff;
		i += 4;
	}
	*used = i;
	return len;
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
	size_t len = 0, i = 0, used;

	while (i < n && !un->bad) {
		if (un->digits == 0 && !un->padded) {
			len += take_groups(piece + i, n - i, slice + len,
			    sizeof(slice) - len, &used);
			i += used;
		}
		if (i < n && len + 3 <= sizeof(slice))
			len += take(un, piece[i++], slice + len);
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

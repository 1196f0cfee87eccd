/*
 * unbase64.h - bytes out of base64 that comes in pieces.
 *
 * Takes both alphabets (+/ and -_), with padding or without, and white space
 * anywhere.  Anything else is bad, and stays bad.
 */
#ifndef BASE_UNBASE64_H
#define BASE_UNBASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* All 0 at the beginning. */
struct unbase64 {
	uint32_t bits;
	unsigned digits; /* of the group under way: 0 to 3 */
	bool padded, bad;
};

/*
 * Decodes a piece onto the end of out.  -1 when it is bad, or out has no room:
 * then out->failed is set.
 */
int unbase64_add(struct unbase64 *, const char *piece, size_t n,
    struct buf *out);

/* After the last piece: adds what is left.  Returns as unbase64_add(). */
int unbase64_end(struct unbase64 *, struct buf *out);

#endif

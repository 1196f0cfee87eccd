/*
 * quote.h - text as the inside of a JSON string.
 *
 * jansson makes a tree, checks each character again and prints it piece by
 * piece; where the JSON around is ours and the text is known to be UTF-8,
 * copying is enough.
 */
#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include <stddef.h>

#include "base/buf.h"

/* Adds len bytes of valid UTF-8, escaped, without the quotation marks. */
void quote_json(struct buf *, const char *text, size_t len);

#endif

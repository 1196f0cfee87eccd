/*
 * fold.h - a text as it is compared with the words we know.
 *
 * People type "ＶＯＩＣＥ　ｏｎ！", "Voice  On." or "voice on" and mean the same.
 * Only file with utf8proc, which knows Unicode's tables.
 */
#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include <stddef.h>

/*
 * Makes len bytes comparable, byte by byte:
 *
 *  - one form for each character, whatever its width, ligature or accents
 *    (Unicode's NFKC), and no difference between capital and small letters;
 *  - white space and control characters become one blank between words and
 *    nothing at the ends; characters without width (joiners, variants of
 *    emoji, byte order marks) are left out;
 *  - punctuation and symbols are left out at the ends, not in the middle;
 *  - bytes that are not UTF-8 become U+FFFD.
 *
 * Takes time in proportion to len whatever the text: of accents in a row only
 * the first thirty count.  Meanwhile it needs up to 24 * len bytes.  Returns a
 * new string, "" when nothing is left; NULL when memory is short.
 */
char *fold_text(const char *text, size_t len);

#endif

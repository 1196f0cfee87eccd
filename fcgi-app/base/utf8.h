/*
 * utf8.h - text as others send it: may be cut, damaged or hostile.
 *
 * Everything here accepts any bytes.  What is not UTF-8 by RFC 3629 (overlong
 * forms, surrogates, values above U+10FFFF, cut sequences) is invalid.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the character at text, of which len bytes may be read.  Returns its
 * length, 1 to 4 bytes, and the character in *c; 0 when len is 0 or the bytes
 * there are not UTF-8.
 */
size_t utf8_next(const char *text, size_t len, uint32_t *c);

/*
 * Makes bytes fit for JSON, LINE and a terminal: invalid bytes become U+FFFD,
 * "\r\n" and "\r" become "\n", NUL and other control characters except "\n"
 * and "\t" are dropped.  Returns a new string, its length in *out_len unless
 * that is NULL; NULL when memory is short.
 */
char *utf8_clean(const char *text, size_t len, size_t *out_len);

/*
 * The same into out, which has room for 3 * len + 1 bytes; len + 1 do when
 * the text is known to be valid.  Returns the length.
 */
size_t utf8_clean_into(char *out, const char *text, size_t len);

/* White space of any script, with or without width. */
bool utf8_is_space(uint32_t c);

/* Nothing but white space, or nothing at all. */
bool utf8_is_blank(const char *text);

/*
 * Removes white space at both ends, in place, from valid UTF-8 of len bytes
 * and a NUL.  Returns the new length: 0 for a blank text.
 */
size_t utf8_trim(char *text, size_t len);

/* Length of a text in UTF-16 code units, which is how LINE counts. */
size_t utf16_units(const char *text);

#endif

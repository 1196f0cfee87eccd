/*
 * grapheme.h - where a reader sees one character end and the next begin.
 *
 * A small version of Unicode's rules (UAX 29) for the scripts and emoji that
 * chats hold: marks stay with their letter, emoji with colour, family or
 * keycap, flags stay in pairs, Thai and Lao vowels written first stay with
 * their consonant, and the letters of a Hangul syllable together.
 */
#ifndef LINE_GRAPHEME_H
#define LINE_GRAPHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was read before; starts as { 0 }. */
struct grapheme {
	uint32_t last;
	unsigned flags; /* regional indicators in a row up to last */
};

/* Takes the next character: does one that a reader sees begin with it? */
bool grapheme_begins(struct grapheme *, uint32_t c);

/*
 * How many of them a text (valid UTF-8) has where LINE counts: by UAX 29 to
 * the letter, for which a Thai or Lao vowel that is written first is one.
 */
size_t grapheme_count(const char *text);

#endif

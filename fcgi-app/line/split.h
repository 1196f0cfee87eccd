/*
 * split.h - where to cut a long text into messages.
 *
 * Cuts after a paragraph, else a line, else a sentence, else a word, else
 * between two characters as people see them: never inside an accent, an emoji
 * with its colour or family, a flag, a keycap or a Thai syllable.  White space
 * around a cut belongs to neither side.
 */
#ifndef LINE_SPLIT_H
#define LINE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

/* What a caller appends to the last part when the text was cut: one unit. */
#define SPLIT_MARK "\xe2\x80\xa6"

struct split_part {
	size_t start, len; /* bytes in the text; len is never 0 */
};

/*
 * Divides len bytes of valid UTF-8 into at most max_parts parts of at most
 * max_units UTF-16 units (three or more) and returns how many there are; 0 for
 * a blank text.  *cut tells that more was left over: then the last part is
 * one unit shorter, so that SPLIT_MARK fits behind it.
 */
size_t split_text(const char *text, size_t len, size_t max_units,
    size_t max_parts, struct split_part *parts, bool *cut);

#endif

/*
 * speakable.h - of an answer, what a voice should read aloud.
 *
 * Speech models read what they get word by word, addresses and asterisks
 * included, and some of them take "[whisper]" or "<sigh>" for an order.
 *
 *  - Removed: web addresses, Markdown's marks, marks of footnotes like [1],
 *    HTML tags and the orders we know, bullets, emoji.
 *  - Of other brackets only the brackets are removed: "do [not] take" still
 *    says what it said, and is no order any more.
 *  - A text that would take too long ends with a sentence before that.
 */
#ifndef AUDIO_SPEAKABLE_H
#define AUDIO_SPEAKABLE_H

#include <stdbool.h>
#include <stdint.h>

struct speakable {
	char *text;       /* new; "" when there is nothing to say */
	uint64_t pace_ms; /* what it takes, by pace.h */
	bool cut;         /* the end was left out: say so */
};

/* text is valid UTF-8.  0, or -1 when memory is short; then text is NULL. */
int speakable_make(struct speakable *, const char *text, uint64_t limit_ms);

#endif

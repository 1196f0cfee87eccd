/*
 * pace.h - how long a text takes to be spoken, roughly.
 *
 * Good enough for two questions: where to stop a long text, and whether a
 * sound can be the text that a model was asked to speak.  Models now and then
 * make minutes of noise of a short sentence, or stop in the middle of a long
 * one.
 */
#ifndef AUDIO_PACE_H
#define AUDIO_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* What a character adds, in ms. */
unsigned pace_char_ms(uint32_t c);

/* The same for a whole text; what is not UTF-8 adds nothing. */
uint64_t pace_text_ms(const char *text);

/*
 * Can a sound of duration_ms be a text whose pace_text_ms() is text_ms?  Slow
 * and fast voices can, up to 4 times slower or faster than we think;
 * nothing is said in less than a tenth of a second.
 */
bool pace_is_plausible(uint64_t text_ms, uint64_t duration_ms);

#endif

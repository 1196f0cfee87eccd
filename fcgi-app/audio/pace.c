/* pace - how long a text takes to be spoken, roughly. */
#include <stddef.h>
#include <string.h>

#include "audio/pace.h"
#include "base/utf8.h"

/*
 * By script, each row from the end of the one before.  An English word takes
 * 0.4 s with its blank, a Chinese character 0.22 s, a Thai one, of which many
 * are vowel marks, 0.08 s.
 */
static const struct {
	uint32_t last;
	unsigned ms;
} scripts[] = {
	{ 0x001f, 0 },
	{ 0x0020, 60 },
	{ 0x002f, 60 },  /* ! to /, those that pause stand below */
	{ 0x0039, 300 }, /* digits become words */
	{ 0x0040, 60 },
	{ 0x02af, 68 }, /* Latin */
	{ 0x036f, 0 },  /* combining marks */
	{ 0x0dff, 80 }, /* Greek to Sinhala */
	{ 0x0eff, 80 }, /* Thai, Lao */
	{ 0x10ff, 80 }, /* Tibetan to Georgian */
	{ 0x11ff, 90 }, /* Hangul in pieces */
	{ 0x1fff, 80 },
	{ 0x2fff, 0 },   /* signs */
	{ 0x303f, 0 },   /* CJK punctuation */
	{ 0x30ff, 130 }, /* kana */
	{ 0x312f, 110 }, /* Bopomofo */
	{ 0x318f, 90 },
	{ 0xabff, 220 }, /* ideographs */
	{ 0xd7ff, 170 }, /* Hangul */
	{ 0xf8ff, 0 },
	{ 0xfaff, 220 },
	{ 0xff0f, 0 },
	{ 0xff19, 300 }, /* digits in full width */
	{ 0xffef, 70 },
	{ 0x1ffff, 0 }, /* emoji and rare scripts */
	{ 0x3ffff, 220 },
	{ UINT32_MAX, 0 },
};

static const struct {
	uint32_t c;
	unsigned ms;
} pauses[] = {
	{ '\n', 300 },
	{ '.', 300 },
	{ '!', 300 },
	{ '?', 300 },
	{ ',', 150 },
	{ ';', 200 },
	{ ':', 200 },
	{ 0x3002, 300 }, /* ideographic full stop */
	{ 0xff01, 300 },
	{ 0xff1f, 300 },
	{ 0xff0c, 150 },
	{ 0x3001, 150 },
};

unsigned
pace_char_ms(uint32_t c)
{
	size_t i;

	for (i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
		if (pauses[i].c == c)
			return pauses[i].ms;
	for (i = 0; scripts[i].last < c; i++)
		;
	return scripts[i].ms;
}

uint64_t
pace_text_ms(const char *text)
{
	size_t len = strlen(text), n;
	uint64_t ms = 0;
	uint32_t c;

	for (; len > 0; text += n, len -= n) {
		n = utf8_next(text, len, &c);
		if (n == 0)
			n = 1;
		else
			ms += pace_char_ms(c);
	}
	return ms;
}

/* Silence before and after, one long word: more matters in a short text. */
enum { TIMES = 4, SHORTER_MS = 500, LONGER_MS = 5000, LEAST_MS = 100 };

bool
pace_is_plausible(uint64_t text_ms, uint64_t duration_ms)
{
	return duration_ms >= LEAST_MS &&
	    (duration_ms + SHORTER_MS) * TIMES >= text_ms &&
	    duration_ms <= text_ms * TIMES + LONGER_MS;
}

/* split - finds the best place to cut within what fits. */
#include <stdint.h>

#include "base/utf8.h"
#include "line/grapheme.h"
#include "line/split.h"

/* Kinds of places to cut at, the best first. */
enum level {
	CUT_PARAGRAPH = 0,
	CUT_LINE,
	CUT_SENTENCE,
	CUT_WORD,
	CUT_CHARACTER,
	CUT_CODE, /* only when nothing else is left */
	CUT__MAX
};

struct place {
	size_t at, units; /* bytes and units from the part's start */
};

static size_t
next(const char *text, size_t len, uint32_t *c)
{
	size_t n = utf8_next(text, len, c);

	if (n > 0)
		return n;
	*c = 0xfffd; /* the caller promised valid UTF-8; survive without */
	return len > 0;
}

static size_t
units_of(uint32_t c)
{
	return c > 0xffff ? 2 : 1;
}

static size_t
count_units(const char *text, size_t len)
{
	size_t i, units = 0;
	uint32_t c;

	for (i = 0; i < len; units += units_of(c))
		i += next(text + i, len - i, &c);
	return units;
}

static size_t
skip_space(const char *text, size_t len)
{
	size_t i, n;
	uint32_t c;

	for (i = 0; i < len; i += n) {
		n = next(text + i, len - i, &c);
		if (!utf8_is_space(c))
			break;
	}
	return i;
}

/* The length of text without the white space at its end. */
static size_t
without_space(const char *text, size_t len)
{
	size_t i, end = 0;
	uint32_t c;

	for (i = 0; i < len;) {
		i += next(text + i, len - i, &c);
		if (!utf8_is_space(c))
			end = i;
	}
	return end;
}

static bool
is_one_of(uint32_t c, const uint32_t *list)
{
	while (*list != 0 && *list != c)
		list++;
	return *list != 0;
}

/* Ends of sentences and pauses that need no space behind them. */
static bool
is_wide_stop(uint32_t c)
{
	static const uint32_t stops[] = { 0x3002, 0xff01, 0xff1f, 0xff0e,
		0xff61, 0x0964, 0 };

	return is_one_of(c, stops);
}

static bool
is_wide_pause(uint32_t c)
{
	static const uint32_t pauses[] = { 0xff0c, 0x3001, 0xff1b, 0xff1a, 0 };

	return is_one_of(c, pauses);
}

static bool
is_closing(uint32_t c)
{
	static const uint32_t closing[] = { 0x300d, 0x300f, 0xff09, 0x3011,
		0x300b, 0x3009, 0x201d, 0x2019, ')', ']', '"', '\'', 0 };

	return is_one_of(c, closing);
}

/* What was read last: closing brackets and quotes do not hide a stop. */
struct context {
	uint32_t before_stop, stop; /* the last that is not closing */
	uint32_t last;
};

static void
advance(struct context *seen, uint32_t c)
{
	seen->last = c;
	if (is_closing(c))
		return;
	seen->before_stop = seen->stop;
	seen->stop = c;
}

/* "1." is the beginning of an item, not the end of a sentence. */
static bool
is_stop(const struct context *seen)
{
	if (seen->stop == '!' || seen->stop == '?' || seen->stop == 0x2026)
		return true;
	return seen->stop == '.' &&
	    !(seen->before_stop >= '0' && seen->before_stop <= '9');
}

/* Rates the place before c, which begins text and a new character. */
static enum level
rate(const struct context *seen, uint32_t c, const char *text, size_t len)
{
	size_t space, i;
	unsigned lines = 0;

	if (utf8_is_space(c)) {
		if (utf8_is_space(seen->last))
			return CUT_CODE; /* the first one was rated */
		space = skip_space(text, len);
		for (i = 0; i < space; i++)
			lines += text[i] == '\n';
		if (lines > 0)
			return lines > 1 ? CUT_PARAGRAPH : CUT_LINE;
		return is_stop(seen) ? CUT_SENTENCE : CUT_WORD;
	}
	if (is_closing(c) || is_wide_stop(c) || is_wide_pause(c))
		return CUT_CODE; /* does not begin a line */
	if (is_wide_stop(seen->stop))
		return CUT_SENTENCE;
	return is_wide_pause(seen->last) ? CUT_WORD : CUT_CHARACTER;
}

/*
 * Where to end a part that has room for max_units and should have at least
 * least_units.  The text does not fit as a whole.
 */
static size_t
find_cut(const char *text, size_t len, size_t max_units, size_t least_units)
{
	struct place best[CUT__MAX] = { { 0, 0 } };
	struct grapheme grapheme = { 0 };
	struct context seen = { 0 };
	size_t at, n, units = 0;
	enum level level;
	uint32_t c;

	for (at = 0;; at += n, units += units_of(c)) {
		n = next(text + at, len - at, &c);
		level = grapheme_begins(&grapheme, c)
		    ? rate(&seen, c, text + at, len - at)
		    : CUT_CODE;
		best[level] = (struct place){ at, units };
		if (units + units_of(c) > max_units)
			break;
		advance(&seen, c);
	}
	for (level = CUT_PARAGRAPH; level < CUT_CHARACTER; level++)
		if (best[level].units >= least_units && best[level].at > 0)
			return best[level].at;
	if (best[CUT_CHARACTER].units >= max_units / 2 &&
	    best[CUT_CHARACTER].at > 0)
		return best[CUT_CHARACTER].at;
	return at;
}

size_t
split_text(const char *text, size_t len, size_t max_units, size_t max_parts,
    struct split_part *parts, bool *cut)
{
	size_t end = without_space(text, len), at, n = 0, part, units, room;
	size_t least;

	*cut = false;
	for (at = skip_space(text, end); at < end && n < max_parts; n++) {
		units = count_units(text + at, end - at);
		part = end - at;
		if (units > max_units) {
			*cut = n + 1 == max_parts;
			/* leave no more than the others can take */
			room = (max_parts - n - 1) * max_units;
			least = max_units / 2;
			if (units > room && units - room <= max_units &&
			    units - room > least)
				least = units - room;
			part = find_cut(text + at, end - at, max_units - *cut,
			    least);
		}
		parts[n].start = at;
		parts[n].len = without_space(text + at, part);
		at += part;
		at += skip_space(text + at, end - at);
	}
	return n;
}

/*
 * plain - takes Markdown out of a text, line by line.
 *
 * A mark counts only when it closes again on the same line and not too far
 * away, so "2 ** 3" and a lone backtick stay what they are, and a hostile
 * text cannot make the search for the other end expensive.
 */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "bot/bot.h"

enum { SPAN_MAX = 1000, DEPTH_MAX = 4 };

/* A piece of text: from begin up to end. */
struct span {
	const char *begin, *end;
};

static size_t
length(struct span span)
{
	return (size_t)(span.end - span.begin);
}

static void
add_span(struct buf *out, struct span span)
{
	buf_add(out, span.begin, length(span));
}

struct mark {
	const char *text;
	bool whole_words; /* __ within a name is no mark */
	bool literal;     /* what it encloses is no Markdown */
};

static const struct mark marks[] = {
	/* longer ones first */
	{ "***", false, false },
	{ "**", false, false },
	{ "__", true, false },
	{ "``", false, true },
	{ "`", false, true },
};

/* A letter or digit, of any script. */
static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool
begins_with(struct span text, const char *prefix)
{
	size_t n = strlen(prefix);

	return length(text) >= n && memcmp(text.begin, prefix, n) == 0;
}

/*
 * Does a mark open at text.begin and close again?  Then *inside is what it
 * encloses.  first says that nothing stands before it in the line.
 */
static bool
find_inside(const struct mark *mark, struct span text, bool first,
    struct span *inside)
{
	size_t n = strlen(mark->text);
	const char *at, *end = text.end;

	if (!begins_with(text, mark->text) || length(text) <= 2 * n ||
	    isspace((unsigned char)text.begin[n]))
		return false;
	if (mark->whole_words && !first && is_word(text.begin[-1]))
		return false;
	if (end - text.begin > SPAN_MAX)
		end = text.begin + SPAN_MAX;
	for (at = text.begin + n + 1; at + n <= end; at++) {
		if (memcmp(at, mark->text, n) != 0 ||
		    isspace((unsigned char)at[-1]))
			continue;
		if (mark->whole_words && at + n < text.end && is_word(at[n]))
			continue;
		*inside = (struct span){ text.begin + n, at };
		return true;
	}
	return false;
}

/* [words](address) or ![words](address); *next is where it ends. */
static bool
find_link(struct span text, struct span *words, struct span *address,
    const char **next)
{
	const char *at = text.begin + (*text.begin == '!'), *end = text.end;

	if (end - text.begin > SPAN_MAX)
		end = text.begin + SPAN_MAX;
	if (at == end || *at != '[')
		return false;
	words->begin = at + 1;
	words->end = memchr(at, ']', (size_t)(end - at));
	if (words->end == NULL || words->end + 1 >= end ||
	    words->end[1] != '(' || length(*words) == 0)
		return false;
	address->begin = words->end + 2;
	at = memchr(address->begin, ')', (size_t)(end - address->begin));
	if (at == NULL || at == address->begin)
		return false;
	*next = at + 1;
	address->end =
	    memchr(address->begin, ' ', (size_t)(at - address->begin));
	if (address->end == NULL)
		address->end = at; /* else a title follows the address */
	return true;
}

static void
add_link(struct buf *out, struct span words, struct span address)
{
	add_span(out, words);
	if (length(words) == length(address) &&
	    memcmp(words.begin, address.begin, length(words)) == 0)
		return;
	buf_puts(out, " (");
	add_span(out, address);
	buf_puts(out, ")");
}

static void add_inline(struct buf *, struct span, unsigned depth);

/* Adds what a mark or a link at text.begin means; where it ends, or NULL. */
static const char *
add_marked(struct buf *out, struct span text, bool first, unsigned depth)
{
	struct span inside, address;
	const char *next;
	size_t i;

	if (find_link(text, &inside, &address, &next)) {
		add_link(out, inside, address);
		return next;
	}
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!find_inside(&marks[i], text, first, &inside))
			continue;
		if (marks[i].literal)
			add_span(out, inside);
		else
			add_inline(out, inside, depth + 1);
		return inside.end + strlen(marks[i].text);
	}
	return NULL;
}

static void
add_inline(struct buf *out, struct span text, unsigned depth)
{
	const char *at = text.begin, *plain = at, *next;

	while (at < text.end) {
		next = NULL;
		if (depth < DEPTH_MAX && strchr("*_`[!", *at) != NULL) {
			add_span(out, (struct span){ plain, at });
			plain = at;
			next = add_marked(out, (struct span){ at, text.end },
			    at == text.begin, depth);
		}
		if (next == NULL)
			at++;
		else
			at = plain = next;
	}
	add_span(out, (struct span){ plain, text.end });
}

static size_t
count(struct span text, char c)
{
	size_t n = 0;

	while (n < length(text) && text.begin[n] == c)
		n++;
	return n;
}

/* "---", "***" or "___" alone in a line. */
static bool
is_rule(struct span line)
{
	return length(line) >= 3 && strchr("-*_", *line.begin) != NULL &&
	    count(line, *line.begin) == length(line);
}

static void
add_line(struct buf *out, struct span line)
{
	size_t blanks = count(line, ' '), hashes;
	struct span rest = { line.begin + blanks, line.end };

	hashes = count(rest, '#');
	if (hashes >= 1 && hashes <= 6 && rest.begin + hashes < rest.end &&
	    rest.begin[hashes] == ' ') {
		rest.begin += hashes;
		rest.begin += count(rest, ' ');
	} else if (begins_with(rest, "* ") || begins_with(rest, "- ") ||
	    begins_with(rest, "+ ")) {
		add_span(out, (struct span){ line.begin, rest.begin });
		buf_puts(out, "\xe2\x80\xa2");
		rest.begin++;
	} else {
		rest = line;
	}
	add_inline(out, rest, 0);
}

char *
bot_plain(const char *text)
{
	bool in_fence = false, first = true;
	struct span line, rest;
	struct buf out;

	/* a bullet of one byte becomes one of three */
	buf_init(&out, 3 * strlen(text));
	for (line.begin = text; *line.begin != '\0';
	     line.begin = line.end + (*line.end == '\n')) {
		line.end = line.begin + strcspn(line.begin, "\n");
		rest = (struct span){ line.begin + count(line, ' '), line.end };
		if (begins_with(rest, "```")) {
			in_fence = !in_fence;
			continue;
		}
		if (!in_fence && is_rule(rest))
			continue;
		if (!first)
			buf_puts(&out, "\n");
		first = false;
		if (in_fence)
			add_span(&out, line);
		else
			add_line(&out, line);
	}
	return buf_take(&out, NULL);
}

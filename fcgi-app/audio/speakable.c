/* speakable - of an answer, what a voice should read aloud. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audio/pace.h"
#include "audio/speakable.h"
#include "base/buf.h"
#include "base/utf8.h"

/* How far the other end of a bracket is looked for, in bytes. */
enum { BRACKET_MAX = 200, ADDRESS_MAX = 2000 };

/* Where we are: text from begin up to end, at which byte. */
struct walk {
	const char *begin, *at, *end;
	struct buf *out;
};

static size_t
left(const struct walk *walk)
{
	return (size_t)(walk->end - walk->at);
}

static bool
stands(const struct walk *walk, const char *word)
{
	size_t n = strlen(word);

	return left(walk) >= n && strncasecmp(walk->at, word, n) == 0;
}

/* The byte before; a newline before the first. */
static char
before(const struct walk *walk)
{
	return walk->at > walk->begin ? walk->at[-1] : '\n';
}

static char
after(const struct walk *walk)
{
	return left(walk) > 1 ? walk->at[1] : '\n';
}

/* Has the line nothing before us but blanks and the marks of bullets? */
static bool
begins_line(const struct walk *walk)
{
	const char *at = walk->at;

	while (at > walk->begin && strchr(" #>", at[-1]) != NULL)
		at--;
	return at == walk->begin || at[-1] == '\n';
}

/* ---- each skips what it knows, and says how many bytes: 0, not mine ------ */

/* Bytes of the web address that begins here. */
static size_t
address_len(const struct walk *walk)
{
	size_t n = 0;

	if (isalnum((unsigned char)before(walk)) ||
	    !(stands(walk, "http://") || stands(walk, "https://") ||
		stands(walk, "www.")))
		return 0;
	while (n < left(walk) && n < ADDRESS_MAX && walk->at[n] > ' ' &&
	    walk->at[n] <= '~' && strchr("()<>[]\"", walk->at[n]) == NULL)
		n++;
	while (strchr(".,;:!?'", walk->at[n - 1]) != NULL)
		n--;
	return n;
}

/* An address, with the brackets of its own around it if there are. */
static size_t
skip_address(struct walk *walk)
{
	struct walk inside = *walk;
	size_t n;

	if (*walk->at != '(' && *walk->at != '<')
		return address_len(walk);
	inside.at++;
	n = address_len(&inside);
	if (n == 0)
		return 0;
	inside.at += n;
	return left(&inside) > 0 && (*inside.at == ')' || *inside.at == '>')
	    ? n + 2
	    : n + 1;
}

/* What in brackets is no word of the answer, to a browser or a model. */
static const char *const orders[] = { "a", "angry", "b", "br", "breath", "calm",
	"cheerful", "code", "cough", "crying", "div", "em", "excited", "fast",
	"gasp", "gasps", "giggle", "giggles", "h1", "h2", "h3", "h4", "hr", "i",
	"laugh", "laughing", "laughs", "li", "long pause", "medium pause",
	"mumbling", "ol", "p", "pause", "pre", "robotic", "sad", "sarcasm",
	"scared", "serious", "short pause", "shouting", "sigh", "sighs",
	"singing", "slow", "small", "sniff", "span", "strong", "sub", "sup",
	"table", "td", "th", "tr", "u", "ul", "uhm", "whisper", "whispering",
	"whispers", "yawn" };

/* Are these bytes an order, "/b" and "br/" included? */
static bool
is_order(const char *text, size_t n)
{
	size_t i;

	if (n > 0 && *text == '/') {
		text++;
		n--;
	}
	while (n > 0 && (text[n - 1] == '/' || text[n - 1] == ' '))
		n--;
	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (strlen(orders[i]) == n &&
		    strncasecmp(orders[i], text, n) == 0)
			return true;
	return false;
}

/* The closing bracket in the same line, or NULL. */
static const char *
closing(const struct walk *walk, char bracket)
{
	size_t n = left(walk) < BRACKET_MAX ? left(walk) : BRACKET_MAX;
	const char *end = memchr(walk->at, bracket, n);

	if (end == NULL || memchr(walk->at, '\n', (size_t)(end - walk->at)))
		return NULL;
	return end;
}

/*
 * Numbers from here to the bracket at end, as footnotes have them: right
 * behind a word or before the end of a sentence.  "Take [2] tablets" has none.
 */
static bool
is_footnote(const struct walk *walk, const char *end)
{
	size_t n = (size_t)(end - walk->at) - 1;

	return n > 0 && strspn(walk->at + 1, "0123456789 ,") >= n &&
	    (!isspace((unsigned char)before(walk)) || end + 1 == walk->end ||
		strchr("[.,;:!?)\n", end[1]) != NULL);
}

/* Orders and footnotes whole; of all else in square brackets the brackets. */
static size_t
skip_square(struct walk *walk)
{
	const char *end;

	if (*walk->at == ']')
		return 1;
	if (*walk->at == '!' && after(walk) == '[')
		return 1;
	if (*walk->at != '[')
		return 0;
	end = closing(walk, ']');
	if (end != NULL &&
	    (is_footnote(walk, end) ||
		is_order(walk->at + 1, (size_t)(end - walk->at - 1))))
		return (size_t)(end - walk->at) + 1;
	return 1;
}

/*
 * "<" is also "less than", which it is before a blank or a number.  A tag with
 * attributes is one, whatever its name.
 */
static size_t
skip_angle(struct walk *walk)
{
	const char *end;

	if (*walk->at != '<' ||
	    !(isalpha((unsigned char)after(walk)) || after(walk) == '/'))
		return 0;
	end = closing(walk, '>');
	if (end == NULL)
		return 0;
	if (is_order(walk->at + 1, (size_t)(end - walk->at - 1)) ||
	    memchr(walk->at, '=', (size_t)(end - walk->at)) != NULL)
		return (size_t)(end - walk->at) + 1;
	/* no order, and without its brackets it cannot be taken for one */
	buf_add(walk->out, walk->at + 1, (size_t)(end - walk->at - 1));
	return (size_t)(end - walk->at) + 1;
}

/* Bullets, headings and quotes at the beginning of a line; not "> 38". */
static size_t
skip_bullet(struct walk *walk)
{
	static const char *const bullets[] = { "\xe2\x80\xa2", "- ", "* ", "+ ",
		"#" };
	size_t i;

	if (!begins_line(walk))
		return 0;
	for (i = 0; i < sizeof(bullets) / sizeof(bullets[0]); i++)
		if (stands(walk, bullets[i]))
			return strlen(bullets[i]);
	return *walk->at == '>' &&
	    !isdigit((unsigned char)walk->at[1 + strspn(walk->at + 1, " ")]);
}

/* An asterisk between numbers or blanks multiplies. */
static size_t
skip_mark(struct walk *walk)
{
	if (*walk->at == '`')
		return 1;
	if (*walk->at == '|') {
		buf_puts(walk->out, " ");
		return 1;
	}
	if (*walk->at == '*')
		return !(isdigit((unsigned char)before(walk)) &&
			   isdigit((unsigned char)after(walk))) &&
		    !(before(walk) == ' ' && after(walk) == ' ');
	if (stands(walk, "__") || stands(walk, "~~"))
		return 2;
	return 0;
}

/* Emoji, arrows and their modifiers. */
static size_t
skip_sign(struct walk *walk)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = { { 0x200d, 0x200d }, { 0x2190, 0x21ff },
		{ 0x2300, 0x23ff }, { 0x2500, 0x27bf }, { 0x2b00, 0x2bff },
		{ 0xfe00, 0xfe0f }, { 0x1f000, 0x1faff } };
	uint32_t c;
	size_t n = utf8_next(walk->at, left(walk), &c), i;

	for (i = 0; n > 0 && i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return n;
	return 0;
}

/* The first that knows what stands here decides. */
static size_t (*const skips[])(struct walk *) = {
	skip_address,
	skip_bullet,
	skip_square,
	skip_angle,
	skip_mark,
	skip_sign,
};

/* ---- a text -------------------------------------------------------------- */

static void
strip(struct walk *walk)
{
	size_t n, i;

	while (left(walk) > 0) {
		for (n = i = 0; n == 0 && i < sizeof(skips) / sizeof(skips[0]);
		     i++)
			n = skips[i](walk);
		if (n == 0) {
			n = 1;
			buf_add(walk->out, walk->at, 1);
		}
		walk->at += n;
	}
}

/* In place: one blank or newline where several were, none at the ends. */
static size_t
squeeze(char *text)
{
	size_t in, out = 0;
	char gap = '\0';

	for (in = 0; text[in] != '\0'; in++) {
		if (text[in] == ' ' || text[in] == '\t' || text[in] == '\n') {
			if (text[in] == '\n' || gap == '\0')
				gap = text[in] == '\n' ? '\n' : ' ';
			continue;
		}
		if (gap != '\0' && out > 0)
			text[out++] = gap;
		gap = '\0';
		text[out++] = text[in];
	}
	text[out] = '\0';
	return out;
}

/* Does a sentence end with c, when next follows? */
static bool
ends_sentence(uint32_t c, char next)
{
	switch (c) {
	case 0x3002: /* ideographic full stop */
	case 0xff01:
	case 0xff1f:
	case 0x0964: /* danda */
	case '\n':
		return true;
	case '.':
	case '!':
	case '?':
		return next == ' ' || next == '\n' || next == '\0';
	default:
		return false;
	}
}

/* Where a text is best cut: after a sentence, else a word, else anywhere. */
struct cut {
	size_t sentence, word, any;
};

/*
 * Ends the text before limit_ms.  A sentence that would leave less than a third
 * of it is no good end.
 */
static void
shorten(struct speakable *speakable, size_t len, uint64_t limit_ms)
{
	struct cut cut = { 0, 0, 0 };
	uint64_t ms = 0, sentence_ms = 0;
	uint32_t c;
	size_t at, n, end;

	for (at = 0; at < len; at += n) {
		n = utf8_next(speakable->text + at, len - at, &c);
		if (n == 0)
			n = 1; /* cannot be */
		ms += pace_char_ms(c);
		if (ms > limit_ms)
			break;
		cut.any = at + n;
		if (ends_sentence(c, speakable->text[at + n])) {
			cut.sentence = at + n;
			sentence_ms = ms;
		} else if (utf8_is_space(c)) {
			cut.word = at;
		}
	}
	if (at >= len)
		return;
	end = cut.word > 0 ? cut.word : cut.any;
	if (cut.sentence > 0 && sentence_ms >= limit_ms / 3)
		end = cut.sentence;
	speakable->text[end] = '\0';
	squeeze(speakable->text);
	speakable->cut = true;
}

int
speakable_make(struct speakable *speakable, const char *text, uint64_t limit_ms)
{
	size_t len = strlen(text);
	struct walk walk = { text, text, text + len, NULL };
	struct buf out;

	memset(speakable, 0, sizeof(*speakable));
	buf_init(&out, len);
	walk.out = &out;
	strip(&walk);
	speakable->text = buf_take(&out, NULL);
	if (speakable->text == NULL)
		return -1;
	len = squeeze(speakable->text);
	shorten(speakable, len, limit_ms);
	speakable->pace_ms = pace_text_ms(speakable->text);
	return 0;
}

/*
 * fold - Unicode's decomposition, our rules, and Unicode's composition.
 *
 * utf8proc does all of it in one call, but sorts accents in a time that grows
 * with the square of their number, so what is between is done here.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/fold.h"
#include "base/utf8.h"

enum {
	PARTS_MAX = 24, /* of one character: U+FDFA has 18 */
	MARKS_MAX = 30, /* in a row: Unicode's own limit for streams */
	GROWTH = 24     /* U+FDFA: three bytes become 18 points of four */
};

struct folding {
	struct buf points;
	unsigned marks; /* in a row, at the end of points */
};

static int32_t *
points_of(struct buf *points)
{
	return (int32_t *)(void *)points->data;
}

static size_t
count(const struct buf *points)
{
	return points->len / sizeof(int32_t);
}

/* 0: a letter of its own; else its place among the marks of a letter. */
static int
rank(int32_t c)
{
	return utf8proc_get_property(c)->combining_class;
}

static bool
is_blank(int32_t c)
{
	utf8proc_category_t kind = utf8proc_category(c);

	return kind >= UTF8PROC_CATEGORY_ZS && kind <= UTF8PROC_CATEGORY_CC;
}

/* What is left out at the ends. */
static bool
is_trimmings(int32_t c)
{
	utf8proc_category_t kind = utf8proc_category(c);

	return is_blank(c) ||
	    (kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_SO);
}

static bool
at_blank(struct buf *points)
{
	size_t n = count(points);

	return n == 0 || points_of(points)[n - 1] == ' ';
}

/* Puts a mark where it belongs among those of its letter. */
static void
add_mark(struct folding *f, int32_t c)
{
	size_t i = count(&f->points);
	int32_t *points;

	if (at_blank(&f->points) || f->marks == MARKS_MAX ||
	    buf_add(&f->points, &c, sizeof(c)) == -1)
		return;
	f->marks++;
	points = points_of(&f->points);
	for (; rank(points[i - 1]) > rank(c); i--)
		points[i] = points[i - 1];
	points[i] = c;
}

static void
add_point(struct folding *f, int32_t c)
{
	if (rank(c) > 0) {
		add_mark(f, c);
		return;
	}
	f->marks = 0;
	if (is_blank(c)) {
		if (at_blank(&f->points))
			return;
		c = ' ';
	}
	(void)buf_add(&f->points, &c, sizeof(c)); /* asked at the end */
}

static void
add_char(struct folding *f, uint32_t c)
{
	static const int how = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
	    UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
	int32_t parts[PARTS_MAX];
	utf8proc_ssize_t n, i;

	if (c < 0x80) { /* quicker; there is nothing to decompose */
		add_point(f, (int32_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c));
		return;
	}
	n = utf8proc_decompose_char((int32_t)c, parts, PARTS_MAX,
	    (utf8proc_option_t)how, NULL);
	for (i = 0; i < n && n <= PARTS_MAX; i++)
		add_point(f, parts[i]);
}

/* Composes, trims and encodes, in the same memory. */
static char *
finish(struct buf *buf)
{
	int32_t *points = points_of(buf);
	utf8proc_ssize_t begin = 0, end;
	char *text;

	end = utf8proc_normalize_utf32(points, (utf8proc_ssize_t)count(buf),
	    UTF8PROC_COMPOSE);
	while (end > 0 && is_trimmings(points[end - 1]))
		end--;
	while (begin < end && is_trimmings(points[begin]))
		begin++;
	if (end > begin)
		memmove(points, points + begin,
		    (size_t)(end - begin) * sizeof(*points));
	text = buf_take(buf, NULL);
	if (text != NULL)
		utf8proc_reencode(points, end - begin, (utf8proc_option_t)0);
	return text;
}

char *
fold_text(const char *text, size_t len)
{
	struct folding f = { .marks = 0 };
	size_t i, n;
	uint32_t c;

	if (len > SIZE_MAX / GROWTH)
		return NULL;
	buf_init(&f.points, len * GROWTH);
	for (i = 0; i < len; i += n) {
		n = utf8_next(text + i, len - i, &c);
		if (n == 0) {
			n = 1;
			c = 0xfffd;
		}
		add_char(&f, c);
	}
	if (f.points.len == 0 || f.points.failed)
		return buf_take(&f.points, NULL);
	return finish(&f.points);
}

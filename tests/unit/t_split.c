/*
 * Long answers are cut where a reader would cut them, and nothing gets lost
 * that fits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "line/grapheme.h"
#include "line/split.h"

enum { MANY = 64 };

/* The parts in brackets, and "..." when some was left over; new. */
static char *
show(const char *text, size_t max_units, size_t max_parts)
{
	struct split_part parts[MANY];
	struct buf out;
	size_t n, i;
	bool cut;

	n = split_text(text, strlen(text), max_units, max_parts, parts, &cut);
	assert_true(n <= max_parts);
	buf_init(&out, 1 << 20);
	buf_puts(&out, "");
	for (i = 0; i < n; i++)
		buf_printf(&out, "[%.*s]", (int)parts[i].len,
		    text + parts[i].start);
	if (cut)
		buf_puts(&out, "...");
	return buf_take(&out, NULL);
}

static void
cuts_are_at_the_best_place(void **state)
{
	static const struct {
		const char *text;
		size_t units;
		const char *parts;
	} cases[] = {
		{ "", 10, "" },
		{ " \n\t ", 10, "" },
		{ "short", 10, "[short]" },
		{ "  short\n", 5, "[short]" },
		/* paragraph, line, sentence, word, character */
		{ "one two.\n\nthree\nfour. five", 16,
		    "[one two.][three\nfour. five]" },
		{ "one five\nthree. four five", 16,
		    "[one five][three. four five]" },
		{ "one two. three four", 16, "[one two.][three four]" },
		{ "Is it? Yes! It is", 12, "[Is it? Yes!][It is]" },
		{ "one two three", 9, "[one two][three]" },
		{ "abcdefghij", 4, "[abcd][efgh][ij]" },
		{ "https://example.org/very/long x", 20,
		    "[https://example.org/][very/long x]" },
		/* a paragraph that ends too early is not taken */
		{ "a\n\nbcd efg hij klm", 12, "[a\n\nbcd efg][hij klm]" },
		/* what looks like the end of a sentence */
		{ "take 3.5 mg. then rest", 14, "[take 3.5 mg.][then rest]" },
		{ "see 1. one more thing", 12, "[see 1. one][more thing]" },
		{ "He said \"no.\" She left", 16,
		    "[He said \"no.\"][She left]" },
		/* Chinese has no blanks */
		{ "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82\xe5\x86\x8d\xe8\xa6\x8b"
		  "\xef\xbc\x81\xe5\xa5\xbd",
		    5,
		    "[\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82]"
		    "[\xe5\x86\x8d\xe8\xa6\x8b\xef\xbc\x81\xe5\xa5\xbd]" },
		{ "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c"
		  "\xe5\x86\x8d\xe8\xa6\x8b",
		    4,
		    "[\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c]"
		    "[\xe5\x86\x8d\xe8\xa6\x8b]" },
		/* a full stop does not begin a message */
		{ "\xe4\xbd\xa0\xe5\xa5\xbd\xe5\xa5\xbd\xe3\x80\x82", 3,
		    "[\xe4\xbd\xa0\xe5\xa5\xbd][\xe5\xa5\xbd\xe3\x80\x82]" },
	};
	size_t i;
	char *parts;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parts = show(cases[i].text, cases[i].units, MANY);
		assert_string_equal(parts, cases[i].parts);
		free(parts);
	}
}

/* What a reader sees as one character each. */
#define FAMILY                                                     \
	"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d" \
	"\xf0\x9f\x91\xa7"
#define THUMB  "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd"
#define FLAG   "\xf0\x9f\x87\xb9\xf0\x9f\x87\xbc"
#define KEYCAP "1\xef\xb8\x8f\xe2\x83\xa3"
#define ACCENT "e\xcc\x81"
#define THAI   "\xe0\xb9\x80\xe0\xb8\x81\xe0\xb9\x88"
#define HANGUL "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"
#define APPLE  "\xf0\x9f\x8d\x8e"
#define ENGLAND                                                            \
	"\xf0\x9f\x8f\xb4\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xa5" \
	"\xf3\xa0\x81\xae\xf3\xa0\x81\xa7\xf3\xa0\x81\xbf"

static const char *const characters[] = { FAMILY, THUMB, FLAG, KEYCAP, ACCENT,
	THAI, HANGUL, APPLE, ENGLAND };
enum { N_CHARACTERS = sizeof(characters) / sizeof(characters[0]) };

static void
characters_stay_whole(void **state)
{
	struct split_part parts[MANY];
	char text[1024];
	size_t i, j, n, len, units;
	bool cut;

	(void)state;
	for (i = 0; i < N_CHARACTERS; i++) {
		len = strlen(characters[i]);
		for (j = 0; j < 8; j++)
			memcpy(text + j * len, characters[i], len);
		text[8 * len] = '\0';
		units = utf16_units(characters[i]);
		/* room for one and almost a second */
		n = split_text(text, 8 * len, 2 * units + units - 1, MANY,
		    parts, &cut);
		assert_int_equal(n, 4);
		for (j = 0; j < n; j++)
			assert_int_equal(parts[j].len, 2 * len);
	}
}

static void
readers_characters_are_counted(void **state)
{
	struct grapheme grapheme = { 0 };
	struct buf text;
	size_t i, at, n, seen = 0;
	uint32_t c;

	(void)state;
	buf_init(&text, 4096);
	for (i = 0; i < N_CHARACTERS; i++)
		buf_puts(&text, characters[i]);
	for (at = 0; at < text.len; at += n) {
		n = utf8_next(text.data + at, text.len - at, &c);
		seen += grapheme_begins(&grapheme, c);
	}
	assert_int_equal(seen, N_CHARACTERS);
	buf_release(&text);
}

static void
endless_character_is_cut_all_the_same(void **state)
{
	struct split_part parts[MANY];
	char text[402] = "e";
	size_t i, n;
	bool cut;

	(void)state;
	for (i = 1; i < 399; i += 2)
		memcpy(text + i, "\xcc\x81", 3);
	n = split_text(text, strlen(text), 10, MANY, parts, &cut);
	assert_int_equal(n, 20);
	assert_false(cut);
}

static void
what_does_not_fit_is_marked(void **state)
{
	char *parts;

	(void)state;
	parts = show("abcdefghijkl", 4, 3);
	assert_string_equal(parts, "[abcd][efgh][ijkl]");
	free(parts);
	parts = show("abcdefghijklm", 4, 3);
	assert_string_equal(parts, "[abcd][efgh][ijk]...");
	free(parts);
	parts = show(APPLE APPLE APPLE, 4, 1);
	assert_string_equal(parts, "[" APPLE "]...");
	free(parts);
}

static void
nice_places_do_not_cost_the_end(void **state)
{
	char *parts;

	(void)state;
	/* cut after "one." the rest would not fit into the second part */
	parts = show("it is one. two six ten", 11, 2);
	assert_string_equal(parts, "[it is one.][two six ten]");
	free(parts);
	parts = show("it one. two six ten", 10, 2);
	assert_string_equal(parts, "[it one. tw][o six ten]");
	free(parts);
}

/* A small generator, so that every run is the same. */
static uint32_t
random_next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static void
parts_are_in_order_and_within_limits(void **state)
{
	static const char *const bits[] = { "a", "b", " ", "\n", ". ", "\n\n",
		"\xe3\x80\x82", APPLE, FLAG, ACCENT, "word", "12",
		"\xe4\xbd\xa0" };
	struct split_part parts[MANY];
	uint32_t seed = 1;
	unsigned round;

	(void)state;
	for (round = 0; round < 3000; round++) {
		size_t max = 3 + random_next(&seed) % 30, n, i, end = 0, at;
		size_t max_parts = 1 + random_next(&seed) % MANY;
		struct buf text;
		char part[256];
		bool cut;

		buf_init(&text, 4096);
		buf_puts(&text, "");
		for (i = random_next(&seed) % 200; i > 0; i--)
			buf_puts(&text,
			    bits[random_next(&seed) %
				(sizeof(bits) / sizeof(bits[0]))]);
		n = split_text(text.data, text.len, max, max_parts, parts,
		    &cut);
		assert_true(n <= max_parts);
		for (i = 0; i < n; i++) {
			assert_true(parts[i].start >= end && parts[i].len > 0);
			/* only white space is between the parts */
			for (at = end; at < parts[i].start; at++)
				assert_true(text.data[at] == ' ' ||
				    text.data[at] == '\n');
			end = parts[i].start + parts[i].len;
			memcpy(part, text.data + parts[i].start, parts[i].len);
			part[parts[i].len] = '\0';
			assert_true(utf16_units(part) + (cut && i == n - 1) <=
			    max);
		}
		assert_int_equal(utf8_is_blank(text.data + end), !cut);
		buf_release(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_are_at_the_best_place),
		cmocka_unit_test(characters_stay_whole),
		cmocka_unit_test(readers_characters_are_counted),
		cmocka_unit_test(endless_character_is_cut_all_the_same),
		cmocka_unit_test(what_does_not_fit_is_marked),
		cmocka_unit_test(nice_places_do_not_cost_the_end),
		cmocka_unit_test(parts_are_in_order_and_within_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Text of others comes out valid and printable, whatever it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void
characters_are_decoded(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		uint32_t c;
	} cases[] = {
		{ "A", 1, 'A' },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	};
	uint32_t c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(utf8_next(cases[i].bytes, cases[i].n, &c),
		    cases[i].n);
		assert_int_equal(c, cases[i].c);
		assert_int_equal(utf8_next(cases[i].bytes, cases[i].n - 1, &c),
		    0);
	}
}

static void
what_is_not_utf8_is_refused(void **state)
{
	static const char *const cases[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc3",
		"\xc3(",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xe2\x82",
		"\xe2\x82(",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xf0\x9f\x8d",
	};
	uint32_t c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (utf8_next(cases[i], strlen(cases[i]), &c) != 0)
			fail_msg("case %zu", i);
}

static void
text_is_cleaned(void **state)
{
	static const struct {
		const char *dirty;
		size_t n;
		const char *clean;
	} cases[] = {
		{ "", 0, "" },
		{ "plain \xe4\xbd\xa0\xe5\xa5\xbd", 12,
		    "plain \xe4\xbd\xa0\xe5\xa5\xbd" },
		{ "a\0b", 3, "ab" },
		{ "a\r\nb\rc\n\td\r", 10, "a\nb\nc\n\td\n" },
		{ "\x1b[1m\x7f\xc2\x9b", 7, "[1m" },
		{ "a\xff"
		  "b",
		    3,
		    "a\xef\xbf\xbd"
		    "b" },
		{ "\xe4\xbd", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};
	size_t i, len;
	char *clean;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clean = utf8_clean(cases[i].dirty, cases[i].n, &len);
		assert_string_equal(clean, cases[i].clean);
		assert_int_equal(len, strlen(cases[i].clean));
		free(clean);
	}
}

static void
white_space_is_trimmed(void **state)
{
	static const struct {
		const char *text, *trimmed;
	} cases[] = {
		{ "", "" },
		{ " \t\n", "" },
		{ "\xe3\x80\x80\xe2\x80\x8b\xc2\xa0", "" },
		{ "a", "a" },
		{ "  a b\n", "a b" },
		{ "\xe3\x80\x80\xe5\xa5\xbd\xe3\x80\x80", "\xe5\xa5\xbd" },
	};
	char text[32];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		n = strlen(cases[i].text);
		memcpy(text, cases[i].text, n + 1);
		n = utf8_trim(text, n);
		assert_string_equal(text, cases[i].trimmed);
		assert_int_equal(n, strlen(text));
		assert_int_equal(utf8_is_blank(cases[i].text), n == 0);
	}
}

static void
units_are_those_of_utf16(void **state)
{
	(void)state;
	assert_int_equal(utf16_units(""), 0);
	assert_int_equal(utf16_units("abc"), 3);
	assert_int_equal(utf16_units("\xe4\xbd\xa0\xc3\xa9"), 2);
	assert_int_equal(utf16_units("\xf0\x9f\x8d\x8e!"), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_are_decoded),
		cmocka_unit_test(what_is_not_utf8_is_refused),
		cmocka_unit_test(text_is_cleaned),
		cmocka_unit_test(white_space_is_trimmed),
		cmocka_unit_test(units_are_those_of_utf16),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

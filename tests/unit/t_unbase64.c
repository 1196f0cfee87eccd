/*
 * Base64 is read the same however it is cut into pieces, and what is none is
 * noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/unbase64.h"

/* Decodes in pieces of up to size; out is new. */
static int
decode(const char *text, size_t size, struct buf *out)
{
	struct unbase64 un = { .bits = 0 };
	size_t len = strlen(text), at, n;

	buf_init(out, 1000 * 1000);
	for (at = 0; at < len; at += n) {
		n = len - at < size ? len - at : size;
		if (unbase64_add(&un, text + at, n, out) == -1)
			return -1;
	}
	return unbase64_end(&un, out);
}

static void
pieces_do_not_matter(void **state)
{
	static const struct {
		const char *text, *bytes;
		size_t len;
	} rows[] = {
		{ "", "", 0 },
		{ "Zg==", "f", 1 },
		{ "Zm8=", "fo", 2 },
		{ "Zm9v", "foo", 3 },
		{ "Zm9vYg==", "foob", 4 },
		{ "Zm9vYmE=", "fooba", 5 },
		{ "Zm9vYmFy", "foobar", 6 },
		{ "Zg", "f", 1 },
		{ "Zm8", "fo", 2 },
		{ " Z m\n8\r\t=", "fo", 2 },
		{ "/+8A", "\xff\xef\0", 3 },
		{ "_-8A", "\xff\xef\0", 3 },
		{ "AAAA", "\0\0\0", 3 },
		{ "//8=", "\xff\xff", 2 },
	};
	struct buf out;
	size_t i, size;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size = 1; size < 6; size++) {
			assert_int_equal(decode(rows[i].text, size, &out), 0);
			assert_int_equal(out.len, rows[i].len);
			if (out.len > 0)
				assert_memory_equal(out.data, rows[i].bytes,
				    out.len);
			buf_release(&out);
		}
}

static void
garbage_is_noticed(void **state)
{
	static const char *const texts[] = { "Z", "Zm9vY", "Zm9v!", "{}",
		"Zg==Zg==", "Zg=a", "Zm9\xc3\xa9", "Zm9v\1" };
	struct buf out;
	size_t i, size;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size = 1; size < 6; size++) {
			assert_int_equal(decode(texts[i], size, &out), -1);
			buf_release(&out);
		}
}

static void
bad_stays_bad(void **state)
{
	struct unbase64 un = { .bits = 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_int_equal(unbase64_add(&un, "Zm9v!", 5, &out), -1);
	assert_int_equal(unbase64_add(&un, "Zm9v", 4, &out), -1);
	assert_int_equal(unbase64_end(&un, &out), -1);
	buf_release(&out);
}

static void
a_long_text_is_whole(void **state)
{
	enum { GROUPS = 10000 };
	char *text = malloc(GROUPS * 4 + 1);
	struct buf out;
	size_t i;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < GROUPS; i++)
		memcpy(text + 4 * i, i % 2 == 0 ? "Zm9v" : "YmFy", 5);
	assert_int_equal(decode(text, GROUPS * 4, &out), 0);
	assert_int_equal(out.len, GROUPS * 3);
	for (i = 0; i < GROUPS; i++)
		assert_memory_equal(out.data + 3 * i,
		    i % 2 == 0 ? "foo" : "bar", 3);
	buf_release(&out);
	free(text);
}

static void
too_much_is_refused(void **state)
{
	struct unbase64 un = { .bits = 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 5);
	assert_int_equal(unbase64_add(&un, "Zm9v", 4, &out), 0);
	assert_int_equal(unbase64_add(&un, "YmFy", 4, &out), -1);
	assert_true(out.failed);
	buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(garbage_is_noticed),
		cmocka_unit_test(bad_stays_bad),
		cmocka_unit_test(a_long_text_is_whole),
		cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

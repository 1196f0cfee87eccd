/*
 * A buffer never holds more than its maximum, and says so at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tests/unit/fail_alloc.h"

static void
content_is_terminated_and_grows(void **state)
{
	struct buf buf;
	size_t i, len;
	char *text;

	(void)state;
	buf_init(&buf, 100000);
	for (i = 0; i < 10000; i++) {
		assert_int_equal(buf_printf(&buf, "%zu,", i % 10), 0);
		assert_int_equal(strlen(buf.data), buf.len);
	}
	assert_int_equal(buf_add(&buf, "a\0b", 3), 0);
	assert_int_equal(buf_puts(&buf, "c"), 0);
	text = buf_take(&buf, &len);
	assert_int_equal(len, 20004);
	assert_memory_equal(text + 20000, "a\0bc", 5);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	free(text);
}

static void
maximum_is_reached_but_not_passed(void **state)
{
	size_t max;

	(void)state;
	for (max = 0; max < 300; max++) {
		struct buf buf;
		size_t i;

		buf_init(&buf, max);
		for (i = 0; i < max; i++)
			assert_int_equal(buf_puts(&buf, "x"), 0);
		assert_false(buf.failed);
		assert_int_equal(buf_puts(&buf, "y"), -1);
		assert_true(buf.failed);
		assert_int_equal(buf.len, max);
		assert_true(max == 0 || strlen(buf.data) == max);
		buf_release(&buf);
		assert_false(buf.failed);
	}
}

static void
failed_add_adds_nothing_and_is_remembered(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 8);
	buf_puts(&buf, "12345");
	assert_int_equal(buf_printf(&buf, "%d", 6789), -1);
	assert_string_equal(buf.data, "12345");
	assert_int_equal(buf_puts(&buf, "6"), -1);
	assert_null(buf_take(&buf, NULL));
	assert_null(buf.data);
	assert_int_equal(buf_puts(&buf, "6"), 0);
	buf_release(&buf);
}

static void
empty_buffer_gives_an_empty_string(void **state)
{
	struct buf buf;
	size_t len = 7;
	char *text;

	(void)state;
	buf_init(&buf, SIZE_MAX);
	text = buf_take(&buf, &len);
	assert_string_equal(text, "");
	assert_int_equal(len, 0);
	free(text);
}

static bool
fill(void *unused)
{
	struct buf buf;
	char *text;
	int i;

	(void)unused;
	buf_init(&buf, 100000);
	for (i = 0; i < 1000; i++)
		buf_printf(&buf, "%d", i);
	text = buf_take(&buf, NULL);
	free(text);
	return text != NULL;
}

static void
every_allocation_may_fail(void **state)
{
	(void)state;
	assert_true(fail_alloc_each(fill, NULL) >= 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_is_terminated_and_grows),
		cmocka_unit_test(maximum_is_reached_but_not_passed),
		cmocka_unit_test(failed_add_adds_nothing_and_is_remembered),
		cmocka_unit_test(empty_buffer_gives_an_empty_string),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

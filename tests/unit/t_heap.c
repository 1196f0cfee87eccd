/*
 * libcurl's send buffers are memory like any other, and what was written into
 * one that nobody uses any more takes none after a trim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/heap.h"

enum { MANY = 9000 }; /* more than the range has */

static char *taken[MANY];

static void
take_all(int fill)
{
	for (size_t i = 0; i < MANY; i++) {
		taken[i] = heap_take(HEAP_BUFFER);
		assert_non_null(taken[i]);
		memset(taken[i], fill, i % 100 == 0 ? HEAP_BUFFER : 1);
		taken[i][HEAP_BUFFER - 1] = (char)i;
		memcpy(taken[i], &i, sizeof(i));
	}
}

static void
put_all(void)
{
	for (size_t i = 0; i < MANY; i++)
		heap_put(taken[i]);
}

static void
no_two_buffers_overlap(void **state)
{
	size_t i, first;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		take_all('x');
		for (i = 0; i < MANY; i++) {
			memcpy(&first, taken[i], sizeof(first));
			assert_int_equal(first, i);
			assert_int_equal(taken[i][HEAP_BUFFER - 1], (char)i);
		}
		put_all();
	}
}

static void
a_buffer_keeps_its_bytes_when_it_grows(void **state)
{
	static const size_t sizes[] = { 1, 100, HEAP_BUFFER, HEAP_BUFFER + 1,
		10 * HEAP_BUFFER };
	char *memory;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memory = heap_take(HEAP_BUFFER);
		memset(memory, 'a', HEAP_BUFFER);
		memory = heap_resize(memory, sizes[i]);
		assert_non_null(memory);
		assert_int_equal(memory[0], 'a');
		memory[sizes[i] - 1] = 'b';
		heap_put(memory);
	}
	memory = heap_resize(NULL, 10);
	memory = heap_resize(memory, 1000);
	memset(memory, 'c', 1000);
	heap_put(memory);
	heap_put(NULL);
}

static void
a_trim_forgets_what_nobody_uses(void **state)
{
	char *kept = heap_take(HEAP_BUFFER), *gone = heap_take(HEAP_BUFFER);

	(void)state;
	memset(kept, 'k', HEAP_BUFFER);
	memset(gone, 'g', HEAP_BUFFER);
	heap_put(gone);
	heap_trim();
	assert_int_equal(kept[0], 'k');
	assert_int_equal(kept[HEAP_BUFFER - 1], 'k');
	assert_ptr_equal(heap_take(HEAP_BUFFER), gone);
	assert_int_equal(gone[0], 0);
	assert_int_equal(gone[HEAP_BUFFER - 1], 0);
	heap_put(gone);
	heap_put(kept);
}

/* The range comes with libcurl. */
static int
start(void **state)
{
	(void)state;
	return heap_start_curl();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_buffers_overlap),
		cmocka_unit_test(a_buffer_keeps_its_bytes_when_it_grows),
		cmocka_unit_test(a_trim_forgets_what_nobody_uses),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}

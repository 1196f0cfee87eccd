/*
 * JSON trees in scratch memory: nothing is lost when the buffer is too small,
 * and what is made outside of it is ordinary memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/scratch.h"

enum { SMALL = 20, LARGE = 5000, ROUNDS = 200, THREADS = 4 };

/* A tree of n numbers; their sum. */
static json_int_t
sum_of_tree(size_t n)
{
	json_t *array = json_array(), *one;
	json_int_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(array, json_integer((json_int_t)i));
	json_array_foreach (array, i, one)
		sum += json_integer_value(one);
	json_decref(array);
	return sum;
}

static json_int_t
wanted(size_t n)
{
	return (json_int_t)(n * (n - 1) / 2);
}

static void
small_and_large_trees_are_whole(void **state)
{
	size_t round;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		scratch_open();
		assert_int_equal(sum_of_tree(SMALL), wanted(SMALL));
		assert_int_equal(sum_of_tree(LARGE), wanted(LARGE));
		scratch_close();
	}
}

static void
a_tree_of_before_stays_and_can_be_freed_within(void **state)
{
	json_t *before = json_string("before");

	(void)state;
	scratch_open();
	assert_int_equal(sum_of_tree(LARGE), wanted(LARGE));
	assert_string_equal(json_string_value(before), "before");
	json_decref(before);
	scratch_close();
}

/* A text that outlives jansson belongs to free(). */
static void
outside_it_is_ordinary_memory(void **state)
{
	json_t *tree = json_pack("{s:s}", "key", "value");
	char *text;

	(void)state;
	scratch_open();
	scratch_close();
	text = json_dumps(tree, JSON_COMPACT);
	assert_string_equal(text, "{\"key\":\"value\"}");
	free(text);
	json_decref(tree);
}

static void *
work(void *arg)
{
	size_t *good = arg, round;

	for (round = 0; round < ROUNDS; round++) {
		scratch_open();
		*good += sum_of_tree(SMALL + round) == wanted(SMALL + round);
		scratch_close();
	}
	return NULL;
}

static void
each_thread_has_its_own(void **state)
{
	pthread_t threads[THREADS];
	size_t good[THREADS] = { 0 }, i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work,
				     &good[i]),
		    0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(good[i], ROUNDS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_and_large_trees_are_whole),
		cmocka_unit_test(
		    a_tree_of_before_stays_and_can_be_freed_within),
		cmocka_unit_test(outside_it_is_ordinary_memory),
		cmocka_unit_test(each_thread_has_its_own),
	};

	scratch_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Keys sort the way the store walks them, and are read back as written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/store_priv.h"

static const struct store_job_id job = { .user = { 0, 1, 2, 3, 255 },
	.seq = 0x01020304 };

static struct bytes
bytes_of(const struct key *k)
{
	struct bytes b = { .at = k->at, .len = k->len };

	return b;
}

/* As LMDB does. */
static int
compare(const struct key *a, const struct key *b)
{
	size_t len = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->at, b->at, len);

	return order != 0 ? order : (int)a->len - (int)b->len;
}

static void
times_sort_as_numbers(void **state)
{
	static const int64_t times[] = { 0, 1, 255, 256, 65535, 1LL << 32,
		1790000000000, INT64_MAX };
	struct key a, b;
	size_t i;

	(void)state;
	for (i = 1; i < sizeof(times) / sizeof(times[0]); i++) {
		a = key_due(times[i - 1], &job);
		b = key_due(times[i], &job);
		assert_true(compare(&a, &b) < 0);
		a = key_dead(times[i - 1], &job);
		b = key_dead(times[i], &job);
		assert_true(compare(&a, &b) < 0);
	}
}

static void
all_of_a_user_lies_together_lane_first(void **state)
{
	struct store_job_id next = { .user = { 0, 1, 2, 4 } };
	struct key keys[] = {
		key_event("~~~"),
		key_global(),
		key_lane(job.user),
		key_session(job.user),
		key_job(&job, PART_PAYLOAD),
		key_job(&job, PART_REPLY),
		key_job(&job, PART_STATE),
		key_lane(next.user),
		key_due(0, &job),
		key_worker(0),
		key_worker(63),
		key_dead(0, &job),
	};
	size_t i;

	(void)state;
	for (i = 1; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_true(compare(&keys[i - 1], &keys[i]) < 0);
}

static void
a_time_before_the_first_is_the_first(void **state)
{
	struct key a = key_due(-5, &job), b = key_due(0, &job);

	(void)state;
	assert_int_equal(compare(&a, &b), 0);
}

static void
keys_are_read_back_as_written(void **state)
{
	struct key k = key_due(1790000000123, &job);
	struct store_job_id id;
	uint8_t user[USER];
	enum key_kind kind;
	int64_t ms;

	(void)state;
	assert_true(key_parse_due(bytes_of(&k), &ms, &id));
	assert_int_equal(ms, 1790000000123);
	assert_int_equal(id.seq, job.seq);
	assert_memory_equal(id.user, job.user, USER);
	assert_false(key_parse_dead(bytes_of(&k), &ms));
	k.len--;
	assert_false(key_parse_due(bytes_of(&k), &ms, &id));
	k = key_session(job.user);
	assert_true(key_parse_user(bytes_of(&k), user, &kind));
	assert_int_equal(kind, KEY_SESSION);
	assert_memory_equal(user, job.user, USER);
	k = key_job(&job, PART_STATE);
	assert_true(key_parse_user(bytes_of(&k), user, &kind));
	assert_int_equal(kind, KEY_JOB);
	k.at[1 + USER] = 3;
	assert_false(key_parse_user(bytes_of(&k), user, &kind));
}

static void
the_longest_event_id_fits(void **state)
{
	char id[STORE_ID_MAX + 1];
	struct key k, copy;

	(void)state;
	memset(id, 'x', STORE_ID_MAX);
	id[STORE_ID_MAX] = '\0';
	k = key_event(id);
	assert_int_equal(k.len, KEY_MAX);
	copy = key_copy(bytes_of(&k));
	assert_int_equal(compare(&k, &copy), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_sort_as_numbers),
		cmocka_unit_test(all_of_a_user_lies_together_lane_first),
		cmocka_unit_test(a_time_before_the_first_is_the_first),
		cmocka_unit_test(keys_are_read_back_as_written),
		cmocka_unit_test(the_longest_event_id_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

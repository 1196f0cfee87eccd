/*
 * What is sealed opens with the same key, for the same user and use, and not
 * otherwise; hashes tell nothing and never change.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/seal.h"

enum { LEN = 17, RECORD = SEAL_HEAD + LEN, THREADS = 4, ROUNDS = 500 };

static const uint8_t key[SEAL_KEY] = "0123456789abcdef0123456789abcde";
static const uint8_t user[SEAL_HASH] = "somebody";
static const char text[LEN] = "a secret of mine";

static int
seal_setup(void **state)
{
	*state = seal_new(key);
	return *state == NULL;
}

static int
seal_teardown(void **state)
{
	seal_free(*state);
	return 0;
}

static void
seal_text(struct seal *s, uint8_t record[RECORD])
{
	memcpy(record + SEAL_HEAD, text, LEN);
	assert_true(seal_close(s, SEAL_REPLY, user, record, LEN));
}

static bool
opens(struct seal *s, enum seal_use use, const uint8_t who[SEAL_HASH],
    const uint8_t *record, size_t len)
{
	uint8_t copy[RECORD], *plain;
	size_t plain_len;

	memcpy(copy, record, RECORD);
	return seal_open(s, use, who, copy, len, &plain, &plain_len) ==
	    SEAL_OK &&
	    plain_len == LEN && memcmp(plain, text, LEN) == 0;
}

static void
it_opens_with_the_same_key_user_and_use(void **state)
{
	uint8_t record[RECORD], other[SEAL_HASH] = "somebody else";
	uint8_t wrong_key[SEAL_KEY] = { 1 };
	struct seal *wrong = seal_new(wrong_key);

	assert_non_null(wrong);
	seal_text(*state, record);
	assert_true(opens(*state, SEAL_REPLY, user, record, RECORD));
	assert_false(opens(*state, SEAL_SESSION, user, record, RECORD));
	assert_false(opens(*state, SEAL_REPLY, other, record, RECORD));
	assert_false(opens(wrong, SEAL_REPLY, user, record, RECORD));
	seal_free(wrong);
}

static void
a_changed_or_cut_record_does_not_open(void **state)
{
	uint8_t record[RECORD];
	size_t i;

	seal_text(*state, record);
	for (i = 0; i < RECORD; i++) {
		record[i] ^= 0x20;
		assert_false(opens(*state, SEAL_REPLY, user, record, RECORD));
		record[i] ^= 0x20;
		assert_false(opens(*state, SEAL_REPLY, user, record, i));
	}
	assert_true(opens(*state, SEAL_REPLY, user, record, RECORD));
}

static void
the_text_does_not_show_and_looks_different_each_time(void **state)
{
	uint8_t a[RECORD], b[RECORD];

	seal_text(*state, a);
	seal_text(*state, b);
	assert_null(memmem(a, RECORD, "secret", 6));
	assert_memory_not_equal(a + SEAL_HEAD, b + SEAL_HEAD, LEN);
}

static void
nothing_can_be_sealed_too(void **state)
{
	uint8_t record[SEAL_HEAD], *plain;
	size_t len = 9;

	assert_true(seal_close(*state, SEAL_REPLY, user, record, 0));
	assert_int_equal(seal_open(*state, SEAL_REPLY, user, record, SEAL_HEAD,
			     &plain, &len),
	    SEAL_OK);
	assert_int_equal(len, 0);
}

static void
hashes_depend_on_key_and_kind_alone(void **state)
{
	uint8_t chat[SEAL_HASH], again[SEAL_HASH], retry[SEAL_HASH];
	uint8_t wrong_key[SEAL_KEY] = { 1 }, other[SEAL_HASH];
	struct seal *wrong = seal_new(wrong_key);

	assert_true(seal_hash_chat(*state, "U1", chat));
	assert_true(seal_hash_retry(*state, "U1", retry));
	assert_true(seal_hash_chat(*state, "U1", again));
	assert_true(seal_hash_chat(wrong, "U1", other));
	assert_memory_equal(chat, again, SEAL_HASH);
	assert_memory_not_equal(chat, retry, SEAL_HASH);
	assert_memory_not_equal(chat, other, SEAL_HASH);
	assert_int_equal(retry[6] >> 4, 4);
	assert_int_equal(retry[8] >> 6, 2);
	seal_free(wrong);
}

/* LINE keeps a retry key a day, so a new version must give the same. */
static void
a_hash_is_what_it_was_in_version_1(void **state)
{
	static const uint8_t want[SEAL_HASH] = { 0x69, 0x8d, 0x7e, 0x3e, 0x8c,
		0xb6, 0x45, 0x3b, 0x85, 0xfb, 0x4c, 0x44, 0x5b, 0x49, 0x0c,
		0x1a };
	uint8_t got[SEAL_HASH];

	assert_true(seal_hash_retry(*state, "01HZX0000000000000000000AA", got));
	assert_memory_equal(got, want, SEAL_HASH);
}

static void *
work(void *seal)
{
	uint8_t record[RECORD], hash[SEAL_HASH];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		memcpy(record + SEAL_HEAD, text, LEN);
		if (!seal_close(seal, SEAL_REPLY, user, record, LEN) ||
		    !opens(seal, SEAL_REPLY, user, record, RECORD) ||
		    !seal_hash_chat(seal, "U1", hash))
			return seal;
	}
	return NULL;
}

static void
threads_may_use_it_together(void **state)
{
	pthread_t threads[THREADS];
	void *failed;
	int i;

	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work,
				     *state),
		    0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, seal_setup, seal_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_opens_with_the_same_key_user_and_use),
		TEST(a_changed_or_cut_record_does_not_open),
		TEST(the_text_does_not_show_and_looks_different_each_time),
		TEST(nothing_can_be_sealed_too),
		TEST(hashes_depend_on_key_and_kind_alone),
		TEST(a_hash_is_what_it_was_in_version_1),
		TEST(threads_may_use_it_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

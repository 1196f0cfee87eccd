/*
 * Only a body that LINE signed with our secret passes.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "line/signature.h"
#include "tests/unit/data.h"

static const char secret[] = "8c570fa6dd201bb328f1c1eac23a96d8";
static const char body[] =
    "{\"destination\":\"U8e742f61d673b39c7fff3cecb7536ef0\",\"events\":[]}";
static const char good[] = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=";

static int
set_up(void **state)
{
	*state = signature_new(secret);
	return *state == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	signature_free(*state);
	return 0;
}

static bool
matches(void *signature, const char *header)
{
	return signature_matches(signature, body, strlen(body), header);
}

static void
published_signatures_match(void **state)
{
	struct signature *other = signature_new("test_secret");

	assert_true(matches(*state, good));
	assert_true(signature_matches(other, "{\"hello\":\"world\"}", 17,
	    "t7Hn4ZDHqs6e+wdvI5TyQIvzie0DmMUmuXEBqyyE/tM="));
	assert_false(matches(other, good));
	signature_free(other);
}

static void
anything_else_does_not(void **state)
{
	static const char *const headers[] = {
		NULL,
		"",
		"=",
		"GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs",
		"GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs==",
		"GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=\n",
		" GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs",
		"ghRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=",
		"GhRKmvmHys4Pi8DxkF4-EayaH0OqtJtaZxgTD9fMDLs=",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"============================================",
		/* in hex */
		"1a144a9af987cace0f8bc0f1905e3e11ac9a1f43aab49b5a6718130",
	};
	size_t i;

	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_false(matches(*state, headers[i]));
	assert_false(signature_matches(*state, body, strlen(body) - 1, good));
	assert_false(signature_matches(*state, "", 0, good));
}

static void
every_changed_character_is_noticed(void **state)
{
	char header[sizeof(good)];
	size_t i;

	for (i = 0; i < sizeof(good) - 2; i++) {
		memcpy(header, good, sizeof(good));
		header[i] = header[i] == 'A' ? 'Q' : 'A';
		assert_false(matches(*state, header));
	}
}

/* name.json is a body, name.sig its header; one without is unsigned. */
static void
check_stored(void *signature, const char *name, bool wanted)
{
	char path[200], *bytes, *header = NULL;
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "tests/data/%s.json", name);
	bytes = data_read(path, &len);
	snprintf(path, sizeof(path), "tests/data/%s.sig", name);
	file = fopen(path, "rb");
	if (file != NULL) {
		fclose(file);
		header = data_read(path, NULL);
	}
	if (signature_matches(signature, bytes, len, header) != wanted)
		fail_msg("%s", name);
	free(header);
	free(bytes);
}

static void
stored_bodies_are_told_apart(void **state)
{
	static const char *const good_ones[] = {
		"webhook/message-text",
		"webhook/message-text-unicode",
		"webhook/message-text-escaped-json",
		"webhook/message-text-pretty-json",
		"webhook/message-text-10000-chars",
		"webhook/verify-empty",
	};
	static const char *const bad_ones[] = {
		"webhook-bad/bad-signature-body-changed",
		"webhook-bad/bad-signature-empty",
		"webhook-bad/bad-signature-hex",
		"webhook-bad/bad-signature-missing",
		"webhook-bad/bad-signature-other-secret",
		"webhook-bad/bad-signature-short",
		"webhook-bad/bad-signature-trailing-newline",
	};
	size_t i;

	for (i = 0; i < sizeof(good_ones) / sizeof(good_ones[0]); i++)
		check_stored(*state, good_ones[i], true);
	for (i = 0; i < sizeof(bad_ones) / sizeof(bad_ones[0]); i++)
		check_stored(*state, bad_ones[i], false);
}

static void *
match_often(void *signature)
{
	size_t wrong = 0, i;

	for (i = 0; i < 2000; i++)
		wrong += !matches(signature, good);
	return (void *)wrong;
}

static void
threads_may_share_it(void **state)
{
	pthread_t threads[4];
	void *wrong;
	size_t i;

	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, match_often,
				     *state),
		    0);
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_signatures_match),
		cmocka_unit_test(anything_else_does_not),
		cmocka_unit_test(every_changed_character_is_noticed),
		cmocka_unit_test(stored_bodies_are_told_apart),
		cmocka_unit_test(threads_may_share_it),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

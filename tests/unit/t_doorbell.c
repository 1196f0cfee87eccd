/*
 * A ring reaches the worker of a slot, whoever hung there before, and nobody
 * waits for one who does not listen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs/doorbell.h"

/* Longer than the name of a socket may be. */
static char dir[300];

static int
set_up(void **state)
{
	(void)state;
	memset(dir, 0, sizeof(dir));
	(void)snprintf(dir, sizeof(dir), "/tmp/t_doorbell.XXXXXX");
	assert_non_null(mkdtemp(dir));
	dir[strlen(dir)] = '/';
	memset(dir + strlen(dir), 'x', 150);
	return mkdir(dir, 0700);
}

static int
tear_down(void **state)
{
	(void)state;
	assert_int_equal(rmdir(dir), 0); /* the bells took themselves down */
	*strrchr(dir, '/') = '\0';
	return rmdir(dir);
}

static struct doorbell *
hang(unsigned slot)
{
	struct doorbell *bell;

	assert_int_equal(doorbell_open(&bell, dir, slot), 0);
	return bell;
}

static void
a_ring_names_the_job(void **state)
{
	struct doorbell *one = hang(1), *two = hang(63);
	struct store_job_id id = { .user = "0123456789abcde", .seq = 70000 };
	struct store_job_id heard;

	(void)state;
	assert_false(doorbell_take(two, &heard));
	doorbell_ring(one, 63, &id);
	id.seq = UINT32_MAX;
	doorbell_ring(one, 63, &id);
	assert_true(doorbell_take(two, &heard));
	assert_memory_equal(heard.user, id.user, sizeof(id.user));
	assert_int_equal(heard.seq, 70000);
	assert_true(doorbell_take(two, &heard));
	assert_int_equal(heard.seq, UINT32_MAX);
	assert_false(doorbell_take(two, &heard));
	assert_false(doorbell_take(one, &heard));
	doorbell_close(&one);
	doorbell_close(&two);
	assert_null(two);
}

static void
a_dead_one_s_bell_is_replaced(void **state)
{
	struct doorbell *one = hang(1), *two;
	struct store_job_id id = { .seq = 5 }, heard;
	int status;

	(void)state;
	doorbell_ring(one, 2, &id); /* nobody has ever been there */
	if (fork() == 0) {
		two = hang(2);
		_exit(0);
	}
	assert_int_not_equal(wait(&status), -1);
	assert_int_equal(status, 0);
	doorbell_ring(one, 2, &id); /* nobody is there any more */
	two = hang(2);
	assert_false(doorbell_take(two, &heard));
	doorbell_ring(one, 2, &id);
	assert_true(doorbell_take(two, &heard));
	doorbell_close(&one);
	doorbell_close(&two);
}

static void
who_does_not_listen_holds_nobody_up(void **state)
{
	struct doorbell *one = hang(1), *two = hang(2);
	struct store_job_id id = { .seq = 5 }, heard;
	unsigned i, n = 0;

	(void)state;
	for (i = 0; i < 100000; i++)
		doorbell_ring(one, 2, &id);
	while (doorbell_take(two, &heard))
		n++;
	assert_in_range(n, 1, 99999);
	doorbell_close(&one);
	doorbell_close(&two);
}

static void
without_a_folder_there_is_none(void **state)
{
	struct doorbell *one;

	(void)state;
	assert_int_equal(doorbell_open(&one, "/nowhere", 1), -1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_ring_names_the_job),
		TEST(a_dead_one_s_bell_is_replaced),
		TEST(who_does_not_listen_holds_nobody_up),
		TEST(without_a_folder_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

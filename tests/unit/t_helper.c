/*
 * A chore runs on another thread, in its turn, and always comes back; one that
 * nobody wants any more ends soon or is never begun.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "jobs/helper.h"

enum { PATIENCE_MS = 30000, CHORES = 100 };

struct job {
	struct chore chore; /* first: a chore is its job */
	pthread_t ran_on;
	unsigned number, ran, done;
	bool endless; /* until it is unwanted */
	atomic_bool begun;
	unsigned *next; /* number expected to run next */
};

static void
run(struct chore *chore)
{
	struct job *job = (struct job *)chore;

	job->ran++;
	job->ran_on = pthread_self();
	if (job->next != NULL && *job->next == job->number)
		++*job->next;
	atomic_store(&job->begun, true);
	while (job->endless && !chore_is_unwanted(chore))
		sched_yield();
}

static void
done(struct chore *chore)
{
	((struct job *)chore)->done++;
}

static struct job
new_job(void)
{
	return (struct job){ .chore = { .run = run, .done = done } };
}

/* Collects until n are done. */
static void
collect(struct helper *helper, size_t n)
{
	struct pollfd bell = { .fd = helper_fd(helper), .events = POLLIN };

	while (n > 0) {
		size_t got;

		assert_int_equal(poll(&bell, 1, PATIENCE_MS), 1);
		got = helper_collect(helper);
		assert_true(got <= n);
		n -= got;
	}
	assert_int_equal(poll(&bell, 1, 0), 0);
}

static void
wait_begun(struct job *job)
{
	while (!atomic_load(&job->begun))
		sched_yield();
}

static void
chores_run_in_their_order_elsewhere(void **state)
{
	struct helper *helper = helper_new();
	static struct job jobs[CHORES];
	unsigned next = 0, i;

	(void)state;
	assert_non_null(helper);
	for (i = 0; i < CHORES; i++) {
		jobs[i] = new_job();
		jobs[i].number = i;
		jobs[i].next = &next;
		helper_give(helper, &jobs[i].chore);
	}
	collect(helper, CHORES);
	assert_int_equal(next, CHORES);
	for (i = 0; i < CHORES; i++) {
		assert_int_equal(jobs[i].ran, 1);
		assert_int_equal(jobs[i].done, 1);
		assert_false(pthread_equal(jobs[i].ran_on, pthread_self()));
	}
	helper_free(&helper);
	assert_null(helper);
	assert_int_equal(jobs[0].done, 1);
}

static void
an_unwanted_chore_ends(void **state)
{
	struct helper *helper = helper_new();
	struct job first = new_job(), second = new_job();

	(void)state;
	assert_non_null(helper);
	first.endless = true;
	helper_give(helper, &first.chore);
	helper_give(helper, &second.chore);
	wait_begun(&first);
	assert_int_equal(helper_collect(helper), 0);
	chore_drop(&first.chore);
	collect(helper, 2);
	assert_int_equal(second.ran, 1);
	helper_free(&helper);
}

static void
an_unwanted_chore_is_not_begun(void **state)
{
	struct helper *helper = helper_new();
	struct job first = new_job(), second = new_job();

	(void)state;
	assert_non_null(helper);
	first.endless = true;
	helper_give(helper, &first.chore);
	helper_give(helper, &second.chore);
	chore_drop(&second.chore);
	wait_begun(&first);
	chore_drop(&first.chore);
	collect(helper, 2);
	assert_int_equal(second.ran, 0);
	assert_int_equal(second.done, 1);
	helper_free(&helper);
}

/* The first, the last and the one between; those that stay run. */
static void
what_is_not_begun_is_taken_back(void **state)
{
	struct helper *helper = helper_new();
	struct job first = new_job(), jobs[4];
	unsigned i;

	(void)state;
	assert_non_null(helper);
	first.endless = true;
	helper_give(helper, &first.chore);
	wait_begun(&first);
	for (i = 0; i < 4; i++) {
		jobs[i] = new_job();
		helper_give(helper, &jobs[i].chore);
	}
	assert_false(helper_take_back(helper, &first.chore));
	assert_true(helper_take_back(helper, &jobs[3].chore));
	assert_true(helper_take_back(helper, &jobs[0].chore));
	assert_true(helper_take_back(helper, &jobs[2].chore));
	assert_false(helper_take_back(helper, &jobs[2].chore));
	helper_give(helper, &jobs[3].chore);
	chore_drop(&first.chore);
	collect(helper, 3);
	assert_int_equal(jobs[1].ran, 1);
	assert_int_equal(jobs[3].ran, 1);
	assert_int_equal(jobs[0].ran + jobs[2].ran, 0);
	assert_int_equal(jobs[0].done + jobs[2].done, 0);
	helper_free(&helper);
}

static void
an_end_comes_at_once_and_forgets_none(void **state)
{
	struct helper *helper = helper_new();
	struct job first = new_job(), second = new_job();

	(void)state;
	assert_non_null(helper);
	first.endless = true;
	helper_give(helper, &first.chore);
	helper_give(helper, &second.chore);
	wait_begun(&first);
	helper_free(&helper);
	assert_int_equal(first.done, 1);
	assert_int_equal(second.ran, 0);
	assert_int_equal(second.done, 1);
}

static void
nothing_to_do_can_be_ended(void **state)
{
	struct helper *helper = helper_new(), *none = NULL;

	(void)state;
	assert_non_null(helper);
	assert_int_equal(helper_collect(helper), 0);
	helper_free(&helper);
	helper_free(&none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chores_run_in_their_order_elsewhere),
		cmocka_unit_test(an_unwanted_chore_ends),
		cmocka_unit_test(an_unwanted_chore_is_not_begun),
		cmocka_unit_test(what_is_not_begun_is_taken_back),
		cmocka_unit_test(an_end_comes_at_once_and_forgets_none),
		cmocka_unit_test(nothing_to_do_can_be_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

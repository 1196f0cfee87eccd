/*
 * A process that stalls while it may write cannot stop the others for long,
 * and one that only takes its time is left alone.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/turn.h"
#include "tests/unit/store_fixture.h"

enum { SLACK_MS = 700 };

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
turn_setup(void **state)
{
	struct turn *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	require(t != MAP_FAILED && turn_init(t));
	*state = t;
	return 0;
}

static int
turn_teardown(void **state)
{
	return munmap(*state, sizeof(struct turn));
}

static void
take_and_stop(struct fixture *f, struct child *parent, void *arg)
{
	(void)f;
	require(turn_take(arg, 1000) == TURN_MINE);
	tell(parent);
	raise(SIGSTOP);
	turn_leave(arg);
}

/* For longer than a stall, waiting for the disk, or stopped meanwhile. */
static void
take_and_flush(struct fixture *f, struct child *parent, void *arg)
{
	(void)f;
	require(turn_take(arg, 1000) == TURN_MINE);
	turn_flush(arg, true);
	tell(parent);
	usleep((TURN_STALL_MS + 1000) * 1000);
	turn_flush(arg, false);
	turn_leave(arg);
}

static void
take_and_stop_in_a_flush(struct fixture *f, struct child *parent, void *arg)
{
	(void)f;
	require(turn_take(arg, 1000) == TURN_MINE);
	turn_flush(arg, true);
	tell(parent);
	raise(SIGSTOP);
}

static void
take_and_die(struct fixture *f, struct child *parent, void *arg)
{
	(void)f;
	(void)parent;
	require(turn_take(arg, 1000) == TURN_MINE);
}

static void
take_for_a_second(struct fixture *f, struct child *parent, void *arg)
{
	const struct timespec second = { .tv_sec = 1 };

	(void)f;
	require(turn_take(arg, 1000) == TURN_MINE);
	tell(parent);
	nanosleep(&second, NULL);
	turn_leave(arg);
}

static void
the_turn_is_taken_and_left(void **state)
{
	struct turn *t = *state;

	assert_int_equal(turn_take(t, 0), TURN_MINE);
	assert_int_equal(atomic_load(&t->pid), getpid());
	turn_leave(t);
	assert_int_equal(turn_take(t, 100), TURN_MINE);
	turn_leave(t);
	assert_int_equal(atomic_load(&t->pid), 0);
}

static void
a_dead_holder_hands_the_turn_on(void **state)
{
	struct child c = child_start(NULL, take_and_die, *state);

	child_join(&c);
	assert_int_equal(turn_take(*state, 100), TURN_INHERITED);
	turn_leave(*state);
	assert_int_equal(turn_take(*state, 100), TURN_MINE);
	turn_leave(*state);
}

static void
waiting_has_an_end(void **state)
{
	struct child c = child_start(NULL, take_and_stop, *state);
	int64_t start;

	hear(&c);
	start = now_ms();
	assert_int_equal(turn_take(*state, 500), TURN_LATE);
	assert_in_range(now_ms() - start, 500, 500 + SLACK_MS);
	child_kill(&c);
}

static void
a_stalled_holder_is_killed_after_two_seconds(void **state)
{
	struct child c = child_start(NULL, take_and_stop, *state);
	int64_t start;
	int status;

	hear(&c);
	start = now_ms();
	assert_int_equal(turn_take(*state, 5000), TURN_INHERITED);
	assert_in_range(now_ms() - start, TURN_STALL_MS - TURN_SLICE_MS,
	    TURN_STALL_MS + TURN_SLICE_MS + SLACK_MS);
	turn_leave(*state);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	close(c.in);
	close(c.out);
}

static void
a_holder_that_waits_for_a_slow_disk_is_not_killed(void **state)
{
	struct child c = child_start(NULL, take_and_flush, *state);

	hear(&c);
	assert_int_equal(turn_take(*state, 8000), TURN_MINE);
	turn_leave(*state);
	child_join(&c);
}

static void
a_holder_stopped_while_it_waits_for_the_disk_is_killed(void **state)
{
	struct child c = child_start(NULL, take_and_stop_in_a_flush, *state);
	int64_t start;

	hear(&c);
	start = now_ms();
	assert_int_equal(turn_take(*state, 8000), TURN_INHERITED);
	assert_in_range(now_ms() - start, TURN_STALL_MS - TURN_SLICE_MS,
	    TURN_STALL_MS + TURN_SLICE_MS + SLACK_MS);
	turn_leave(*state);
	assert_int_equal(waitpid(c.pid, NULL, 0), c.pid);
	close(c.in);
	close(c.out);
}

static void
a_holder_that_ends_in_time_is_not_killed(void **state)
{
	struct child c = child_start(NULL, take_for_a_second, *state);

	hear(&c);
	assert_int_equal(turn_take(*state, 5000), TURN_MINE);
	turn_leave(*state);
	child_join(&c);
}

/* The same through the store: the stalled one has a worker's handle. */
static void
join_and_stop(struct fixture *f, struct child *parent, void *arg)
{
	struct store *s = fixture_join(f, at(0));

	(void)arg;
	admit(s, "e1", "U1", at(0));
	tell(parent);
	for (;;)
		admit(s, "e1", "U1", at(0));
}

static void
stopped_writers_delay_admission_but_do_not_end_it(void **state)
{
	struct fixture *f = *state;
	struct store_event e = message("e2", "U2");
	struct store_verdict v;
	struct child c;
	int64_t start, took, worst = 0;
	int i, tries;
	enum store_rc rc;

	for (i = 0; i < 2; i++) {
		c = child_start(f, join_and_stop, NULL);
		hear(&c);
		kill(c.pid, SIGSTOP); /* wherever that one is just now */
		start = now_ms();
		for (tries = 0; tries < 3; tries++) {
			rc = store_admit(f->store, &e, 1, &generous, at(0), &v);
			if (rc != STORE_BUSY)
				break;
		}
		took = now_ms() - start;
		worst = took > worst ? took : worst;
		assert_int_equal(rc, STORE_OK);
		kill(c.pid, SIGKILL);
		child_kill(&c);
	}
	assert_in_range(worst, 0, TURN_STALL_MS + SLACK_MS);
}

#define TURN_TEST(f) \
	cmocka_unit_test_setup_teardown(f, turn_setup, turn_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TURN_TEST(the_turn_is_taken_and_left),
		TURN_TEST(a_dead_holder_hands_the_turn_on),
		TURN_TEST(waiting_has_an_end),
		TURN_TEST(a_stalled_holder_is_killed_after_two_seconds),
		TURN_TEST(a_holder_that_waits_for_a_slow_disk_is_not_killed),
		TURN_TEST(
		    a_holder_stopped_while_it_waits_for_the_disk_is_killed),
		TURN_TEST(a_holder_that_ends_in_time_is_not_killed),
		cmocka_unit_test_setup_teardown(
		    stopped_writers_delay_admission_but_do_not_end_it,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

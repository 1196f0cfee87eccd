/*
 * What was acknowledged is there, whenever and however often workers are
 * killed.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

enum { WRITERS = 3, RUN_MS = 3000, SHORT_RUN_MS = 1000, ACKS_MAX = 100000 };

/* An admission that was acknowledged: the writer and its count. */
struct ack {
	pid_t pid;
	int count;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
name(char *id, size_t size, struct ack ack)
{
	snprintf(id, size, "e-%d-%d", (int)ack.pid, ack.count);
}

/*
 * Admits, and tells of each admission; finishes most, since the store keeps
 * room for the answers of all others and would be full.
 */
static void
write_until_killed(struct fixture *f, struct child *parent, void *arg)
{
	struct store *s = fixture_join(f, at(0));
	struct ack ack = { .pid = getpid() };
	struct store_verdict v;
	char id[32];
	int *acks = arg;

	for (;; ack.count++) {
		name(id, sizeof(id), ack);
		v = admit(s, id, id, at(0));
		require(v.fate == STORE_ACCEPTED);
		require(write(*acks, &ack, sizeof(ack)) == sizeof(ack));
		if (ack.count % 10 != 1)
			require(step(s, &v.lease, STORE_DONE, at(0)) ==
			    STORE_OK);
		if (ack.count == 0)
			tell(parent);
	}
}

/*
 * All that a question goes through: an answer, a better one with a follow-up,
 * its end; and the same of the follow-up.
 */
static void
answer_until_killed(struct fixture *f, struct child *parent, void *arg)
{
	static const uint8_t prefs[STORE_PREFS] = { 1 };
	struct store *s = fixture_join(f, at(0));
	struct ack who = { .pid = getpid() };
	struct store_step say = { .kind = STORE_ANSWER,
		.lease_ms = LEASE_MS,
		.reply = "reply",
		.reply_len = 5,
		.question = "q",
		.answer = "a",
		.history_turns = 3,
		.history_bytes = 99,
		.prefs = prefs };
	char id[32];

	(void)arg;
	for (;; who.count++) {
		name(id, sizeof(id), who);
		say.lease = admit(s, id, id, at(0)).lease;
		say.stays_busy = true;
		require(store_steps(s, &say, 1, at(0)) == STORE_OK);
		say.stays_busy = false;
		say.follow = "more";
		require(store_steps(s, &say, 1, at(0)) == STORE_OK);
		say.follow = NULL;
		require(step(s, &say.lease, STORE_DONE, at(0)) == STORE_OK);
		say.lease = claim_one(s, at(0));
		require(store_steps(s, &say, 1, at(0)) == STORE_OK);
		require(step(s, &say.lease, STORE_DONE, at(0)) == STORE_OK);
		if (who.count == 0)
			tell(parent);
	}
}

static void
nap(void)
{
	struct timespec ts = { .tv_nsec = (long)(random() % 20000000) };

	nanosleep(&ts, NULL);
}

static size_t
kill_writers(struct fixture *f, child_fn *write_on, int acks, int64_t run_ms)
{
	struct child children[WRITERS];
	int64_t end = now_ms() + run_ms;
	size_t kills = 0, i;

	for (i = 0; i < WRITERS; i++)
		children[i] = child_start(f, write_on, &acks);
	for (; now_ms() < end; kills++) {
		i = kills % WRITERS;
		if (kills % 2 == 0)
			hear(&children[i]); /* the others die as they start */
		nap();
		child_kill(&children[i]);
		children[i] = child_start(f, write_on, &acks);
	}
	for (i = 0; i < WRITERS; i++)
		child_kill(&children[i]);
	return kills;
}

static void
no_acknowledged_admission_is_lost(void **state)
{
	struct fixture *f = *state;
	static struct ack acks[ACKS_MAX];
	struct store_stat stat;
	char path[160], id[32];
	size_t n, kills, i, none;
	ssize_t got;
	int fd;
	FILE *file;

	/* A file, which holds what a pipe could not. */
	snprintf(path, sizeof(path), "%s/acks", f->root);
	file = fopen(path, "a+");
	assert_non_null(file);
	fd = fileno(file);
	kills = kill_writers(f, write_until_killed, fd, RUN_MS);
	assert_true(kills > 5);

	got = pread(fd, acks, sizeof(acks), 0);
	assert_true(got > 0);
	n = (size_t)got / sizeof(acks[0]);
	assert_true(n > 0 && n < ACKS_MAX);
	for (i = 0; i < n; i++) {
		name(id, sizeof(id), acks[i]);
		assert_int_equal(admit(f->store, id, id, at(1)).fate,
		    STORE_DUPLICATE);
	}
	assert_int_equal(store_stat(f->store, at(2), &stat, NULL, 0, &none),
	    STORE_OK);
	assert_int_equal(stat.active, stat.unfinished);
	assert_int_equal(stat.total, stat.unfinished);
	fclose(file);
}

static void
every_job_of_killed_writers_can_be_claimed_and_ended(void **state)
{
	struct fixture *f = *state;
	struct store_lease leases[64];
	struct store_stat stat;
	size_t n, i, left;
	int nowhere;
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/acks", f->root);
	file = fopen(path, "a+");
	assert_non_null(file);
	nowhere = fileno(file);
	kill_writers(f, write_until_killed, nowhere, SHORT_RUN_MS);
	fclose(file);
	while (store_claim(f->store, 64, 0, LEASE_MS, at(5), leases, &n,
		   NULL) == STORE_OK)
		for (i = 0; i < n; i++)
			assert_int_equal(step(f->store, &leases[i], STORE_DONE,
					     at(6)),
			    STORE_OK);
	assert_int_equal(store_stat(f->store, at(7), &stat, NULL, 0, &left),
	    STORE_OK);
	assert_int_equal(stat.unfinished, 0);
	assert_int_equal(stat.active, 0);
}

static void
tell_fault(void *arg, const struct store_fault *fault)
{
	(void)arg;
	if (!fault->note)
		print_message("%s: %s\n", fault->where, fault->what);
}

/* Ends what is left, as its next worker would. */
static void
end_all(struct fixture *f)
{
	struct store_lease lease;
	size_t n;

	while (store_claim(f->store, 1, 0, LEASE_MS, at(5), &lease, &n, NULL) ==
	    STORE_OK) {
		assert_int_equal(step(f->store, &lease, STORE_ANSWER, at(6)),
		    STORE_OK);
		assert_int_equal(step(f->store, &lease, STORE_DONE, at(7)),
		    STORE_OK);
	}
}

static void
workers_killed_between_answers_leave_nobody_locked(void **state)
{
	struct fixture *f = *state;
	struct store_totals totals;
	struct store_stat stat;
	size_t none;

	kill_writers(f, answer_until_killed, -1, RUN_MS);
	assert_int_equal(store_audit(f->store, at(4), tell_fault, NULL,
			     &totals),
	    STORE_OK);
	assert_int_equal(totals.faults, 0);
	assert_true(totals.sessions > 0);
	end_all(f);
	assert_int_equal(store_stat(f->store, at(8), &stat, NULL, 0, &none),
	    STORE_OK);
	assert_int_equal(stat.unfinished, 0);
	assert_int_equal(stat.active, 0);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_acknowledged_admission_is_lost),
		TEST(workers_killed_between_answers_leave_nobody_locked),
		TEST(every_job_of_killed_writers_can_be_claimed_and_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

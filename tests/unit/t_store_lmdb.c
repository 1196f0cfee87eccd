/*
 * What only the real store can show: that processes which run at the same
 * time agree, and what its files are for.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

enum { PROCESSES = 4, TRIES = 50, GAP_US = 100000, BURST = 3 };

static struct store_verdict
admit_with(struct store *s, const char *id, const char *chat,
    const struct store_limits *limits, struct store_now now)
{
	struct store_event e = message(id, chat);
	struct store_verdict v;
	enum store_rc rc;

	do /* on a slow machine the turn may take too long to come */
		rc = store_admit(s, &e, 1, limits, now, &v);
	while (rc == STORE_BUSY);
	require(rc == STORE_OK);
	return v;
}

/* ------------------------------------------------------------- races -- */

/* What the processes count together. */
struct race {
	const struct store_limits *limits;
	const char *chat; /* NULL: a chat for each message */
	bool same_ids;
};

/* Sends one byte for each accepted message. */
static void
race_admissions(struct fixture *f, struct child *parent, void *arg)
{
	struct race *race = arg;
	struct store *s = fixture_join(f, at(0));
	struct store_verdict v;
	char id[32], chat[40];
	int i;

	tell(parent);
	hear(parent); /* all start at once */
	for (i = 0; i < TRIES; i++) {
		snprintf(id, sizeof(id), "%d-%d",
		    race->same_ids ? 0 : (int)getpid(), i);
		snprintf(chat, sizeof(chat), "U%s", id);
		v = admit_with(s, id, race->chat != NULL ? race->chat : chat,
		    race->limits, at(0));
		if (v.fate == STORE_ACCEPTED)
			tell(parent);
	}
	store_close(&s);
}

static size_t
run_race(struct fixture *f, struct race *race)
{
	struct child children[PROCESSES];
	char byte;
	size_t accepted = 0;
	int i;

	for (i = 0; i < PROCESSES; i++)
		children[i] = child_start(f, race_admissions, race);
	for (i = 0; i < PROCESSES; i++)
		hear(&children[i]);
	for (i = 0; i < PROCESSES; i++)
		tell(&children[i]);
	for (i = 0; i < PROCESSES; i++) {
		while (read(children[i].in, &byte, 1) == 1)
			accepted++;
		child_join(&children[i]);
	}
	return accepted;
}

static void
the_same_event_at_many_processes_is_accepted_once(void **state)
{
	struct race race = { .limits = &generous, .same_ids = true };

	assert_int_equal(run_race(*state, &race), TRIES);
}

static void
one_user_at_many_processes_gets_one_job(void **state)
{
	struct race race = { .limits = &generous, .chat = "U1" };

	assert_int_equal(run_race(*state, &race), 1);
}

static void
all_processes_draw_on_the_same_global_bucket(void **state)
{
	struct fixture *f = *state;
	struct store_limits limits = generous;
	struct race race = { .limits = &limits };

	limits.global_tokens = 77;
	assert_int_equal(run_race(f, &race), 77);
	fixture_reopen(f, at(1));
	assert_int_equal(admit_with(f->store, "e", "U", &limits, at(2)).fate,
	    STORE_SYSTEM_BUSY);
}

static void
run_fast(struct fixture *f, struct child *parent, void *arg)
{
	struct store *s = fixture_join(f, at(0));
	int64_t ms;

	(void)arg;
	for (ms = 0; ms <= 1000; ms++)
		if (store_pace(s, GAP_US, BURST, at(ms)))
			tell(parent);
	store_close(&s);
}

static void
processes_keep_one_pace_together(void **state)
{
	struct fixture *f = *state;
	struct child children[4];
	int i, passed = 0;
	char byte;

	for (i = 0; i < 4; i++)
		children[i] = child_start(f, run_fast, NULL);
	for (i = 0; i < 4; i++) {
		while (read(children[i].in, &byte, 1) == 1)
			passed++;
		child_join(&children[i]);
	}
	/* Their clocks run side by side, not in step. */
	assert_in_range(passed, BURST, BURST + 10);
}

/* ------------------------------------------------------------- files -- */

static void
stat_counts_the_pages_of_the_map(void **state)
{
	struct fixture *f = *state;
	struct store_stat stat;
	size_t n;

	assert_int_equal(store_stat(f->store, at(0), &stat, NULL, 0, &n),
	    STORE_OK);
	assert_true(stat.used_pages > 2);
	assert_int_equal(stat.map_pages, MAP_MB * 256);
}

static enum store_rc
sweep_rc(struct store *s)
{
	const struct store_sweep_rules rules = { .session_ttl_ms = HOUR_MS };
	struct store_swept swept;

	return store_sweep(s, &rules, at(0), &swept);
}

static void
a_second_sweep_does_not_wait_for_the_first(void **state)
{
	struct fixture *f = *state;
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/cleanup.lock", f->dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd != -1);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(sweep_rc(f->store), STORE_BUSY);
	close(fd);
	assert_int_equal(sweep_rc(f->store), STORE_OK);
}

static void
use_parents_handle(struct fixture *f, struct child *parent, void *arg)
{
	struct store_event e = message("e1", "U1");
	struct store_verdict v;

	(void)parent;
	(void)arg;
	require(store_admit(f->store, &e, 1, &generous, at(0), &v) ==
	    STORE_ERR);
	store_close(&f->store);
}

static void
a_handle_does_not_work_in_a_forked_child(void **state)
{
	struct fixture *f = *state;
	struct child c = child_start(f, use_parents_handle, NULL);

	child_join(&c);
	assert_int_equal(admit(f->store, "e1", "U1", at(0)).fate,
	    STORE_ACCEPTED);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_event_at_many_processes_is_accepted_once),
		TEST(one_user_at_many_processes_gets_one_job),
		TEST(all_processes_draw_on_the_same_global_bucket),
		TEST(processes_keep_one_pace_together),
		TEST(stat_counts_the_pages_of_the_map),
		TEST(a_second_sweep_does_not_wait_for_the_first),
		TEST(a_handle_does_not_work_in_a_forked_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Who is stopped while it reads keeps pages from being used again; it is
 * ended when they are needed, and nobody else is.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store_priv.h"
#include "tests/unit/store_fixture.h"

enum {
	PATIENCE_MS = 30000, /* for a machine that does much else */
	CALM_MS = READER_STALL_MS + 1500
};

static int
setup_small(void **state)
{
	struct fixture *f;

	fixture_setup_root(state);
	f = *state;
	f->place.map_mb = 2;
	f->store = fixture_join(f, at(0));
	return 0;
}

static int
setup_larger(void **state)
{
	struct fixture *f;

	fixture_setup_root(state);
	f = *state;
	f->place.map_mb = 8;
	f->store = fixture_join(f, at(0));
	return 0;
}

static void
pause_ms(int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&ts, NULL);
}

static enum store_rc
stop_here(struct tx *tx, void *arg)
{
	(void)tx;
	tell(arg);
	raise(SIGSTOP);
	return STORE_OK;
}

static void
read_and_stop(struct fixture *f, struct child *parent, void *arg)
{
	struct store *s = fixture_join(f, at(0));
	struct store_now now = at(0);

	(void)arg;
	tx_read(s, &now, stop_here, parent);
	pause();
}

/* A write; then what an engine does all the time. */
static enum store_rc
go_on(struct fixture *f, const struct store_lease *lease)
{
	struct store_step save = { .lease = *lease, .lease_ms = LEASE_MS };
	enum store_rc rc = store_steps(f->store, &save, 1, at(1));
	struct store_lease other;
	size_t n;

	assert_int_equal(store_claim(f->store, 1, 0, LEASE_MS, at(1), &other,
			     &n, NULL),
	    STORE_NONE);
	return rc;
}

static bool
is_ended(const struct child *c)
{
	siginfo_t info = { .si_pid = 0 };

	assert_int_equal(waitid(P_PID, (id_t)c->pid, &info,
			     WEXITED | WNOHANG | WNOWAIT),
	    0);
	return info.si_pid == c->pid && info.si_code == CLD_KILLED &&
	    info.si_status == SIGKILL;
}

static void
bury(struct child *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	close(c->in);
	close(c->out);
}

/* Writes until the map is full, which 600 writes without a reader never do. */
static void
fill_by_writing(struct fixture *f, const struct store_lease *lease)
{
	struct store_step save = { .lease = *lease, .lease_ms = LEASE_MS };
	int i;

	for (i = 0; i < 600; i++)
		if (store_steps(f->store, &save, 1, at(1)) == STORE_FULL)
			return;
	fail_msg("the reader pins nothing");
}

static void
a_stopped_reader_is_ended_when_room_gets_short(void **state)
{
	struct fixture *f = *state;
	struct child c = child_start(f, read_and_stop, NULL);
	struct store_lease lease = admit(f->store, "e", "U", at(0)).lease;
	int ms;

	hear(&c);
	fill_by_writing(f, &lease);
	assert_int_equal(store_ready(f->store, at(0)), STORE_FULL);
	for (ms = 0; ms < PATIENCE_MS && !is_ended(&c); ms += 5) {
		go_on(f, &lease);
		pause_ms(5);
	}
	assert_true(is_ended(&c));
	for (ms = 0; ms < 600; ms++)
		assert_int_equal(go_on(f, &lease), STORE_OK);
	assert_int_equal(store_ready(f->store, at(PATIENCE_MS)), STORE_OK);
	bury(&c);
}

static void
a_stopped_reader_is_left_alone_while_there_is_room(void **state)
{
	struct fixture *f = *state;
	struct child c = child_start(f, read_and_stop, NULL);
	struct store_lease lease = admit(f->store, "e", "U", at(0)).lease;
	int ms;

	hear(&c);
	for (ms = 0; ms < CALM_MS; ms += 100) {
		assert_int_equal(go_on(f, &lease), STORE_OK);
		pause_ms(100);
	}
	assert_false(is_ended(&c));
	bury(&c);
}

/* Reads a little, again and again, as everybody does. */
static void
read_often(struct fixture *f, struct child *parent, void *arg)
{
	struct store *s = fixture_join(f, at(0));
	struct store_lease lease;
	size_t n;
	int ms;

	(void)arg;
	tell(parent);
	for (ms = 0; ms < PATIENCE_MS; ms++) {
		store_orphans(s, at(0), &n);
		store_claim(s, 1, 0, LEASE_MS, at(0), &lease, &n, NULL);
		pause_ms(1);
	}
}

/* The store is as full as admission lets it be. */
static void
fill(struct fixture *f)
{
	static char text[4001];
	struct store_event e;
	struct store_verdict v;
	char id[16];
	int i;

	for (i = 0; i < 4000; i++)
		text[i] = 'x';
	for (i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "f%d", i);
		e = message(id, id);
		e.text = text;
		if (store_admit(f->store, &e, 1, &generous, at(0), &v) !=
		    STORE_OK)
			return;
	}
	fail_msg("it never gets full");
}

static void
who_reads_again_and_again_is_no_stalled_reader(void **state)
{
	struct fixture *f = *state;
	struct child c = child_start(f, read_often, NULL);
	struct store_lease lease = admit(f->store, "e", "U", at(0)).lease;
	int ms;

	hear(&c);
	fill(f);
	for (ms = 0; ms < CALM_MS; ms += 5) {
		assert_int_equal(go_on(f, &lease), STORE_OK);
		pause_ms(5);
	}
	assert_false(is_ended(&c));
	bury(&c);
}

static enum store_rc
wait_here(struct tx *tx, void *arg)
{
	(void)tx;
	tell(arg);
	pause_ms(PATIENCE_MS);
	return STORE_OK;
}

static void
read_slowly(struct fixture *f, struct child *parent, void *arg)
{
	struct store *s = fixture_join(f, at(0));
	struct store_now now = at(0);

	(void)arg;
	tx_read(s, &now, wait_here, parent);
}

/* The map has the room of some hundred writes between both limits. */
static void
who_works_long_with_a_snapshot_is_ended_in_need_only(void **state)
{
	static char text[STORE_TEXT_MAX + 1];
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e", "U", at(0)).lease;
	struct store_event e;
	struct store_verdict v;
	struct store_now now = { .boot_ms = -1 };
	struct child c;
	uint64_t used = 0;
	char id[16];
	int i, ms;

	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; used < f->store->map_pages * 61 / 100; i++) {
		snprintf(id, sizeof(id), "f%d", i);
		e = message(id, id);
		e.text = text;
		assert_int_equal(store_admit(f->store, &e, 1, &generous, at(0),
				     &v),
		    STORE_OK);
		room_used(f->store, &now, &used);
	}
	c = child_start(f, read_slowly, NULL);
	hear(&c);
	for (ms = 0; ms < CALM_MS; ms += 250) {
		assert_int_equal(go_on(f, &lease), STORE_OK);
		pause_ms(250);
	}
	assert_false(is_ended(&c));
	for (ms = 0; ms < PATIENCE_MS && !is_ended(&c); ms += 5) {
		go_on(f, &lease);
		pause_ms(5);
	}
	assert_true(is_ended(&c));
	bury(&c);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, setup_small, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stopped_reader_is_ended_when_room_gets_short),
		TEST(a_stopped_reader_is_left_alone_while_there_is_room),
		TEST(who_reads_again_and_again_is_no_stalled_reader),
		cmocka_unit_test_setup_teardown(
		    who_works_long_with_a_snapshot_is_ended_in_need_only,
		    setup_larger, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

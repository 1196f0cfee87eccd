/*
 * A check finds whatever is wrong with a store and names it, and finds
 * nothing in a healthy one: t_store_random.c asks it after every history.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store_priv.h"
#include "tests/unit/store_fixture.h"

enum { TOLD_MAX = 300, MANY = 45000 };

/* What a check told. */
struct told {
	struct store_fault faults[TOLD_MAX];
	size_t n;
};

static void
keep(void *arg, const struct store_fault *fault)
{
	struct told *told = arg;

	assert_true(told->n < TOLD_MAX);
	told->faults[told->n++] = *fault;
}

static struct store_totals
audit(struct store *s, struct store_now now, struct told *told)
{
	struct store_totals totals;

	told->n = 0;
	assert_int_equal(store_audit(s, now, keep, told, &totals), STORE_OK);
	return totals;
}

static void
assert_told(const struct told *told, const char *what)
{
	size_t i;

	for (i = 0; i < told->n; i++)
		if (strcmp(told->faults[i].what, what) == 0)
			return;
	for (i = 0; i < told->n; i++)
		print_message("told: %s: %s\n", told->faults[i].where,
		    told->faults[i].what);
	fail_msg("not told: %s", what);
}

/*
 * One user asks, another was answered, a third one's job is dead, and a fourth
 * one's answer is there and will be replaced, with a follow-up behind it.
 */
struct scene {
	struct store_lease asks, answered, dead, stays;
	struct store_job_id follow;
};

static struct scene
play(struct store *s)
{
	struct scene scene;
	struct store_step answer = { .kind = STORE_ANSWER,
		.lease_ms = LEASE_MS,
		.reply = "reply",
		.reply_len = 5,
		.question = "question",
		.answer = "answer",
		.history_turns = 5,
		.history_bytes = 500 };

	scene.asks = admit(s, "e1", "U1", at(0)).lease;
	scene.answered = admit(s, "e2", "U2", at(0)).lease;
	scene.dead = admit(s, "e3", "U3", at(0)).lease;
	scene.stays = admit(s, "e5", "U4", at(0)).lease;
	scene.follow = scene.stays.id;
	scene.follow.seq = 2;
	admit(s, "e4", "U1", at(0)); /* dropped */
	answer.lease = scene.answered;
	assert_int_equal(store_steps(s, &answer, 1, at(1)), STORE_OK);
	assert_int_equal(answer.rc, STORE_OK);
	assert_int_equal(step(s, &scene.dead, STORE_DEAD, at(1)), STORE_OK);
	answer.lease = scene.stays;
	answer.stays_busy = true;
	answer.follow = "more";
	answer.follow_wait_ms = LEASE_MS;
	assert_int_equal(store_steps(s, &answer, 1, at(1)), STORE_OK);
	assert_int_equal(answer.rc, STORE_OK);
	return scene;
}

static void
a_healthy_store_has_no_fault_and_is_counted(void **state)
{
	struct fixture *f = *state;
	struct store_totals t;
	struct store_stat stat;
	struct told told;
	size_t n;

	play(f->store);
	t = audit(f->store, at(2), &told);
	assert_int_equal(told.n, 0);
	assert_int_equal(t.faults + t.notes, 0);
	assert_int_equal(t.users, 4);
	assert_int_equal(t.sessions, 2);
	assert_int_equal(t.events, 5);
	assert_int_equal(t.workers, 1);
	assert_true(t.whole);
	assert_int_equal(store_stat(f->store, at(2), &stat, NULL, 0, &n),
	    STORE_OK);
	assert_int_equal(t.jobs, stat.unfinished);
	assert_int_equal(t.dead, stat.dead);
	assert_int_equal(t.used_pages, stat.used_pages);
	assert_int_equal(t.map_pages, stat.map_pages);
}

/* ---------------------------------------------- records that are wrong -- */

enum target {
	EVENT,
	GLOBAL,
	LANE,    /* of who asks */
	SESSION, /* of who was answered */
	PAYLOAD,
	REPLY, /* of who was answered */
	STATE,
	STAYS_LANE, /* of who was answered and will be once more */
	STAYS_REPLY,
	STAYS_STATE,
	FOLLOW_PAYLOAD, /* of his follow-up */
	FOLLOW_STATE,
	DUE,
	WORKER,
	DEAD
};

enum deed { REMOVE, SET, CUT };

/* CUT takes the last byte away, SET puts a byte at an offset. */
static const struct damage {
	enum target target;
	enum deed deed;
	size_t offset;
	uint8_t byte;
	const char *what;
} damages[] = {
	{ EVENT, CUT, 0, 0, "a record that does not decode" },
	{ EVENT, SET, 13, 99, "a record that does not decode" },
	{ EVENT, SET, 13, STORE_DROPPED,
	    "an event id whose fate and job disagree" },
	{ EVENT, SET, 13, STORE_OLD,
	    "an event id whose fate and job disagree" },
	{ GLOBAL, SET, 31, 1, "a boot that did not come yet" },
	{ LANE, REMOVE, 0, 0, "records of a user without a lane" },
	{ LANE, CUT, 0, 0, "a record that does not decode" },
	{ LANE, SET, 0, 2, "a record that does not decode" },
	{ LANE, SET, 1, 1, "a boot that did not come yet" },
	{ LANE, SET, 24, 0, "a job neither at work nor answered" },
	{ LANE, SET, 24, 9, "a number that was not given yet" },
	{ LANE, SET, 24, 9, "busy with a job that is not there" },
	{ LANE, SET, 28, 1, "a number that was not given yet" },
	{ LANE, SET, 32, 0, "unfinished is not the number of jobs" },
	{ LANE, SET, 32, 2, "unfinished is not the number of jobs" },
	{ SESSION, SET, 0, 4, "a record that does not decode" },
	{ SESSION, SET, 1, 1, "a fence that was not given yet" },
	{ SESSION, SET, 17, 1, "a boot that did not come yet" },
	{ SESSION, SET, 30, 2, "a record that does not decode" },
	{ SESSION, CUT, 0, 0, "a sealed text that does not open" },
	{ SESSION, SET, 70, 0, "a sealed text that does not open" },
	{ PAYLOAD, REMOVE, 0, 0, "a job without its message" },
	{ PAYLOAD, SET, 2, 0, "a sealed text that does not open" },
	{ REPLY, REMOVE, 0, 0, "a job neither at work nor answered" },
	{ REPLY, CUT, 0, 0, "a sealed text that does not open" },
	{ STATE, REMOVE, 0, 0, "a job without its state" },
	{ STATE, REMOVE, 0, 0, "a wake-up without a job" },
	{ STATE, REMOVE, 0, 0, "busy with a job that is not there" },
	{ STATE, CUT, 0, 0, "a record that does not decode" },
	{ STATE, SET, 62, 1,
	    "a voice message or follow-up that is at work and is not" },
	{ STATE, SET, 62, 2,
	    "a voice message or follow-up that is at work and is not" },
	{ STATE, SET, 62, 3, "a job without its answer" },
	{ STATE, SET, 62, 9, "a record that does not decode" },
	{ STAYS_STATE, SET, 62, 0, "an answer and a lane that disagree" },
	{ STAYS_STATE, SET, 62, 1,
	    "a voice message or follow-up that is at work and is not" },
	{ STAYS_REPLY, REMOVE, 0, 0, "a job without its answer" },
	{ STAYS_LANE, SET, 24, 0, "an answer and a lane that disagree" },
	{ STAYS_LANE, SET, 24, 2,
	    "a voice message or follow-up that is at work and is not" },
	{ STAYS_LANE, SET, 32, 1, "unfinished is not the number of jobs" },
	{ FOLLOW_STATE, SET, 62, 0, "a job neither at work nor answered" },
	{ FOLLOW_STATE, SET, 62, 3, "an answer and a lane that disagree" },
	{ FOLLOW_STATE, REMOVE, 0, 0, "a job without its state" },
	{ FOLLOW_PAYLOAD, REMOVE, 0, 0, "a job without its message" },
	{ FOLLOW_PAYLOAD, CUT, 0, 0, "a sealed text that does not open" },
	{ STATE, SET, 26, 1, "a fence that was not given yet" },
	{ STATE, SET, 41, 1, "a job that nothing will wake" },
	{ STATE, SET, 41, 1, "a wake-up at another time than its job's" },
	{ STATE, SET, 50, 1, "a boot that did not come yet" },
	{ DUE, REMOVE, 0, 0, "a job that nothing will wake" },
	{ DUE, REMOVE, 0, 0, "counts that disagree" },
	{ DUE, CUT, 0, 0, "a record that does not decode" },
	{ DUE, SET, 2, 64, "an owner that never was" },
	{ DUE, SET, 2, 7, "an owner that never was" },
	{ DUE, SET, 6, 9, "an owner that never was" },
	{ WORKER, CUT, 0, 0, "a record that does not decode" },
	{ WORKER, SET, 5, 1, "a boot that did not come yet" },
	{ DEAD, CUT, 0, 0, "a record that does not decode" },
};

struct planting {
	const struct damage *damage;
	const struct scene *scene;
};

static struct key
key_of(enum target target, const struct scene *scene)
{
	const struct store_job_id *asks = &scene->asks.id;
	const struct store_job_id *answered = &scene->answered.id;
	const struct store_job_id *stays = &scene->stays.id;

	switch (target) {
	case EVENT:
		return key_event("e1");
	case GLOBAL:
		return key_global();
	case LANE:
		return key_lane(asks->user);
	case SESSION:
		return key_session(answered->user);
	case PAYLOAD:
		return key_job(asks, PART_PAYLOAD);
	case REPLY:
		return key_job(answered, PART_REPLY);
	case STATE:
		return key_job(asks, PART_STATE);
	case STAYS_LANE:
		return key_lane(stays->user);
	case STAYS_REPLY:
		return key_job(stays, PART_REPLY);
	case STAYS_STATE:
		return key_job(stays, PART_STATE);
	case FOLLOW_PAYLOAD:
		return key_job(&scene->follow, PART_PAYLOAD);
	case FOLLOW_STATE:
		return key_job(&scene->follow, PART_STATE);
	case DUE:
		return key_due(at(LEASE_MS).boot_ms, asks);
	case WORKER:
		return key_worker(0);
	case DEAD:
		break;
	}
	return key_dead(at(1).wall_ms, &scene->dead.id);
}

static enum store_rc
plant(struct tx *tx, void *arg)
{
	const struct planting *p = arg;
	struct key key = key_of(p->damage->target, p->scene);
	struct bytes value;
	uint8_t copy[512];

	require(db_get(tx, key, &value) == STORE_OK);
	require(value.len <= sizeof(copy) && p->damage->offset < value.len);
	memcpy(copy, value.at, value.len);
	switch (p->damage->deed) {
	case REMOVE:
		return db_del(tx, key);
	case CUT:
		return db_put(tx, key, copy, value.len - 1);
	case SET:
		require(copy[p->damage->offset] != p->damage->byte);
		copy[p->damage->offset] = p->damage->byte;
		break;
	}
	return db_put(tx, key, copy, value.len);
}

static void
each_damage_is_named(void **state)
{
	struct store_now now = at(1);
	struct scene scene;
	struct planting p = { .scene = &scene };
	struct store_totals t;
	struct fixture *f;
	struct told told;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		void *fixture;

		fixture_setup(&fixture);
		f = fixture;
		scene = play(f->store);
		p.damage = &damages[i];
		assert_int_equal(tx_write(f->store, &now, 0, plant, &p),
		    STORE_OK);
		t = audit(f->store, at(2), &told);
		assert_int_not_equal(t.faults, 0);
		assert_told(&told, damages[i].what);
		fixture_teardown(&fixture);
	}
}

/* ------------------------------------------- records that are too many -- */

static const struct extra {
	const char *key;
	size_t len;
	const char *what;
} extras[] = {
	{ "?", 1, "a key of no known form" },
	{ "\0", 1, "a key of no known form" },
	{ "D", 1, "a key of no known form" },
	{ "Gx", 2, "a key of no known form" },
	{ "Ushort", 6, "a key of no known form" },
	{ "Uffffffffffffffff\0x", 19, "a key of no known form" },
	{ "Uffffffffffffffff\3", 18, "a key of no known form" },
	{ "Uffffffffffffffff\2\0\0\0\1x", 23, "a key of no known form" },
	{ "Uffffffffffffffff\2\0\0\0", 21, "a key of no known form" },
	{ "V", 1, "a record that does not decode" },
	{ "W\1\0", 3, "a key of no known form" },
	{ "X", 1, "a key of no known form" },
	{ "zzz", 3, "a key of no known form" },
};

/* Past the store's own functions, which know no such tables. */
static enum store_rc
plant_extra(struct tx *tx, void *arg)
{
	const struct extra *extra = arg;
	struct key key = key_copy((struct bytes){
	    .at = (const uint8_t *)extra->key, .len = extra->len });
	uint8_t one = 1;
	MDB_val k = { .mv_size = key.len, .mv_data = key.at };
	MDB_val v = { .mv_size = 1, .mv_data = &one };

	require(mdb_put(tx->txn, tx->store->dbi, &k, &v, 0) == 0);
	tx->dirty = true;
	return STORE_OK;
}

static void
each_record_too_many_is_named(void **state)
{
	struct fixture *f = *state;
	struct store_now now = at(1);
	struct store_totals t;
	struct extra extra;
	struct told told;
	size_t i;

	play(f->store);
	for (i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
		extra = extras[i];
		assert_int_equal(tx_write(f->store, &now, 0, plant_extra,
				     &extra),
		    STORE_OK);
		t = audit(f->store, at(2), &told);
		assert_int_equal(t.faults, told.n);
		assert_int_not_equal(told.n, 0);
		assert_told(&told, extra.what);
	}
}

/* ------------------------------------------------------ jobs and owners -- */

static enum store_rc
add_second_due(struct tx *tx, void *arg)
{
	struct due due = { .visible_ms = tx->now.boot_ms + 5,
		.id = *(const struct store_job_id *)arg,
		.owner = { .slot = OWNER_NONE } };

	return due_put(tx, &due);
}

static enum store_rc
send_to_sleep(struct tx *tx, void *arg)
{
	const struct owner nobody = { .slot = OWNER_NONE };
	const struct store_job_id *id = arg;
	struct job job;

	require(job_get(tx, id, &job) == STORE_OK);
	require(job_move(tx, id, &job, tx->now.boot_ms + 25 * HOUR_MS,
		    nobody) == STORE_OK);
	return job_put(tx, id, &job);
}

static enum store_rc
suspect(struct tx *tx, void *arg)
{
	const struct store_job_id *id = arg;
	struct job job;

	require(job_get(tx, id, &job) == STORE_OK);
	job.progress.crashes = 1;
	return job_put(tx, id, &job);
}

static const struct {
	tx_fn *plant;
	bool is_note;
	const char *what;
} deeds[] = {
	{ add_second_due, false, "a wake-up at another time than its job's" },
	{ send_to_sleep, false, "a job that sleeps for more than a day" },
	{ suspect, true, "its code crashed a process" },
};

static void
each_wrong_job_is_named(void **state)
{
	struct fixture *f = *state;
	struct store_now now = at(1);
	struct scene scene = play(f->store);
	struct store_totals t;
	struct told told;
	size_t i;

	for (i = sizeof(deeds) / sizeof(deeds[0]); i-- > 0;) {
		assert_int_equal(tx_write(f->store, &now, 0, deeds[i].plant,
				     &scene.asks.id),
		    STORE_OK);
		t = audit(f->store, at(2), &told);
		assert_int_equal(t.faults == 0, deeds[i].is_note);
		assert_told(&told, deeds[i].what);
	}
}

static void
a_dead_owner_and_a_late_job_are_notes(void **state)
{
	struct fixture *f = *state;
	struct store_totals t;
	struct told told;

	play(f->store);
	fixture_reopen(f, at(1));
	t = audit(f->store, at(2), &told);
	assert_int_equal(t.faults, 0);
	assert_int_equal(t.notes, 3); /* nobody owned the follow-up */
	assert_told(&told, "its owner lives no more");
	t = audit(f->store, at(LEASE_MS + 60002), &told);
	assert_int_equal(t.faults, 0);
	assert_told(&told, "due for more than a minute");
}

static void
after_a_boot_no_job_is_far_away(void **state)
{
	struct fixture *f = *state;
	struct told told;

	play(f->store);
	assert_int_equal(audit(f->store, after_boot(0), &told).faults, 0);
}

/* -------------------------------------------------------- the whole file -- */

/* Both heads of data.mdb claim one page less than there is. */
static void
forget_a_page(const struct fixture *f)
{
	enum { LAST_PAGE_AT = 136, PAGE = 4096 };
	uint64_t last;
	char path[128];
	int fd, head;

	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	fd = open(path, O_RDWR);
	assert_true(fd != -1);
	for (head = 0; head < 2; head++) {
		off_t where = head * PAGE + LAST_PAGE_AT;

		assert_int_equal(pread(fd, &last, 8, where), 8);
		last--;
		assert_int_equal(pwrite(fd, &last, 8, where), 8);
	}
	close(fd);
}

static void
a_page_used_twice_is_named(void **state)
{
	struct fixture *f = *state;
	struct scene scene = play(f->store);
	struct told told;

	/* What it writes moves to other pages: the last one is free then. */
	assert_int_equal(step(f->store, &scene.asks, STORE_SAVE, at(1)),
	    STORE_OK);
	store_close(&f->store);
	forget_a_page(f);
	f->store = fixture_open(f, at(1));
	audit(f->store, at(2), &told);
	assert_told(&told, "pages that are used twice");
}

static enum store_rc
put_many(struct tx *tx, void *arg)
{
	struct seen seen = { .seq = 1, .fate = STORE_ACCEPTED };
	bool good = *(const bool *)arg;
	char id[16];
	int i;

	for (i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "many%07d", i);
		seen.seq = good || i % 100 != 0;
		require(seen_put(tx, id, &seen) == STORE_OK);
	}
	return STORE_OK;
}

/* What goes on beside a check, from its callback. */
struct beside {
	struct fixture *f;
	size_t told;
};

static void
write_beside(void *arg, const struct store_fault *fault)
{
	struct beside *beside = arg;

	(void)fault;
	if (beside->told++ == 0)
		admit(beside->f->store, "beside", "U9", at(3));
}

static void
a_large_store_is_read_in_slices_while_others_write(void **state)
{
	struct fixture *f = *state;
	struct store_now now = at(1);
	struct beside beside = { .f = f };
	struct store_totals t;
	struct told told;
	bool good = true;

	play(f->store);
	assert_int_equal(tx_write(f->store, &now, 0, put_many, &good),
	    STORE_OK);
	t = audit(f->store, at(2), &told);
	assert_int_equal(t.faults, 0);
	assert_int_equal(t.events, MANY + 5);
	assert_true(t.whole);
	good = false;
	assert_int_equal(tx_write(f->store, &now, 0, put_many, &good),
	    STORE_OK);
	assert_int_equal(store_audit(f->store, at(2), write_beside, &beside,
			     &t),
	    STORE_OK);
	assert_int_equal(t.faults, MANY / 100);
	assert_int_equal(beside.told, MANY / 100);
	assert_int_equal(t.users, 5);
	assert_false(t.whole);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_healthy_store_has_no_fault_and_is_counted),
		cmocka_unit_test(each_damage_is_named),
		TEST(each_record_too_many_is_named),
		TEST(each_wrong_job_is_named),
		TEST(a_dead_owner_and_a_late_job_are_notes),
		TEST(after_a_boot_no_job_is_far_away),
		TEST(a_page_used_twice_is_named),
		TEST(a_large_store_is_read_in_slices_while_others_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Nobody is locked for ever, whichever record of his is damaged; but what a
 * newer program wrote is not touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/store_priv.h"
#include "tests/unit/store_fixture.h"

enum { RECORD = 256, WORN = UINT8_MAX };

static const struct store_sweep_rules rules = {
	.session_ttl_ms = HOUR_MS, .dead_ttl_ms = HOUR_MS, .force = true
};

/* What is done to a record: a byte is set, or all of it is removed. */
struct damage {
	struct key key;
	bool remove;
	size_t offset;
	uint8_t byte;
};

static enum store_rc
damage(struct tx *tx, void *arg)
{
	const struct damage *d = arg;
	uint8_t copy[RECORD];
	struct bytes b;

	require(db_get(tx, d->key, &b) == STORE_OK);
	if (d->remove)
		return db_del(tx, d->key);
	require(b.len <= sizeof(copy) && d->offset < b.len);
	memcpy(copy, b.at, b.len);
	copy[d->offset] = d->byte;
	return db_put(tx, d->key, copy, b.len);
}

static void
do_damage(struct fixture *f, struct damage d)
{
	struct store_now now = at(1);

	assert_int_equal(tx_write(f->store, &now, 0, damage, &d), STORE_OK);
}

static void
ignore(void *arg, const struct store_fault *fault)
{
	(void)arg;
	if (!fault->note)
		print_message("%s: %s\n", fault->where, fault->what);
}

static struct store_totals
audit(struct store *s, struct store_now now)
{
	struct store_totals t;

	assert_int_equal(store_audit(s, now, ignore, NULL, &t), STORE_OK);
	return t;
}

static size_t
sweep(struct fixture *f, struct store_now now)
{
	struct store_swept swept;

	assert_int_equal(store_sweep(f->store, &rules, now, &swept), STORE_OK);
	return swept.mended;
}

/* The first dead letter has what was there. */
static enum store_rc
first_letter(struct tx *tx, void *arg)
{
	struct key table = { .at = { TABLE_DEAD }, .len = 1 };
	struct bytes key, value;
	struct scan scan;

	require(scan_open(&scan, tx, table, table) == STORE_OK);
	require(scan_next(&scan, &key, &value) == STORE_OK);
	require(dead_decode(value, arg));
	scan_close(&scan);
	return STORE_OK;
}

static struct dead
letter(struct fixture *f)
{
	struct store_now now = at(1);
	struct dead dead;

	assert_int_equal(tx_read(f->store, &now, first_letter, &dead),
	    STORE_OK);
	return dead;
}

/* ---------------------------------------------------------------- jobs -- */

static const struct {
	bool remove;
	size_t offset;
	uint8_t byte;
} states[] = { { true, 0, 0 }, { false, 0, 0 }, { false, 0, 0x81 } };

static void
a_job_without_a_state_ends_and_its_user_is_told(void **state)
{
	struct fixture *f;
	struct store_lease lease, good;
	struct store_job job;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		void *fixture;

		fixture_setup(&fixture);
		f = fixture;
		lease = admit(f->store, "e1", "U1", at(0)).lease;
		good = admit(f->store, "e2", "U2", at(1)).lease;
		do_damage(f,
		    (struct damage){ key_job(&lease.id, PART_STATE),
			states[i].remove, states[i].offset, states[i].byte });
		lease = claim_one(f->store, at(LEASE_MS));
		/* All tries are used up, and the message can be read. */
		assert_int_equal(store_load(f->store, &lease, at(LEASE_MS),
				     &job),
		    STORE_OK);
		assert_int_equal(job.progress.tries, WORN);
		assert_true(job.aged);
		assert_string_equal(job.to, "U1");
		store_job_release(&job);
		assert_string_equal(letter(f).reason, "damaged state");
		assert_int_equal(letter(f).n_damaged,
		    states[i].remove ? 0 : 63);
		assert_int_equal(audit(f->store, at(LEASE_MS)).faults, 0);
		assert_int_equal(step(f->store, &lease, STORE_DEAD,
				     at(LEASE_MS)),
		    STORE_OK);
		assert_int_equal(admit(f->store, "e3", "U1", at(LEASE_MS)).fate,
		    STORE_ACCEPTED);
		lease = claim_one(f->store, at(LEASE_MS + 1));
		assert_memory_equal(lease.id.user, good.id.user, USER);
		fixture_teardown(&fixture);
	}
}

static void
a_job_that_lost_its_place_in_the_index_is_woken(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;

	do_damage(f,
	    (struct damage){
		key_due(at(LEASE_MS).boot_ms, &lease.id), true, 0, 0 });
	assert_int_equal(sweep(f, at(2)), 1);
	assert_int_equal(audit(f->store, at(3)).faults, 0);
	assert_int_equal(step(f->store, &lease, STORE_SAVE, at(3)),
	    STORE_FENCED);
	lease = claim_one(f->store, at(3));
	assert_int_equal(step(f->store, &lease, STORE_DONE, at(4)), STORE_OK);
	assert_int_equal(sweep(f, at(5)), 0);
}

static void
a_damaged_owner_is_a_dead_one(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;

	do_damage(f,
	    (struct damage){
		key_due(at(LEASE_MS).boot_ms, &lease.id), false, 0, 0x81 });
	lease = claim_one(f->store, at(LEASE_MS));
	assert_int_equal(step(f->store, &lease, STORE_DONE, at(LEASE_MS)),
	    STORE_OK);
	assert_int_equal(audit(f->store, at(LEASE_MS)).faults, 0);
}

static void
a_damaged_owner_does_not_keep_a_boot_from_being_noticed(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_lease newer = admit(f->store, "e2", "U2", at(1)).lease;

	do_damage(f,
	    (struct damage){
		key_due(at(LEASE_MS).boot_ms, &lease.id), false, 0, 0x81 });
	do_damage(f,
	    (struct damage){
		key_due(at(LEASE_MS + 1).boot_ms, &newer.id), false, 0, 2 });
	assert_int_equal(admit(f->store, "e3", "U3", after_boot(0)).fate,
	    STORE_ACCEPTED);
	assert_memory_equal(claim_one(f->store, after_boot(1)).id.user,
	    lease.id.user, USER);
}

/* --------------------------------------------------------------- lanes -- */

static const struct damage lanes[] = {
	{ .offset = 0, .byte = 0x81 },
	{ .offset = 0, .byte = 0 },
	{ .remove = true },
};

static void
a_damaged_lane_is_made_anew_when_its_job_ends(void **state)
{
	struct store_lease lease;
	struct fixture *f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
		struct damage d = lanes[i];
		void *fixture;

		fixture_setup(&fixture);
		f = fixture;
		lease = admit(f->store, "e1", "U1", at(0)).lease;
		d.key = key_lane(lease.id.user);
		do_damage(f, d);
		assert_int_equal(step(f->store, &lease, STORE_ANSWER, at(1)),
		    STORE_OK);
		assert_int_equal(step(f->store, &lease, STORE_DONE, at(2)),
		    STORE_OK);
		assert_int_equal(audit(f->store, at(3)).faults, 0);
		assert_string_equal(letter(f).reason, "damaged lane");
		assert_int_equal(admit(f->store, "e2", "U1", at(3)).fate,
		    STORE_ACCEPTED);
		fixture_teardown(&fixture);
	}
}

static void
a_damaged_lane_is_made_anew_when_its_user_speaks(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;

	do_damage(f,
	    (struct damage){ key_lane(lease.id.user), false, 0, 0x81 });
	assert_int_equal(admit(f->store, "e2", "U1", at(1)).fate,
	    STORE_DROPPED);
	assert_int_equal(letter(f).n_damaged, 53);
	assert_int_equal(letter(f).damaged[0], 0x81);
	assert_int_equal(audit(f->store, at(2)).faults, 0);
	assert_int_equal(step(f->store, &lease, STORE_DONE, at(2)), STORE_OK);
	lease = admit(f->store, "e3", "U1", at(3)).lease;
	/* A number that it never had. */
	assert_true(lease.id.seq > 1);
	assert_int_equal(audit(f->store, at(4)).faults, 0);
}

/* Whole records that say what is not so: offsets are FORMAT.md's. */
static const struct damage lies[] = {
	{ .offset = 24, .byte = 0 }, /* not busy, and has a question */
	{ .offset = 24, .byte = 9 }, /* busy with a job that is not there */
	{ .offset = 32, .byte = 0 }, { .offset = 32, .byte = 7 },
	{ .offset = 28, .byte = 1 }, /* a number that was given already */
};

static void
a_lane_that_lies_is_mended_by_the_sweep(void **state)
{
	struct store_lease lease;
	struct fixture *f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct damage d = lies[i];
		void *fixture;

		fixture_setup(&fixture);
		f = fixture;
		lease = admit(f->store, "e1", "U1", at(0)).lease;
		admit(f->store, "e2", "U2", at(0));
		d.key = key_lane(lease.id.user);
		do_damage(f, d);
		assert_int_not_equal(audit(f->store, at(1)).faults, 0);
		assert_int_equal(sweep(f, at(2)), 1);
		assert_int_equal(audit(f->store, at(3)).faults, 0);
		assert_int_equal(sweep(f, at(4)), 0);
		assert_int_equal(admit(f->store, "e3", "U1", at(4)).fate,
		    STORE_DROPPED);
		fixture_teardown(&fixture);
	}
}

/* With a follow-up, which does not count. */
static void
who_waits_for_a_second_answer_is_mended_as_busy(void **state)
{
	struct fixture *f = *state;
	struct store_step say = {
		.lease = admit(f->store, "e1", "U1", at(0)).lease,
		.kind = STORE_ANSWER,
		.lease_ms = LEASE_MS,
		.reply = "reply",
		.reply_len = 5,
		.stays_busy = true,
		.follow = "more",
		.follow_wait_ms = LEASE_MS,
	};

	assert_int_equal(store_steps(f->store, &say, 1, at(1)), STORE_OK);
	assert_int_equal(sweep(f, at(2)), 0);
	do_damage(f,
	    (struct damage){ key_lane(say.lease.id.user), false, 0, 0x81 });
	assert_int_equal(admit(f->store, "e2", "U1", at(3)).fate,
	    STORE_DROPPED);
	assert_int_equal(audit(f->store, at(3)).faults, 0);
	say.stays_busy = false;
	say.follow = NULL;
	assert_int_equal(store_steps(f->store, &say, 1, at(4)), STORE_OK);
	assert_int_equal(say.rc, STORE_OK);
	assert_int_equal(admit(f->store, "e3", "U1", at(5)).fate,
	    STORE_ACCEPTED);
	assert_int_equal(audit(f->store, at(6)).faults, 0);
}

static void
what_a_newer_program_wrote_is_left(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_lease other = admit(f->store, "e2", "U2", at(0)).lease;
	struct store_stat stat;
	size_t n;

	do_damage(f, (struct damage){ key_lane(lease.id.user), false, 0, 2 });
	do_damage(f,
	    (struct damage){
		key_job(&other.id, PART_STATE), false, 0, STATE_VERSION + 1 });
	assert_int_equal(admit(f->store, "e3", "U1", at(1)).fate,
	    STORE_DROPPED);
	assert_int_equal(step(f->store, &lease, STORE_DONE, at(1)),
	    STORE_CORRUPT);
	assert_int_equal(step(f->store, &other, STORE_DONE, at(1)),
	    STORE_CORRUPT);
	assert_int_equal(sweep(f, at(2)), 0);
	/* Nothing holds up the others. */
	assert_int_equal(claim_one(f->store, at(LEASE_MS)).id.seq, 1);
	assert_int_equal(store_claim(f->store, 1, 0, LEASE_MS, at(LEASE_MS),
			     &lease, &n, NULL),
	    STORE_NONE);
	assert_int_equal(store_stat(f->store, at(3), &stat, NULL, 0, &n),
	    STORE_OK);
	assert_int_equal(stat.dead, 0);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_job_without_a_state_ends_and_its_user_is_told),
		TEST(a_job_that_lost_its_place_in_the_index_is_woken),
		TEST(a_damaged_owner_is_a_dead_one),
		TEST(a_damaged_owner_does_not_keep_a_boot_from_being_noticed),
		cmocka_unit_test(a_damaged_lane_is_made_anew_when_its_job_ends),
		TEST(a_damaged_lane_is_made_anew_when_its_user_speaks),
		cmocka_unit_test(a_lane_that_lies_is_mended_by_the_sweep),
		TEST(who_waits_for_a_second_answer_is_mended_as_busy),
		TEST(what_a_newer_program_wrote_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Records are read and written as tests/data/store shows them, and what does
 * not decode is told from what does, and stays.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/store_priv.h"
#include "tests/unit/data.h"
#include "tests/unit/store_fixture.h"

enum { RECORD_MAX = 512 };

/* The bytes of a .hex file: pairs of digits; "#" starts a comment. */
struct record {
	uint8_t at[RECORD_MAX];
	size_t len;
};

static const uint8_t user[USER] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
	13, 14, 15 };
static const struct store_job_id job_id = {
	.user = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	.seq = 7,
};

static uint8_t
byte_of(const char *digits)
{
	char pair[3] = { digits[0], digits[1], '\0' };

	return (uint8_t)strtoul(pair, NULL, 16);
}

static struct record
record_read(const char *name)
{
	struct record r = { .len = 0 };
	char path[64], *text;
	const char *at;

	snprintf(path, sizeof(path), "tests/data/store/%s.hex", name);
	text = data_read(path, NULL);
	for (at = text; *at != '\0';) {
		if (*at == '#')
			at += strcspn(at, "\n");
		else if (!isxdigit((unsigned char)*at))
			at++;
		else {
			assert_true(r.len < RECORD_MAX);
			r.at[r.len++] = byte_of(at);
			at += 2;
		}
	}
	free(text);
	return r;
}

static struct bytes
bytes_of(const struct record *r)
{
	struct bytes b = { .at = r->at, .len = r->len };

	return b;
}

/* The same name for all decoders, for the tables below. */
static bool
decode_due(struct bytes b, void *due)
{
	struct record key = record_read("due-key");

	return due_decode(bytes_of(&key), b, due);
}

#define DECODER(noun)                                        \
	static bool decode_##noun(struct bytes b, void *out) \
	{                                                    \
		return noun##_decode(b, out);                \
	}
DECODER(seen)
DECODER(global)
DECODER(lane)
DECODER(session)
DECODER(job)
DECODER(worker)
DECODER(dead)
DECODER(payload)

union any {
	struct seen seen;
	struct global global;
	struct lane lane;
	struct session session;
	struct job job;
	struct due due;
	struct worker worker;
	struct dead dead;
	struct payload payload;
};

static const struct {
	const char *name;
	bool (*decode)(struct bytes, void *);
	bool open_end; /* what follows is sealed, and not looked at here */
} decoders[] = {
	{ "event", decode_seen, false },
	{ "global", decode_global, false },
	{ "lane", decode_lane, false },
	{ "session", decode_session, true },
	{ "session-1", decode_session, true },
	{ "session-2", decode_session, true },
	{ "state", decode_job, false },
	{ "state-1", decode_job, false },
	{ "state-2", decode_job, false },
	{ "due", decode_due, false },
	{ "worker", decode_worker, false },
	{ "dead", decode_dead, false },
	{ "dead-1", decode_dead, false },
	{ "payload", decode_payload, false },
};

enum { DECODERS = sizeof(decoders) / sizeof(decoders[0]) };

static void
old_bytes_decode_and_nothing_near_them(void **state)
{
	struct record r;
	union any any;
	uint8_t version;
	size_t i, len;

	(void)state;
	for (i = 0; i < DECODERS; i++) {
		r = record_read(decoders[i].name);
		if (!decoders[i].decode(bytes_of(&r), &any))
			fail_msg("%s does not decode", decoders[i].name);
		version = r.at[0];
		r.at[0] = 9;
		if (decoders[i].decode(bytes_of(&r), &any))
			fail_msg("%s: unknown version", decoders[i].name);
		r.at[0] = version;
		len = r.len;
		r.len++;
		if (decoders[i].decode(bytes_of(&r), &any) !=
		    decoders[i].open_end)
			fail_msg("%s: one byte more", decoders[i].name);
		if (decoders[i].open_end)
			len -= 2;
		for (r.len = 0; r.len < len; r.len++)
			if (decoders[i].decode(bytes_of(&r), &any))
				fail_msg("%s: cut at %zu", decoders[i].name,
				    r.len);
	}
}

static void
the_fields_have_their_places(void **state)
{
	struct record r = record_read("lane");
	union any any;

	(void)state;
	assert_true(lane_decode(bytes_of(&r), &any.lane));
	assert_int_equal(any.lane.bucket.milli, 19500);
	assert_int_equal(any.lane.busy_seq, 7);
	assert_int_equal(any.lane.next_seq, 8);
	assert_int_equal(any.lane.unfinished, 2);
	assert_int_equal(any.lane.notice_ms, 50000789);
	assert_int_equal(any.lane.used_ms, 1790000000999);
	r = record_read("state");
	assert_true(job_decode(bytes_of(&r), &any.job));
	assert_int_equal(any.job.progress.stage, 3);
	assert_int_equal(any.job.progress.outcome, 4);
	assert_int_equal(any.job.progress.sends, 500);
	assert_int_equal(any.job.fence, 0x1234);
	assert_int_equal(any.job.visible_ms, 50060000);
	assert_int_equal(any.job.created_ms, 1790000000001);
	assert_int_equal(any.job.role, JOB_STAYS);
	r = record_read("session");
	assert_true(session_decode(bytes_of(&r), &any.session));
	assert_int_equal(any.session.pairs, 2);
	assert_int_equal(any.session.prefs[1], 2);
	assert_int_equal(any.session.prefs[7], 8);
	r = record_read("due");
	assert_true(decode_due(bytes_of(&r), &any.due));
	assert_int_equal(any.due.owner.slot, 3);
	assert_int_equal(any.due.visible_ms, 50060000);
	assert_int_equal(any.due.id.seq, 7);
	r = record_read("payload");
	assert_true(payload_decode(bytes_of(&r), &any.payload));
	assert_string_equal(any.payload.to, "U1");
	assert_string_equal(any.payload.text, "question");
}

static void
what_old_records_did_not_say_has_its_meaning(void **state)
{
	static const uint8_t none[STORE_PREFS];
	struct record r = record_read("state-1");
	union any any;

	(void)state;
	assert_true(job_decode(bytes_of(&r), &any.job));
	assert_int_equal(any.job.created_ms, 1790000000001);
	assert_int_equal(any.job.role, JOB_QUESTION);
	r = record_read("state-2");
	assert_true(job_decode(bytes_of(&r), &any.job));
	assert_int_equal(any.job.role, JOB_VOICE);
	r.at[r.len - 1] = JOB_FOLLOW; /* there was none then */
	assert_false(job_decode(bytes_of(&r), &any.job));
	r = record_read("state");
	r.at[r.len - 1] = JOB_ROLE__MAX;
	assert_false(job_decode(bytes_of(&r), &any.job));
	r = record_read("session-1");
	assert_true(session_decode(bytes_of(&r), &any.session));
	assert_int_equal(any.session.changed_boot, 0);
	assert_memory_equal(any.session.prefs, none, STORE_PREFS);
	r = record_read("session-2");
	assert_true(session_decode(bytes_of(&r), &any.session));
	assert_int_equal(any.session.changed_boot, 2);
	assert_memory_equal(any.session.prefs, none, STORE_PREFS);
}

static void
turns_are_read_and_only_as_many_as_there_are(void **state)
{
	struct record r = record_read("turns");
	struct store_turn turns[6];

	(void)state;
	assert_true(session_turns(bytes_of(&r), 2, turns));
	assert_string_equal(turns[0].text, "q1");
	assert_string_equal(turns[2].text, "q2");
	assert_string_equal(turns[3].text, "");
	assert_true(turns[2].from_user);
	assert_false(turns[3].from_user);
	assert_false(session_turns(bytes_of(&r), 1, turns));
	assert_false(session_turns(bytes_of(&r), 3, turns));
	r.at[4] = '\0'; /* a NUL within a text */
	assert_false(session_turns(bytes_of(&r), 2, turns));
}

static void
an_old_sealed_record_opens(void **state)
{
	struct record r = record_read("sealed");
	uint8_t key[SEAL_KEY], *plain;
	struct seal *seal;
	size_t i, len;

	(void)state;
	for (i = 0; i < SEAL_KEY; i++)
		key[i] = (uint8_t)i;
	seal = seal_new(key);
	assert_non_null(seal);
	assert_int_equal(seal_open(seal, SEAL_REPLY, user, r.at, r.len, &plain,
			     &len),
	    SEAL_OK);
	assert_int_equal(len, 5);
	assert_memory_equal(plain, "reply", 5);
	seal_free(seal);
}

/* Writes what was read, so that the record can be compared. */
static enum store_rc
write_again(struct tx *tx, void *arg)
{
	struct record r;
	union any any;

	(void)arg;
	r = record_read("event");
	require(seen_decode(bytes_of(&r), &any.seen));
	require(seen_put(tx, "e", &any.seen) == STORE_OK);
	r = record_read("lane");
	require(lane_decode(bytes_of(&r), &any.lane));
	require(lane_put(tx, user, &any.lane) == STORE_OK);
	r = record_read("state");
	require(job_decode(bytes_of(&r), &any.job));
	require(job_put(tx, &job_id, &any.job) == STORE_OK);
	r = record_read("due");
	require(decode_due(bytes_of(&r), &any.due));
	require(due_put(tx, &any.due) == STORE_OK);
	r = record_read("dead");
	require(dead_decode(bytes_of(&r), &any.dead));
	return dead_put(tx, &job_id, &any.dead);
}

static enum store_rc
compare_all(struct tx *tx, void *arg)
{
	const struct {
		const char *name;
		struct key key;
	} records[] = {
		{ "event", key_event("e") },
		{ "lane", key_lane(user) },
		{ "state", key_job(&job_id, PART_STATE) },
		{ "due", key_due(50060000, &job_id) },
		{ "dead", key_dead(tx->now.wall_ms, &job_id) },
	};
	struct record want;
	struct bytes got;
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		want = record_read(records[i].name);
		require(db_get(tx, records[i].key, &got) == STORE_OK);
		require(got.len == want.len);
		require(memcmp(got.at, want.at, want.len) == 0);
	}
	return STORE_OK;
}

static void
records_are_written_as_they_were_read(void **state)
{
	struct fixture *f = *state;
	struct store_now now = at(0);
	struct record want = record_read("global");
	struct global global;
	uint8_t got[RECORD_MAX];

	assert_int_equal(tx_write(f->store, &now, 1000, write_again, NULL),
	    STORE_OK);
	assert_int_equal(tx_read(f->store, &now, compare_all, NULL), STORE_OK);
	assert_true(global_decode(bytes_of(&want), &global));
	assert_int_equal(global_encode(&global, got, sizeof(got)), want.len);
	assert_memory_equal(got, want.at, want.len);
}

/* Flips the last byte of a record. */
static enum store_rc
damage(struct tx *tx, void *arg)
{
	const struct key *key = arg;
	struct record r = { .len = 0 };
	struct bytes b;
	enum store_rc rc = db_get(tx, *key, &b);

	if (rc != STORE_OK)
		return rc;
	require(b.len <= RECORD_MAX);
	memcpy(r.at, b.at, b.len);
	r.len = b.len;
	r.at[0] ^= 0x80;
	r.at[r.len - 1] ^= 1;
	return db_put(tx, *key, r.at, r.len);
}

static void
damage_record(struct fixture *f, struct key key)
{
	struct store_now now = at(0);

	assert_int_equal(tx_write(f->store, &now, 1000, damage, &key),
	    STORE_OK);
}

static void
a_damaged_message_is_corrupt_and_stays(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_job job;

	damage_record(f, key_job(&lease.id, PART_PAYLOAD));
	assert_int_equal(store_load(f->store, &lease, at(1), &job),
	    STORE_CORRUPT);
	assert_null(job.memory);
	damage_record(f, key_job(&lease.id, PART_PAYLOAD)); /* undone */
	assert_int_equal(store_load(f->store, &lease, at(1), &job), STORE_OK);
	store_job_release(&job);
}

static void
a_damaged_session_is_left_and_its_user_answered(void **state)
{
	struct fixture *f = *state;
	struct store_step answer = {
		.lease = admit(f->store, "e1", "U1", at(0)).lease,
		.kind = STORE_ANSWER,
		.lease_ms = LEASE_MS,
		.reply = "r",
		.reply_len = 1,
		.question = "q",
		.answer = "a",
		.history_turns = 9,
		.history_bytes = 99,
	};
	struct store_job job;

	assert_int_equal(store_steps(f->store, &answer, 1, at(1)), STORE_OK);
	damage_record(f, key_session(answer.lease.id.user));
	assert_int_equal(store_load(f->store, &answer.lease, at(2), &job),
	    STORE_OK);
	assert_int_equal(job.n_turns, 0);
	store_job_release(&job);
	assert_int_equal(store_steps(f->store, &answer, 1, at(3)), STORE_OK);
	assert_int_equal(answer.rc, STORE_OK);
	assert_int_equal(step(f->store, &answer.lease, STORE_DONE, at(4)),
	    STORE_OK);
	assert_int_equal(admit(f->store, "e2", "U1", at(5)).fate,
	    STORE_ACCEPTED);
}

static void
a_damaged_global_record_is_corrupt(void **state)
{
	struct fixture *f = *state;
	struct store_event e = message("e1", "U1");
	struct store_verdict v;

	damage_record(f, key_global());
	assert_int_equal(store_admit(f->store, &e, 1, &generous, at(1), &v),
	    STORE_CORRUPT);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_bytes_decode_and_nothing_near_them),
		cmocka_unit_test(the_fields_have_their_places),
		cmocka_unit_test(what_old_records_did_not_say_has_its_meaning),
		cmocka_unit_test(turns_are_read_and_only_as_many_as_there_are),
		cmocka_unit_test(an_old_sealed_record_opens),
		TEST(records_are_written_as_they_were_read),
		TEST(a_damaged_message_is_corrupt_and_stays),
		TEST(a_damaged_session_is_left_and_its_user_answered),
		TEST(a_damaged_global_record_is_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

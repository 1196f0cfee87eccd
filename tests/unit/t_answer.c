/*
 * An answer that comes in two steps keeps its user busy until the second one,
 * what more there is to say is a job of its own, and what a user chose stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

enum { FOLLOW_STAGE = 4, FOLLOW_MS = 1000 };

static const uint8_t chosen[STORE_PREFS] = { 1, 0, 2, 0, 0, 0, 0, 255 };
static const uint8_t none[STORE_PREFS];

static struct store_step
answer_step(const struct store_lease *lease, const char *reply)
{
	struct store_step step = {
		.lease = *lease,
		.kind = STORE_ANSWER,
		.progress = { .stage = 3, .tries = 1 },
		.lease_ms = LEASE_MS,
		.reply = reply,
		.reply_len = reply == NULL ? 0 : strlen(reply),
		.history_turns = 3,
		.history_bytes = 100,
	};

	return step;
}

static enum store_rc
run(struct store *s, struct store_step *step, struct store_now now)
{
	require(store_steps(s, step, 1, now) == STORE_OK);
	return step->rc;
}

/* The first of two answers: the text is there, something is to be added. */
static enum store_rc
answer_first(struct store *s, const struct store_lease *lease,
    struct store_now now)
{
	struct store_step step = answer_step(lease, "the first");

	step.stays_busy = true;
	step.question = "q";
	step.answer = "a";
	return run(s, &step, now);
}

static enum store_rc
answer(struct store *s, const struct store_lease *lease, const char *reply,
    struct store_now now)
{
	struct store_step step = answer_step(lease, reply);

	return run(s, &step, now);
}

static void
assert_reply(struct store *s, const struct store_lease *lease,
    const char *reply, struct store_now now)
{
	struct store_job job;

	assert_int_equal(store_load(s, lease, now, &job), STORE_OK);
	assert_non_null(job.reply);
	assert_string_equal(job.reply, reply);
	assert_int_equal(job.n_turns, 2);
	store_job_release(&job);
}

static void
assert_busy(struct store *s, const char *id, bool busy, struct store_now now)
{
	assert_int_equal(admit(s, id, "U1", now).fate,
	    busy ? STORE_DROPPED : STORE_ACCEPTED);
}

static struct store_stat
stat_of(struct store *s, struct store_now now)
{
	struct store_stat stat;
	size_t n;

	require(store_stat(s, now, &stat, NULL, 0, &n) == STORE_OK);
	return stat;
}

static void
tell_nobody(void *arg, const struct store_fault *fault)
{
	(void)arg;
	print_message("%s: %s\n", fault->where, fault->what);
}

/* Whatever a test did, the check finds nothing wrong with it. */
static int
teardown(void **state)
{
	struct fixture *f = *state;
	struct store_totals t;

	require(store_audit(f->store, at(9), tell_nobody, NULL, &t) ==
	    STORE_OK);
	require(t.faults == 0);
	return fixture_teardown(state);
}

/* ---------------------------------------------------------- two answers -- */

static void
the_second_answer_frees_the_user_and_replaces_the_first(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;

	assert_int_equal(answer_first(f->store, &lease, at(1)), STORE_OK);
	assert_reply(f->store, &lease, "the first", at(2));
	assert_busy(f->store, "e2", true, at(2));
	assert_int_equal(stat_of(f->store, at(2)).active, 1);
	assert_int_equal(answer(f->store, &lease, "the second one", at(3)),
	    STORE_OK);
	assert_reply(f->store, &lease, "the second one", at(4));
	assert_busy(f->store, "e3", false, at(4));
	/* The end of the first question is not the end of the next one. */
	assert_int_equal(step(f->store, &lease, STORE_DONE, at(5)), STORE_OK);
	assert_busy(f->store, "e4", true, at(6));
}

static void
the_first_answer_can_be_kept(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;

	assert_int_equal(answer(f->store, &lease, NULL, at(1)), STORE_NONE);
	assert_busy(f->store, "e2", true, at(1));
	assert_int_equal(answer_first(f->store, &lease, at(2)), STORE_OK);
	assert_int_equal(answer(f->store, &lease, NULL, at(3)), STORE_OK);
	assert_reply(f->store, &lease, "the first", at(4));
	assert_busy(f->store, "e3", false, at(4));
}

static void
the_next_worker_goes_on_between_two_answers(void **state)
{
	struct fixture *f = *state;
	struct store_lease late = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_lease lease;

	assert_int_equal(answer_first(f->store, &late, at(1)), STORE_OK);
	lease = claim_one(f->store, at(1 + LEASE_MS));
	assert_reply(f->store, &lease, "the first", at(2 + LEASE_MS));
	assert_busy(f->store, "e2", true, at(2 + LEASE_MS));
	assert_int_equal(answer(f->store, &late, "late", at(3 + LEASE_MS)),
	    STORE_FENCED);
	assert_busy(f->store, "e3", true, at(3 + LEASE_MS));
	assert_int_equal(answer(f->store, &lease, "second", at(4 + LEASE_MS)),
	    STORE_OK);
	assert_busy(f->store, "e4", false, at(5 + LEASE_MS));
}

static void
a_user_stays_busy_while_his_job_waits_and_over_a_boot(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;

	assert_int_equal(answer_first(f->store, &lease, at(1)), STORE_OK);
	assert_int_equal(step(f->store, &lease, STORE_WAIT, at(2)), STORE_OK);
	assert_busy(f->store, "e2", true, at(3));
	fixture_reopen(f, after_boot(0));
	assert_busy(f->store, "e3", true, after_boot(0));
	lease = claim_one(f->store, after_boot(1));
	assert_reply(f->store, &lease, "the first", after_boot(2));
	assert_int_equal(answer(f->store, &lease, "second", after_boot(3)),
	    STORE_OK);
	assert_busy(f->store, "e4", false, after_boot(4));
}

static void
an_end_between_two_answers_frees_the_user(void **state)
{
	static const enum store_step_kind ends[] = { STORE_DONE, STORE_DEAD };
	static const char *const ids[][3] = { { "a1", "a2", "a3" },
		{ "b1", "b2", "b3" } };
	struct fixture *f = *state;
	struct store_lease lease;
	size_t i;

	for (i = 0; i < 2; i++) {
		lease = admit(f->store, ids[i][0], "U1", at(0)).lease;
		assert_int_equal(answer_first(f->store, &lease, at(1)),
		    STORE_OK);
		assert_busy(f->store, ids[i][1], true, at(2));
		assert_int_equal(step(f->store, &lease, ends[i], at(3)),
		    STORE_OK);
		assert_int_equal(stat_of(f->store, at(4)).active, 0);
		assert_int_equal(stat_of(f->store, at(4)).unfinished, 0);
	}
	assert_busy(f->store, "c1", false, at(5));
}

/* Nobody was busy with it, so nobody stays so. */
static void
an_answer_to_what_was_not_heard_keeps_nobody_busy(void **state)
{
	struct fixture *f = *state;
	struct store_event voice = message("v1", "U1");
	struct store_verdict v;

	voice.voice = true;
	assert_int_equal(store_admit(f->store, &voice, 1, &generous, at(0), &v),
	    STORE_OK);
	assert_int_equal(answer_first(f->store, &v.lease, at(1)), STORE_OK);
	assert_busy(f->store, "e1", false, at(2));
}

static void
killed_between_two_answers(struct store *s, void *arg)
{
	struct store_lease *lease = arg;

	*lease = admit(s, "e1", "U1", at(0)).lease;
	require(answer_first(s, lease, at(1)) == STORE_OK);
}

static void
a_worker_killed_between_two_answers_is_replaced_at_once(void **state)
{
	struct fixture *f = *state;
	struct peer *peer = peer_start(f, at(0));
	struct store_lease late, lease;

	assert_int_equal(peer_join(peer, at(0)), STORE_OK);
	memset(&late, 0, sizeof(late));
	peer_do(peer, killed_between_two_answers, &late, sizeof(late));
	peer_kill(&peer);
	assert_busy(f->store, "e2", true, at(2));
	lease = claim_one(f->store, at(3));
	assert_memory_equal(&lease.id, &late.id, sizeof(lease.id));
	assert_reply(f->store, &lease, "the first", at(4));
	assert_int_equal(answer(f->store, &lease, "second", at(5)), STORE_OK);
	assert_busy(f->store, "e3", false, at(6));
}

/* ----------------------------------------------------------- follow-ups -- */

/* The answer without what takes longer, which follows. */
static struct store_step
answer_and_follow(const struct store_lease *lease)
{
	struct store_step step = answer_step(lease, "reply");

	step.follow = "say it \xc3\xa4loud";
	step.follow_stage = FOLLOW_STAGE;
	step.follow_wait_ms = FOLLOW_MS;
	return step;
}

/* The next event of the user, answered with a follow-up and done. */
static void
talk(struct store *s, const char *id, struct store_now now)
{
	struct store_lease lease = admit(s, id, "U1", now).lease;
	struct store_step say = answer_and_follow(&lease);

	require(run(s, &say, now) == STORE_OK);
	require(step(s, &lease, STORE_DONE, now) == STORE_OK);
}

static void
assert_follows(const struct store_job *job, const struct store_job *parent)
{
	assert_true(job->voice);
	assert_string_equal(job->text, "say it \xc3\xa4loud");
	assert_string_equal(job->to, parent->to);
	assert_int_equal(job->direct, parent->direct);
	assert_string_equal(job->reply_token, "");
	assert_string_equal(job->quote_token, "");
	assert_null(job->reply);
	assert_int_equal(job->progress.stage, FOLLOW_STAGE);
	assert_int_equal(job->progress.tries, 1);
	assert_int_equal(job->progress.interrupted, 0);
	assert_int_equal(job->received_ms, parent->received_ms);
	assert_false(job->aged);
	assert_int_equal(job->created_ms, at(1).wall_ms);
	assert_memory_not_equal(job->retry_key, parent->retry_key,
	    sizeof(job->retry_key));
	assert_int_equal(job->retry_key[6] >> 4, 4); /* a UUID as LINE wants */
	assert_int_equal(job->retry_key[8] >> 6, 2);
}

static void
a_follow_up_is_a_job_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_step say = answer_and_follow(&lease);
	struct store_job parent, job;
	size_t n;

	assert_int_equal(store_load(f->store, &lease, at(0), &parent),
	    STORE_OK);
	assert_int_equal(run(f->store, &say, at(1)), STORE_OK);
	assert_int_equal(stat_of(f->store, at(1)).unfinished, 2);
	assert_int_equal(step(f->store, &lease, STORE_DONE, at(2)), STORE_OK);
	assert_int_equal(stat_of(f->store, at(2)).unfinished, 1);
	assert_int_equal(store_orphans(f->store, at(2), &n), STORE_OK);
	assert_int_equal(n, 1);
	assert_int_equal(store_claim(f->store, 1, 0, LEASE_MS, at(FOLLOW_MS),
			     &lease, &n, NULL),
	    STORE_NONE);
	lease = claim_one(f->store, at(1 + FOLLOW_MS));
	assert_int_equal(lease.id.seq, 2);
	assert_int_equal(store_load(f->store, &lease, at(2 + FOLLOW_MS), &job),
	    STORE_OK);
	assert_follows(&job, &parent);
	store_job_release(&parent);
	store_job_release(&job);
	assert_int_equal(step(f->store, &lease, STORE_DONE, at(3 + FOLLOW_MS)),
	    STORE_OK);
	assert_int_equal(stat_of(f->store, at(9)).unfinished, 0);
}

static void
a_follow_up_neither_locks_nor_frees_its_user(void **state)
{
	struct fixture *f = *state;
	struct store_session_info info;
	struct store_stat stat;
	struct store_lease lease;
	size_t n;

	talk(f->store, "e1", at(1));
	assert_int_equal(store_stat(f->store, at(2), &stat, &info, 1, &n),
	    STORE_OK);
	assert_int_equal(info.state, STORE_IDLE);
	assert_int_equal(info.job, 2);
	assert_busy(f->store, "e2", false, at(2));
	lease = claim_one(f->store, at(1 + FOLLOW_MS));
	assert_int_equal(lease.id.seq, 2);
	assert_int_equal(answer(f->store, &lease, "sound", at(2 + FOLLOW_MS)),
	    STORE_OK);
	assert_busy(f->store, "e3", true, at(3 + FOLLOW_MS));
	assert_int_equal(step(f->store, &lease, STORE_DEAD, at(3 + FOLLOW_MS)),
	    STORE_OK);
	assert_busy(f->store, "e4", true, at(4 + FOLLOW_MS));
	assert_int_equal(stat_of(f->store, at(9)).unfinished, 1);
}

static void
a_follow_up_is_not_heard(void **state)
{
	struct fixture *f = *state;
	struct store_step heard = {
		.kind = STORE_HEARD, .lease_ms = LEASE_MS, .text = "words"
	};

	talk(f->store, "e1", at(1));
	heard.lease = claim_one(f->store, at(1 + FOLLOW_MS));
	assert_int_equal(run(f->store, &heard, at(2 + FOLLOW_MS)),
	    STORE_FENCED);
}

static void
retry_key_of(struct store *s, struct store_now now, uint8_t key[16])
{
	struct store_lease lease = claim_one(s, now);
	struct store_job job;

	require(store_load(s, &lease, now, &job) == STORE_OK);
	memcpy(key, job.retry_key, sizeof(job.retry_key));
	store_job_release(&job);
	require(step(s, &lease, STORE_DONE, now) == STORE_OK);
}

static void
follow_ups_have_the_keys_that_their_jobs_give_them(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_step say = answer_and_follow(&lease);
	uint8_t keys[3][16];

	/* Two of one job, which nobody wants, show that nothing else counts. */
	assert_int_equal(run(f->store, &say, at(1)), STORE_OK);
	retry_key_of(f->store, at(1 + FOLLOW_MS), keys[0]);
	assert_int_equal(run(f->store, &say, at(2 + FOLLOW_MS)), STORE_OK);
	retry_key_of(f->store, at(3 + 2 * FOLLOW_MS), keys[1]);
	assert_memory_equal(keys[0], keys[1], sizeof(keys[0]));
	assert_int_equal(step(f->store, &lease, STORE_DONE,
			     at(4 + 2 * FOLLOW_MS)),
	    STORE_OK);
	talk(f->store, "e2", at(5 + 2 * FOLLOW_MS));
	retry_key_of(f->store, at(6 + 3 * FOLLOW_MS), keys[2]);
	assert_memory_not_equal(keys[0], keys[2], sizeof(keys[0]));
}

static void
who_lost_the_job_makes_no_follow_up(void **state)
{
	struct fixture *f = *state;
	struct store_lease late = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_lease lease = claim_one(f->store, at(LEASE_MS));
	struct store_step say = answer_and_follow(&late);

	assert_int_equal(run(f->store, &say, at(LEASE_MS + 1)), STORE_FENCED);
	assert_int_equal(stat_of(f->store, at(LEASE_MS + 2)).unfinished, 1);
	assert_int_equal(step(f->store, &lease, STORE_DONE, at(LEASE_MS + 3)),
	    STORE_OK);
}

static void
a_follow_up_without_end_is_refused(void **state)
{
	struct fixture *f = *state;
	static char text[STORE_TEXT_MAX + 2];
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_step say = answer_and_follow(&lease);

	memset(text, 'w', STORE_TEXT_MAX + 1);
	say.follow = text;
	assert_int_equal(store_steps(f->store, &say, 1, at(1)), STORE_ERR);
	text[STORE_TEXT_MAX] = '\0';
	assert_int_equal(run(f->store, &say, at(2)), STORE_OK);
}

static void
a_follow_up_comes_with_the_first_of_two_answers(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_step say = answer_and_follow(&lease);

	say.stays_busy = true;
	assert_int_equal(run(f->store, &say, at(1)), STORE_OK);
	assert_busy(f->store, "e2", true, at(2));
	assert_int_equal(claim_one(f->store, at(1 + FOLLOW_MS)).id.seq, 2);
	assert_busy(f->store, "e3", true, at(2 + FOLLOW_MS));
	assert_int_equal(answer(f->store, &lease, "b", at(3 + FOLLOW_MS)),
	    STORE_OK);
	assert_busy(f->store, "e4", false, at(4 + FOLLOW_MS));
}

/* ---------------------------------------------------------------- prefs -- */

/* What the user's session says: his prefs, and how many turns there are. */
static void
assert_session(struct store *s, const char *id, const uint8_t *prefs,
    size_t n_turns, struct store_now now)
{
	struct store_lease lease = admit(s, id, "U1", now).lease;
	struct store_job job;

	assert_int_equal(store_load(s, &lease, now, &job), STORE_OK);
	assert_memory_equal(job.prefs, prefs, STORE_PREFS);
	assert_int_equal(job.n_turns, n_turns);
	store_job_release(&job);
	assert_int_equal(step(s, &lease, STORE_DONE, now), STORE_OK);
}

/* An event that sets prefs, or says something, or both. */
static void
change(struct store *s, const char *id, const uint8_t *prefs,
    const char *question, struct store_now now)
{
	struct store_lease lease = admit(s, id, "U1", now).lease;
	struct store_step say = answer_step(&lease, "reply");

	say.prefs = prefs;
	say.question = question;
	say.answer = "a";
	require(run(s, &say, now) == STORE_OK);
	require(step(s, &lease, STORE_DONE, now) == STORE_OK);
}

static void
prefs_make_a_session_and_leave_the_turns(void **state)
{
	struct fixture *f = *state;
	struct store_stat stat;

	assert_session(f->store, "x1", none, 0, at(0));
	change(f->store, "e1", chosen, NULL, at(1));
	assert_session(f->store, "x2", chosen, 0, at(2));
	stat = stat_of(f->store, at(2));
	assert_int_equal(stat.total, 1);
	change(f->store, "e2", NULL, "q1", at(3));
	assert_session(f->store, "x3", chosen, 2, at(4));
	change(f->store, "e3", none, NULL, at(5));
	assert_session(f->store, "x4", none, 2, at(6));
	change(f->store, "e4", chosen, "q2", at(7));
	fixture_reopen(f, at(8));
	assert_session(f->store, "x5", chosen, 4, at(8));
}

static void
a_session_that_holds_nothing_is_none(void **state)
{
	struct fixture *f = *state;

	change(f->store, "e1", none, NULL, at(1));
	assert_int_equal(stat_of(f->store, at(2)).total, 0);
	change(f->store, "e2", chosen, NULL, at(3));
	assert_int_equal(stat_of(f->store, at(4)).total, 1);
	change(f->store, "e3", none, NULL, at(5));
	assert_int_equal(stat_of(f->store, at(6)).total, 0);
}

static void
who_remembers_no_turns_keeps_his_prefs(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease;
	struct store_step say;

	change(f->store, "e1", chosen, "q1", at(1));
	lease = admit(f->store, "e2", "U1", at(2)).lease;
	say = answer_step(&lease, "reply");
	say.question = "q2";
	say.answer = "a2";
	say.history_turns = 0;
	assert_int_equal(run(f->store, &say, at(3)), STORE_OK);
	assert_int_equal(step(f->store, &lease, STORE_DONE, at(3)), STORE_OK);
	assert_session(f->store, "x1", chosen, 0, at(4));
}

static void
prefs_are_forgotten_with_their_session(void **state)
{
	struct fixture *f = *state;

	change(f->store, "e1", chosen, "q1", at(1));
	f->place.session_ttl_ms = HOUR_MS;
	fixture_reopen(f, at(2));
	assert_session(f->store, "x1", chosen, 2, at(HOUR_MS));
	assert_session(f->store, "x2", none, 0, at(HOUR_MS + 2));
	change(f->store, "e2", NULL, "q2", at(HOUR_MS + 3));
	assert_session(f->store, "x3", none, 2, at(HOUR_MS + 4));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_second_answer_frees_the_user_and_replaces_the_first),
		TEST(the_first_answer_can_be_kept),
		TEST(the_next_worker_goes_on_between_two_answers),
		TEST(a_user_stays_busy_while_his_job_waits_and_over_a_boot),
		TEST(an_end_between_two_answers_frees_the_user),
		TEST(an_answer_to_what_was_not_heard_keeps_nobody_busy),
		TEST(a_worker_killed_between_two_answers_is_replaced_at_once),
		TEST(a_follow_up_is_a_job_of_its_own),
		TEST(a_follow_up_neither_locks_nor_frees_its_user),
		TEST(a_follow_up_is_not_heard),
		TEST(follow_ups_have_the_keys_that_their_jobs_give_them),
		TEST(who_lost_the_job_makes_no_follow_up),
		TEST(a_follow_up_without_end_is_refused),
		TEST(a_follow_up_comes_with_the_first_of_two_answers),
		TEST(prefs_make_a_session_and_leave_the_turns),
		TEST(a_session_that_holds_nothing_is_none),
		TEST(who_remembers_no_turns_keeps_his_prefs),
		TEST(prefs_are_forgotten_with_their_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

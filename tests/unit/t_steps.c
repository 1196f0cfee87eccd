/*
 * What a step committed is what the next worker finds, and a session keeps
 * the newest turns within its limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

enum { TURNS = 3, BYTES = 40 };

static struct store_step
answer_step(const struct store_lease *lease, const char *question,
    const char *answer)
{
	struct store_step step = {
		.lease = *lease,
		.kind = STORE_ANSWER,
		.progress = { .stage = 3, .tries = 1, .intent = 2, .flags = 5 },
		.lease_ms = LEASE_MS,
		.reply = "{\"reply\":\0\x01}",
		.reply_len = 12,
		.question = question,
		.answer = answer,
		.history_turns = TURNS,
		.history_bytes = BYTES,
	};

	return step;
}

/* One whole conversation turn of a user. */
static void
talk(struct store *s, const char *id, const char *chat, const char *question,
    const char *answer)
{
	struct store_lease lease = admit(s, id, chat, at(0)).lease;
	struct store_step step = answer_step(&lease, question, answer);

	assert_int_equal(store_steps(s, &step, 1, at(1)), STORE_OK);
	assert_int_equal(step.rc, STORE_OK);
	step.kind = STORE_DONE;
	assert_int_equal(store_steps(s, &step, 1, at(2)), STORE_OK);
	assert_int_equal(step.rc, STORE_OK);
}

/* The user's session as one line: "question>answer|question>answer|". */
static const char *
session_of(struct store *s, const char *id, const char *chat)
{
	static char line[256];
	struct store_lease lease = admit(s, id, chat, at(5)).lease;
	struct store_job job;
	size_t i, len = 0;

	assert_int_equal(store_load(s, &lease, at(6), &job), STORE_OK);
	line[0] = '\0';
	for (i = 0; i < job.n_turns; i++) {
		assert_int_equal(job.turns[i].from_user, i % 2 == 0);
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%c",
		    job.turns[i].text, i % 2 == 0 ? '>' : '|');
	}
	store_job_release(&job);
	assert_int_equal(step(s, &lease, STORE_DONE, at(7)), STORE_OK);
	return line;
}

/* Member by member: there are holes between them. */
static void
assert_same_progress(const struct store_progress *a,
    const struct store_progress *b)
{
	assert_int_equal(a->stage, b->stage);
	assert_int_equal(a->tries, b->tries);
	assert_int_equal(a->crashes, b->crashes);
	assert_int_equal(a->interrupted, b->interrupted);
	assert_int_equal(a->intent, b->intent);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->sends, b->sends);
	assert_int_equal(a->deadline_ms, b->deadline_ms);
	assert_int_equal(a->first_push_ms, b->first_push_ms);
}

static void
saved_progress_and_a_new_lease_are_found_again(void **state)
{
	struct fixture *f = *state;
	struct store_progress want = {
		.stage = 7,
		.tries = 3,
		.crashes = 1,
		.interrupted = 1,
		.intent = 2,
		.flags = 9,
		.outcome = 4,
		.sends = 500,
		.deadline_ms = 50000123,
		.first_push_ms = 1790000000123,
	};
	struct store_step step = {
		.lease = admit(f->store, "e1", "U1", at(0)).lease,
		.kind = STORE_SAVE,
		.progress = want,
		.lease_ms = LEASE_MS,
	};
	struct store_lease lease;
	struct store_job job;
	size_t n;

	assert_int_equal(store_steps(f->store, &step, 1, at(100)), STORE_OK);
	assert_int_equal(step.rc, STORE_OK);
	assert_int_equal(store_load(f->store, &step.lease, at(101), &job),
	    STORE_OK);
	assert_same_progress(&job.progress, &want);
	store_job_release(&job);
	assert_int_equal(store_claim(f->store, 1, 0, LEASE_MS,
			     at(100 + LEASE_MS - 1), &lease, &n, NULL),
	    STORE_NONE);
	assert_int_equal(store_claim(f->store, 1, 0, LEASE_MS,
			     at(100 + LEASE_MS), &lease, &n, &(bool){ false }),
	    STORE_OK);
}

static void
an_answer_frees_the_user_and_is_kept_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	struct store_lease first = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_step step = answer_step(&first, "q1", "a1");
	struct store_verdict v;
	struct store_job job;

	assert_int_equal(admit(f->store, "e2", "U1", at(1)).fate,
	    STORE_DROPPED);
	assert_int_equal(store_steps(f->store, &step, 1, at(2)), STORE_OK);
	v = admit(f->store, "e3", "U1", at(3));
	assert_int_equal(v.fate, STORE_ACCEPTED);
	assert_int_equal(v.lease.id.seq, 2);
	assert_int_equal(store_load(f->store, &first, at(4), &job), STORE_OK);
	assert_int_equal(job.reply_len, step.reply_len);
	assert_memory_equal(job.reply, step.reply, step.reply_len);
	assert_int_equal(job.n_turns, 2);
	store_job_release(&job);
	/* The first one's end must not free the second question. */
	step.kind = STORE_DONE;
	assert_int_equal(store_steps(f->store, &step, 1, at(5)), STORE_OK);
	assert_int_equal(admit(f->store, "e4", "U1", at(6)).fate,
	    STORE_DROPPED);
}

static void
an_answer_without_a_turn_leaves_the_session_alone(void **state)
{
	struct fixture *f = *state;

	talk(f->store, "e1", "U1", "q1", "a1");
	talk(f->store, "e2", "U1", NULL, NULL);
	assert_string_equal(session_of(f->store, "e3", "U1"), "q1>a1|");
}

static void
a_session_keeps_the_last_turns(void **state)
{
	struct fixture *f = *state;

	talk(f->store, "e1", "U1", "q1", "a1");
	assert_string_equal(session_of(f->store, "x1", "U1"), "q1>a1|");
	talk(f->store, "e2", "U1", "q2", "a2");
	talk(f->store, "e3", "U1", "q3", "a3");
	assert_string_equal(session_of(f->store, "x2", "U1"),
	    "q1>a1|q2>a2|q3>a3|");
	talk(f->store, "e4", "U1", "q4", "a4");
	fixture_reopen(f, at(4));
	assert_string_equal(session_of(f->store, "x3", "U1"),
	    "q2>a2|q3>a3|q4>a4|");
	assert_string_equal(session_of(f->store, "x4", "U2"), "");
}

static void
a_session_idle_for_too_long_is_forgotten_at_once(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease;
	struct store_job job;

	talk(f->store, "e1", "U1", "q1", "a1");
	f->place.session_ttl_ms = HOUR_MS;
	fixture_reopen(f, at(4));
	assert_string_equal(session_of(f->store, "x1", "U1"), "q1>a1|");
	lease = admit(f->store, "x2", "U1", at(HOUR_MS + 2)).lease;
	assert_int_equal(store_load(f->store, &lease, at(HOUR_MS + 2), &job),
	    STORE_OK);
	assert_int_equal(job.n_turns, 0);
	store_job_release(&job);
}

static void
a_session_keeps_within_its_bytes(void **state)
{
	struct fixture *f = *state;

	talk(f->store, "e1", "U1", "1234567890", "1234567890");
	talk(f->store, "e2", "U1", "abcdefghij", "abcdefghij");
	assert_string_equal(session_of(f->store, "x1", "U1"),
	    "1234567890>1234567890|abcdefghij>abcdefghij|");
	talk(f->store, "e3", "U1", "q", "a");
	assert_string_equal(session_of(f->store, "x2", "U1"),
	    "abcdefghij>abcdefghij|q>a|");
	talk(f->store, "e4", "U1", "", "");
	assert_string_equal(session_of(f->store, "x3", "U1"),
	    "abcdefghij>abcdefghij|q>a|>|");
}

static void
a_turn_larger_than_a_session_is_cut_and_kept(void **state)
{
	struct fixture *f = *state;

	talk(f->store, "e1", "U1", "q1", "a1");
	talk(f->store, "e2", "U1", "a question",
	    "0123456789012345678901234567890123456789");
	assert_string_equal(session_of(f->store, "x1", "U1"),
	    "a question>012345678901234567890123456789|");
	talk(f->store, "e3", "U1",
	    "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij", "a3");
	assert_string_equal(session_of(f->store, "x2", "U1"),
	    "abcdefghijabcdefghijabcdefghijabcdefgh>a3|");
	/* Never inside a character, which here has three bytes. */
	talk(f->store, "e4", "U1", "q4",
	    "\xe4\xb8\x80\xe4\xba\x8c\xe4\xb8\x89\xe5\x9b\x9b\xe4\xba\x94"
	    "\xe5\x85\xad\xe4\xb8\x83\xe5\x85\xab\xe4\xb9\x9d\xe5\x8d\x81"
	    "\xe4\xb8\x80\xe4\xba\x8c\xe4\xb8\x89");
	assert_string_equal(session_of(f->store, "x3", "U1"),
	    "q4>"
	    "\xe4\xba\x8c\xe4\xb8\x89\xe5\x9b\x9b\xe4\xba\x94"
	    "\xe5\x85\xad\xe4\xb8\x83\xe5\x85\xab\xe4\xb9\x9d\xe5\x8d\x81"
	    "\xe4\xb8\x80\xe4\xba\x8c\xe4\xb8\x89|");
}

static void
two_answers_to_one_user_in_one_call_are_both_remembered(void **state)
{
	struct fixture *f = *state;
	struct store_lease first = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_step steps[2];

	assert_int_equal(step(f->store, &first, STORE_ANSWER, at(1)), STORE_OK);
	steps[0] = answer_step(&first, "q1", "a1");
	steps[1].lease = admit(f->store, "e2", "U1", at(2)).lease;
	steps[1] = answer_step(&steps[1].lease, "q2", "a2");
	assert_int_equal(store_steps(f->store, steps, 2, at(3)), STORE_OK);
	assert_int_equal(steps[0].rc, STORE_OK);
	assert_int_equal(steps[1].rc, STORE_OK);
	assert_string_equal(session_of(f->store, "x1", "U1"), "q1>a1|q2>a2|");
}

static void
talk_once(struct store *s, void *arg)
{
	const char *chat = arg;
	struct store_lease lease = admit(s, "e1", chat, at(0)).lease;
	struct store_step step = answer_step(&lease, "q1", "a1");

	require(store_steps(s, &step, 1, at(1)) == STORE_OK);
	step.kind = STORE_DONE;
	require(store_steps(s, &step, 1, at(2)) == STORE_OK);
	require(step.rc == STORE_OK);
}

static void
sessions_written_by_several_processes_lose_nothing(void **state)
{
	struct fixture *f = *state;
	struct peer *peer = peer_start(f, at(0));
	char chat[] = "U1";

	assert_int_equal(peer_join(peer, at(0)), STORE_OK);
	peer_do(peer, talk_once, chat, sizeof(chat));
	peer_end(&peer);
	talk(f->store, "e2", "U1", "q2", "a2");
	assert_string_equal(session_of(f->store, "x1", "U1"), "q1>a1|q2>a2|");
}

static void
a_fenced_step_leaves_the_others_alone(void **state)
{
	struct fixture *f = *state;
	struct store_lease good = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_lease late = admit(f->store, "e2", "U2", at(0)).lease;
	struct store_step steps[2];
	struct store_stat stat;
	size_t n;

	late.fence--;
	steps[0] = answer_step(&late, "q", "a");
	steps[1] = answer_step(&good, "q", "a");
	assert_int_equal(store_steps(f->store, steps, 2, at(1)), STORE_OK);
	assert_int_equal(steps[0].rc, STORE_FENCED);
	assert_int_equal(steps[1].rc, STORE_OK);
	assert_int_equal(store_stat(f->store, at(2), &stat, NULL, 0, &n),
	    STORE_OK);
	assert_int_equal(stat.active, 1);
	assert_int_equal(stat.unfinished, 2);
}

static void
done_and_dead_leave_no_job_behind(void **state)
{
	struct fixture *f = *state;
	struct store_lease done = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_lease dead = admit(f->store, "e2", "U2", at(0)).lease;
	struct store_session_info info;
	struct store_stat stat;
	size_t n;

	assert_int_equal(step(f->store, &done, STORE_DONE, at(1)), STORE_OK);
	assert_int_equal(step(f->store, &dead, STORE_DEAD, at(1)), STORE_OK);
	assert_int_equal(store_stat(f->store, at(2), &stat, &info, 1, &n),
	    STORE_OK);
	assert_int_equal(n, 0);
	assert_int_equal(stat.unfinished, 0);
	assert_int_equal(stat.active, 0);
	assert_int_equal(stat.total, 0);
	assert_int_equal(stat.dead, 1);
	assert_int_equal(admit(f->store, "e3", "U2", at(3)).fate,
	    STORE_ACCEPTED);
}

static void
stat_shows_those_at_work_first(void **state)
{
	struct fixture *f = *state;
	struct store_session_info infos[8];
	struct store_stat stat;
	size_t n, i;
	char id[8];

	for (i = 0; i < 6; i++) {
		snprintf(id, sizeof(id), "e%zu", i);
		talk(f->store, id, id, "q", "a");
	}
	admit(f->store, "w1", "e2", at(10));
	admit(f->store, "w2", "e4", at(10));
	assert_int_equal(store_stat(f->store, at(1001), &stat, infos, 8, &n),
	    STORE_OK);
	assert_int_equal(n, 6);
	assert_int_equal(stat.total, 6);
	assert_int_equal(stat.active, 2);
	for (i = 0; i < n; i++) {
		assert_int_equal(infos[i].state,
		    i < 2 ? STORE_WORKING : STORE_IDLE);
		assert_int_equal(infos[i].job, i < 2 ? 2 : 0);
		assert_int_equal(infos[i].age_ms, 1000);
		assert_int_equal(strlen(infos[i].user), 16);
	}
	assert_int_equal(store_stat(f->store, at(1001), &stat, infos, 3, &n),
	    STORE_OK);
	assert_int_equal(n, 3);
	assert_int_equal(infos[1].state, STORE_WORKING);
	assert_int_equal(infos[2].state, STORE_IDLE);
}

static void
a_reply_that_is_too_large_is_refused(void **state)
{
	struct fixture *f = *state;
	static const char large[4 * STORE_TEXT_MAX + 1];
	struct store_lease lease = admit(f->store, "e1", "U1", at(0)).lease;
	struct store_step step = answer_step(&lease, "q", "a");

	step.reply = large;
	step.reply_len = sizeof(large);
	assert_int_equal(store_steps(f->store, &step, 1, at(1)), STORE_ERR);
	step.reply_len = sizeof(large) - 1;
	assert_int_equal(store_steps(f->store, &step, 1, at(1)), STORE_OK);
	assert_int_equal(step.rc, STORE_OK);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(saved_progress_and_a_new_lease_are_found_again),
		TEST(an_answer_frees_the_user_and_is_kept_byte_for_byte),
		TEST(an_answer_without_a_turn_leaves_the_session_alone),
		TEST(a_session_keeps_the_last_turns),
		TEST(a_session_idle_for_too_long_is_forgotten_at_once),
		TEST(a_session_keeps_within_its_bytes),
		TEST(a_turn_larger_than_a_session_is_cut_and_kept),
		TEST(two_answers_to_one_user_in_one_call_are_both_remembered),
		TEST(sessions_written_by_several_processes_lose_nothing),
		TEST(a_fenced_step_leaves_the_others_alone),
		TEST(done_and_dead_leave_no_job_behind),
		TEST(stat_shows_those_at_work_first),
		TEST(a_reply_that_is_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

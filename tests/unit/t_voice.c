/*
 * A voice message keeps nobody from asking until it is heard, and of all that
 * a user said meanwhile the first to be understood is answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

static struct store_verdict
admit_voice(struct store *s, const char *id, const char *chat,
    struct store_now now)
{
	struct store_event event = message(id, chat);
	struct store_verdict v;

	event.text = "325708";
	event.voice = true;
	require(store_admit(s, &event, 1, &generous, now, &v) == STORE_OK);
	return v;
}

static enum store_rc
heard(struct store *s, const struct store_lease *lease, const char *text,
    struct store_now now)
{
	struct store_step step = {
		.lease = *lease,
		.kind = STORE_HEARD,
		.progress = { .tries = 1 },
		.lease_ms = LEASE_MS,
		.text = text,
	};

	require(store_steps(s, &step, 1, now) == STORE_OK);
	return step.rc;
}

static size_t
unfinished(struct store *s, struct store_now now)
{
	struct store_stat stat;
	size_t n;

	require(store_stat(s, now, &stat, NULL, 0, &n) == STORE_OK);
	return stat.unfinished;
}

static void
a_user_may_write_until_he_is_heard(void **state)
{
	struct fixture *f = *state;
	struct store_verdict voice = admit_voice(f->store, "v1", "U1", at(0));
	struct store_verdict text;

	assert_int_equal(voice.fate, STORE_ACCEPTED);
	text = admit(f->store, "e1", "U1", at(1));
	assert_int_equal(text.fate, STORE_ACCEPTED);
	assert_int_equal(heard(f->store, &voice.lease, "words", at(2)),
	    STORE_NONE);
	assert_int_equal(unfinished(f->store, at(3)), 1);
	assert_int_equal(heard(f->store, &voice.lease, "words", at(3)),
	    STORE_FENCED);
	/* The question that came first is none the worse for it. */
	assert_int_equal(admit(f->store, "e2", "U1", at(3)).fate,
	    STORE_DROPPED);
	assert_int_equal(step(f->store, &text.lease, STORE_ANSWER, at(4)),
	    STORE_OK);
}

static void
what_was_heard_is_the_users_question(void **state)
{
	struct fixture *f = *state;
	struct store_lease voice =
	    admit_voice(f->store, "v1", "U1", at(0)).lease;

	assert_int_equal(heard(f->store, &voice, "words", at(1)), STORE_OK);
	assert_int_equal(admit(f->store, "e1", "U1", at(2)).fate,
	    STORE_DROPPED);
	assert_int_equal(admit_voice(f->store, "v2", "U1", at(2)).fate,
	    STORE_DROPPED);
	assert_int_equal(heard(f->store, &voice, "other words", at(3)),
	    STORE_FENCED);
	assert_int_equal(step(f->store, &voice, STORE_ANSWER, at(4)), STORE_OK);
	assert_int_equal(admit(f->store, "e2", "U1", at(5)).fate,
	    STORE_ACCEPTED);
}

static void
of_several_the_first_to_be_heard_is_answered(void **state)
{
	struct fixture *f = *state;
	struct store_lease first, second, third;

	first = admit_voice(f->store, "v1", "U1", at(0)).lease;
	second = admit_voice(f->store, "v2", "U1", at(1)).lease;
	third = admit_voice(f->store, "v3", "U1", at(2)).lease;
	assert_int_equal(heard(f->store, &second, "words", at(3)), STORE_OK);
	assert_int_equal(heard(f->store, &first, "one", at(4)), STORE_NONE);
	assert_int_equal(heard(f->store, &third, "three", at(4)), STORE_NONE);
	assert_int_equal(unfinished(f->store, at(5)), 1);
	assert_int_equal(step(f->store, &second, STORE_DONE, at(6)), STORE_OK);
	assert_int_equal(unfinished(f->store, at(7)), 0);
	assert_int_equal(admit(f->store, "e1", "U1", at(8)).fate,
	    STORE_ACCEPTED);
}

/* The parts of a job that nothing changes. */
static void
assert_same_way(const struct store_job *a, const struct store_job *b)
{
	assert_string_equal(a->to, b->to);
	assert_string_equal(a->reply_token, b->reply_token);
	assert_string_equal(a->quote_token, b->quote_token);
	assert_memory_equal(a->retry_key, b->retry_key, sizeof(a->retry_key));
	assert_int_equal(a->direct, b->direct);
	assert_int_equal(a->received_ms, b->received_ms);
	assert_int_equal(a->created_ms, b->created_ms);
}

static void
the_next_worker_finds_what_was_heard(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease =
	    admit_voice(f->store, "v1", "U1", at(0)).lease;
	struct store_job before, after;

	assert_int_equal(store_load(f->store, &lease, at(1), &before),
	    STORE_OK);
	assert_true(before.voice);
	assert_string_equal(before.text, "325708");
	assert_int_equal(heard(f->store, &lease, "w\xc3\xb6rter", at(2)),
	    STORE_OK);
	lease = claim_one(f->store, at(2 + LEASE_MS));
	assert_int_equal(store_load(f->store, &lease, at(3 + LEASE_MS), &after),
	    STORE_OK);
	assert_false(after.voice);
	assert_string_equal(after.text, "w\xc3\xb6rter");
	assert_same_way(&before, &after);
	store_job_release(&before);
	store_job_release(&after);
}

static void
who_lost_the_job_has_heard_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_lease late =
	    admit_voice(f->store, "v1", "U1", at(0)).lease;
	struct store_lease lease = claim_one(f->store, at(LEASE_MS));
	struct store_job job;

	assert_int_equal(heard(f->store, &late, "late", at(LEASE_MS + 1)),
	    STORE_FENCED);
	assert_int_equal(store_load(f->store, &lease, at(LEASE_MS + 2), &job),
	    STORE_OK);
	assert_true(job.voice);
	assert_string_equal(job.text, "325708");
	store_job_release(&job);
	assert_int_equal(heard(f->store, &lease, "words", at(LEASE_MS + 3)),
	    STORE_OK);
}

static void
an_excuse_for_a_voice_message_frees_no_other_question(void **state)
{
	struct fixture *f = *state;
	struct store_lease voice =
	    admit_voice(f->store, "v1", "U1", at(0)).lease;

	assert_int_equal(admit(f->store, "e1", "U1", at(1)).fate,
	    STORE_ACCEPTED);
	assert_int_equal(step(f->store, &voice, STORE_ANSWER, at(2)), STORE_OK);
	assert_int_equal(step(f->store, &voice, STORE_DONE, at(3)), STORE_OK);
	assert_int_equal(admit(f->store, "e2", "U1", at(4)).fate,
	    STORE_DROPPED);
	assert_int_equal(unfinished(f->store, at(5)), 1);
}

static void
a_voice_message_waits_and_is_heard_later(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease =
	    admit_voice(f->store, "v1", "U1", at(0)).lease;

	assert_int_equal(step(f->store, &lease, STORE_WAIT, at(1)), STORE_OK);
	assert_int_equal(heard(f->store, &lease, "words", at(2)), STORE_FENCED);
	lease = claim_one(f->store, at(5001));
	assert_int_equal(heard(f->store, &lease, "words", at(5002)), STORE_OK);
	assert_int_equal(admit(f->store, "e1", "U1", at(5003)).fate,
	    STORE_DROPPED);
}

static void
a_voice_message_shows_as_such(void **state)
{
	struct fixture *f = *state;
	struct store_session_info info;
	struct store_stat stat;
	struct store_lease lease =
	    admit_voice(f->store, "v1", "U1", at(0)).lease;
	size_t n;

	assert_int_equal(store_stat(f->store, at(1), &stat, &info, 1, &n),
	    STORE_OK);
	assert_int_equal(n, 1);
	assert_int_equal(info.state, STORE_HEARING);
	assert_int_equal(info.job, lease.id.seq);
	assert_int_equal(stat.active, 0);
	assert_int_equal(heard(f->store, &lease, "words", at(2)), STORE_OK);
	assert_int_equal(store_stat(f->store, at(3), &stat, &info, 1, &n),
	    STORE_OK);
	assert_int_equal(info.state, STORE_WORKING);
	assert_int_equal(stat.active, 1);
}

static void
words_without_end_are_refused(void **state)
{
	struct fixture *f = *state;
	static char text[STORE_TEXT_MAX + 2];
	struct store_step step = {
		.lease = admit_voice(f->store, "v1", "U1", at(0)).lease,
		.kind = STORE_HEARD,
		.lease_ms = LEASE_MS,
		.text = text,
	};

	memset(text, 'w', STORE_TEXT_MAX + 1);
	assert_int_equal(store_steps(f->store, &step, 1, at(1)), STORE_ERR);
	text[STORE_TEXT_MAX] = '\0';
	assert_int_equal(store_steps(f->store, &step, 1, at(2)), STORE_OK);
	assert_int_equal(step.rc, STORE_OK);
}

/* What another worker is asked to do. */
struct errand {
	struct store_lease lease;
	enum store_rc rc;
};

static void
hear_it(struct store *s, void *arg)
{
	struct errand *errand = arg;

	errand->lease = admit_voice(s, "v1", "U1", at(1)).lease;
	errand->rc = heard(s, &errand->lease, "words", at(3));
}

static void
another_worker_is_told_that_the_user_is_busy(void **state)
{
	struct fixture *f = *state;
	struct peer *peer = peer_start(f, at(0));
	struct store_lease mine =
	    admit_voice(f->store, "v0", "U1", at(0)).lease;
	struct errand errand = { .rc = STORE_ERR };

	assert_int_equal(peer_join(peer, at(0)), STORE_OK);
	peer_do(peer, hear_it, &errand, sizeof(errand));
	assert_int_equal(errand.rc, STORE_OK);
	assert_int_equal(heard(f->store, &mine, "late", at(4)), STORE_NONE);
	peer_end(&peer);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_user_may_write_until_he_is_heard),
		TEST(what_was_heard_is_the_users_question),
		TEST(of_several_the_first_to_be_heard_is_answered),
		TEST(the_next_worker_finds_what_was_heard),
		TEST(who_lost_the_job_has_heard_nothing),
		TEST(an_excuse_for_a_voice_message_frees_no_other_question),
		TEST(a_voice_message_waits_and_is_heard_later),
		TEST(a_voice_message_shows_as_such),
		TEST(words_without_end_are_refused),
		TEST(another_worker_is_told_that_the_user_is_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

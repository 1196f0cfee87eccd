/*
 * An event becomes a job once, in the order and under the limits that
 * store.h promises, whichever process takes it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

static struct store_verdict
admit_with(struct store *s, const char *id, const char *chat,
    const struct store_limits *limits, struct store_now now)
{
	struct store_event e = message(id, chat);
	struct store_verdict v;

	require(store_admit(s, &e, 1, limits, now, &v) == STORE_OK);
	return v;
}

static void
a_first_message_becomes_a_leased_job(void **state)
{
	struct fixture *f = *state;
	struct store_verdict v = admit(f->store, "e1", "U1", at(0));
	struct store_job job;

	assert_int_equal(v.fate, STORE_ACCEPTED);
	assert_false(v.notify);
	assert_int_equal(v.lease.id.seq, 1);
	assert_int_equal(store_load(f->store, &v.lease, at(5), &job), STORE_OK);
	assert_string_equal(job.text, "question");
	assert_string_equal(job.to, "U1");
	assert_string_equal(job.reply_token, "token");
	assert_string_equal(job.quote_token, "");
	assert_null(job.reply);
	assert_int_equal(job.n_turns, 0);
	assert_true(job.direct);
	assert_false(job.aged);
	assert_int_equal(job.progress.tries, 1);
	assert_int_equal(job.received_ms, at(0).boot_ms);
	assert_int_equal(job.created_ms, at(0).wall_ms);
	assert_int_equal(job.retry_key[6] >> 4, 4);
	assert_int_equal(job.retry_key[8] >> 6, 2);
	store_job_release(&job);
}

static void
a_duplicate_changes_nothing_but_the_tokens_age(void **state)
{
	struct fixture *f = *state;
	struct store_verdict v = admit(f->store, "e1", "U1", at(0));
	struct store_job job;

	assert_int_equal(admit(f->store, "e1", "U1", at(700)).fate,
	    STORE_DUPLICATE);
	assert_int_equal(store_load(f->store, &v.lease, at(800), &job),
	    STORE_OK);
	assert_int_equal(job.received_ms, at(700).boot_ms);
	assert_int_equal(job.created_ms, at(0).wall_ms);
	store_job_release(&job);
	assert_int_equal(step(f->store, &v.lease, STORE_DONE, at(900)),
	    STORE_OK);
	assert_int_equal(admit(f->store, "e1", "U1", at(1000)).fate,
	    STORE_DUPLICATE);
	fixture_reopen(f, at(1100));
	assert_int_equal(admit(f->store, "e1", "U1", at(1200)).fate,
	    STORE_DUPLICATE);
}

static void
one_call_decides_about_its_events_in_their_order(void **state)
{
	struct fixture *f = *state;
	struct store_event events[] = {
		message("e1", "U1"),
		message("e1", "U1"),
		message("e2", "U1"),
		message("e3", "U2"),
		message("e4", "U3"),
	};
	struct store_verdict v[5];
	struct store_limits limits = generous;

	limits.global_tokens = 2;
	assert_int_equal(store_admit(f->store, events, 5, &limits, at(0), v),
	    STORE_OK);
	assert_int_equal(v[0].fate, STORE_ACCEPTED);
	assert_int_equal(v[1].fate, STORE_DUPLICATE);
	assert_int_equal(v[2].fate, STORE_DROPPED);
	assert_int_equal(v[3].fate, STORE_ACCEPTED);
	assert_int_equal(v[4].fate, STORE_SYSTEM_BUSY);
	assert_false(v[2].notify);
	assert_true(v[4].notify);
	assert_memory_not_equal(v[0].lease.id.user, v[3].lease.id.user,
	    sizeof(v[0].lease.id.user));
}

static void
an_event_a_day_older_than_the_newest_is_ignored(void **state)
{
	struct fixture *f = *state;
	struct store_event e[] = { message("e1", "U1"), message("e2", "U2"),
		message("e3", "U3") };
	struct store_verdict v[3];

	e[1].line_ms -= (int64_t)24 * HOUR_MS + 1;
	e[2].line_ms -= (int64_t)24 * HOUR_MS;
	assert_int_equal(store_admit(f->store, e, 3, &generous, at(0), v),
	    STORE_OK);
	assert_int_equal(v[1].fate, STORE_OLD);
	assert_int_equal(v[2].fate, STORE_ACCEPTED);
}

static void
a_busy_user_is_dropped_before_any_token_is_counted(void **state)
{
	struct fixture *f = *state;
	struct store_limits limits = generous;
	struct store_verdict first;

	limits.user_tokens = 2;
	first = admit_with(f->store, "e1", "U1", &limits, at(0));
	assert_int_equal(admit_with(f->store, "e2", "U1", &limits, at(1)).fate,
	    STORE_DROPPED);
	step(f->store, &first.lease, STORE_DONE, at(2));
	assert_int_equal(admit_with(f->store, "e3", "U1", &limits, at(3)).fate,
	    STORE_ACCEPTED);
}

static void
an_empty_bucket_is_told_once_in_a_while(void **state)
{
	struct fixture *f = *state;
	struct store_limits limits = generous;
	struct store_verdict v;

	limits.user_tokens = 1;
	v = admit_with(f->store, "e1", "U1", &limits, at(0));
	step(f->store, &v.lease, STORE_DONE, at(1));
	v = admit_with(f->store, "e2", "U1", &limits, at(2));
	assert_int_equal(v.fate, STORE_SLOW_DOWN);
	assert_true(v.notify);
	v = admit_with(f->store, "e3", "U1", &limits, at(3));
	assert_int_equal(v.fate, STORE_SLOW_DOWN);
	assert_false(v.notify);
	v = admit_with(f->store, "e4", "U1", &limits, at(2 + GAP_MS));
	assert_true(v.notify);
	v = admit_with(f->store, "e5", "U1", &limits, after_boot(0));
	assert_true(v.notify);
}

static void
a_user_without_tokens_costs_no_global_token(void **state)
{
	struct fixture *f = *state;
	struct store_limits limits = generous;
	struct store_verdict v;

	limits.user_tokens = 1;
	limits.global_tokens = 2;
	v = admit_with(f->store, "e1", "U1", &limits, at(0));
	step(f->store, &v.lease, STORE_DONE, at(1));
	assert_int_equal(admit_with(f->store, "e2", "U1", &limits, at(2)).fate,
	    STORE_SLOW_DOWN);
	assert_int_equal(admit_with(f->store, "e3", "U2", &limits, at(3)).fate,
	    STORE_ACCEPTED);
	assert_int_equal(admit_with(f->store, "e4", "U3", &limits, at(4)).fate,
	    STORE_SYSTEM_BUSY);
}

static void
a_bucket_refills_by_the_clock_up_to_its_size(void **state)
{
	struct fixture *f = *state;
	struct store_limits limits = generous;
	static const struct {
		int64_t ms;
		enum store_fate fate;
	} tries[] = {
		{ 0, STORE_ACCEPTED },
		{ 1, STORE_ACCEPTED },
		{ 2, STORE_SLOW_DOWN },
		{ 499, STORE_SLOW_DOWN },
		{ 500, STORE_ACCEPTED },
		{ 501, STORE_SLOW_DOWN },
		{ 90000, STORE_ACCEPTED },
		{ 90001, STORE_ACCEPTED },
		{ 90002, STORE_SLOW_DOWN },
	};
	struct store_verdict v;
	char id[8];
	size_t i;

	limits.user_tokens = 2;
	limits.user_refill = 2;
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		snprintf(id, sizeof(id), "e%zu", i);
		v = admit_with(f->store, id, "U1", &limits, at(tries[i].ms));
		assert_int_equal(v.fate, tries[i].fate);
		if (v.fate == STORE_ACCEPTED)
			step(f->store, &v.lease, STORE_DONE, at(tries[i].ms));
	}
}

static void
the_time_of_another_boot_refills_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_limits limits = generous;
	struct store_verdict v;

	limits.user_tokens = 1;
	limits.user_refill = 1;
	v = admit_with(f->store, "e1", "U1", &limits, at(0));
	step(f->store, &v.lease, STORE_DONE, at(1));
	assert_int_equal(
	    admit_with(f->store, "e2", "U1", &limits, after_boot(0)).fate,
	    STORE_SLOW_DOWN);
	assert_int_equal(
	    admit_with(f->store, "e3", "U1", &limits, after_boot(1000)).fate,
	    STORE_ACCEPTED);
}

static void
what_is_too_long_is_refused_as_a_whole(void **state)
{
	struct fixture *f = *state;
	static char text[STORE_TEXT_MAX + 2];
	char id[STORE_ID_MAX + 2];
	struct store_event e[2] = { message("e1", "U1"), message("e2", "U2") };
	struct store_verdict v[2];

	memset(text, 'x', STORE_TEXT_MAX + 1);
	memset(id, 'x', STORE_ID_MAX + 1);
	id[STORE_ID_MAX + 1] = '\0';
	e[1].text = text;
	assert_int_equal(store_admit(f->store, e, 2, &generous, at(0), v),
	    STORE_ERR);
	e[1] = message(id, "U2");
	assert_int_equal(store_admit(f->store, e, 2, &generous, at(0), v),
	    STORE_ERR);
	e[1] = message("", "U2");
	assert_int_equal(store_admit(f->store, e, 2, &generous, at(0), v),
	    STORE_ERR);
	assert_int_equal(admit(f->store, "e1", "U1", at(1)).fate,
	    STORE_ACCEPTED);
	text[STORE_TEXT_MAX] = '\0';
	e[1] = message("e2", "U2");
	e[1].text = text;
	assert_int_equal(store_admit(f->store, &e[1], 1, &generous, at(0), v),
	    STORE_OK);
	assert_int_equal(v[0].fate, STORE_ACCEPTED);
}

static void
who_has_not_joined_may_not_admit(void **state)
{
	struct fixture *f = *state;
	struct store_event e = message("e1", "U1");
	struct store_verdict v;

	store_close(&f->store);
	f->store = fixture_open(f, at(0));
	assert_int_equal(store_admit(f->store, &e, 1, &generous, at(0), &v),
	    STORE_ERR);
}

/* The event e1 of user U1, admitted by a peer. */
static void
admit_e1(struct store *s, void *arg)
{
	enum store_fate *fate = arg;

	*fate = admit(s, "e1", "U1", at(10)).fate;
}

static void
all_processes_know_the_same_events_and_users(void **state)
{
	struct fixture *f = *state;
	struct peer *peer = peer_start(f, at(0));
	enum store_fate fate = STORE_FATE__MAX;
	struct store_verdict v;

	assert_int_equal(peer_join(peer, at(0)), STORE_OK);
	peer_do(peer, admit_e1, &fate, sizeof(fate));
	assert_int_equal(fate, STORE_ACCEPTED);
	v = admit(f->store, "e1", "U1", at(11));
	assert_int_equal(v.fate, STORE_DUPLICATE);
	v = admit(f->store, "e2", "U1", at(12));
	assert_int_equal(v.fate, STORE_DROPPED);
	peer_end(&peer);
	v = admit(f->store, "e3", "U1", at(13));
	assert_int_equal(v.fate, STORE_DROPPED);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_first_message_becomes_a_leased_job),
		TEST(a_duplicate_changes_nothing_but_the_tokens_age),
		TEST(one_call_decides_about_its_events_in_their_order),
		TEST(an_event_a_day_older_than_the_newest_is_ignored),
		TEST(a_busy_user_is_dropped_before_any_token_is_counted),
		TEST(an_empty_bucket_is_told_once_in_a_while),
		TEST(a_user_without_tokens_costs_no_global_token),
		TEST(a_bucket_refills_by_the_clock_up_to_its_size),
		TEST(the_time_of_another_boot_refills_nothing),
		TEST(what_is_too_long_is_refused_as_a_whole),
		TEST(who_has_not_joined_may_not_admit),
		TEST(all_processes_know_the_same_events_and_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * An answer reaches the user once, whatever LINE, the network or a crash does
 * to an attempt: the delivery table of DESIGN, row by row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/delivery.h"

enum { WINDOW = 50000, MINUTE = 60000, HOUR = 3600000 };

static struct delivery_rules
at_age(int64_t age_ms)
{
	return (struct delivery_rules){
		.age_ms = age_ms,
		.life_ms = age_ms == INT64_MAX ? HOUR : age_ms,
		.window_ms = WINDOW,
		.has_token = true,
	};
}

static enum delivery_way
choose(uint8_t intent, uint8_t flags, int64_t age_ms)
{
	struct store_progress p = { .intent = intent, .flags = flags };
	struct delivery_rules rules = at_age(age_ms);

	return delivery_choose(&p, &rules);
}

static void
a_young_token_replies_and_an_old_one_pushes(void **state)
{
	(void)state;
	assert_int_equal(choose(DELIVERY_REPLY, 0, 0), DELIVERY_BY_REPLY);
	assert_int_equal(choose(DELIVERY_REPLY, 0, WINDOW - 1),
	    DELIVERY_BY_REPLY);
	assert_int_equal(choose(DELIVERY_REPLY, 0, WINDOW), DELIVERY_BY_PUSH);
	assert_int_equal(choose(DELIVERY_REPLY, 0, INT64_MAX),
	    DELIVERY_BY_PUSH);
}

static void
a_push_stays_a_push(void **state)
{
	(void)state;
	assert_int_equal(choose(DELIVERY_PUSH, 0, 0), DELIVERY_BY_PUSH);
	assert_int_equal(choose(DELIVERY_PUSH, DELIVERY_UNKNOWN, 0),
	    DELIVERY_BY_PUSH);
}

static void
an_unknown_reply_asks_with_the_same_token(void **state)
{
	(void)state;
	assert_int_equal(choose(DELIVERY_REPLY, DELIVERY_UNKNOWN, 1000),
	    DELIVERY_BY_REPLY);
	assert_int_equal(choose(DELIVERY_REPLY, DELIVERY_UNKNOWN, 2 * WINDOW),
	    DELIVERY_BY_REPLY);
	assert_int_equal(choose(DELIVERY_REPLY,
			     DELIVERY_UNKNOWN | DELIVERY_LAST, 2 * WINDOW),
	    DELIVERY_BY_PUSH);
	assert_int_equal(choose(DELIVERY_REPLY, DELIVERY_UNKNOWN, 20 * MINUTE),
	    DELIVERY_BY_PUSH);
}

/* A follow-up whose owner died before it pushed: there was no reply. */
static void
without_a_token_nothing_is_unknown(void **state)
{
	struct store_progress p = { .flags = DELIVERY_UNKNOWN };
	struct delivery_rules rules = at_age(1000);

	(void)state;
	rules.has_token = false;
	assert_int_equal(delivery_choose(&p, &rules), DELIVERY_BY_PUSH);
	rules.at_most_once = true;
	assert_int_equal(delivery_choose(&p, &rules), DELIVERY_BY_PUSH);
}

static void
at_most_once_ends_what_cannot_be_decided(void **state)
{
	struct store_progress p = { .flags = DELIVERY_UNKNOWN };
	struct delivery_rules rules = at_age(20 * MINUTE);

	(void)state;
	rules.at_most_once = true;
	assert_int_equal(delivery_choose(&p, &rules), DELIVERY_UNDECIDED);
	rules = at_age(2 * WINDOW);
	rules.at_most_once = true;
	assert_int_equal(delivery_judge(&p, DELIVERY_BY_REPLY, RESULT_BAD_TOKEN,
			     &rules),
	    VERDICT_DEAD);
}

static void
nothing_is_tried_after_23_hours(void **state)
{
	struct store_progress p = { .intent = DELIVERY_PUSH,
		.first_push_ms = 1 };
	struct delivery_rules rules = at_age(1000);

	(void)state;
	rules.pushed_ms = (int64_t)23 * HOUR;
	assert_int_equal(delivery_choose(&p, &rules), DELIVERY_BY_PUSH);
	rules.pushed_ms++;
	assert_int_equal(delivery_choose(&p, &rules), DELIVERY_EXPIRED);
	rules.pushed_ms = 0;
	rules.life_ms = (int64_t)23 * HOUR + 1;
	assert_int_equal(delivery_choose(&p, &rules), DELIVERY_EXPIRED);
}

/* The table itself: what is judged, and what progress then says. */
static const struct row {
	const char *what;
	uint8_t way, flags;
	int64_t age_ms;
	enum delivery_result result;
	enum delivery_verdict verdict;
	uint8_t intent_after, flags_after;
} rows[] = {
	{ "reply 200", DELIVERY_BY_REPLY, 0, 1000, RESULT_SENT, VERDICT_DONE,
	    DELIVERY_REPLY, 0 },
	{ "bad token, nothing unknown", DELIVERY_BY_REPLY, 0, 1000,
	    RESULT_BAD_TOKEN, VERDICT_SWITCH, DELIVERY_PUSH, 0 },
	{ "bad token after unknown, in the window", DELIVERY_BY_REPLY,
	    DELIVERY_UNKNOWN, 1000, RESULT_BAD_TOKEN, VERDICT_PRESUMED,
	    DELIVERY_REPLY, DELIVERY_UNKNOWN },
	{ "bad token after unknown, late", DELIVERY_BY_REPLY, DELIVERY_UNKNOWN,
	    2 * WINDOW, RESULT_BAD_TOKEN, VERDICT_SWITCH, DELIVERY_PUSH,
	    DELIVERY_UNKNOWN | DELIVERY_LAST },
	{ "late reply 200", DELIVERY_BY_REPLY, DELIVERY_UNKNOWN, 2 * WINDOW,
	    RESULT_SENT, VERDICT_DONE, DELIVERY_REPLY,
	    DELIVERY_UNKNOWN | DELIVERY_LAST },
	{ "reply unknown", DELIVERY_BY_REPLY, 0, 1000, RESULT_UNKNOWN,
	    VERDICT_AGAIN, DELIVERY_REPLY, DELIVERY_UNKNOWN },
	{ "reply not sent", DELIVERY_BY_REPLY, 0, 1000, RESULT_NOT_SENT,
	    VERDICT_AGAIN, DELIVERY_REPLY, 0 },
	{ "reply 429", DELIVERY_BY_REPLY, 0, 1000, RESULT_RATE, VERDICT_AGAIN,
	    DELIVERY_REPLY, 0 },
	{ "reply 401", DELIVERY_BY_REPLY, 0, 1000, RESULT_AUTH, VERDICT_PAUSE,
	    DELIVERY_REPLY, 0 },
	{ "reply 403", DELIVERY_BY_REPLY, 0, 1000, RESULT_REFUSED,
	    VERDICT_SWITCH, DELIVERY_PUSH, 0 },
	{ "reply 403 after an unknown one", DELIVERY_BY_REPLY, DELIVERY_UNKNOWN,
	    1000, RESULT_REFUSED, VERDICT_AGAIN, DELIVERY_REPLY,
	    DELIVERY_UNKNOWN },
	{ "reply refuses the content", DELIVERY_BY_REPLY, 0, 1000,
	    RESULT_BAD_CONTENT, VERDICT_SWITCH, DELIVERY_REPLY,
	    DELIVERY_FALLBACK },
	{ "and the fallback text, too", DELIVERY_BY_REPLY, DELIVERY_FALLBACK,
	    1000, RESULT_BAD_CONTENT, VERDICT_DEAD, DELIVERY_REPLY,
	    DELIVERY_FALLBACK },
	{ "push 200", DELIVERY_BY_PUSH, 0, 1000, RESULT_SENT, VERDICT_DONE,
	    DELIVERY_PUSH, 0 },
	{ "push 409", DELIVERY_BY_PUSH, 0, 1000, RESULT_ALREADY, VERDICT_DONE,
	    DELIVERY_PUSH, 0 },
	{ "push unknown", DELIVERY_BY_PUSH, 0, 1000, RESULT_UNKNOWN,
	    VERDICT_AGAIN, DELIVERY_PUSH, 0 },
	{ "push 429", DELIVERY_BY_PUSH, 0, 1000, RESULT_RATE, VERDICT_AGAIN,
	    DELIVERY_PUSH, 0 },
	{ "push 429 for the month", DELIVERY_BY_PUSH, 0, 1000, RESULT_QUOTA,
	    VERDICT_QUOTA, DELIVERY_PUSH, 0 },
	{ "push 403, 404", DELIVERY_BY_PUSH, 0, 1000, RESULT_REFUSED,
	    VERDICT_DEAD, DELIVERY_PUSH, 0 },
	{ "push 401", DELIVERY_BY_PUSH, 0, 1000, RESULT_AUTH, VERDICT_PAUSE,
	    DELIVERY_PUSH, 0 },
	{ "push 400", DELIVERY_BY_PUSH, 0, 1000, RESULT_BAD_CONTENT,
	    VERDICT_SWITCH, DELIVERY_PUSH, DELIVERY_FALLBACK },
	{ "push 400 again", DELIVERY_BY_PUSH, DELIVERY_FALLBACK, 1000,
	    RESULT_BAD_CONTENT, VERDICT_DEAD, DELIVERY_PUSH,
	    DELIVERY_FALLBACK },
};

static void
every_row_of_the_table_holds(void **state)
{
	struct store_progress p;
	struct delivery_rules rules;
	enum delivery_verdict verdict;
	const struct row *row;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row = &rows[i];
		memset(&p, 0, sizeof(p));
		p.flags = row->flags;
		p.intent = row->way == DELIVERY_BY_PUSH ? DELIVERY_PUSH
							: DELIVERY_REPLY;
		rules = at_age(row->age_ms);
		delivery_begin(&p, row->way, &rules);
		verdict = delivery_judge(&p, row->way, row->result, &rules);
		if (verdict != row->verdict || p.intent != row->intent_after ||
		    p.flags != row->flags_after)
			fail_msg("%s: verdict %d intent %d flags %d", row->what,
			    (int)verdict, p.intent, p.flags);
	}
}

static void
a_reply_that_gets_late_on_its_way_may_be_tried_late(void **state)
{
	struct store_progress p = { .intent = DELIVERY_REPLY };
	struct delivery_rules before = at_age(WINDOW - 5000);
	struct delivery_rules after = at_age(WINDOW + 5000);

	(void)state;
	delivery_begin(&p, DELIVERY_BY_REPLY, &before);
	assert_int_equal(delivery_judge(&p, DELIVERY_BY_REPLY, RESULT_UNKNOWN,
			     &after),
	    VERDICT_AGAIN);
	assert_int_equal(delivery_choose(&p, &after), DELIVERY_BY_REPLY);
	delivery_begin(&p, DELIVERY_BY_REPLY, &after);
	assert_int_equal(delivery_choose(&p, &after), DELIVERY_BY_PUSH);
}

static void
pauses_grow_and_stay_within_their_bounds(void **state)
{
	unsigned sends;
	uint32_t ms, last = 0;

	(void)state;
	for (sends = 1; sends < 40; sends++) {
		ms = delivery_backoff_ms(DELIVERY_BY_PUSH, sends, 0);
		assert_true(ms >= last && ms >= 1000 && ms <= 300000);
		last = ms;
		ms = delivery_backoff_ms(DELIVERY_BY_REPLY, sends, UINT32_MAX);
		assert_true(ms >= 500 && ms <= 5000);
	}
	assert_int_equal(last, 300000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_young_token_replies_and_an_old_one_pushes),
		cmocka_unit_test(a_push_stays_a_push),
		cmocka_unit_test(an_unknown_reply_asks_with_the_same_token),
		cmocka_unit_test(without_a_token_nothing_is_unknown),
		cmocka_unit_test(at_most_once_ends_what_cannot_be_decided),
		cmocka_unit_test(nothing_is_tried_after_23_hours),
		cmocka_unit_test(every_row_of_the_table_holds),
		cmocka_unit_test(
		    a_reply_that_gets_late_on_its_way_may_be_tried_late),
		cmocka_unit_test(pauses_grow_and_stay_within_their_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

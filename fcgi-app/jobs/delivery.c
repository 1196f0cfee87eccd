/*
 * delivery.c - the delivery table.
 */
#include "jobs/delivery.h"

enum {
	LATE_MS = 20 * 60 * 1000, /* LINE: a token's utmost age, redelivered */
	REPLY_FIRST_MS = 500,
	REPLY_MAX_MS = 4000,
	PUSH_FIRST_MS = 1000,
	PUSH_MAX_MS = 300000
};

/* The columns of the table: what is done, before the special cases. */
static const enum delivery_verdict by_reply[RESULT__MAX] = {
	[RESULT_SENT] = VERDICT_DONE,
	[RESULT_ALREADY] = VERDICT_DONE,
	[RESULT_BAD_TOKEN] = VERDICT_SWITCH,
	[RESULT_BAD_CONTENT] = VERDICT_SWITCH,
	[RESULT_AUTH] = VERDICT_PAUSE,
	[RESULT_REFUSED] = VERDICT_SWITCH,
	[RESULT_RATE] = VERDICT_AGAIN,
	[RESULT_QUOTA] = VERDICT_AGAIN,
	[RESULT_NOT_SENT] = VERDICT_AGAIN,
	[RESULT_UNKNOWN] = VERDICT_AGAIN,
};
static const enum delivery_verdict by_push[RESULT__MAX] = {
	[RESULT_SENT] = VERDICT_DONE,
	[RESULT_ALREADY] = VERDICT_DONE,
	[RESULT_BAD_TOKEN] = VERDICT_DEAD,
	[RESULT_BAD_CONTENT] = VERDICT_SWITCH,
	[RESULT_AUTH] = VERDICT_PAUSE,
	[RESULT_REFUSED] = VERDICT_DEAD,
	[RESULT_RATE] = VERDICT_AGAIN,
	[RESULT_QUOTA] = VERDICT_QUOTA,
	[RESULT_NOT_SENT] = VERDICT_AGAIN,
	[RESULT_UNKNOWN] = VERDICT_AGAIN,
};

static bool
is_expired(const struct delivery_rules *r)
{
	return r->pushed_ms > DELIVERY_LIFE_MS || r->life_ms > DELIVERY_LIFE_MS;
}

enum delivery_way
delivery_choose(const struct store_progress *p, const struct delivery_rules *r)
{
	bool unknown = (p->flags & DELIVERY_UNKNOWN) != 0;

	if (is_expired(r))
		return DELIVERY_EXPIRED;
	if (p->intent == DELIVERY_PUSH)
		return DELIVERY_BY_PUSH;
	if (r->has_token && r->age_ms < r->window_ms)
		return DELIVERY_BY_REPLY;
	if (!unknown || !r->has_token)
		return DELIVERY_BY_PUSH;
	if (r->age_ms < LATE_MS && (p->flags & DELIVERY_LAST) == 0)
		return DELIVERY_BY_REPLY;
	return r->at_most_once ? DELIVERY_UNDECIDED : DELIVERY_BY_PUSH;
}

void
delivery_begin(struct store_progress *p, enum delivery_way way,
    const struct delivery_rules *r)
{
	p->sends++;
	if (way == DELIVERY_BY_REPLY && r->age_ms >= r->window_ms)
		p->flags |= DELIVERY_LAST;
}

/* The token was used, or is too old: which of the two decides. */
static enum delivery_verdict
judge_bad_token(struct store_progress *p, const struct delivery_rules *r)
{
	if ((p->flags & DELIVERY_UNKNOWN) != 0) {
		if (r->age_ms < r->window_ms)
			return VERDICT_PRESUMED;
		if (r->at_most_once)
			return VERDICT_DEAD;
	}
	p->intent = DELIVERY_PUSH;
	return VERDICT_SWITCH;
}

static enum delivery_verdict
judge_bad_content(struct store_progress *p)
{
	if ((p->flags & DELIVERY_FALLBACK) != 0)
		return VERDICT_DEAD;
	p->flags |= DELIVERY_FALLBACK;
	return VERDICT_SWITCH;
}

enum delivery_verdict
delivery_judge(struct store_progress *p, enum delivery_way way,
    enum delivery_result result, const struct delivery_rules *r)
{
	bool reply = way == DELIVERY_BY_REPLY;

	if (reply && result == RESULT_UNKNOWN)
		p->flags |= DELIVERY_UNKNOWN;
	if (reply && result == RESULT_BAD_TOKEN)
		return judge_bad_token(p, r);
	if (result == RESULT_BAD_CONTENT)
		return judge_bad_content(p);
	if (reply && result == RESULT_REFUSED) {
		/* It says nothing of the reply that may have arrived. */
		if ((p->flags & DELIVERY_UNKNOWN) != 0)
			return VERDICT_AGAIN;
		p->intent = DELIVERY_PUSH;
	}
	return reply ? by_reply[result] : by_push[result];
}

uint32_t
delivery_backoff_ms(enum delivery_way way, unsigned sends, uint32_t random)
{
	bool reply = way == DELIVERY_BY_REPLY;
	uint32_t ms = reply ? REPLY_FIRST_MS : PUSH_FIRST_MS;
	uint32_t max = reply ? REPLY_MAX_MS : PUSH_MAX_MS;

	while (sends-- > 1 && ms < max)
		ms *= 2;
	if (ms > max)
		ms = max;
	return ms + random % (ms / 4);
}

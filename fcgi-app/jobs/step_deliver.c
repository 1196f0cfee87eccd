/*
 * step_deliver.c - the stage that sends the answer.  What it does is decided
 * by the table in delivery.c; here it becomes calls to LINE.
 *
 * A way is committed before it is taken: the reply together with the answer,
 * the push by a step of its own.  A job whose owner died in this stage may
 * have been sent, which is what DELIVERY_UNKNOWN says.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bot/words.h"
#include "jobs/delivery.h"
#include "jobs/engine_priv.h"
#include "jobs/stage.h"
#include "line/api.h"
#include "line/message.h"

enum { SEND_MS = 10000, CONNECT_MS = 5000 };

static const enum delivery_result results[API_ANSWER__MAX] = {
	[API_SENT] = RESULT_SENT,
	[API_ALREADY] = RESULT_ALREADY,
	[API_BAD_TOKEN] = RESULT_BAD_TOKEN,
	[API_BAD_CONTENT] = RESULT_BAD_CONTENT,
	[API_AUTH] = RESULT_AUTH,
	[API_FORBIDDEN] = RESULT_REFUSED,
	[API_GONE] = RESULT_REFUSED,
	[API_RATE] = RESULT_RATE,
	[API_QUOTA] = RESULT_QUOTA,
	[API_FAULT] = RESULT_UNKNOWN,
};

/*
 * Within a boot the end of pushing is known on the boot clock; the wall clock,
 * which may jump, is asked only after another boot.
 */
static int64_t
pushed_ms(const struct job *job)
{
	const struct store_progress *p = &job->stored.progress;

	if (p->first_push_ms == 0)
		return 0;
	if (!job->stored.aged && p->deadline_ms != 0)
		return clock_boot_ms() - (p->deadline_ms - DELIVERY_LIFE_MS);
	return clock_wall_ms() - p->first_push_ms;
}

static struct delivery_rules
rules_for(const struct job *job)
{
	const struct settings *set = job->engine->set;
	int64_t age = job_age_ms(job);

	return (struct delivery_rules){
		.age_ms = age,
		/* The wall clock is asked only where no other knows. */
		.life_ms = age != INT64_MAX
		    ? age
		    : clock_wall_ms() - job->stored.created_ms,
		.pushed_ms = pushed_ms(job),
		.window_ms = set->reply_window * 1000,
		.at_most_once = set->duplicate_policy == DUPLICATE_AT_MOST_ONCE,
		.has_token = job->stored.reply_token[0] != '\0',
	};
}

static enum out
dead(struct job *job, const char *reason)
{
	job->reason = reason;
	return OUT_DEAD;
}

static enum out
later(struct job *job, uint32_t wait_ms)
{
	job->wait_ms = wait_ms;
	return OUT_RETRY;
}

/* The message objects: those of the answer, or the fixed text instead. */
static char *
make_messages(const struct job *job)
{
	const char *messages;

	if ((job->stored.progress.flags & DELIVERY_FALLBACK) != 0)
		return message_texts(words_text(WORDS_FALLBACK,
					 job->engine->set->default_language),
		    NULL, NULL);
	messages = job_messages(job);
	return strdup(messages == NULL ? "" : messages);
}

static char *
make_body(const struct job *job, size_t *len)
{
	char *messages = make_messages(job);
	char *body = NULL;

	if (messages == NULL)
		return NULL;
	body = job->way == DELIVERY_BY_PUSH
	    ? api_push_body(job->stored.to, messages, len)
	    : api_reply_body(job->stored.reply_token, messages, len);
	free(messages);
	return body;
}

/*
 * The fallback text is another message, so it has a key of its own.  After
 * crashes it has the answer's, which may have been pushed: then LINE takes no
 * second message.
 */
static void
make_retry_key(const struct job *job, char *out, size_t size)
{
	static const char name[] = "X-Line-Retry-Key: ";
	uint8_t key[16];

	_Static_assert(sizeof(name) + API_RETRY_KEY_SIZE <= 64, "fits");
	memcpy(key, job->stored.retry_key, sizeof(key));
	if ((job->stored.progress.flags &
		(DELIVERY_FALLBACK | DELIVERY_CRASHED)) == DELIVERY_FALLBACK)
		key[15] ^= 1;
	memcpy(out, name, sizeof(name));
	if (size >= sizeof(name) + API_RETRY_KEY_SIZE)
		api_retry_key(key, out + sizeof(name) - 1);
}

static enum out
call_line(struct job *job, const struct delivery_rules *rules)
{
	const struct upstreams *up = &job->engine->up;
	bool push = job->way == DELIVERY_BY_PUSH;
	char retry_key[64];
	const char *headers[] = { up->line_headers[0], up->line_headers[1],
		push ? retry_key : NULL, NULL };
	struct net_call call = {
		.url = push ? up->push_url : up->reply_url,
		.headers = headers,
		.timeout_ms = SEND_MS,
		.connect_ms = CONNECT_MS,
		.max_bytes = LINE_REPLY_MAX,
	};
	size_t len = 0;
	char *body = make_body(job, &len);
	int rc = -1;

	if (body != NULL) {
		make_retry_key(job, retry_key, sizeof(retry_key));
		call.body = body;
		call.body_len = len;
		rc = job_call(job, &call);
	}
	free(body);
	if (rc == -1)
		return later(job, delivery_backoff_ms(job->way, 1, 0));
	delivery_begin(&job->stored.progress, job->way, rules);
	return OUT_CALL;
}

static bool
may_call(struct job *job, enum upstream upstream, uint32_t *wait_ms)
{
	return store_breaker_pass(job->engine->store,
	    upstream_breaker(upstream), engine_now(), wait_ms);
}

/* The breakers are asked last: what they let pass must be a call. */
static enum out
send(struct job *job, const struct delivery_rules *rules)
{
	uint32_t wait_ms = 0;

	if (!may_call(job, UPSTREAM_LINE, &wait_ms))
		return later(job, wait_ms);
	if (job->way == DELIVERY_BY_PUSH &&
	    !may_call(job, UPSTREAM_PUSH, &wait_ms))
		return dead(job, "quota");
	return call_line(job, rules);
}

/* A push is committed to be one before the first attempt. */
static enum out
start_push(struct job *job, const struct delivery_rules *rules)
{
	struct store_progress *p = &job->stored.progress;

	if (p->intent == DELIVERY_PUSH && p->first_push_ms != 0)
		return send(job, rules);
	p->intent = DELIVERY_PUSH;
	p->first_push_ms = clock_wall_ms();
	p->deadline_ms = clock_boot_ms() + DELIVERY_LIFE_MS;
	p->sends = 0;
	return OUT_AGAIN;
}

enum out
deliver_start(struct job *job)
{
	struct store_progress *p = &job->stored.progress;
	struct delivery_rules rules = rules_for(job);

	if (p->interrupted != 0 && p->intent == DELIVERY_REPLY)
		p->flags |= DELIVERY_UNKNOWN;
	job->way = (uint8_t)delivery_choose(p, &rules);
	switch ((enum delivery_way)job->way) {
	case DELIVERY_BY_REPLY:
		return send(job, &rules);
	case DELIVERY_BY_PUSH:
		return start_push(job, &rules);
	case DELIVERY_EXPIRED:
		return dead(job, "expired");
	case DELIVERY_UNDECIDED:
		break;
	}
	return dead(job, "undecided");
}

static enum delivery_result
result_of(const struct net_reply *net)
{
	if (net->end == NET_NOT_SENT)
		return RESULT_NOT_SENT;
	if (net->end != NET_ANSWERED)
		return RESULT_UNKNOWN;
	return results[api_judge(net->status, net->body, net->len)];
}

static void
trip(struct job *job, enum upstream upstream, const char *remedy)
{
	struct engine *engine = job->engine;

	if (store_breaker_report(engine->store, upstream_breaker(upstream),
		STORE_TRIPS, engine_now()))
		log_error("upstream=%s breaker=open remedy=\"%s\"",
		    upstream_name(upstream), remedy);
}

/* Any answer but a refusal of our token closes LINE's breaker. */
static void
report(struct job *job, enum delivery_result result)
{
	struct store *store = job->engine->store;

	if (result == RESULT_AUTH || result == RESULT_UNKNOWN ||
	    result == RESULT_NOT_SENT)
		return;
	(void)store_breaker_report(store, upstream_breaker(UPSTREAM_LINE),
	    STORE_WORKS, engine_now());
	if (job->way == DELIVERY_BY_PUSH && result != RESULT_QUOTA)
		(void)store_breaker_report(store,
		    upstream_breaker(UPSTREAM_PUSH), STORE_WORKS, engine_now());
}

/* Why the user got the fixed text. */
static const char *
told_instead(const struct store_progress *p)
{
	return p->crashes >= CRASHES_MAX ? outcome_name(OUTCOME_POISON)
					 : "content";
}

static enum out
act(struct job *job, enum delivery_verdict verdict)
{
	struct store_progress *p = &job->stored.progress;
	bool fallback = (p->flags & DELIVERY_FALLBACK) != 0;

	switch (verdict) {
	case VERDICT_DONE:
	case VERDICT_PRESUMED:
		return fallback ? dead(job, told_instead(p)) : OUT_NEXT;
	case VERDICT_AGAIN:
		return later(job,
		    delivery_backoff_ms(job->way, p->sends, engine_random()));
	case VERDICT_SWITCH:
		return OUT_AGAIN;
	case VERDICT_PAUSE:
		trip(job, UPSTREAM_LINE,
		    "deliveries wait: renew LINE_CHANNEL_ACCESS_TOKEN");
		return later(job, upstream_breaker(UPSTREAM_LINE)->open_ms);
	case VERDICT_QUOTA:
		trip(job, UPSTREAM_PUSH,
		    "replies only: the month's pushes are used up");
		return dead(job, "quota");
	case VERDICT_DEAD:
	case VERDICT__MAX:
		break;
	}
	return dead(job, "refused");
}

enum out
deliver_finish(struct job *job, const struct net_reply *net)
{
	struct delivery_rules rules = rules_for(job);
	enum delivery_result result = result_of(net);
	enum delivery_verdict verdict =
	    delivery_judge(&job->stored.progress, job->way, result, &rules);

	job->took_ms[STAGE_DELIVER] = net->total_ms;
	report(job, result);
	if (result != RESULT_SENT && result != RESULT_ALREADY)
		log_warn("job=%s stage=deliver way=%s status=%d "
			 "request_id=%s error=\"%s\"",
		    job->name, job->way == DELIVERY_BY_PUSH ? "push" : "reply",
		    net->status, net->request_id, net->error);
	return act(job, verdict);
}

/*
 * The sending itself crashed three times, perhaps because of what is sent.  So
 * the fixed text goes instead, by the same table: where the answer did arrive
 * by reply, the token is used up, by push, the retry key: the user sees nothing
 * twice.  If that crashes as well, it is over.
 */
enum out
deliver_give_up(struct job *job)
{
	struct store_progress *p = &job->stored.progress;

	if (p->crashes > CRASHES_MAX)
		return dead(job, outcome_name(OUTCOME_POISON));
	if ((p->flags & DELIVERY_FALLBACK) != 0)
		return deliver_start(job);
	if (p->interrupted != 0 && p->intent == DELIVERY_REPLY)
		p->flags |= DELIVERY_UNKNOWN;
	p->flags |= DELIVERY_FALLBACK | DELIVERY_CRASHED;
	return OUT_AGAIN;
}

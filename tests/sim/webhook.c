/*
 * webhook.c - LINE sends its events, and a process admits them: the part of
 * web/webhook.c that decides what is acknowledged.
 */
#include <string.h>

#include "base/clock.h"
#include "bot/words.h"
#include "jobs/engine_priv.h"
#include "jobs/mailbox.h"
#include "tests/sim/sim.h"

enum { BODY_EVENTS = 3, GAP_MS = 10000 };

struct body {
	struct event *of[BODY_EVENTS];
	struct store_event events[BODY_EVENTS];
	struct store_verdict verdicts[BODY_EVENTS];
	size_t n;
};

static struct proc *
any_running(void)
{
	unsigned i, from = sim_below(sim.n_procs);

	for (i = 0; i < sim.n_procs; i++)
		if (proc_runs(&sim.procs[(from + i) % sim.n_procs]))
			return &sim.procs[(from + i) % sim.n_procs];
	return NULL;
}

static void
add(struct body *body, struct event *ev)
{
	const struct user *user = &sim.users[ev->user];

	ev->deliver_ms = INT64_MAX;
	body->of[body->n] = ev;
	body->events[body->n++] = (struct store_event){
		.id = ev->id,
		.chat = user->id,
		.to = user->id,
		.reply_token = ev->token,
		.quote_token = ev->quotes ? ev->quote : NULL,
		.text = ev->voice ? ev->recording : ev->question,
		.voice = ev->voice,
		.line_ms = 1790000000000 + ev->sent_ms,
		.direct = true,
	};
}

/* The event with others that wait, as LINE likes to do. */
static void
gather(struct body *body, struct event *ev)
{
	struct event *other;

	add(body, ev);
	for (other = sim.events; other < sim.events + sim.n_events; other++)
		if (other->deliver_ms <= sim.now_ms && body->n < BODY_EVENTS &&
		    sim_below(2) == 0)
			add(body, other);
}

static void
post(struct proc *p, const struct event *ev, const struct store_verdict *v)
{
	int rc = 0;

	if (v->fate == STORE_ACCEPTED)
		rc = mailbox_job(p->mailbox, &v->lease);
	else if (v->notify)
		rc = mailbox_notice(p->mailbox,
		    v->fate == STORE_SLOW_DOWN ? WORDS_SLOW_DOWN
					       : WORDS_SYSTEM_BUSY,
		    ev->token);
	p->rung = p->rung || rc == 0;
}

/* 200? */
static bool
admit(struct proc *p, void *arg)
{
	struct body *body = arg;
	const struct store_limits limits = {
		.user_tokens = sim.settings.user_rate_tokens,
		.user_refill = sim.settings.user_rate_refill,
		.global_tokens = sim.settings.global_rate_tokens,
		.global_refill = sim.settings.global_rate_refill,
		.lease_ms = engine_lease_ms(&sim.settings),
		.notice_gap_ms = GAP_MS,
	};
	enum store_rc rc;
	size_t i;

	rc = store_admit(p->store, body->events, body->n, &limits, engine_now(),
	    body->verdicts);
	for (i = 0; rc == STORE_OK && i < body->n; i++)
		post(p, body->of[i], &body->verdicts[i]);
	return rc == STORE_OK;
}

/* What was answered with 200 is LINE's no more; it may come twice, though. */
static void
answer(struct event *ev, bool ok)
{
	if (sim.control == CONTROL_ACK)
		ok = true;
	ev->acked = ev->acked || ok;
	if (ok && sim_fault(FAULT_WEBHOOK))
		ev->deliver_ms = sim.now_ms + sim_between(0, 70000);
	else if (!ok && ev->tries > 0) {
		ev->tries--;
		ev->deliver_ms = sim.now_ms + sim_between(1000, 30000);
	}
}

void
webhook_deliver(struct event *ev)
{
	struct body body = { .n = 0 };
	struct proc *p = any_running();
	bool ok = false;
	size_t i;

	gather(&body, ev);
	for (i = 0; i < body.n; i++) {
		sim_say("LINE sends %s of %s", body.events[i].id,
		    body.events[i].to);
		if (p != NULL)
			body.of[i]->token_ms = sim.now_ms;
	}
	if (p != NULL)
		ok = proc_do(p, admit, &body);
	for (i = 0; i < body.n; i++)
		answer(body.of[i], ok);
}

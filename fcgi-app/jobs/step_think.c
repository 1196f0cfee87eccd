/*
 * step_think.c - the stage that asks the model.
 *
 * The stage has one deadline for all its attempts (GEMINI_TIMEOUT).  What an
 * answer means is a row of rules[]: how often the same model is asked again,
 * whether the fallback model is asked then, and what the user is told if that
 * ends without an answer.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/delivery.h"
#include "jobs/engine_priv.h"
#include "jobs/stage.h"
#include "model/gemini.h"

enum {
	CONNECT_MS = 10000,
	BACKOFF_MS = 500, /* doubled by each attempt */
	SPARE_MS = 1500   /* a wait must leave this much of the deadline */
};

struct rule {
	enum store_report report; /* to the model's breaker */
	unsigned repeats;         /* of the same model */
	bool fallback;            /* then the other model */
	enum outcome outcome;     /* then this */
};

static const struct rule rules[GEMINI_OUTCOME__MAX] = {
	/*                     breaker      repeats fallback outcome */
	[GEMINI_ANSWER] = { STORE_WORKS, 0, false, OUTCOME_ANSWERED },
	[GEMINI_TRUNCATED] = { STORE_WORKS, 0, false, OUTCOME_TRUNCATED },
	[GEMINI_BLOCKED] = { STORE_WORKS, 0, false, OUTCOME_BLOCKED },
	[GEMINI_EMPTY] = { STORE_WORKS, 1, true, OUTCOME_EMPTY },
	[GEMINI_OVERLOADED] = { STORE_FAILS, 2, true, OUTCOME_ERROR },
	[GEMINI_RATE] = { STORE_FAILS, 2, true, OUTCOME_BUSY },
	[GEMINI_QUOTA] = { STORE_TRIPS, 0, true, OUTCOME_BUSY },
	[GEMINI_REFUSED] = { STORE_FAILS, 0, true, OUTCOME_ERROR },
	[GEMINI_NO_MODEL] = { STORE_FAILS, 0, true, OUTCOME_ERROR },
	[GEMINI_MEMORY] = { STORE_WORKS, 2, false, OUTCOME_ERROR },
};

static enum upstream
model_of(const struct job *job)
{
	return (job->stored.progress.flags & THINK_FALLBACK) != 0
	    ? UPSTREAM_FALLBACK
	    : UPSTREAM_MODEL;
}

static void
report(const struct job *job, enum store_report what)
{
	enum upstream model = model_of(job);

	if (store_breaker_report(job->engine->store, upstream_breaker(model),
		what, engine_now()))
		log_warn("upstream=%s breaker=open", upstream_name(model));
}

static char *
make_request(const struct job *job, size_t *len)
{
	const struct store_job *stored = &job->stored;
	struct gemini_turn *turns = calloc(stored->n_turns + 1, sizeof(*turns));
	struct gemini_ask ask = {
		.frame = &job->engine->up.model_frame,
		.turns = turns,
		.n_turns = stored->n_turns,
		.question = stored->text,
	};
	char *body;
	size_t i;

	if (turns == NULL)
		return NULL;
	for (i = 0; i < stored->n_turns; i++) {
		turns[i].from_user = stored->turns[i].from_user;
		turns[i].text = stored->turns[i].text;
	}
	body = gemini_request(&ask, len);
	free(turns);
	return body;
}

/* Gives the job back for a while; what is left of the deadline stays. */
static enum out
later(struct job *job, uint32_t wait_ms)
{
	job->wait_ms = wait_ms;
	return OUT_RETRY;
}

static enum out
ask(struct job *job)
{
	struct engine *engine = job->engine;
	int64_t left = job->stored.progress.deadline_ms - clock_boot_ms();
	struct net_call call = {
		.url = engine->up.model_url[model_of(job)],
		.headers = engine->up.model_headers,
		.timeout_ms = (uint32_t)(left < 1 ? 1 : left),
		.connect_ms = CONNECT_MS,
		.max_bytes = MODEL_REPLY_MAX,
	};
	size_t len = 0;
	char *body = make_request(job, &len);
	int rc = -1;

	if (body != NULL) {
		call.body = body;
		call.body_len = len;
		rc = job_call(job, &call);
	}
	free(body);
	if (rc == -1)
		return later(job, BACKOFF_MS);
	job->stored.progress.sends++;
	return OUT_CALL;
}

/* Turns to the fallback model, once: true if there is one. */
static bool
turn_to_fallback(struct job *job)
{
	struct store_progress *p = &job->stored.progress;

	if (job->engine->up.model_url[1] == NULL ||
	    (p->flags & THINK_FALLBACK) != 0)
		return false;
	p->flags |= THINK_FALLBACK;
	p->sends = 0;
	return true;
}

/* Asks the first model whose breaker lets it. */
static enum out
ask_who_works(struct job *job)
{
	struct engine *engine = job->engine;

	do {
		if (store_breaker_pass(engine->store,
			upstream_breaker(model_of(job)), engine_now(), NULL))
			return ask(job);
	} while (turn_to_fallback(job));
	return job_conclude(job, OUTCOME_BUSY, NULL);
}

enum out
think_start(struct job *job)
{
	struct store_progress *p = &job->stored.progress;
	enum command command = command_of(job->stored.text);
	int64_t now = clock_boot_ms();
	bool fresh =
	    p->deadline_ms == 0 || p->interrupted != 0 || job->stored.aged;

	if (command != COMMAND_NONE)
		return obey(job, command);
	if (fresh) {
		p->deadline_ms =
		    now + (int64_t)job->engine->set->gemini_timeout * 1000;
		notice_loading(job->engine, job);
	}
	if (now >= p->deadline_ms)
		return job_conclude(job, OUTCOME_TIMEOUT, NULL);
	return ask_who_works(job);
}

/* No answer yet: the same model again, the other one, or the end. */
static enum out
try_on(struct job *job, const struct rule *rule, uint32_t asked_ms)
{
	struct store_progress *p = &job->stored.progress;
	uint32_t wait = BACKOFF_MS << (p->sends > 4 ? 4 : p->sends);
	int64_t left = p->deadline_ms - clock_boot_ms() - SPARE_MS;

	wait += engine_random() % (wait / 4);
	if (asked_ms > wait)
		wait = asked_ms;
	if (p->sends <= rule->repeats && wait < left)
		return later(job, wait);
	if (rule->fallback && left > 0 && turn_to_fallback(job))
		return ask_who_works(job);
	return job_conclude(job, rule->outcome, NULL);
}

static enum out
judge(struct job *job, const struct gemini_reply *reply)
{
	const struct rule *rule = &rules[reply->outcome];

	report(job, rule->report);
	if (reply->outcome == GEMINI_REFUSED ||
	    reply->outcome == GEMINI_NO_MODEL)
		log_error("job=%s upstream=%s refused=%s error=%s", job->name,
		    upstream_name(model_of(job)), reply->finish,
		    "check GEMINI_API_KEY, GEMINI_MODEL and GEMINI_* fields");
	else if (reply->outcome != GEMINI_ANSWER)
		log_warn("job=%s upstream=%s outcome=%s finish=%s", job->name,
		    upstream_name(model_of(job)),
		    gemini_outcome_name(reply->outcome), reply->finish);
	if (reply->text != NULL)
		return job_conclude(job, rule->outcome, reply->text);
	if (rule->repeats == 0 && !rule->fallback)
		return job_conclude(job, rule->outcome, NULL);
	return try_on(job, rule, reply->retry_ms);
}

enum out
think_finish(struct job *job, const struct net_reply *net)
{
	struct gemini_reply reply;
	enum out out;

	if (net->timed_out &&
	    clock_boot_ms() + SPARE_MS >= job->stored.progress.deadline_ms) {
		report(job, STORE_FAILS);
		log_warn("job=%s upstream=%s outcome=timeout ms=%u", job->name,
		    upstream_name(model_of(job)), net->total_ms);
		return job_conclude(job, OUTCOME_TIMEOUT, NULL);
	}
	if (net->end != NET_ANSWERED) {
		report(job, STORE_FAILS);
		log_warn("job=%s upstream=%s error=\"%s\"", job->name,
		    upstream_name(model_of(job)), net->error);
		return try_on(job, &rules[GEMINI_OVERLOADED], 0);
	}
	gemini_parse(net->status, net->body, net->len, &reply);
	out = judge(job, &reply);
	gemini_reply_release(&reply);
	return out;
}

enum out
think_give_up(struct job *job)
{
	return job_conclude(job, OUTCOME_POISON, NULL);
}

enum out
think_no_room(struct job *job)
{
	free(job->answer);
	free(job->reply);
	free(job->follow);
	job->answer = job->reply = job->follow = NULL;
	job->sets_prefs = job->aloud = job->forgets =
	    false; /* they ask for room as well */
	return job_conclude(job, OUTCOME_BUSY, NULL);
}

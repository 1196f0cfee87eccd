/*
 * settle.c - what a stage's word means: job_settle() makes the step of it that
 * the next commit takes, job_committed() goes on from there.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/delivery.h"
#include "jobs/engine_priv.h"
#include "jobs/stage.h"

enum {
	NO_ROOM_MS = 10000, /* so long before its lease ends an answer stops
			     * waiting for room */
	FOLLOW_MS = 1000    /* the text goes first */
};

/* The part of a step that every kind shares. */
static void
job_step(struct job *job, enum store_step_kind kind)
{
	job->stored.progress.interrupted = 0;
	job->step = (struct store_step){
		.lease = job->stored.lease,
		.kind = kind,
		.progress = job->stored.progress,
		.lease_ms = job->engine->lease_ms,
	};
	engine_commit_later(job);
}

/* The next stage begins as if nothing had been before. */
static void
job_turn_to(struct job *job, enum stage stage)
{
	struct store_progress *p = &job->stored.progress;
	int64_t now = clock_boot_ms();

	job->took_ms[p->stage] = (uint32_t)(now - job->stage_ms);
	job->stage_ms = now;
	p->stage = (uint8_t)stage;
	p->tries = 0;
	p->crashes = 0; /* what crashed was the stage before */
	p->sends = 0;
	p->deadline_ms = 0;
}

/* The question is there: it is thought about if its user is not busy. */
static void
job_step_heard(struct job *job)
{
	job_turn_to(job, STAGE_THINK);
	job->stored.progress.flags |= QUESTION_HEARD;
	job_step(job, STORE_HEARD);
	job->step.text = job->heard;
}

/*
 * The words are there.  What is said aloud keeps its user busy until the sound
 * is there as well, or is not to be had: then this comes again.
 */
static void
job_step_answer(struct job *job, enum stage next)
{
	const struct settings *set = job->engine->set;
	struct store_step *step = &job->step;

	job_turn_to(job, next);
	job_step(job, STORE_ANSWER);
	step->reply = job->reply;
	step->reply_len = job->reply_len;
	step->stays_busy = next == STAGE_SPEAK;
	step->prefs = job->sets_prefs ? job->stored.prefs : NULL;
	step->follow = job->follow;
	step->follow_stage = STAGE_SPEAK;
	step->follow_wait_ms = FOLLOW_MS;
	if (!job->remember && !job->forgets)
		return;
	step->question = job->stored.text;
	step->answer = job->forgets ? "" : job->answer;
	step->history_turns = job->forgets ? 0 : set->history_turns;
	step->history_bytes = set->history_bytes;
}

static void
job_step_end(struct job *job, bool dead)
{
	job_step(job, dead ? STORE_DEAD : STORE_DONE);
	job->step.reason = job->reason;
	job->ending = true;
}

static void
after_hear(struct job *job)
{
	if (job->heard != NULL)
		job_step_heard(job);
	else
		job_step_answer(job, STAGE_DELIVER);
}

static void
after_think(struct job *job)
{
	if (job->aloud) { /* there are no words but those of before */
		job_turn_to(job, STAGE_SPEAK);
		job_step(job, STORE_SAVE);
		return;
	}
	job_step_answer(job,
	    speak_is_wanted(job) ? STAGE_SPEAK : STAGE_DELIVER);
}

static void
after_speak(struct job *job)
{
	job_step_answer(job, STAGE_DELIVER);
}

static void
after_deliver(struct job *job)
{
	enum outcome outcome = job->stored.progress.outcome;

	job->reason = outcome_name(outcome);
	job_step_end(job, outcome_is_dead(outcome));
}

static void (*const after[STAGE__MAX])(struct job *) = {
	[STAGE_HEAR] = after_hear,
	[STAGE_THINK] = after_think,
	[STAGE_SPEAK] = after_speak,
	[STAGE_DELIVER] = after_deliver,
};

void
job_settle(struct job *job, enum out out)
{
	switch (out) {
	case OUT_CALL:
		break;
	case OUT_NEXT:
		after[job->stored.progress.stage](job);
		break;
	case OUT_AGAIN:
		job_step(job, STORE_SAVE);
		break;
	case OUT_RETRY:
		job_step(job, STORE_WAIT);
		job->step.wait_ms = job->wait_ms;
		job->ending = true;
		break;
	case OUT_DEAD:
		job_step_end(job, true);
		break;
	}
}

/* One line for each job that left our hands. */
static void
job_log(const struct job *job)
{
	static const char *const kinds[STORE_STEP__MAX] = {
		[STORE_WAIT] = "waits",
		[STORE_DONE] = "done",
		[STORE_DEAD] = "dead",
	};
	const struct store_progress *p = &job->stored.progress;
	int64_t total = job_age_ms(job);
	bool waits = job->step.kind == STORE_WAIT;

	log_info("job=%s end=%s outcome=%s reason=%s stage=%s way=%s "
		 "hear_ms=%u think_ms=%u speak_ms=%u deliver_ms=%u "
		 "total_ms=%" PRId64 " tries=%u sends=%u wait_ms=%u",
	    job->name, kinds[job->step.kind],
	    waits ? "none" : outcome_name(p->outcome),
	    job->step.reason == NULL ? "none" : job->step.reason,
	    stage_def(p->stage) == NULL ? "?" : stage_def(p->stage)->name,
	    p->intent == DELIVERY_PUSH ? "push" : "reply",
	    job->took_ms[STAGE_HEAR], job->took_ms[STAGE_THINK],
	    job->took_ms[STAGE_SPEAK], job->took_ms[STAGE_DELIVER],
	    total == INT64_MAX ? -1 : total, p->tries, p->sends,
	    job->step.wait_ms);
}

/* What is in the store already goes as it is, and asks for no room. */
static void
job_say_stored(struct job *job)
{
	free(job->reply);
	free(job->follow);
	job->reply = job->follow = NULL;
	job->reply_len = 0;
	job_step_answer(job, STAGE_DELIVER);
}

/*
 * Others are about to end and to make room; but better a short word than an
 * answer that comes when the lease is over.  A text waits for no sound.
 */
static void
job_wait_for_room(struct job *job)
{
	static struct log_limit limit = LOG_LIMIT(10);

	if (!job->said && clock_boot_ms() < job->lease_until_ms - NO_ROOM_MS) {
		engine_commit_again(job);
		return;
	}
	log_limited(&limit, LOG_WARN,
	    "job=%s reason=full bytes=%zu remedy=\"raise STORE_MAP_MB\"",
	    job->name, job->reply_len);
	if (job->said) {
		job_say_stored(job);
		return;
	}
	job->stored.progress.stage = STAGE_THINK;
	job_settle(job, think_no_room(job));
}

/*
 * What was heard is in the store now, and with it the turns that others may
 * have added while it was listened to.  So is a reply that stayed as it was.
 */
static void
job_reload(struct job *job)
{
	struct store_lease lease = job->stored.lease;
	enum store_rc rc;

	store_job_release(&job->stored);
	rc = store_load(job->engine->store, &lease, engine_now(), &job->stored);
	job->stored.lease = lease;
	if (rc == STORE_OK)
		job_resume(job);
	else
		(void)job_unreadable(job, rc);
}

/* A step that the store did not take. */
static void
job_left(struct job *job, enum store_rc rc)
{
	if (rc == STORE_NONE)
		log_info("job=%s end=discarded reason=busy hear_ms=%u",
		    job->name, job->took_ms[STAGE_HEAR]);
	else
		log_warn("job=%s outcome=left reason=%s", job->name,
		    rc == STORE_FENCED ? "fenced" : "corrupt");
	job_free(job);
}

void
job_committed(struct job *job, enum store_rc rc)
{
	struct engine *engine = job->engine;

	if (rc == STORE_FULL) {
		job_wait_for_room(job);
		return;
	}
	if (rc != STORE_OK) {
		job_left(job, rc);
		return;
	}
	if (job->ending) {
		job_log(job);
		if (job->step.kind == STORE_WAIT)
			engine_claim_within(engine, job->wait_ms);
		job_free(job);
		return;
	}
	job->lease_until_ms = engine->told_ms + engine->lease_ms;
	job->said |= job->step.kind == STORE_ANSWER;
	if (job->step.follow != NULL)
		engine_claim_within(engine, FOLLOW_MS);
	if (job->step.kind == STORE_HEARD ||
	    (job->step.kind == STORE_ANSWER && job->step.reply == NULL))
		job_reload(job);
	else
		job_resume(job);
}

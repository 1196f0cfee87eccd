/*
 * job.c - a job's way through the stages: job_settle() alone decides what a
 * stage's word means, job_enter() alone begins a stage.
 *
 * The store's mark is set while a job's own code runs, so that a crash is
 * blamed on the right one of the thousands.
 */
#include "jobs/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/delivery.h"
#include "jobs/engine_priv.h"
#include "jobs/speech.h"
#include "jobs/stage.h"

enum {
	NO_ROOM_MS = 10000, /* so long before its lease ends an answer stops
			     * waiting for room */
	LATE_MS = 10000     /* of a lease: less than its margin */
};

static void job_settle(struct job *, enum out);

int64_t
job_age_ms(const struct job *job)
{
	int64_t age = clock_boot_ms() - job->stored.received_ms;

	if (job->stored.aged)
		return INT64_MAX;
	return age < 0 ? 0 : age;
}

/* Begins the stage that progress names. */
static void
job_enter(struct job *job)
{
	const struct store_progress *p = &job->stored.progress;
	const struct stage_def *def = stage_def(p->stage);
	bool worn = p->crashes >= CRASHES_MAX ||
	    (def->tries != 0 && p->tries > def->tries);

	if (job->engine->stopping) {
		job_give_back(job);
		return;
	}
	job->stage_ms = clock_boot_ms();
	job_settle(job, worn ? def->give_up(job) : def->start(job));
}

static void
link_job(struct engine *engine, struct job *job)
{
	job->next = engine->jobs;
	if (job->next != NULL)
		job->next->prev = job;
	engine->jobs = job;
	atomic_fetch_add(&engine->n_jobs, 1);
}

static void
unlink_job(struct engine *engine, struct job *job)
{
	if (job->prev != NULL)
		job->prev->next = job->next;
	else
		engine->jobs = job->next;
	if (job->next != NULL)
		job->next->prev = job->prev;
	atomic_fetch_sub(&engine->n_jobs, 1);
}

static void
name_job(struct job *job, const struct store_job_id *id)
{
	(void)snprintf(job->name, sizeof(job->name),
	    "%02x%02x%02x%02x-%" PRIu32, id->user[0], id->user[1], id->user[2],
	    id->user[3], id->seq);
}

/*
 * Who stood still while the store gave it a lease, or had to wait with one,
 * may find too little of it left for the work.
 */
static bool
job_is_late(const struct job *job)
{
	int64_t left = job->lease_until_ms - clock_boot_ms();

	return left < (int64_t)job->engine->lease_ms - LATE_MS;
}

/* To be claimed anew by anyone, who will know as much as we did. */
static void
job_return(struct job *job)
{
	struct store_progress *p = &job->stored.progress;

	if (p->interrupted != 0 && p->intent == DELIVERY_REPLY)
		p->flags |= DELIVERY_UNKNOWN;
	job_give_back(job);
}

/* A job that cannot be read cannot be answered either: it ends here. */
static int
job_unreadable(struct job *job, enum store_rc rc)
{
	if (rc != STORE_CORRUPT) {
		log_warn("job=%s outcome=left reason=%s", job->name,
		    rc == STORE_FENCED ? "fenced" : "store");
		job_free(job);
		return -1;
	}
	job->reason = "corrupt";
	job_settle(job, OUT_DEAD);
	return 0;
}

int
job_begin(struct engine *engine, const struct store_lease *lease)
{
	struct job *job = calloc(1, sizeof(*job));
	enum store_rc rc;

	if (job == NULL)
		return -1;
	job->engine = engine;
	name_job(job, &lease->id);
	link_job(engine, job);
	rc = store_load(engine->store, lease, engine_now(), &job->stored);
	job->stored.lease = *lease;
	if (job->stored.voice)
		job->stored.progress.stage = STAGE_HEAR;
	if (rc == STORE_OK && stage_def(job->stored.progress.stage) == NULL)
		rc = STORE_ERR;
	if (rc != STORE_OK)
		return job_unreadable(job, rc);
	job->lease_until_ms = job->stored.lease_until_ms;
	store_mark(engine->store, &lease->id);
	if (job_is_late(job))
		job_return(job);
	else
		job_enter(job);
	store_mark(engine->store, NULL);
	return 0;
}

void
job_free(struct job *job)
{
	if (job->call != NULL)
		net_cancel(job->call);
	speech_leave(job);
	hear_forget(job);
	unlink_job(job->engine, job);
	store_job_release(&job->stored);
	free(job->heard);
	free(job->answer);
	free(job->reply);
	free(job);
}

static void
job_reply(void *arg, const struct net_reply *reply)
{
	struct job *job = arg;
	struct store *store = job->engine->store;
	const struct stage_def *def = stage_def(job->stored.progress.stage);

	job->call = NULL;
	store_mark(store, &job->stored.lease.id);
	log_debug("job=%s stage=%s status=%d ms=%u connect_ms=%u error=\"%s\"",
	    job->name, def->name, reply->status, reply->total_ms,
	    reply->connect_ms, reply->error);
	job_settle(job, def->finish(job, reply));
	store_mark(store, NULL);
}

int
job_call(struct job *job, struct net_call *call)
{
	if (clock_boot_ms() >= job->lease_until_ms)
		return -1;
	call->done = job_reply;
	call->arg = job;
	job->call = net_start(job->engine->net, call);
	return job->call == NULL ? -1 : 0;
}

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
	uint32_t took = (uint32_t)(clock_boot_ms() - job->stage_ms);

	*(p->stage == STAGE_HEAR ? &job->hear_ms : &job->think_ms) = took;
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

/* The words are there: from here on the user may ask again. */
static void
job_step_answer(struct job *job)
{
	const struct settings *set = job->engine->set;

	job_turn_to(job, STAGE_DELIVER);
	job_step(job, STORE_ANSWER);
	job->step.reply = job->reply;
	job->step.reply_len = job->reply_len;
	if (!job->remember)
		return;
	job->step.question = job->stored.text;
	job->step.answer = job->answer;
	job->step.history_turns = set->history_turns;
	job->step.history_bytes = set->history_bytes;
}

static void
job_step_end(struct job *job, bool dead)
{
	job_step(job, dead ? STORE_DEAD : STORE_DONE);
	job->step.reason = job->reason;
	job->ending = true;
}

static void
job_settle(struct job *job, enum out out)
{
	const struct store_progress *p = &job->stored.progress;

	switch (out) {
	case OUT_CALL:
		break;
	case OUT_NEXT:
		if (p->stage == STAGE_HEAR && job->heard != NULL) {
			job_step_heard(job);
			break;
		}
		if (!stage_def(p->stage)->last) {
			job_step_answer(job);
			break;
		}
		job->reason = outcome_name(p->outcome);
		job_step_end(job, outcome_is_dead(p->outcome));
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

void
job_resume(struct job *job)
{
	struct store *store = job->engine->store;

	store_mark(store, &job->stored.lease.id);
	job_enter(job);
	store_mark(store, NULL);
}

void
job_give_back(struct job *job)
{
	struct store_progress *p = &job->stored.progress;

	if (job->ending)
		return;
	speech_leave(job);
	if (job->call != NULL) {
		net_cancel(job->call);
		job->call = NULL;
		if (p->stage == STAGE_DELIVER && job->way == DELIVERY_BY_REPLY)
			p->flags |= DELIVERY_UNKNOWN;
	}
	if (p->tries > 0)
		p->tries--;
	if (p->stage != STAGE_DELIVER)
		p->deadline_ms = 0; /* the next one begins with all of it */
	job->wait_ms = 0;
	job_settle(job, OUT_RETRY);
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
		 "hear_ms=%u think_ms=%u deliver_ms=%u total_ms=%" PRId64
		 " tries=%u sends=%u wait_ms=%u",
	    job->name, kinds[job->step.kind],
	    waits ? "none" : outcome_name(p->outcome),
	    job->step.reason == NULL ? "none" : job->step.reason,
	    stage_def(p->stage) == NULL ? "?" : stage_def(p->stage)->name,
	    p->intent == DELIVERY_PUSH ? "push" : "reply", job->hear_ms,
	    job->think_ms, job->deliver_ms, total == INT64_MAX ? -1 : total,
	    p->tries, p->sends, job->step.wait_ms);
}

/*
 * Others are about to end and to make room; but better a short word than an
 * answer that comes when the lease is over.
 */
static void
job_wait_for_room(struct job *job)
{
	static struct log_limit limit = LOG_LIMIT(10);

	if (clock_boot_ms() < job->lease_until_ms - NO_ROOM_MS) {
		engine_commit_again(job);
		return;
	}
	log_limited(&limit, LOG_WARN,
	    "job=%s reason=full bytes=%zu remedy=\"raise STORE_MAP_MB\"",
	    job->name, job->reply_len);
	job->stored.progress.stage = STAGE_THINK;
	job_settle(job, think_no_room(job));
}

/*
 * What was heard is in the store now, and with it the turns that others may
 * have added while it was listened to.
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
		    job->name, job->hear_ms);
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
	if (job->step.kind == STORE_HEARD)
		job_reload(job);
	else
		job_resume(job);
}

/*
 * job.c - a job in our hands, from the claim to its end: job_enter() alone
 * begins a stage.
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
#include "jobs/utterance.h"

enum { LATE_MS = 10000 }; /* of a lease: less than its margin */

int64_t
job_age_ms(const struct job *job)
{
	int64_t age = clock_boot_ms() - job->stored.received_ms;

	if (job->stored.aged)
		return INT64_MAX;
	return age < 0 ? 0 : age;
}

const char *
job_messages(const struct job *job)
{
	return job->reply != NULL ? job->reply : job->stored.reply;
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
int
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
	job->stage_ms = clock_boot_ms();
	rc = store_load(engine->store, lease, engine_now(), &job->stored);
	job->stored.lease = *lease;
	/* An unheard one; other jobs beside the user's question say where. */
	if (job->stored.voice && job->stored.progress.stage == STAGE_THINK)
		job->stored.progress.stage = STAGE_HEAR;
	job->said = job->stored.reply != NULL;
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
	speak_forget(job);
	unlink_job(job->engine, job);
	store_job_release(&job->stored);
	free(job->heard);
	free(job->follow);
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
	if (job->call != NULL) {
		net_cancel(job->call);
		job->call = NULL;
		if (p->stage == STAGE_DELIVER && job->way == DELIVERY_BY_REPLY)
			p->flags |= DELIVERY_UNKNOWN;
	}
	speech_leave(job);
	speak_forget(job);
	if (p->tries > 0)
		p->tries--;
	if (p->stage != STAGE_DELIVER)
		p->deadline_ms = 0; /* the next one begins with all of it */
	job->wait_ms = 0;
	job_settle(job, OUT_RETRY);
}

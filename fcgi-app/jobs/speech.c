/*
 * speech.c - the places for sounds, the queue for them, and the times.
 */
#include "jobs/speech.h"

#include "base/clock.h"
#include "jobs/engine_priv.h"

void
speech_init(struct speech *speech)
{
	speech->n = 0;
	speech->next_ms = INT64_MAX;
	TAILQ_INIT(&speech->queue);
	TAILQ_INIT(&speech->timed);
}

static struct speech_list *
list_of(struct job *job)
{
	struct speech *speech = &job->engine->speech;

	return job->place.waits == SPEECH_PLACE ? &speech->queue
						: &speech->timed;
}

static void
wait_in(struct job *job, enum speech_wait how, int64_t at_ms)
{
	struct speech *speech = &job->engine->speech;

	speech_wake(job);
	job->place.waits = how;
	job->place.at_ms = at_ms;
	if (at_ms < speech->next_ms)
		speech->next_ms = at_ms;
	TAILQ_INSERT_TAIL(list_of(job), job, place.link);
}

static bool
is_room(const struct engine *engine)
{
	return engine->speech.n < engine->set->speech_jobs;
}

static void
give_place(struct job *job)
{
	job->place.has = true;
	job->engine->speech.n++;
}

bool
speech_take(struct job *job, int64_t late_ms)
{
	if (job->place.has)
		return true;
	if (is_room(job->engine) && TAILQ_EMPTY(&job->engine->speech.queue)) {
		give_place(job);
		return true;
	}
	wait_in(job, SPEECH_PLACE, late_ms);
	return false;
}

void
speech_wait(struct job *job, int64_t at_ms)
{
	wait_in(job, SPEECH_TIME, at_ms);
}

void
speech_wake(struct job *job)
{
	if (job->place.waits != SPEECH_NOT)
		TAILQ_REMOVE(list_of(job), job, place.link);
	job->place.waits = SPEECH_NOT;
}

void
speech_leave(struct job *job)
{
	speech_wake(job);
	if (job->place.has)
		job->engine->speech.n--;
	job->place.has = false;
}

/* Those whose time has come go at once, at the cost of looking at all. */
static void
run_late(struct speech_list *list, int64_t now, int64_t *next_ms)
{
	struct job *job = TAILQ_FIRST(list), *next;
	struct speech_list late = TAILQ_HEAD_INITIALIZER(late);

	for (; job != NULL; job = next) {
		next = TAILQ_NEXT(job, place.link);
		if (job->place.at_ms <= now) {
			TAILQ_REMOVE(list, job, place.link);
			job->place.waits = SPEECH_NOT;
			TAILQ_INSERT_TAIL(&late, job, place.link);
		} else if (job->place.at_ms < *next_ms) {
			*next_ms = job->place.at_ms;
		}
	}
	while ((job = TAILQ_FIRST(&late)) != NULL) {
		TAILQ_REMOVE(&late, job, place.link);
		job_resume(job);
	}
}

void
speech_run(struct engine *engine)
{
	struct speech *speech = &engine->speech;
	int64_t now = clock_boot_ms(), next_ms = INT64_MAX;
	struct job *job;

	while (is_room(engine) && (job = TAILQ_FIRST(&speech->queue)) != NULL) {
		speech_wake(job);
		give_place(job);
		job_resume(job);
	}
	if (now < speech->next_ms)
		return;
	speech->next_ms = INT64_MAX;
	run_late(&speech->queue, now, &next_ms);
	run_late(&speech->timed, now, &next_ms);
	if (next_ms < speech->next_ms)
		speech->next_ms = next_ms;
}

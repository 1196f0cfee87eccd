/*
 * speech.c - the places for recordings, and the queue for them.
 */
#include "jobs/speech.h"

#include "base/clock.h"
#include "jobs/engine_priv.h"

enum { MARGIN_MS = 5000 };

void
speech_init(struct speech *speech)
{
	speech->n = 0;
	TAILQ_INIT(&speech->queue);
}

bool
speech_take(struct job *job)
{
	struct engine *engine = job->engine;
	struct speech *speech = &engine->speech;

	if (job->speaks)
		return true;
	if (speech->n < engine->set->speech_jobs &&
	    TAILQ_EMPTY(&speech->queue)) {
		speech->n++;
		job->speaks = true;
		return true;
	}
	job->waits = true;
	TAILQ_INSERT_TAIL(&speech->queue, job, speech_link);
	return false;
}

bool
speech_is_late(const struct job *job)
{
	int64_t needed =
	    (int64_t)job->engine->set->stt_timeout * 1000 + MARGIN_MS;

	return job->lease_until_ms - clock_boot_ms() < needed;
}

void
speech_leave(struct job *job)
{
	struct speech *speech = &job->engine->speech;

	if (job->waits)
		TAILQ_REMOVE(&speech->queue, job, speech_link);
	if (job->speaks)
		speech->n--;
	job->waits = job->speaks = false;
}

void
speech_run(struct engine *engine)
{
	struct speech *speech = &engine->speech;
	struct job *job;

	while ((job = TAILQ_FIRST(&speech->queue)) != NULL) {
		bool has_place = speech->n < engine->set->speech_jobs;

		if (!has_place && !speech_is_late(job))
			break;
		speech_leave(job);
		job->speaks = has_place;
		speech->n += has_place;
		job_resume(job);
	}
}

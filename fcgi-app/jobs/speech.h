/*
 * speech.h - how many jobs may have a recording in memory: SPEECH_JOBS.
 *
 * A recording takes up to RECORDING_MAX bytes, so the jobs with one go in
 * turn, the first first.  Who waits keeps its lease, and is told when that
 * leaves no more time than the work takes.
 */
#ifndef JOBS_SPEECH_H
#define JOBS_SPEECH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct engine;
struct job;

TAILQ_HEAD(speech_queue, job);

struct speech {
	size_t n;                  /* jobs with a place */
	struct speech_queue queue; /* those without */
};

void speech_init(struct speech *);

/*
 * A place for the job: true when it has one.  Else it waits, and its stage
 * starts anew when it is its turn, or when speech_is_late().
 */
bool speech_take(struct job *);

/* Has it waited for so long that its lease may end before the work does? */
bool speech_is_late(const struct job *);

/* Gives up its place, or the wait for one; does nothing without either. */
void speech_leave(struct job *);

/* Starts those whose turn it is. */
void speech_run(struct engine *);

#endif

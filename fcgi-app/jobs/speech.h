/*
 * speech.h - how many jobs may have a sound in memory: SPEECH_JOBS.
 *
 * A recording or a voice answer takes up to some MiB, so the jobs with one go
 * in turn, the first first.  Who waits is called anyway when it would be too
 * late.  A job with a place may also wait for a time of its own.
 */
#ifndef JOBS_SPEECH_H
#define JOBS_SPEECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct engine;
struct job;

enum speech_wait {
	SPEECH_NOT = 0, /* it does not wait */
	SPEECH_PLACE,   /* in the queue for a place */
	SPEECH_TIME     /* for its time */
};

/* A job's part. */
struct speech_place {
	bool has;               /* one of SPEECH_JOBS */
	enum speech_wait waits; /* in which list it is */
	int64_t at_ms;          /* boot clock: called then in any case */
	TAILQ_ENTRY(job) link;
};

TAILQ_HEAD(speech_list, job);

struct speech {
	size_t n;                        /* jobs with a place */
	struct speech_list queue, timed; /* SPEECH_PLACE, SPEECH_TIME */
	int64_t next_ms;                 /* boot clock: no at_ms is before it */
};

void speech_init(struct speech *);

/*
 * A place for the job: true when it has one.  Else it waits, and its stage
 * starts anew when it is its turn, or at late_ms of the boot clock.
 */
bool speech_take(struct job *, int64_t late_ms);

/* The stage starts anew at at_ms of the boot clock, or earlier by another. */
void speech_wait(struct job *, int64_t at_ms);

/* It waits no more; its place stays.  Does nothing if it did not wait. */
void speech_wake(struct job *);

/* Gives up its place as well; does nothing without either. */
void speech_leave(struct job *);

/* Starts those whose turn or time it is. */
void speech_run(struct engine *);

#endif

/*
 * job.h - one job in the hands of this process.
 *
 * A job here is a leased copy of what the store knows.  It lives from the
 * claim to the commit that ends it or gives it back; only the engine's thread
 * touches it.
 */
#ifndef JOBS_JOB_H
#define JOBS_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "jobs/outcome.h"
#include "jobs/speech.h"
#include "net/net.h"
#include "store/store.h"

struct engine;

/* What a stage's function says; job_settle() alone acts on it. */
enum out {
	OUT_CALL = 0, /* a call is under way: the reply comes to finish; or the
		       * job waits, see speech.h: then start is called again */
	OUT_NEXT,     /* the stage's work is done: commit, go to next */
	OUT_AGAIN,    /* progress changed: commit it, start the stage again */
	OUT_RETRY,    /* not now: give the job back for job->wait_ms */
	OUT_DEAD      /* it cannot be done, and job->reason says why */
};

/* Of one stage; then it is given up. */
enum { CRASHES_MAX = 3 };

struct job {
	struct engine *engine;
	struct job *prev, *next;  /* all jobs of the engine */
	struct job *queued;       /* next of those that wait for the commit */
	struct store_job stored;  /* as loaded; progress moves on here */
	struct store_step step;   /* what the next commit says */
	struct net_request *call; /* in flight, or NULL */
	char *answer;             /* think: the plain text, ours */
	char *reply;              /* think: LINE's message objects, ours */
	size_t reply_len;
	bool remember;               /* think: the answer enters the session */
	bool forgets;                /* think: the session's turns go */
	bool sets_prefs;             /* think: stored.prefs is new */
	bool aloud;                  /* think: the last answer is read out */
	bool said;                   /* the answer is committed */
	struct recording *recording; /* hear: fetched, see step_hear.c */
	char *heard;                 /* hear: the words, ours */
	struct utterance *utterance; /* speak: see utterance.h */
	char *follow;                /* speak: what follows, ours */
	struct speech_place place;   /* hear, speak: see speech.h */
	bool ending;            /* the step being committed ends our part */
	const char *reason;     /* OUT_DEAD: static */
	uint32_t wait_ms;       /* OUT_RETRY */
	uint8_t way;            /* deliver: enum delivery_way under way */
	int64_t lease_until_ms; /* boot clock */
	int64_t stage_ms;       /* boot clock: when the stage began here */
	uint32_t took_ms[4];    /* by enum stage, for the log */
	char name[24];          /* for the log */
};

/*
 * Takes up a leased job: loads it and starts its stage.  0, or -1 when it
 * could not be loaded; the reason is logged and the lease left to run out.
 */
int job_begin(struct engine *, const struct store_lease *);

/*
 * settle.c: does what a stage's word says, mostly by a step that the next
 * commit takes.
 */
void job_settle(struct job *, enum out);

/* The commit of job->step came back with rc: goes on, or lets go. */
void job_committed(struct job *, enum store_rc rc);

/* Starts its stage again: what it waited for is there. */
void job_resume(struct job *);

/* Aborts its call and gives the job back, to be claimed at once by anyone. */
void job_give_back(struct job *);

/* Frees the job; its call is cancelled. */
void job_free(struct job *);

/*
 * For the stages: starts call for this job; the stage's finish gets the reply.
 * 0, or -1 when memory is short, or when the lease has run out meanwhile: a
 * process that was stopped and wakes late sends nothing.
 */
int job_call(struct job *, struct net_call *);

/* The answer as LINE's messages; NULL before there is one.  Borrowed. */
const char *job_messages(const struct job *);

/* Lets go of a job that cannot be loaded; -1 when it is freed. */
int job_unreadable(struct job *, enum store_rc);

/* How old the reply token is, in ms; INT64_MAX when nobody knows. */
int64_t job_age_ms(const struct job *);

#endif

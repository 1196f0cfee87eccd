/*
 * stage.h - the life of a job, as a table.
 *
 *   [hear] -> [think] -> [deliver] -> done | dead
 *
 * Only voice messages are heard first.
 *
 * A stage starts an outbound call and reads its answer; what it made is
 * committed before the next stage begins, so that a successor never pays
 * twice.  The names are logged and the numbers stored: never reuse one.
 */
#ifndef JOBS_STAGE_H
#define JOBS_STAGE_H

#include "jobs/job.h"

struct net_reply;

/* What a stage's function says; job_settle() alone acts on it. */
enum out {
	OUT_CALL = 0, /* a call is under way: the reply comes to finish; or the
		       * job waits, see speech.h: then start is called again */
	OUT_NEXT,     /* the stage's work is done: commit, go to next */
	OUT_AGAIN,    /* progress changed: commit it, start the stage again */
	OUT_RETRY,    /* not now: give the job back for job->wait_ms */
	OUT_DEAD      /* it cannot be done, and job->reason says why */
};

enum stage { STAGE_THINK = 0, STAGE_DELIVER, STAGE_HEAR, STAGE__MAX };

struct stage_def {
	const char *name;
	enum out (*start)(struct job *);
	enum out (*finish)(struct job *, const struct net_reply *);
	enum out (*give_up)(struct job *); /* tries or crashes ran out */
	bool last;                         /* OUT_NEXT ends the job */
	unsigned tries;                    /* claims; 0: time alone decides */
};

/* The stage's row, or NULL for a number that this program does not know. */
const struct stage_def *stage_def(unsigned stage);

/* step_hear.c: fetches a voice message and has it written down. */
enum out hear_start(struct job *);
enum out hear_finish(struct job *, const struct net_reply *);
enum out hear_give_up(struct job *);

/* Frees the recording; no call may read it any more. */
void hear_forget(struct job *);

/*
 * conclude.c: the stage's result is this word, with the model's text where it
 * has one: makes the reply.  OUT_NEXT, or OUT_RETRY when memory is short.
 */
enum out job_conclude(struct job *, enum outcome, const char *text);

/* step_think.c: asks the model. */
enum out think_start(struct job *);
enum out think_finish(struct job *, const struct net_reply *);
enum out think_give_up(struct job *);

/* The answer is too long for what room the store has: a short word instead. */
enum out think_no_room(struct job *);

/* step_deliver.c: sends the answer by reply or push. */
enum out deliver_start(struct job *);
enum out deliver_finish(struct job *, const struct net_reply *);
enum out deliver_give_up(struct job *);

#endif

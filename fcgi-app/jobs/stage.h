/*
 * stage.h - the life of a job, as a table.
 *
 *   [hear] -> [think] -> [speak] -> [deliver] -> done | dead
 *
 * Only voice messages are heard first, and only answers that are wanted aloud
 * are spoken.
 *
 * A stage starts an outbound call and reads its answer; what it made is
 * committed before the next stage begins, so that a successor never pays
 * twice.  The names are logged and the numbers stored: never reuse one.
 */
#ifndef JOBS_STAGE_H
#define JOBS_STAGE_H

#include "bot/command.h"
#include "bot/words.h"
#include "jobs/job.h"

struct net_reply;

enum stage {
	STAGE_THINK = 0,
	STAGE_DELIVER,
	STAGE_HEAR,
	STAGE_SPEAK,
	STAGE__MAX
};

struct stage_def {
	const char *name;
	enum out (*start)(struct job *);
	enum out (*finish)(struct job *, const struct net_reply *);
	enum out (*give_up)(struct job *); /* tries or crashes ran out */
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

/* The same with a sentence of ours. */
enum out job_say(struct job *, enum words);

/*
 * New messages, with buttons for what can be said after an answer, spoken or
 * not; NULL when memory is short.
 */
char *job_buttons(const struct job *, const char *messages, bool spoken,
    size_t *len);

/* step_think.c: asks the model. */
enum out think_start(struct job *);
enum out think_finish(struct job *, const struct net_reply *);
enum out think_give_up(struct job *);

/* The answer is too long for what room the store has: a short word instead. */
enum out think_no_room(struct job *);

/* obey.c: does what a word of ours says, such as "voice on". */
enum out obey(struct job *, enum command);

/* step_speak.c: has an answer read aloud. */
enum out speak_start(struct job *);
enum out speak_finish(struct job *, const struct net_reply *);
enum out speak_give_up(struct job *);

/* Is the answer that the job now has to be read aloud? */
bool speak_is_wanted(const struct job *);

/* step_deliver.c: sends the answer by reply or push. */
enum out deliver_start(struct job *);
enum out deliver_finish(struct job *, const struct net_reply *);
enum out deliver_give_up(struct job *);

#endif

/*
 * engine_priv.h - the engine as its own files see it: engine.c (the loop),
 * job.c (a job's way through the stages), commit.c, the steps, the notices.
 */
#ifndef JOBS_ENGINE_PRIV_H
#define JOBS_ENGINE_PRIV_H

#include <stdatomic.h>

#include "jobs/engine.h"
#include "jobs/helper.h"
#include "jobs/job.h"
#include "jobs/speech.h"
#include "jobs/upstream.h"
#include "net/net.h"

/* Steps in one transaction, at most. */
enum { COMMIT_BATCH = 256 };

struct engine {
	const struct settings *set;
	struct store *store;
	struct mailbox *mailbox;
	struct net *net;
	struct helper *helper; /* NULL: there are no voice answers */
	struct upstreams up;
	bool drain;
	int64_t drain_until_ms; /* boot clock: claims nothing after it */
	atomic_bool stop;       /* asked to end */
	bool stopping;          /* hands back what it holds */
	atomic_size_t n_jobs;
	size_t peak;      /* of n_jobs, since memory was given back */
	struct job *jobs; /* all in hand */
	struct speech speech;
	struct job *to_commit, **to_commit_last;
	size_t batch_max;                     /* steps of the next commit */
	struct mail *waiting, **waiting_last; /* beyond MAX_INFLIGHT */
	bool calm;        /* begins nothing: a suspect is or will be here */
	bool has_suspect; /* until no job is left */
	int64_t claim_ms; /* boot clock: when to look for jobs again */
	bool stood;       /* until what it heard by then is written down */
	int64_t
	    commit_ms;   /* not before: after a failed commit, or in a crowd */
	int64_t told_ms; /* boot clock: the last commit's time */
	uint32_t lease_ms;                     /* of every claim and step */
	struct store_step steps[COMMIT_BATCH]; /* of the commit under way */
	struct job *batch[COMMIT_BATCH];
};

/*
 * The parts of engine_run(), for a loop that has its own clock: one turn,
 * which waits for at most engine_wait_ms(), and the end.
 */
int engine_wait_ms(const struct engine *);
void engine_turn(struct engine *);
void engine_hand_over(struct engine *);

/* The time as the store wants it. */
struct store_now engine_now(void);

/*
 * commit.c: puts job->step into the commit at the end of this turn; commits
 * all such steps, or leaves them for a later turn.
 */
void engine_commit_later(struct job *);
void engine_commit_again(struct job *); /* the same, in a moment */
void engine_commit(struct engine *);

/* What cannot be written cannot be promised: ends the process. */
void engine_die_if_fatal(enum store_rc);

/* Looks for due jobs no later than in wait_ms. */
void engine_claim_within(struct engine *, uint32_t wait_ms);

/* A number that nobody needs to predict: jitter. */
uint32_t engine_random(void);

/* notice.c: best effort, told once, never tried again. */
void notice_send(struct engine *, const struct mail *);
void notice_loading(struct engine *, const struct job *);

#endif

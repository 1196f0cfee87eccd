/*
 * commit.c - the steps of one turn of the engine, in as few transactions as
 * possible.
 *
 * A step that the store does not take stays in memory, its job in the store:
 * nothing is lost.  When room is short, one large transaction may fail where
 * small ones pass, and those that end a job make room for the others.
 */
#include "base/clock.h"
#include "base/log.h"
#include "jobs/engine_priv.h"

enum {
	AGAIN_MS = 100,
	CROWD = 64,   /* jobs in hand: steps then come faster than commits */
	GATHER_MS = 4 /* and wait so long for each other */
};

void
engine_commit_later(struct job *job)
{
	struct engine *engine = job->engine;

	job->queued = NULL;
	*engine->to_commit_last = job;
	engine->to_commit_last = &job->queued;
}

void
engine_commit_again(struct job *job)
{
	engine_commit_later(job);
	job->engine->commit_ms = clock_boot_ms() + AGAIN_MS;
}

static struct job *
take_first(struct engine *engine)
{
	struct job *job = engine->to_commit;

	engine->to_commit = job->queued;
	if (engine->to_commit == NULL)
		engine->to_commit_last = &engine->to_commit;
	return job;
}

static void
put_back(struct engine *engine, struct job *job)
{
	job->queued = engine->to_commit;
	if (engine->to_commit == NULL)
		engine->to_commit_last = &job->queued;
	engine->to_commit = job;
}

/* Those whose step ends our part come first, otherwise in their order. */
static void
put_ending_first(struct engine *engine)
{
	struct job *ending = NULL, *others = NULL;
	struct job **last_ending = &ending, **last_other = &others, *job;

	for (job = engine->to_commit; job != NULL; job = job->queued) {
		struct job ***last = job->ending ? &last_ending : &last_other;

		**last = job;
		*last = &job->queued;
	}
	*last_other = NULL;
	*last_ending = others;
	engine->to_commit = ending;
	engine->to_commit_last = others == NULL ? last_ending : last_other;
}

static size_t
take_batch(struct engine *engine, struct job **batch, struct store_step *steps)
{
	size_t n = 0;

	if (engine->batch_max < COMMIT_BATCH)
		put_ending_first(engine);
	while (n < engine->batch_max && engine->to_commit != NULL) {
		batch[n] = take_first(engine);
		steps[n] = batch[n]->step;
		n++;
	}
	return n;
}

void
engine_die_if_fatal(enum store_rc rc)
{
	if (rc == STORE_FATAL)
		log_die("store error=\"the disk or the data file failed\" "
			"remedy=\"check the disk of DATA_DIR\"");
}

/* Half as many at once; a single one that fails lets the others go first. */
static void
failed(struct engine *engine, enum store_rc rc, struct job **batch, size_t n)
{
	static struct log_limit limit = LOG_LIMIT(10);

	engine_die_if_fatal(rc);
	log_limited(&limit, LOG_WARN, "commit error=%d steps=%zu", (int)rc, n);
	if (n == 1 && rc != STORE_BUSY) {
		engine_commit_later(batch[0]);
	} else {
		engine->batch_max = rc == STORE_BUSY ? n : n / 2;
		while (n-- > 0)
			put_back(engine, batch[n]);
		if (rc != STORE_BUSY)
			return;
	}
	engine->commit_ms = clock_boot_ms() + AGAIN_MS;
}

/*
 * A commit costs the same for one step and for ten, and while it lasts nobody
 * can admit.  Few in hand wait for nobody.
 */
static void
gather(struct engine *engine)
{
	if (atomic_load(&engine->n_jobs) >= CROWD && !engine->stopping)
		engine->commit_ms = clock_boot_ms() + GATHER_MS;
}

/* Each job that goes on may make a new step, which comes next. */
void
engine_commit(struct engine *engine)
{
	struct store_step *steps = engine->steps;
	struct job **batch = engine->batch;
	enum store_rc rc = STORE_NONE;
	struct store_now now;
	size_t i, n;

	while (engine->to_commit != NULL &&
	    clock_boot_ms() >= engine->commit_ms) {
		now = engine_now();
		engine->told_ms = now.boot_ms;
		n = take_batch(engine, batch, steps);
		rc = store_steps(engine->store, steps, n, now);
		if (rc != STORE_OK) {
			failed(engine, rc, batch, n);
			continue;
		}
		engine->batch_max = engine->batch_max * 2 > COMMIT_BATCH
		    ? COMMIT_BATCH
		    : engine->batch_max * 2;
		for (i = 0; i < n; i++)
			job_committed(batch[i], steps[i].rc);
	}
	if (rc == STORE_OK)
		gather(engine);
}

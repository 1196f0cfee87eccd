/*
 * steps - writing down how far jobs have come.
 *
 * Whatever can be made before the write turn is taken is made then (see
 * steps_make.c); in the turn each step is checked against its fence.  A session
 * that changed meanwhile is drafted again then, which is rare and takes
 * microseconds.
 */
#include <stdlib.h>
#include <string.h>

#include "store/steps.h"

static enum store_rc
renew(struct tx *tx, struct steps *all, struct work *w)
{
	const struct store_job_id *id = &w->step->lease.id;
	enum store_rc rc;

	w->job.progress = w->step->progress;
	rc = job_move(tx, id, &w->job, tx->now.boot_ms + w->step->lease_ms,
	    all->self);
	return rc == STORE_OK ? job_put(tx, id, &w->job) : rc;
}

/* Is this job what keeps its user from asking? */
static bool
is_busy(const struct work *w)
{
	return w->lane.busy_seq == w->step->lease.id.seq;
}

/* The user may ask again, unless another question of his is at work. */
static void
free_user(struct tx *tx, struct work *w)
{
	if (is_busy(w) || job_is_beside(&w->job))
		tx->owed--;
	if (is_busy(w))
		w->lane.busy_seq = 0;
	w->job.role = JOB_QUESTION;
	w->lane.used_ms = tx->now.wall_ms;
}

/* Makes the draft fit the session as it is in this transaction. */
static enum store_rc
check_draft(struct tx *tx, struct work *w)
{
	struct session session;
	enum store_rc rc = session_get(tx, w->step->lease.id.user, &session);

	if (rc == STORE_NONE)
		rc = STORE_OK;
	if (rc != STORE_OK || session.serial == w->draft.base)
		return rc == STORE_OK ? w->draft_rc : rc;
	session_draft_release(&w->draft);
	w->draft_rc = session_draft_make(tx, w->step, &w->draft);
	return w->draft_rc;
}

/* Another job, which nobody has: it says more later. */
static enum store_rc
put_follow(struct tx *tx, struct work *w)
{
	const struct store_step *step = w->step;
	struct due due = { .id = step->lease.id,
		.owner = { .slot = OWNER_NONE } };
	struct job job = {
		.progress.stage = step->follow_stage,
		.role = JOB_FOLLOW,
		.visible_ms = tx->now.boot_ms + step->follow_wait_ms,
		.received_ms = w->job.received_ms,
		.received_boot = w->job.received_boot,
		.created_ms = tx->now.wall_ms,
	};
	enum store_rc rc;

	job.fence = tx_serial(tx);
	due.visible_ms = job.visible_ms;
	due.id.seq = w->lane.next_seq++;
	w->lane.unfinished++;
	tx->owed++;
	rc = db_put(tx, key_job(&due.id, PART_PAYLOAD), w->follow,
	    w->follow_len);
	if (rc == STORE_OK)
		rc = job_put(tx, &due.id, &job);
	return rc == STORE_OK ? due_put(tx, &due) : rc;
}

/* All that is read for an answer, before anything of it is written. */
static enum store_rc
check_answer(struct tx *tx, struct work *w)
{
	const struct store_job_id *id = &w->step->lease.id;
	struct bytes reply;
	enum store_rc rc = w->payload_rc;

	if (rc == STORE_OK && w->record == NULL)
		rc = db_get(tx, key_job(id, PART_REPLY), &reply);
	if (rc == STORE_OK)
		rc = mend_lane_get(tx, id->user, &w->lane);
	if (rc != STORE_OK || !w->talks)
		return rc;
	rc = check_draft(tx, w);
	/* A session that does not decode stays, and its user is answered. */
	w->talks = rc == STORE_OK;
	return rc == STORE_CORRUPT ? STORE_OK : rc;
}

static enum store_rc
step_answer(struct tx *tx, struct steps *all, struct work *w)
{
	const struct store_job_id *id = &w->step->lease.id;
	enum store_rc rc = check_answer(tx, w);

	if (rc != STORE_OK)
		return rc;
	if (w->step->stays_busy && is_busy(w))
		w->job.role = JOB_STAYS;
	else
		free_user(tx, w);
	if (w->follow != NULL)
		rc = put_follow(tx, w);
	if (rc == STORE_OK)
		rc = lane_put(tx, id->user, &w->lane);
	if (rc == STORE_OK && w->talks)
		rc = session_draft_put(tx, id->user, &w->draft);
	if (rc == STORE_OK && w->record != NULL)
		rc = db_put(tx, key_job(id, PART_REPLY), w->record,
		    w->record_len);
	return rc == STORE_OK ? renew(tx, all, w) : rc;
}

/* A job that is given back has no lease, so the fence rises. */
static enum store_rc
step_wait(struct tx *tx, struct steps *all, struct work *w)
{
	const struct owner nobody = { .slot = OWNER_NONE };
	const struct store_job_id *id = &w->step->lease.id;
	enum store_rc rc;

	(void)all;
	w->job.progress = w->step->progress;
	w->job.fence = tx_serial(tx);
	rc = job_move(tx, id, &w->job, tx->now.boot_ms + w->step->wait_ms,
	    nobody);
	return rc == STORE_OK ? job_put(tx, id, &w->job) : rc;
}

static enum store_rc
step_done(struct tx *tx, struct steps *all, struct work *w)
{
	static const enum key_part parts[] = { PART_PAYLOAD, PART_REPLY,
		PART_STATE };
	const struct store_job_id *id = &w->step->lease.id;
	enum store_rc rc = mend_lane_get(tx, id->user, &w->lane);
	size_t i;

	(void)all;
	if (rc != STORE_OK)
		return rc;
	free_user(tx, w);
	if (w->lane.unfinished > 0)
		w->lane.unfinished--;
	rc = lane_put(tx, id->user, &w->lane);
	if (rc == STORE_OK)
		rc = due_del(tx, w->job.visible_ms, id);
	for (i = 0; rc == STORE_OK && i < sizeof(parts) / sizeof(parts[0]); i++)
		rc = db_del(tx, key_job(id, parts[i]));
	return rc;
}

static enum store_rc
step_dead(struct tx *tx, struct steps *all, struct work *w)
{
	const struct store_step *step = w->step;
	struct dead dead = {
		.stage = step->progress.stage,
		.tries = step->progress.tries,
		.crashes = step->progress.crashes,
	};
	enum store_rc rc = step_done(tx, all, w);

	if (step->reason != NULL)
		memcpy(dead.reason, step->reason,
		    strnlen(step->reason, REASON_MAX));
	return rc == STORE_OK ? dead_put(tx, &step->lease.id, &dead) : rc;
}

/* The user is busy with it from here on, or was with another one before. */
static enum store_rc
step_heard(struct tx *tx, struct steps *all, struct work *w)
{
	const struct store_job_id *id = &w->step->lease.id;
	enum store_rc rc =
	    w->job.role == JOB_VOICE ? w->payload_rc : STORE_FENCED;

	if (rc == STORE_OK)
		rc = mend_lane_get(tx, id->user, &w->lane);
	if (rc != STORE_OK)
		return rc;
	if (w->lane.busy_seq != 0 && !is_busy(w)) {
		rc = step_done(tx, all, w);
		return rc == STORE_OK ? STORE_NONE : rc;
	}
	w->lane.busy_seq = id->seq;
	w->job.role = JOB_QUESTION;
	rc = lane_put(tx, id->user, &w->lane);
	if (rc == STORE_OK)
		rc = db_put(tx, key_job(id, PART_PAYLOAD), w->record,
		    w->record_len);
	return rc == STORE_OK ? renew(tx, all, w) : rc;
}

static enum store_rc (*const kinds[])(struct tx *, struct steps *,
    struct work *) = {
	[STORE_SAVE] = renew,
	[STORE_ANSWER] = step_answer,
	[STORE_HEARD] = step_heard,
	[STORE_WAIT] = step_wait,
	[STORE_DONE] = step_done,
	[STORE_DEAD] = step_dead,
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == STORE_STEP__MAX,
    "every kind has a line in the table");

static enum store_rc
run_step(struct tx *tx, struct steps *all, struct work *w)
{
	const struct store_lease *lease = &w->step->lease;
	enum store_rc rc = job_get(tx, &lease->id, &w->job);

	if (w->no_room) {
		w->step->rc = STORE_FULL;
		return STORE_OK;
	}
	if (rc == STORE_NONE ||
	    (rc == STORE_OK && w->job.fence != lease->fence))
		rc = STORE_FENCED;
	if (rc == STORE_OK)
		rc = kinds[w->step->kind](tx, all, w);
	w->step->rc = rc;
	return rc == STORE_FENCED || rc == STORE_CORRUPT || rc == STORE_NONE
	    ? STORE_OK
	    : rc;
}

static enum store_rc
run_steps(struct tx *tx, void *arg)
{
	struct steps *all = arg;
	enum store_rc rc = STORE_OK;
	size_t i;

	for (i = 0; rc == STORE_OK && i < all->n; i++)
		rc = run_step(tx, all, &all->works[i]);
	return rc;
}

enum store_rc
store_steps(struct store *s, struct store_step *steps, size_t n,
    struct store_now now)
{
	struct steps all = { .store = s, .n = n };
	enum store_rc rc = store_check(s);

	if (rc != STORE_OK || n == 0)
		return rc;
	all.self = worker_self(s);
	if (all.self.slot == OWNER_NONE)
		return STORE_ERR;
	all.works = calloc(n, sizeof(*all.works));
	if (all.works == NULL)
		return STORE_ERR;
	rc = steps_make(&all, steps, &now);
	if (rc == STORE_OK)
		rc = tx_write_late(s, &now, STEP_WAIT_MS, steps_find_room,
		    run_steps, &all);
	steps_release(&all);
	return rc;
}

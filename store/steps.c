/*
 * steps - writing down how far jobs have come.
 *
 * Replies are sealed and sessions drafted before the write turn is taken; in
 * the turn each step is checked against its fence.  A session that changed
 * meanwhile is drafted again then, which is rare and takes microseconds.
 */
#include <stdlib.h>
#include <string.h>

#include "store/store_priv.h"

/* A step with what was made of it before the turn, and its records. */
struct work {
	struct store_step *step;
	uint8_t *reply; /* new; sealed */
	size_t reply_len;
	bool talks; /* its turn belongs into the session */
	bool no_room;
	struct session_draft draft;
	enum store_rc draft_rc;
	struct job job;
	struct lane lane;
};

struct steps {
	struct store *store;
	struct owner self;
	struct work *works;
	size_t n;
};

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

/* The user may ask again, unless another question of his is at work. */
static void
free_user(struct tx *tx, struct work *w)
{
	if (w->lane.busy_seq == w->step->lease.id.seq) {
		w->lane.busy_seq = 0;
		tx->owed--;
	}
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

static enum store_rc
step_answer(struct tx *tx, struct steps *all, struct work *w)
{
	const struct store_job_id *id = &w->step->lease.id;
	enum store_rc rc = mend_lane_get(tx, id->user, &w->lane);

	if (rc != STORE_OK)
		return rc;
	if (w->talks)
		rc = check_draft(tx, w);
	/* A session that does not decode stays, and its user is answered. */
	w->talks = w->talks && rc != STORE_CORRUPT;
	if (rc != STORE_OK && rc != STORE_CORRUPT)
		return rc;
	free_user(tx, w);
	rc = lane_put(tx, id->user, &w->lane);
	if (rc == STORE_OK && w->talks)
		rc = session_draft_put(tx, id->user, &w->draft);
	if (rc == STORE_OK)
		rc =
		    db_put(tx, key_job(id, PART_REPLY), w->reply, w->reply_len);
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

static enum store_rc (*const kinds[])(struct tx *, struct steps *,
    struct work *) = {
	[STORE_SAVE] = renew,
	[STORE_ANSWER] = step_answer,
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
	return rc == STORE_FENCED || rc == STORE_CORRUPT ? STORE_OK : rc;
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

static enum store_rc
draft_sessions(struct tx *tx, void *arg)
{
	struct steps *all = arg;
	struct work *w;

	for (w = all->works; w < all->works + all->n; w++) {
		if (!w->talks)
			continue;
		w->draft_rc = session_draft_make(tx, w->step, &w->draft);
		if (w->draft_rc != STORE_OK && w->draft_rc != STORE_CORRUPT)
			return w->draft_rc;
	}
	return STORE_OK;
}

static bool
seal_reply(struct seal *seal, struct work *w)
{
	const struct store_step *step = w->step;

	if (step->reply == NULL || step->reply_len > REPLY_MAX)
		return false;
	w->reply_len = SEAL_HEAD + step->reply_len;
	w->reply = malloc(w->reply_len);
	if (w->reply == NULL)
		return false;
	memcpy(w->reply + SEAL_HEAD, step->reply, step->reply_len);
	return seal_close(seal, SEAL_REPLY, step->lease.id.user, w->reply,
	    step->reply_len);
}

/* All that can be done without the turn. */
static enum store_rc
prepare(struct steps *all, struct store_step *steps,
    const struct store_now *now)
{
	bool any_talks = false;
	struct work *w;
	size_t i;

	for (i = 0; i < all->n; i++) {
		w = &all->works[i];
		w->step = &steps[i];
		if (w->step->kind >= STORE_STEP__MAX)
			return STORE_ERR;
		if (w->step->kind != STORE_ANSWER)
			continue;
		if (!seal_reply(all->store->seal, w))
			return STORE_ERR;
		w->talks = w->step->question != NULL && w->step->answer != NULL;
		any_talks |= w->talks;
	}
	return any_talks ? tx_read(all->store, now, draft_sessions, all)
			 : STORE_OK;
}

/* The turn has come: which of the long replies have room? */
static enum store_rc
find_room(struct store *s, const struct store_now *now, void *arg)
{
	struct steps *all = arg;
	size_t bytes = 0, more;
	struct work *w;

	for (w = all->works; w < all->works + all->n; w++) {
		more = w->reply_len + w->draft.len;
		if (more <= ROOM_SHORT)
			continue;
		w->no_room = room_for_reply(s, now, bytes + more) != STORE_OK;
		if (!w->no_room)
			bytes += more;
	}
	return STORE_OK;
}

static void
works_free(struct steps *all)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		session_draft_release(&all->works[i].draft);
		free(all->works[i].reply);
	}
	free(all->works);
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
	rc = prepare(&all, steps, &now);
	if (rc == STORE_OK)
		rc = tx_write_late(s, &now, STEP_WAIT_MS, find_room, run_steps,
		    &all);
	works_free(&all);
	return rc;
}

/*
 * claim - taking jobs that nobody works on.
 *
 * A job may be claimed when its time has come (it waited, or its lease ran
 * out) or when its owner is dead.  Workers ask all the time and mostly in
 * vain, so the first look is at a snapshot and takes no write turn.
 */
#include <stdlib.h>

#include "store/store_priv.h"

/* A job that may be claimed. */
struct pick {
	struct due due;
	struct job job;
	bool is_mended; /* its state was damaged */
};

/* The first of both kinds, earliest first, and how many are wanted. */
struct picks {
	size_t max_good, max_suspects;
	size_t n_good, n_suspects;
	struct pick *good, suspect; /* never more than one suspect */
};

struct claiming {
	struct picks picks;
	uint32_t lease_ms;
	struct owner self;
	struct store_lease *leases;
	size_t n;
};

static bool
is_claimable(struct tx *tx, struct roll *roll, const struct due *due)
{
	if (due->visible_ms <= tx->now.boot_ms)
		return true;
	if (global_boot(&tx->global, &tx->now) != tx->global.boot)
		return true;
	return due->owner.slot != OWNER_NONE &&
	    !worker_lives(tx, roll, due->owner);
}

/* Reads the job of a claimable entry, with what its owner's end says. */
static enum store_rc
pick_job(struct tx *tx, struct pick *p)
{
	struct owner owner = p->due.owner;
	struct store_progress *progress = &p->job.progress;
	enum store_rc rc = mend_job_get(tx, &p->due.id, &p->job, &p->is_mended);

	if (rc != STORE_OK)
		return rc;
	progress->interrupted = owner.slot != OWNER_NONE;
	if (progress->tries < UINT8_MAX)
		progress->tries++;
	return STORE_OK;
}

static void
blame(struct tx *tx, struct roll *roll, struct pick *p)
{
	if (worker_marked(tx->store, p->due.owner, &p->due.id) &&
	    !worker_lives(tx, roll, p->due.owner) &&
	    p->job.progress.crashes < UINT8_MAX)
		p->job.progress.crashes++;
}

static void
picks_add(struct picks *picks, const struct pick *p)
{
	if (p->job.progress.crashes == 0) {
		if (picks->n_good < picks->max_good)
			picks->good[picks->n_good++] = *p;
	} else if (picks->n_suspects < picks->max_suspects) {
		picks->suspect = *p;
		picks->n_suspects++;
	}
}

static bool
wants_more(const struct picks *picks)
{
	return picks->n_good < picks->max_good ||
	    picks->n_suspects < picks->max_suspects;
}

static enum store_rc
look(struct tx *tx, struct scan *scan, struct picks *picks)
{
	struct roll roll = { .slots = { { .asked = false } } };
	struct bytes key, value;
	struct pick p;
	enum store_rc rc = STORE_OK;

	while (wants_more(picks)) {
		rc = scan_next(scan, &key, &value);
		if (rc != STORE_OK)
			break;
		/* Records of a newer program stay, and hold up no others. */
		if (!mend_due(key, value, &p.due) ||
		    !is_claimable(tx, &roll, &p.due))
			continue;
		rc = pick_job(tx, &p);
		if (rc == STORE_NONE || rc == STORE_CORRUPT)
			continue;
		if (rc != STORE_OK)
			break;
		blame(tx, &roll, &p);
		picks_add(picks, &p);
	}
	return rc == STORE_NONE || rc == STORE_CORRUPT ? STORE_OK : rc;
}

static enum store_rc
pick_all(struct tx *tx, struct picks *picks)
{
	struct key table = { .at = { TABLE_DUE }, .len = 1 };
	struct scan scan;
	enum store_rc rc = scan_open(&scan, tx, table, table);

	picks->n_good = picks->n_suspects = 0;
	if (rc != STORE_OK)
		return rc;
	rc = look(tx, &scan, picks);
	scan_close(&scan);
	return rc;
}

static enum store_rc
lease_job(struct tx *tx, struct claiming *c, struct pick *p)
{
	struct store_lease *lease = &c->leases[c->n++];
	struct lane lane;
	enum store_rc rc = STORE_OK;

	if (p->is_mended)
		rc = mend_job_note(tx, &p->due.id);
	p->job.fence = tx_serial(tx);
	lease->id = p->due.id;
	lease->fence = p->job.fence;
	p->job.visible_ms = p->due.visible_ms;
	if (rc == STORE_OK)
		rc = job_move(tx, &p->due.id, &p->job,
		    tx->now.boot_ms + c->lease_ms, c->self);
	if (rc == STORE_OK)
		rc = job_put(tx, &p->due.id, &p->job);
	if (rc == STORE_OK && p->is_mended &&
	    !mend_lane_agrees(tx, p->due.id.user))
		rc = mend_lane(tx, p->due.id.user, &lane);
	return rc == STORE_CORRUPT ? STORE_OK : rc;
}

static enum store_rc
claim_all(struct tx *tx, void *arg)
{
	struct claiming *c = arg;
	struct picks *picks = &c->picks;
	enum store_rc rc = pick_all(tx, picks);
	size_t i;

	c->n = 0;
	for (i = 0; rc == STORE_OK && i < picks->n_good; i++)
		rc = lease_job(tx, c, &picks->good[i]);
	if (rc == STORE_OK && picks->n_suspects > 0)
		rc = lease_job(tx, c, &picks->suspect);
	return rc;
}

/* Is the first of the index due? */
static bool
is_first_due(struct tx *tx)
{
	struct key table = { .at = { TABLE_DUE }, .len = 1 };
	struct bytes key, value;
	struct scan scan;
	struct due due;
	bool is_due = false;

	if (scan_open(&scan, tx, table, table) != STORE_OK)
		return false;
	if (scan_next(&scan, &key, &value) == STORE_OK)
		is_due = !due_decode(key, value, &due) ||
		    due.visible_ms <= tx->now.boot_ms;
	scan_close(&scan);
	return is_due;
}

/* What a first look found. */
struct sight {
	struct watch watch;
	bool good, suspect;
};

/*
 * The look that is mostly in vain: the whole index is read only when its
 * first entry is due, after a boot, or when a worker came or went.
 */
static enum store_rc
see_claimable(struct tx *tx, void *arg)
{
	struct sight *sight = arg;
	struct pick good;
	struct picks first = {
		.max_good = 1, .max_suspects = 1, .good = &good
	};
	bool rebooted = global_boot(&tx->global, &tx->now) != tx->global.boot;
	enum store_rc rc = watch_epochs(tx, &sight->watch);

	sight->good = sight->suspect = false;
	if (rc != STORE_OK)
		return rc;
	if (!rebooted && !is_first_due(tx) &&
	    watch_is_calm(tx->store, &sight->watch))
		return STORE_OK;
	rc = pick_all(tx, &first);
	if (rc != STORE_OK)
		return rc;
	sight->good = first.n_good > 0;
	sight->suspect = first.n_suspects > 0;
	if (!rebooted && !sight->good && !sight->suspect)
		watch_calm(tx->store, &sight->watch);
	return STORE_OK;
}

static enum store_rc
claim(struct store *s, struct claiming *c, const struct store_now *now)
{
	enum store_rc rc = STORE_ERR;

	c->self = worker_self(s);
	c->picks.good = malloc((c->picks.max_good + 1) * sizeof(struct pick));
	if (c->picks.good != NULL && c->self.slot != OWNER_NONE)
		rc = tx_write(s, now, STEP_WAIT_MS, claim_all, c);
	free(c->picks.good);
	if (rc != STORE_OK)
		return rc;
	return c->n > 0 ? STORE_OK : STORE_NONE;
}

enum store_rc
store_claim(struct store *s, size_t max, size_t held, uint32_t lease_ms,
    struct store_now now, struct store_lease *leases, size_t *n, bool *alone)
{
	struct claiming c = { .lease_ms = lease_ms, .leases = leases };
	struct sight sight;
	enum suspect_turn turn = SUSPECT_LEAVE;
	enum store_rc rc;

	*n = 0;
	reader_watch(s);
	watch_locks(s, &sight.watch);
	rc = tx_read(s, &now, see_claimable, &sight);
	if (alone != NULL)
		*alone = false;
	if (rc != STORE_OK)
		return rc;
	if (alone != NULL)
		turn = suspect_turn(s, &now, sight.suspect,
		    held == 0 && !sight.good, held == 0);
	if (turn == SUSPECT_CALM || (turn == SUSPECT_LEAVE && !sight.good)) {
		rc = STORE_NONE;
	} else {
		c.picks.max_good = turn == SUSPECT_TAKE ? 0 : max;
		c.picks.max_suspects = turn == SUSPECT_TAKE;
		rc = claim(s, &c, &now);
	}
	if (rc == STORE_OK)
		*n = c.n;
	if (alone != NULL)
		*alone =
		    turn == SUSPECT_CALM || (turn == SUSPECT_TAKE && *n > 0);
	return rc;
}

static enum store_rc
count_orphans(struct tx *tx, void *arg)
{
	struct key table = { .at = { TABLE_DUE }, .len = 1 };
	bool rebooted = global_boot(&tx->global, &tx->now) != tx->global.boot;
	struct roll roll = { .slots = { { .asked = false } } };
	struct bytes key, value;
	struct scan scan;
	struct due due;
	size_t *n = arg;
	enum store_rc rc = scan_open(&scan, tx, table, table);

	*n = 0;
	if (rc != STORE_OK)
		return rc;
	while ((rc = scan_next(&scan, &key, &value)) == STORE_OK)
		if (due_decode(key, value, &due) &&
		    (rebooted || !worker_lives(tx, &roll, due.owner)))
			(*n)++;
	scan_close(&scan);
	return rc == STORE_NONE ? STORE_OK : rc;
}

enum store_rc
store_orphans(struct store *s, struct store_now now, size_t *n)
{
	return tx_read(s, &now, count_orphans, n);
}

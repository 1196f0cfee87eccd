/*
 * mend - the way out for the user of a damaged record.
 *
 * A state that does not decode would never be claimed, a lane that does not
 * decode counts as busy: either would lock its user for ever.  A job gets a
 * state with all its tries used up, so whoever claims it tells its user that
 * it failed, as far as its message can be read.  A lane is made from the jobs
 * that are there.
 */
#include <string.h>

#include "store/store_priv.h"

enum { VERSION = 1 }; /* of lanes and entries of the index */

/* What a user's jobs say. */
struct sum {
	uint32_t jobs, unanswered, last; /* the last two are numbers of jobs */
	bool asleep;                     /* one has no entry in the index */
};

static enum store_rc
keep_damaged(struct tx *tx, const struct store_job_id *id, struct key key,
    const char *reason)
{
	struct dead dead = { .stage = 0 };
	struct bytes b;
	enum store_rc rc = db_get(tx, key, &b);

	if (rc != STORE_OK && rc != STORE_NONE)
		return rc;
	if (rc == STORE_NONE)
		b.len = 0;
	dead.n_damaged = (uint8_t)(b.len < DAMAGED_MAX ? b.len : DAMAGED_MAX);
	if (dead.n_damaged > 0)
		memcpy(dead.damaged, b.at, dead.n_damaged);
	memcpy(dead.reason, reason, strnlen(reason, REASON_MAX));
	return dead_put(tx, id, &dead);
}

/* STORE_CORRUPT: it is not ours to mend. */
static enum store_rc
is_ours(struct tx *tx, struct key key, uint8_t version)
{
	struct bytes b;
	enum store_rc rc = db_get(tx, key, &b);

	if (rc == STORE_OK && rec_is_newer(b, version))
		return STORE_CORRUPT;
	return rc == STORE_NONE ? STORE_OK : rc;
}

/* ---------------------------------------------------------------- jobs -- */

enum store_rc
mend_job_get(struct tx *tx, const struct store_job_id *id, struct job *job,
    bool *is_mended)
{
	enum store_rc rc = job_get(tx, id, job);

	*is_mended = false;
	if (rc != STORE_NONE && rc != STORE_CORRUPT)
		return rc;
	rc = is_ours(tx, key_job(id, PART_STATE), STATE_VERSION);
	if (rc != STORE_OK)
		return rc;
	*is_mended = true;
	memset(job, 0, sizeof(*job));
	job->progress.tries = UINT8_MAX;
	job->created_ms = tx->now.wall_ms;
	return STORE_OK;
}

enum store_rc
mend_job_note(struct tx *tx, const struct store_job_id *id)
{
	return keep_damaged(tx, id, key_job(id, PART_STATE), "damaged state");
}

bool
mend_due(struct bytes key, struct bytes value, struct due *due)
{
	if (due_decode(key, value, due))
		return true;
	due->owner.slot = OWNER_LOST;
	due->owner.epoch = 0;
	return !rec_is_newer(value, VERSION) &&
	    key_parse_due(key, &due->visible_ms, &due->id);
}

/* --------------------------------------------------------------- lanes -- */

/* A job without a state has lost it, or is a rest: --check tells of it. */
static enum store_rc
sum_job(struct tx *tx, const struct store_job_id *id, struct sum *sum)
{
	struct due due = { .id = *id };
	struct bytes reply;
	struct job job;
	bool is_mended;
	enum store_rc rc = mend_job_get(tx, id, &job, &is_mended);

	if (rc != STORE_OK)
		return rc;
	sum->jobs++;
	due.visible_ms = job.visible_ms;
	if (!is_mended && due_get(tx, &due) == STORE_NONE)
		sum->asleep = true;
	rc = db_get(tx, key_job(id, PART_REPLY), &reply);
	if (job.role == JOB_STAYS ||
	    (rc == STORE_NONE && job.role == JOB_QUESTION))
		sum->unanswered = id->seq;
	return rc == STORE_NONE ? STORE_OK : rc;
}

typedef enum store_rc each_fn(struct tx *, const struct store_job_id *,
    struct sum *);

/* Each job of a user that has a state; it may change while we go. */
static enum store_rc
each_job(struct tx *tx, const uint8_t user[USER], each_fn *fn, struct sum *sum)
{
	struct store_job_id id = { .seq = 0 };
	struct key prefix = key_session(user);
	struct bytes key, value;
	struct rec_reader r;
	struct scan scan;
	uint8_t part;
	enum store_rc rc;

	prefix.at[prefix.len - 1] = KEY_JOB;
	memcpy(id.user, user, USER);
	do {
		rc = scan_open(&scan, tx, prefix, key_job(&id, PART_STATE + 1));
		if (rc != STORE_OK)
			return rc;
		part = 0;
		while (part != PART_STATE &&
		    (rc = scan_next(&scan, &key, &value)) == STORE_OK) {
			r = rec_reader(key);
			r.at += prefix.len;
			id.seq = rec_get_u32(&r);
			part = rec_get_u8(&r);
		}
		scan_close(&scan);
		if (rc == STORE_OK && id.seq > sum->last)
			sum->last = id.seq;
		if (rc == STORE_OK)
			rc = fn(tx, &id, sum);
	} while (rc == STORE_OK);
	return rc == STORE_NONE ? STORE_OK : rc;
}

/* Gives an entry to a job that has none. */
static enum store_rc
wake_job(struct tx *tx, const struct store_job_id *id, struct sum *sum)
{
	struct due due = { .id = *id, .owner = { .slot = OWNER_LOST } };
	struct job job;
	enum store_rc rc = job_get(tx, id, &job);

	(void)sum;
	if (rc != STORE_OK)
		return rc == STORE_CORRUPT ? STORE_OK : rc;
	due.visible_ms = job.visible_ms;
	rc = due_get(tx, &due);
	if (rc != STORE_NONE)
		return rc == STORE_CORRUPT ? STORE_OK : rc;
	due.visible_ms = job.visible_ms = tx->now.boot_ms;
	due.owner.slot = OWNER_LOST;
	job.fence = tx_serial(tx);
	rc = due_put(tx, &due);
	return rc == STORE_OK ? job_put(tx, id, &job) : rc;
}

enum store_rc
mend_lane(struct tx *tx, const uint8_t user[USER], struct lane *lane)
{
	struct store_job_id nobody = { .seq = 0 };
	struct sum sum = { .jobs = 0 };
	enum store_rc rc = is_ours(tx, key_lane(user), VERSION);

	if (rc == STORE_OK)
		rc = each_job(tx, user, sum_job, &sum);
	if (rc == STORE_OK && sum.asleep)
		rc = each_job(tx, user, wake_job, &sum);
	memcpy(nobody.user, user, USER);
	if (rc == STORE_OK)
		rc = keep_damaged(tx, &nobody, key_lane(user), "damaged lane");
	if (rc != STORE_OK)
		return rc;
	atomic_store(&tx->store->shared->owed_is_known, false);
	memset(lane, 0, sizeof(*lane));
	lane->busy_seq = sum.unanswered;
	lane->unfinished = sum.jobs;
	lane->used_ms = tx->now.wall_ms;
	/* A number that this user never had: seconds rise faster than jobs. */
	lane->next_seq = (uint32_t)(tx->now.wall_ms / 1000);
	if (lane->next_seq <= sum.last)
		lane->next_seq = sum.last + 1;
	return lane_put(tx, user, lane);
}

enum store_rc
mend_lane_get(struct tx *tx, const uint8_t user[USER], struct lane *lane)
{
	enum store_rc rc = lane_get(tx, user, lane);

	if (rc == STORE_NONE || rc == STORE_CORRUPT)
		rc = mend_lane(tx, user, lane);
	return rc;
}

bool
mend_lane_agrees(struct tx *tx, const uint8_t user[USER])
{
	struct sum sum = { .jobs = 0 };
	struct lane lane;
	enum store_rc rc = lane_get(tx, user, &lane);

	if (rc == STORE_CORRUPT)
		return is_ours(tx, key_lane(user), VERSION) != STORE_OK;
	if (rc != STORE_OK || each_job(tx, user, sum_job, &sum) != STORE_OK)
		return true;
	return sum.jobs == lane.unfinished && sum.unanswered == lane.busy_seq &&
	    !sum.asleep && sum.last < lane.next_seq;
}

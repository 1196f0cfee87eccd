/*
 * room - how full the map is.
 *
 * A full map cannot even delete: a deletion copies pages first.  So admission
 * stops at ADMIT_PERCENT, and what is left is for finishing and cleaning up.
 * Each job whose last answer is still to come is owed a page, which a short
 * reply fits in; admission and long replies leave those free, and the last
 * tenth to transactions.  So every admitted job can end, whatever the answers
 * are like.  Admission stops a little before long replies do, so that these
 * find room one after another.
 */
#include <string.h>

#include "store/store_priv.h"

enum {
	ADMIT_PERCENT = 80,
	PROMISE_PERCENT = 85, /* of admission, with what is owed */
	REPLY_PERCENT = 90,   /* of long replies, with what is owed */
	COUNT_EVERY_MS = 1000,
	COUNT_EVERY_TXN = 8,
	FREE_DBI = 0,
	HEAD_PAGES = 2
};

/*
 * A free list record is a list of page numbers, its length first.  Its key is
 * the transaction that freed them; counts those before a snapshot only.
 */
static int
count_free(MDB_txn *txn, uint64_t before, uint64_t *pages)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	size_t n, freed_by;
	int rc = mdb_cursor_open(txn, FREE_DBI, &cursor);

	if (rc != 0)
		return rc;
	*pages = 0;
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0 &&
	    value.mv_size >= sizeof(n) && key.mv_size == sizeof(freed_by)) {
		memcpy(&freed_by, key.mv_data, sizeof(freed_by));
		if (freed_by >= before)
			break;
		memcpy(&n, value.mv_data, sizeof(n));
		*pages += n;
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Counts again when the last count is too old. */
static enum store_rc
free_pages(struct store *s, const struct store_now *now, uint64_t *pages)
{
	int64_t age = now->boot_ms - s->free_at_ms;
	MDB_envinfo info;
	MDB_txn *txn;
	int rc;

	mdb_env_info(s->env, &info);
	if (s->free_at_ms < 0 || age < 0 || age >= COUNT_EVERY_MS ||
	    info.me_last_txnid - s->free_at_txn >= COUNT_EVERY_TXN) {
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
		if (rc != 0)
			return store_fail(s, rc);
		rc = count_free(txn, reader_oldest(s), &s->free_pages);
		mdb_txn_abort(txn);
		if (rc != 0)
			return store_fail(s, rc);
		s->free_at_ms = now->boot_ms;
		s->free_at_txn = info.me_last_txnid;
	}
	*pages = s->free_pages;
	return STORE_OK;
}

static int
tree_pages(MDB_txn *txn, MDB_dbi dbi, uint64_t *pages)
{
	MDB_stat stat;
	int rc = mdb_stat(txn, dbi, &stat);

	if (rc == 0)
		*pages += stat.ms_branch_pages + stat.ms_leaf_pages +
		    stat.ms_overflow_pages;
	return rc;
}

enum store_rc
room_pages(struct tx *tx, struct room_pages *pages)
{
	MDB_envinfo info;
	int rc;

	pages->tree = HEAD_PAGES;
	rc = tree_pages(tx->txn, FREE_DBI, &pages->tree);
	if (rc == 0)
		rc = tree_pages(tx->txn, tx->store->dbi, &pages->tree);
	if (rc == 0)
		rc = count_free(tx->txn, UINT64_MAX, &pages->free);
	if (rc != 0)
		return store_fail(tx->store, rc);
	mdb_env_info(tx->store->env, &info);
	pages->known = info.me_last_pgno + 1;
	return info.me_last_txnid == mdb_txn_id(tx->txn) ? STORE_OK
							 : STORE_BUSY;
}

static uint64_t
touched_pages(struct store *s)
{
	MDB_envinfo info;

	mdb_env_info(s->env, &info);
	return info.me_last_pgno + 1;
}

enum store_rc
room_used(struct store *s, const struct store_now *now, uint64_t *pages)
{
	uint64_t unused = 0, touched = touched_pages(s);
	enum store_rc rc;

	pthread_mutex_lock(&s->lock);
	rc = free_pages(s, now, &unused);
	pthread_mutex_unlock(&s->lock);
	if (rc == STORE_OK)
		*pages = unused < touched ? touched - unused : 0;
	return rc;
}

/* ---------------------------------------------------------------- owed -- */

/* Is its last answer still to come?  In doubt: yes. */
static bool
is_unanswered(struct tx *tx, const struct store_job_id *id)
{
	struct bytes reply;
	struct job job;

	if (db_get(tx, key_job(id, PART_REPLY), &reply) == STORE_NONE)
		return true;
	return job_get(tx, id, &job) == STORE_OK && job.role == JOB_STAYS;
}

static enum store_rc
count_unanswered(struct tx *tx, void *arg)
{
	struct key table = { .at = { TABLE_DUE }, .len = 1 };
	struct bytes key, value;
	struct scan scan;
	struct due due;
	uint32_t *n = arg;
	enum store_rc rc = scan_open(&scan, tx, table, table);

	*n = 0;
	if (rc != STORE_OK)
		return rc;
	while ((rc = scan_next(&scan, &key, &value)) == STORE_OK)
		if (due_decode(key, value, &due) && is_unanswered(tx, &due.id))
			(*n)++;
	scan_close(&scan);
	return rc == STORE_NONE ? STORE_OK : rc;
}

/* Counted when nobody knows: after a boot, or when a writer died. */
static enum store_rc
room_owed(struct store *s, const struct store_now *now, uint64_t *pages)
{
	struct shared *sh = s->shared;
	enum store_rc rc = STORE_OK;
	uint32_t n;

	if (!atomic_load(&sh->owed_is_known)) {
		rc = tx_read(s, now, count_unanswered, &n);
		if (rc != STORE_OK)
			return rc;
		atomic_store(&sh->owed, n);
		atomic_store(&sh->owed_is_known, true);
	}
	*pages = atomic_load(&sh->owed);
	return rc;
}

bool
room_owe_begin(struct store *s)
{
	return atomic_exchange(&s->shared->owed_is_known, false);
}

void
room_owe_end(struct store *s, bool was_known, int32_t more)
{
	uint32_t owed = atomic_load(&s->shared->owed);

	if (more < 0 && owed < (uint32_t)-more)
		was_known = false;
	atomic_store(&s->shared->owed, owed + (uint32_t)more);
	atomic_store(&s->shared->owed_is_known, was_known);
}

/* ---------------------------------------------------------------- asked -- */

static enum store_rc
room_ask(struct store *s, const struct store_now *now, uint64_t more,
    uint64_t jobs, unsigned percent, unsigned owed_percent)
{
	uint64_t limit = s->map_pages * percent / 100;
	uint64_t owed_limit = s->map_pages * owed_percent / 100;
	uint64_t used = touched_pages(s), owed;
	enum store_rc rc = room_owed(s, now, &owed);

	if (rc != STORE_OK)
		return rc;
	owed += jobs;
	/* The file never shrinks, so the cheap question comes first. */
	if (used + more <= limit && used + more + owed <= owed_limit)
		return STORE_OK;
	rc = room_used(s, now, &used);
	if (rc == STORE_OK &&
	    (used + more > limit || used + more + owed > owed_limit)) {
		reader_watch(s);
		rc = STORE_FULL;
	}
	return rc;
}

enum store_rc
room_for(struct store *s, const struct store_now *now, size_t bytes,
    size_t jobs)
{
	return room_ask(s, now, bytes / s->page_bytes, jobs, ADMIT_PERCENT,
	    PROMISE_PERCENT);
}

enum store_rc
room_for_reply(struct store *s, const struct store_now *now, size_t bytes,
    size_t jobs)
{
	return room_ask(s, now, bytes / s->page_bytes + 2, jobs, REPLY_PERCENT,
	    REPLY_PERCENT);
}

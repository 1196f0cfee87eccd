/*
 * room - how full the map is.
 *
 * A full map cannot even delete: a deletion copies pages first.  So admission
 * stops at ROOM_PERCENT, and what is left is for finishing and cleaning up.
 */
#include <string.h>

#include "store/store_priv.h"

enum { ROOM_PERCENT = 80, COUNT_EVERY_MS = 1000, FREE_DBI = 0, HEAD_PAGES = 2 };

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
	MDB_txn *txn;
	int rc;

	if (s->free_at_ms < 0 || age < 0 || age >= COUNT_EVERY_MS) {
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
		if (rc != 0)
			return store_fail(s, rc);
		rc = count_free(txn, reader_oldest(s), &s->free_pages);
		mdb_txn_abort(txn);
		if (rc != 0)
			return store_fail(s, rc);
		s->free_at_ms = now->boot_ms;
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

enum store_rc
room_for(struct store *s, const struct store_now *now, size_t bytes)
{
	uint64_t limit = s->map_pages * ROOM_PERCENT / 100;
	uint64_t used = touched_pages(s), more = bytes / s->page_bytes;
	enum store_rc rc = STORE_OK;

	/* The file never shrinks, so the cheap question comes first. */
	if (used + more > limit)
		rc = room_used(s, now, &used);
	if (rc == STORE_OK && used + more > limit) {
		reader_watch(s);
		rc = STORE_FULL;
	}
	return rc;
}

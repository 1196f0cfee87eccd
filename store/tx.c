/* tx - transactions: a snapshot to read, or a turn to write. */
#include <string.h>

#include "store/store_priv.h"

/* LMDB's structs have no const; it does not change what it is given. */
static MDB_val
val_of(const void *at, size_t len)
{
	MDB_val v = { .mv_size = len, .mv_data = (void *)(uintptr_t)at };

	return v;
}

static struct bytes
bytes_of(MDB_val v)
{
	struct bytes b = { .at = v.mv_data, .len = v.mv_size };

	return b;
}

/*
 * A cursor stays on the page where it was, and what comes next in its table
 * is mostly there: an admission then walks down the tree three times instead
 * of seven.  The newest event ids stand before the global record, mostly on
 * its page, so both have one cursor.  LMDB closes the cursors of a write
 * transaction with it.
 */
static int
table_cursor(struct tx *tx, const struct key *key, MDB_cursor **cursor)
{
	uint8_t table = key->at[0] == TABLE_GLOBAL ? TABLE_EVENT : key->at[0];
	MDB_cursor **kept = &tx->cursors[table - TABLE_FIRST];
	int rc = 0;

	if (*kept == NULL)
		rc = mdb_cursor_open(tx->txn, tx->store->dbi, kept);
	*cursor = *kept;
	return rc;
}

enum store_rc
db_get(struct tx *tx, struct key key, struct bytes *out)
{
	MDB_val k = val_of(key.at, key.len), v;
	MDB_cursor *cursor;
	int rc;

	if (!tx->writes) {
		rc = mdb_get(tx->txn, tx->store->dbi, &k, &v);
	} else {
		rc = table_cursor(tx, &key, &cursor);
		if (rc == 0)
			rc = mdb_cursor_get(cursor, &k, &v, MDB_SET);
	}
	if (rc != 0)
		v = val_of(NULL, 0);
	*out = bytes_of(v);
	return store_fail(tx->store, rc);
}

enum store_rc
db_put(struct tx *tx, struct key key, const void *record, size_t len)
{
	MDB_val k = val_of(key.at, key.len), v = val_of(record, len);
	MDB_cursor *cursor;
	int rc = table_cursor(tx, &key, &cursor);

	tx->dirty = true;
	if (rc == 0)
		rc = mdb_cursor_put(cursor, &k, &v, 0);
	return store_fail(tx->store, rc);
}

enum store_rc
db_del(struct tx *tx, struct key key)
{
	MDB_val k = val_of(key.at, key.len);
	enum store_rc rc =
	    store_fail(tx->store, mdb_del(tx->txn, tx->store->dbi, &k, NULL));

	if (rc == STORE_OK)
		tx->dirty = true;
	return rc == STORE_NONE ? STORE_OK : rc;
}

enum store_rc
scan_open(struct scan *s, struct tx *tx, struct key prefix, struct key from)
{
	s->prefix = prefix;
	s->from = from;
	s->started = false;
	return store_fail(tx->store,
	    mdb_cursor_open(tx->txn, tx->store->dbi, &s->cursor));
}

enum store_rc
scan_next(struct scan *s, struct bytes *key, struct bytes *value)
{
	MDB_val k = val_of(s->from.at, s->from.len), v;
	int rc = mdb_cursor_get(s->cursor, &k, &v,
	    s->started ? MDB_NEXT : MDB_SET_RANGE);

	s->started = true;
	if (rc != 0)
		return store_rc_from_mdb(rc);
	*key = bytes_of(k);
	*value = bytes_of(v);
	if (key->len < s->prefix.len ||
	    memcmp(key->at, s->prefix.at, s->prefix.len) != 0)
		return STORE_NONE;
	return STORE_OK;
}

void
scan_close(struct scan *s)
{
	mdb_cursor_close(s->cursor);
}

uint64_t
tx_serial(struct tx *tx)
{
	tx->global_dirty = true;
	return ++tx->global.serial;
}

static enum store_rc
global_get(struct tx *tx)
{
	struct bytes b;
	enum store_rc rc = db_get(tx, key_global(), &b);

	if (rc == STORE_OK && !global_decode(b, &tx->global))
		rc = STORE_CORRUPT;
	return rc == STORE_NONE ? STORE_CORRUPT : rc;
}

static enum store_rc
global_put(struct tx *tx)
{
	uint8_t record[256];
	size_t len = global_encode(&tx->global, record, sizeof(record));

	return db_put(tx, key_global(), record, len);
}

static enum store_rc
tx_commit(struct tx *tx)
{
	struct store *s = tx->store;
	bool known = room_owe_begin(s);
	enum store_rc rc;

	turn_flush(&s->shared->turn, true);
	rc = store_fail(s, mdb_txn_commit(tx->txn));
	turn_flush(&s->shared->turn, false);
	room_owe_end(s, known, rc == STORE_OK ? tx->owed : 0);
	return rc;
}

/* Ends the transaction: commits it when rc is STORE_OK and it wrote. */
static enum store_rc
tx_end(struct tx *tx, enum store_rc rc)
{
	if (rc == STORE_OK && tx->global_dirty)
		rc = global_put(tx);
	if (rc == STORE_OK && tx->dirty)
		return tx_commit(tx);
	mdb_txn_abort(tx->txn);
	return rc;
}

static enum store_rc
write_once(struct tx *tx, tx_fn *fn, void *arg)
{
	enum store_rc rc = store_fail(tx->store,
	    mdb_txn_begin(tx->store->env, NULL, 0, &tx->txn));

	if (rc != STORE_OK)
		return rc;
	tx->writes = true;
	tx->dirty = tx->global_dirty = false;
	tx->owed = 0;
	memset(tx->cursors, 0, sizeof(tx->cursors));
	rc = global_get(tx);
	if (rc == STORE_OK)
		rc = boot_notice(tx);
	if (rc == STORE_OK)
		rc = fn(tx, arg);
	return tx_end(tx, rc);
}

/* Pages that dead readers pinned may be all that is missing. */
static enum store_rc
write_with_room(struct tx *tx, tx_fn *fn, void *arg)
{
	enum store_rc rc = write_once(tx, fn, arg);
	int cleared = 0;

	if (rc == STORE_FULL)
		reader_watch(tx->store);
	if (rc == STORE_FULL &&
	    mdb_reader_check(tx->store->env, &cleared) == 0 && cleared > 0)
		rc = write_once(tx, fn, arg);
	return rc;
}

enum store_rc
tx_enter(struct store *s, int wait_ms)
{
	enum store_rc rc;

	switch (turn_take(&s->shared->turn, wait_ms)) {
	case TURN_MINE:
		return STORE_OK;
	case TURN_INHERITED:
		/* What it committed may be visible and not yet on the disk. */
		turn_flush(&s->shared->turn, true);
		rc = store_fail(s, mdb_env_sync(s->env, 1));
		turn_flush(&s->shared->turn, false);
		if (rc != STORE_OK)
			turn_leave(&s->shared->turn);
		return rc;
	case TURN_LATE:
		return STORE_BUSY;
	case TURN_BROKEN:
		break;
	}
	return STORE_ERR;
}

enum store_rc
tx_write_late(struct store *s, const struct store_now *now, int wait_ms,
    tx_ready_fn *ready, tx_fn *fn, void *arg)
{
	struct tx tx = { .store = s, .now = *now };
	enum store_rc rc = store_check(s);

	if (rc == STORE_OK)
		rc = tx_enter(s, wait_ms);
	if (rc != STORE_OK)
		return rc;
	if (ready != NULL)
		rc = ready(s, now, arg);
	if (rc == STORE_OK)
		rc = write_with_room(&tx, fn, arg);
	turn_leave(&s->shared->turn);
	return rc;
}

enum store_rc
tx_write(struct store *s, const struct store_now *now, int wait_ms, tx_fn *fn,
    void *arg)
{
	return tx_write_late(s, now, wait_ms, NULL, fn, arg);
}

enum store_rc
tx_read(struct store *s, const struct store_now *now, tx_fn *fn, void *arg)
{
	struct tx tx = { .store = s, .now = *now };
	enum store_rc rc = store_check(s);

	if (rc == STORE_OK)
		rc = store_fail(s,
		    mdb_txn_begin(s->env, NULL, MDB_RDONLY, &tx.txn));
	if (rc != STORE_OK)
		return rc;
	rc = global_get(&tx);
	if (rc == STORE_OK)
		rc = fn(&tx, arg);
	mdb_txn_abort(tx.txn);
	return rc;
}

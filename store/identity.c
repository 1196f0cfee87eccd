/*
 * identity - is what is in the folder ours to read?
 *
 * A new store gets its global record, which holds a sealed constant; it opens
 * only with the key it was made with.  The caller keeps other openers away.
 */
#include <string.h>

#include "store/store_priv.h"

struct identity {
	struct store *store;
	const struct store_place *place;
	const struct store_now *now;
	char *why;
};

static enum store_rc
refuse_global(const struct identity *o, struct bytes record)
{
	struct rec_reader r = rec_reader(record);

	rec_get_u8(&r);
	if (rec_get_u16(&r) > SCHEMA)
		return place_why(o->why, STORE_REFUSED,
		    "DATA_DIR %s: was written by a newer version of this "
		    "program; use that one",
		    o->place->dir);
	return place_why(o->why, STORE_REFUSED,
	    "DATA_DIR %s: its global record does not decode; restore a backup",
	    o->place->dir);
}

static enum store_rc
no_memory(const struct identity *o)
{
	return place_why(o->why, STORE_ERR, "no memory for OpenSSL");
}

/* The store is there: has it this key? */
static enum store_rc
unlock_store(const struct identity *o, struct global *g)
{
	static const uint8_t nobody[USER];
	uint8_t master[SEAL_KEY], *plain;
	size_t len;
	enum store_rc rc = key_file_read(o->place->key_file, master, o->why);

	if (rc == STORE_NONE)
		return place_why(o->why, STORE_REFUSED,
		    "KEY_FILE %s: is missing, and the data cannot be read "
		    "without it; restore it from its backup",
		    o->place->key_file);
	if (rc != STORE_OK)
		return rc;
	o->store->seal = seal_new(master);
	explicit_bzero(master, sizeof(master));
	if (o->store->seal == NULL)
		return no_memory(o);
	switch (seal_open(o->store->seal, SEAL_CHECK, nobody, g->key_check,
	    sizeof(g->key_check), &plain, &len)) {
	case SEAL_OK:
		return STORE_OK;
	case SEAL_FAILED:
		return no_memory(o);
	case SEAL_BAD:
		break;
	}
	return place_why(o->why, STORE_REFUSED,
	    "KEY_FILE %s: is not the key of DATA_DIR %s; restore the right one",
	    o->place->key_file, o->place->dir);
}

static bool
global_init(struct seal *seal, const struct store_now *now, struct global *g)
{
	static const uint8_t nobody[USER];

	memset(g, 0, sizeof(*g));
	g->schema = SCHEMA;
	g->boot = g->swept_boot = 1;
	memcpy(g->boot_id, now->boot_id, sizeof(g->boot_id));
	g->swept_wall_ms = now->wall_ms;
	g->swept_boot_ms = now->boot_ms;
	return seal_close(seal, SEAL_CHECK, nobody, g->key_check,
	    sizeof(g->key_check) - SEAL_HEAD);
}

static int
write_global(struct store *s, const struct global *g)
{
	uint8_t record[256];
	struct key k = key_global();
	MDB_val key = { .mv_size = k.len, .mv_data = k.at };
	MDB_val value = { .mv_data = record };
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	value.mv_size = global_encode(g, record, sizeof(record));
	rc = mdb_put(txn, s->dbi, &key, &value, 0);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/* The store is empty: the key file is made first, and may be there already. */
static enum store_rc
found_store(const struct identity *o)
{
	struct store *s = o->store;
	uint8_t master[SEAL_KEY];
	struct global g;
	int mdb_rc;
	enum store_rc rc = key_file_read(o->place->key_file, master, o->why);

	if (rc == STORE_NONE)
		rc = key_file_make(o->place->key_file, master, o->why);
	if (rc != STORE_OK)
		return rc;
	s->seal = seal_new(master);
	explicit_bzero(master, sizeof(master));
	if (s->seal == NULL || !global_init(s->seal, o->now, &g))
		return no_memory(o);
	mdb_rc = write_global(s, &g);
	if (mdb_rc != 0)
		return place_why(o->why, STORE_ERR,
		    "data.mdb in DATA_DIR: %s; check the disk",
		    mdb_strerror(mdb_rc));
	return STORE_OK;
}

/* Opens the tree and reads the global record; STORE_NONE: all is empty. */
static enum store_rc
read_global(const struct identity *o, struct global *g)
{
	struct tx tx = { .store = o->store };
	struct bytes record;
	MDB_stat stat;
	enum store_rc rc = store_fail(o->store,
	    mdb_txn_begin(o->store->env, NULL, MDB_RDONLY, &tx.txn));

	if (rc != STORE_OK)
		return place_why(o->why, rc,
		    "data.mdb in DATA_DIR: unreadable; start again, and if "
		    "that does not help restore it from a backup");
	rc =
	    store_fail(o->store, mdb_dbi_open(tx.txn, NULL, 0, &o->store->dbi));
	if (rc == STORE_OK)
		rc = db_get(&tx, key_global(), &record);
	if (rc == STORE_OK && !global_decode(record, g))
		rc = refuse_global(o, record);
	else if (rc == STORE_NONE &&
	    mdb_stat(tx.txn, o->store->dbi, &stat) == 0 && stat.ms_entries > 0)
		rc = place_why(o->why, STORE_REFUSED,
		    "DATA_DIR %s: holds something else; name an empty folder",
		    o->place->dir);
	mdb_txn_abort(tx.txn);
	return rc;
}

enum store_rc
identity_open(struct store *s, const struct store_place *place,
    const struct store_now *now, char *why)
{
	struct identity o = {
		.store = s, .place = place, .now = now, .why = why
	};
	struct global g;
	enum store_rc rc = read_global(&o, &g);

	if (rc == STORE_OK)
		return unlock_store(&o, &g);
	return rc == STORE_NONE ? found_store(&o) : rc;
}

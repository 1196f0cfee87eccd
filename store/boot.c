/*
 * boot - what a boot of the machine means to the jobs.
 *
 * Every write transaction starts by asking whether it is the first one since.
 * Then all leases are void, because the boot clock they were counted in is
 * gone, and so is everybody who held them.
 */
#include <string.h>

#include "store/store_priv.h"

/* Frees one job from its lease of an earlier boot. */
static enum store_rc
void_lease(struct tx *tx, struct due *due)
{
	bool owned = due->owner.slot != OWNER_NONE;
	struct owner owner = { .slot = owned ? OWNER_LOST : OWNER_NONE };
	struct job job;
	enum store_rc rc = job_get(tx, &due->id, &job);

	if (rc == STORE_OK && job.visible_ms == due->visible_ms) {
		job.fence = tx_serial(tx);
		rc = job_move(tx, &due->id, &job, 0, owner);
		return rc == STORE_OK ? job_put(tx, &due->id, &job) : rc;
	}
	if (rc != STORE_OK && rc != STORE_NONE && rc != STORE_CORRUPT)
		return rc;
	/* No state to agree with: only the entry moves out of our way. */
	rc = due_del(tx, due->visible_ms, &due->id);
	due->visible_ms = 0;
	due->owner = owner;
	return rc == STORE_OK ? due_put(tx, due) : rc;
}

/* An entry that is not ours to move must not hold up the others. */
static struct key
key_after(struct bytes key)
{
	struct key k = key_copy(key);

	if (k.len < KEY_MAX)
		k.at[k.len++] = 0;
	return k;
}

/* Each entry moves to time 0, behind us. */
static enum store_rc
void_leases(struct tx *tx)
{
	static const struct store_job_id none;
	struct key table = { .at = { TABLE_DUE }, .len = 1 };
	struct bytes key, value;
	struct scan scan;
	struct key from = key_due(1, &none);
	struct due due;
	enum store_rc rc;
	bool known;

	do {
		rc = scan_open(&scan, tx, table, from);
		if (rc != STORE_OK)
			return rc;
		rc = scan_next(&scan, &key, &value);
		from = rc == STORE_OK ? key_after(key) : from;
		known = rc == STORE_OK && mend_due(key, value, &due);
		scan_close(&scan);
		if (known)
			rc = void_lease(tx, &due);
	} while (rc == STORE_OK);
	return rc == STORE_NONE ? STORE_OK : rc;
}

enum store_rc
boot_notice(struct tx *tx)
{
	struct global *g = &tx->global;
	uint32_t boot = global_boot(g, &tx->now);

	if (boot == g->boot)
		return STORE_OK;
	g->boot = boot;
	memcpy(g->boot_id, tx->now.boot_id, sizeof(g->boot_id));
	tx->global_dirty = true;
	return void_leases(tx);
}

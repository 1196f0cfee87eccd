/*
 * audit_table - what must hold about a record by itself; a user's records are
 * audit_user.c's.
 */
#include "store/audit.h"

enum { LATE_MS = 60000 };

static enum store_rc
audit_event(struct audit *a, struct tx *tx, struct bytes key,
    struct bytes value)
{
	struct seen seen;

	(void)tx;
	a->totals->events++;
	if (key.len < 2 || key.len > KEY_MAX)
		audit_fault(a, FAULT_KEY, "event", NULL, NULL);
	else if (!seen_decode(value, &seen))
		audit_fault(a, FAULT_RECORD, "event", NULL, NULL);
	else if ((seen.fate == STORE_ACCEPTED) != (seen.seq != 0) ||
	    seen.fate == STORE_DUPLICATE || seen.fate == STORE_OLD)
		audit_fault(a, FAULT_EVENT, "event", NULL, NULL);
	return STORE_OK;
}

/* That it decodes was seen when the transaction began. */
static enum store_rc
audit_global(struct audit *a, struct tx *tx, struct bytes key,
    struct bytes value)
{
	const struct global *g = &tx->global;

	(void)value;
	if (key.len != 1)
		audit_fault(a, FAULT_KEY, "global", NULL, NULL);
	else if (g->bucket.boot > g->boot || g->swept_boot > g->boot)
		audit_fault(a, FAULT_BOOT, "global", NULL, NULL);
	return STORE_OK;
}

static enum store_rc
check_owner(struct audit *a, struct tx *tx, const struct due *due)
{
	struct worker worker = { .epoch = 0 };
	uint16_t slot = due->owner.slot;
	enum store_rc rc = STORE_OK;

	if (slot >= STORE_SLOTS) {
		if (slot != OWNER_NONE && slot != OWNER_LOST)
			audit_fault(a, FAULT_OWNER, "due", due->id.user,
			    &due->id.seq);
		return STORE_OK;
	}
	rc = worker_get(tx, slot, &worker);
	if (rc == STORE_CORRUPT)
		return STORE_OK; /* told where it stands */
	if (rc != STORE_OK && rc != STORE_NONE)
		return rc;
	if (worker.epoch < due->owner.epoch)
		audit_fault(a, FAULT_OWNER, "due", due->id.user, &due->id.seq);
	else if (!worker_lives(tx, &a->roll, due->owner))
		audit_fault(a, NOTE_ORPHAN, "due", due->id.user, &due->id.seq);
	return STORE_OK;
}

static enum store_rc
audit_due(struct audit *a, struct tx *tx, struct bytes key, struct bytes value)
{
	struct due due;
	struct job job;
	enum store_rc rc;

	a->dues++;
	if (!due_decode(key, value, &due)) {
		audit_fault(a, FAULT_RECORD, "due", NULL, NULL);
		return STORE_OK;
	}
	rc = job_get(tx, &due.id, &job);
	if (rc == STORE_NONE)
		audit_fault(a, FAULT_LONE_DUE, "due", due.id.user, &due.id.seq);
	else if (rc == STORE_OK && job.visible_ms != due.visible_ms)
		audit_fault(a, FAULT_EXTRA_DUE, "due", due.id.user,
		    &due.id.seq);
	else if (rc != STORE_OK && rc != STORE_CORRUPT)
		return rc;
	if (tx->now.boot_ms - due.visible_ms > LATE_MS)
		audit_fault(a, NOTE_OVERDUE, "due", due.id.user, &due.id.seq);
	return check_owner(a, tx, &due);
}

static enum store_rc
audit_worker(struct audit *a, struct tx *tx, struct bytes key,
    struct bytes value)
{
	struct rec_reader r = rec_reader(key);
	struct worker worker;
	uint16_t slot;

	a->totals->workers++;
	rec_get_version(&r, TABLE_WORKER);
	slot = rec_get_u16(&r);
	if (!rec_is_whole(&r) || slot >= STORE_SLOTS)
		audit_fault(a, FAULT_KEY, "worker", NULL, NULL);
	else if (!worker_decode(value, &worker) || worker.epoch == 0)
		audit_fault(a, FAULT_RECORD, "worker", NULL, NULL);
	else if (worker.boot > tx->global.boot)
		audit_fault(a, FAULT_BOOT, "worker", NULL, NULL);
	return STORE_OK;
}

static enum store_rc
audit_dead(struct audit *a, struct tx *tx, struct bytes key, struct bytes value)
{
	struct dead dead;
	int64_t wall_ms;

	(void)tx;
	a->totals->dead++;
	if (!key_parse_dead(key, &wall_ms))
		audit_fault(a, FAULT_KEY, "dead", NULL, NULL);
	else if (!dead_decode(value, &dead))
		audit_fault(a, FAULT_RECORD, "dead", NULL, NULL);
	return STORE_OK;
}

static const struct {
	enum key_table table;
	enum store_rc (*look)(struct audit *, struct tx *, struct bytes key,
	    struct bytes value);
} tables[] = {
	{ TABLE_EVENT, audit_event },
	{ TABLE_GLOBAL, audit_global },
	{ TABLE_USER, audit_user },
	{ TABLE_DUE, audit_due },
	{ TABLE_WORKER, audit_worker },
	{ TABLE_DEAD, audit_dead },
};

enum store_rc
audit_record(struct audit *a, struct tx *tx, struct bytes key,
    struct bytes value)
{
	enum store_rc rc = STORE_OK;
	size_t i;

	if (key.at[0] != TABLE_USER)
		rc = audit_user_end(a, tx);
	if (rc != STORE_OK)
		return rc;
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (tables[i].table == key.at[0])
			return tables[i].look(a, tx, key, value);
	audit_fault(a, FAULT_KEY, "unknown", NULL, NULL);
	return STORE_OK;
}

/*
 * audit - is everything in the store as it must be?
 *
 * The tree is walked from its first key to its last.  A snapshot keeps pages
 * from being used again, so it is given up after some thousands of records and
 * the walk goes on in another one, never within a user.  What is compared
 * across users is compared only when nobody wrote in between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/audit.h"

/* What one snapshot is kept for: some tens of milliseconds. */
enum { SLICE_RECORDS = 20000, SLICE_BYTES = 16 << 20 };

static const char backup[] = "restore DATA_DIR and KEY_FILE from a backup";
static const char newer[] =
    "if a newer version wrote it use that one; what locks a user is mended by "
    "workers and mededbot-cleanup, for the rest restore a backup";
static const char report[] =
    "nobody is locked by it; please report it, it is a bug";
static const char mends[] =
    "mededbot-cleanup mends it, and keeps what was there as a dead letter";
static const char ends[] =
    "its worker ends it at the next try, and its user is told";
static const char workers[] =
    "is the web server running? it or mededbot.fcgi --drain takes the job";

static const struct {
	bool note;
	const char *what, *remedy;
} faults[] = {
	[FAULT_KEY] = { false, "a key of no known form", newer },
	[FAULT_RECORD] = { false, "a record that does not decode", newer },
	[FAULT_SEALED] = { false, "a sealed text that does not open", backup },
	[FAULT_NO_LANE] = { false, "records of a user without a lane", mends },
	[FAULT_UNFINISHED] = { false, "unfinished is not the number of jobs",
	    mends },
	[FAULT_BUSY] = { false, "busy with a job that is not there", mends },
	[FAULT_SEQ] = { false, "a number that was not given yet", mends },
	[FAULT_NO_STATE] = { false, "a job without its state", ends },
	[FAULT_NO_PAYLOAD] = { false, "a job without its message", ends },
	[FAULT_NO_REPLY] = { false, "a job neither at work nor answered",
	    mends },
	[FAULT_STAYS] = { false, "an answer and a lane that disagree", mends },
	[FAULT_LOST_REPLY] = { false, "a job without its answer", ends },
	[FAULT_BESIDE] = { false,
	    "a voice message or follow-up that is at work and is not", report },
	[FAULT_NO_DUE] = { false, "a job that nothing will wake", mends },
	[FAULT_EXTRA_DUE] = { false, "a wake-up at another time than its job's",
	    report },
	[FAULT_LONE_DUE] = { false, "a wake-up without a job", report },
	[FAULT_FAR_DUE] = { false, "a job that sleeps for more than a day",
	    backup },
	[FAULT_OWNER] = { false, "an owner that never was", backup },
	[FAULT_SERIAL] = { false, "a fence that was not given yet", backup },
	[FAULT_BOOT] = { false, "a boot that did not come yet", backup },
	[FAULT_EVENT] = { false, "an event id whose fate and job disagree",
	    report },
	[FAULT_COUNT] = { false, "counts that disagree", report },
	[FAULT_PAGES] = { false, "pages that are used twice", backup },
	[NOTE_ORPHAN] = { true, "its owner lives no more", workers },
	[NOTE_OVERDUE] = { true, "due for more than a minute", workers },
	[NOTE_PAGES] = { true, "pages that are lost until a restore", NULL },
	[NOTE_SUSPECT] = { true, "its code crashed a process", NULL },
};
_Static_assert(sizeof(faults) / sizeof(faults[0]) == FAULT__MAX,
    "every fault has a line in the table");

void
audit_fault(struct audit *a, enum fault which, const char *table,
    const uint8_t *user, const uint32_t *job)
{
	struct store_fault *f = &a->found[a->n_found];
	size_t at, i;

	*(faults[which].note ? &a->totals->notes : &a->totals->faults) += 1;
	if (a->n_found == FOUND_MAX)
		return;
	a->n_found++;
	f->note = faults[which].note;
	f->what = faults[which].what;
	f->remedy = faults[which].remedy;
	at = (size_t)snprintf(f->where, sizeof(f->where), "%s", table);
	for (i = 0; user != NULL && i < 8; i++)
		at += (size_t)snprintf(f->where + at, sizeof(f->where) - at,
		    i == 0 ? " %02x" : "%02x", user[i]);
	if (job != NULL)
		snprintf(f->where + at, sizeof(f->where) - at, "-%u", *job);
}

enum store_rc
audit_open(struct audit *a, struct tx *tx, enum seal_use use,
    const uint8_t user[USER], struct bytes sealed, struct bytes *plain)
{
	uint8_t *at = NULL;

	if (sealed.len > a->buffer_size) {
		at = realloc(a->buffer, sealed.len);
		if (at == NULL)
			return STORE_ERR;
		a->buffer = at;
		a->buffer_size = sealed.len;
	}
	if (sealed.len == 0)
		return STORE_CORRUPT;
	memcpy(a->buffer, sealed.at, sealed.len);
	switch (seal_open(tx->store->seal, use, user, a->buffer, sealed.len,
	    &at, &plain->len)) {
	case SEAL_OK:
		plain->at = at;
		return STORE_OK;
	case SEAL_BAD:
		return STORE_CORRUPT;
	case SEAL_FAILED:
		break;
	}
	return STORE_ERR;
}

/* ---------------------------------------------------------------- walk -- */

/* May the slice end before this record? */
static bool
is_enough(const struct audit *a, struct bytes key)
{
	bool within = a->subject.known && key.len > USER &&
	    key.at[0] == TABLE_USER &&
	    memcmp(a->subject.user, key.at + 1, USER) == 0;

	return !within &&
	    (a->records >= SLICE_RECORDS || a->bytes >= SLICE_BYTES ||
		a->n_found > FOUND_MAX / 2);
}

static enum store_rc
audit_walk(struct audit *a, struct tx *tx)
{
	struct bytes key, value;
	struct scan scan;
	struct key all = { .len = 0 };
	enum store_rc rc = scan_open(&scan, tx, all, a->from);

	if (rc != STORE_OK)
		return rc;
	while ((rc = scan_next(&scan, &key, &value)) == STORE_OK) {
		if (is_enough(a, key)) {
			a->from = key_copy(key);
			break;
		}
		a->records++;
		a->bytes += key.len + value.len;
		rc = audit_record(a, tx, key, value);
		if (rc != STORE_OK)
			break;
	}
	scan_close(&scan);
	a->at_end = rc == STORE_NONE;
	if (rc == STORE_OK || rc == STORE_NONE)
		rc = audit_user_end(a, tx);
	return rc;
}

/* What can be compared only when nobody wrote since the walk began. */
static enum store_rc
audit_counts(struct audit *a, struct tx *tx)
{
	const struct store_totals *t = a->totals;
	struct store_stat stat = { .active = 0 };
	struct room_pages pages;
	enum store_rc rc = stat_count(tx, &stat);

	if (rc != STORE_OK)
		return rc;
	if (a->dues != t->jobs || stat.unfinished != a->dues ||
	    stat.dead != t->dead)
		audit_fault(a, FAULT_COUNT, "all", NULL, NULL);
	rc = room_pages(tx, &pages);
	if (rc != STORE_OK)
		return rc == STORE_BUSY ? STORE_OK : rc;
	if (pages.tree + pages.free > pages.known ||
	    pages.known > tx->store->map_pages)
		audit_fault(a, FAULT_PAGES, "all", NULL, NULL);
	else if (pages.tree + pages.free < pages.known)
		audit_fault(a, NOTE_PAGES, "all", NULL, NULL);
	return STORE_OK;
}

static enum store_rc
audit_slice(struct tx *tx, void *arg)
{
	struct audit *a = arg;
	uint64_t snapshot = mdb_txn_id(tx->txn);
	enum store_rc rc;

	a->totals->whole &= a->snapshot == 0 || a->snapshot == snapshot;
	a->snapshot = snapshot;
	a->n_found = a->records = a->bytes = 0;
	memset(&a->roll, 0, sizeof(a->roll));
	rc = audit_walk(a, tx);
	if (rc == STORE_OK && a->at_end && a->totals->whole)
		rc = audit_counts(a, tx);
	return rc;
}

enum store_rc
store_audit(struct store *s, struct store_now now, store_fault_fn *fault,
    void *arg, struct store_totals *totals)
{
	struct audit *a = calloc(1, sizeof(*a));
	enum store_rc rc = STORE_OK;
	size_t i;

	memset(totals, 0, sizeof(*totals));
	if (a == NULL)
		return STORE_ERR;
	totals->whole = true;
	totals->map_pages = s->map_pages;
	a->totals = totals;
	a->from.len = 1; /* one zero byte: no key sorts before it */
	while (rc == STORE_OK && !a->at_end) {
		rc = tx_read(s, &now, audit_slice, a);
		for (i = 0; i < a->n_found; i++)
			fault(arg, &a->found[i]);
	}
	if (rc == STORE_OK)
		rc = room_used(s, &now, &totals->used_pages);
	free(a->buffer);
	free(a);
	return rc;
}

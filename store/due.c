/*
 * due - the index of unfinished jobs by the time they want attention.
 *
 * One entry a job: ready list, lease list and retry list at once, so a job
 * that nothing would ever wake cannot exist.  The owner is in the entry, so
 * that jobs of dead workers are found without reading the jobs.
 */
#include "store/store_priv.h"

enum { VERSION = 1, SIZE = 7 };

bool
due_decode(struct bytes key, struct bytes value, struct due *due)
{
	struct rec_reader r = rec_reader(value);

	rec_get_version(&r, VERSION);
	due->owner.slot = rec_get_u16(&r);
	due->owner.epoch = rec_get_u32(&r);
	return rec_is_whole(&r) &&
	    key_parse_due(key, &due->visible_ms, &due->id);
}

enum store_rc
due_get(struct tx *tx, struct due *due)
{
	struct key k = key_due(due->visible_ms, &due->id);
	struct bytes key = { .at = k.at, .len = k.len }, value;
	enum store_rc rc = db_get(tx, k, &value);

	if (rc == STORE_OK && !due_decode(key, value, due))
		rc = STORE_CORRUPT;
	return rc;
}

enum store_rc
due_put(struct tx *tx, const struct due *due)
{
	uint8_t record[SIZE];
	struct rec_writer w = rec_writer(record, sizeof(record));

	rec_put_u8(&w, VERSION);
	rec_put_u16(&w, due->owner.slot);
	rec_put_u32(&w, due->owner.epoch);
	return db_put(tx, key_due(due->visible_ms, &due->id), record,
	    sizeof(record));
}

enum store_rc
due_del(struct tx *tx, int64_t visible_ms, const struct store_job_id *id)
{
	return db_del(tx, key_due(visible_ms, id));
}

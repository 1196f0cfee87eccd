/* dead - dead letters: what is kept of a job that could not be done. */
#include <string.h>

#include "store/store_priv.h"

/* Version 1 had no damaged bytes. */
enum { VERSION = 2, FIXED = 4 };

bool
dead_decode(struct bytes b, struct dead *dead)
{
	struct rec_reader r = rec_reader(b);
	const char *reason;
	uint8_t version;
	size_t len;

	memset(dead, 0, sizeof(*dead));
	version = rec_get_u8(&r);
	if (version < 1 || version > VERSION)
		return false;
	dead->stage = rec_get_u8(&r);
	dead->tries = rec_get_u8(&r);
	dead->crashes = rec_get_u8(&r);
	reason = rec_get_text(&r, &len);
	if (version > 1)
		dead->n_damaged = rec_get_u8(&r);
	if (dead->n_damaged > DAMAGED_MAX)
		return false;
	rec_get_bytes(&r, dead->damaged, dead->n_damaged);
	if (!rec_is_whole(&r) || len > REASON_MAX)
		return false;
	memcpy(dead->reason, reason, len);
	return true;
}

enum store_rc
dead_put(struct tx *tx, const struct store_job_id *id, const struct dead *dead)
{
	size_t len = strnlen(dead->reason, REASON_MAX);
	uint8_t record[FIXED + 4 + REASON_MAX + 1 + 1 + DAMAGED_MAX];
	struct rec_writer w = rec_writer(record, sizeof(record));

	rec_put_u8(&w, VERSION);
	rec_put_u8(&w, dead->stage);
	rec_put_u8(&w, dead->tries);
	rec_put_u8(&w, dead->crashes);
	rec_put_text(&w, dead->reason, len);
	rec_put_u8(&w, dead->n_damaged);
	rec_put_bytes(&w, dead->damaged, dead->n_damaged);
	return db_put(tx, key_dead(tx->now.wall_ms, id), record,
	    FIXED + rec_text_size(len) + 1 + dead->n_damaged);
}

/* dead - dead letters: what is kept of a job that could not be done. */
#include <string.h>

#include "store/store_priv.h"

enum { VERSION = 1, FIXED = 4 };

bool
dead_decode(struct bytes b, struct dead *dead)
{
	struct rec_reader r = rec_reader(b);
	const char *reason;
	size_t len;

	memset(dead, 0, sizeof(*dead));
	rec_get_version(&r, VERSION);
	dead->stage = rec_get_u8(&r);
	dead->tries = rec_get_u8(&r);
	dead->crashes = rec_get_u8(&r);
	reason = rec_get_text(&r, &len);
	if (!rec_is_whole(&r) || len > REASON_MAX)
		return false;
	memcpy(dead->reason, reason, len);
	return true;
}

enum store_rc
dead_put(struct tx *tx, const struct store_job_id *id, const struct dead *dead)
{
	size_t len = strnlen(dead->reason, REASON_MAX);
	uint8_t record[FIXED + 4 + REASON_MAX + 1];
	struct rec_writer w = rec_writer(record, sizeof(record));

	rec_put_u8(&w, VERSION);
	rec_put_u8(&w, dead->stage);
	rec_put_u8(&w, dead->tries);
	rec_put_u8(&w, dead->crashes);
	rec_put_text(&w, dead->reason, len);
	return db_put(tx, key_dead(tx->now.wall_ms, id), record,
	    FIXED + rec_text_size(len));
}

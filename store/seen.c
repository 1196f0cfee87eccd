/* seen - event ids that came before, see FORMAT.md. */
#include "store/store_priv.h"

enum { VERSION = 1, SIZE = 14 };

bool
seen_decode(struct bytes b, struct seen *seen)
{
	struct rec_reader r = rec_reader(b);
	uint8_t fate;

	rec_get_version(&r, VERSION);
	seen->line_ms = rec_get_i64(&r);
	seen->seq = rec_get_u32(&r);
	fate = rec_get_u8(&r);
	seen->fate = fate;
	return rec_is_whole(&r) && fate < STORE_FATE__MAX;
}

enum store_rc
seen_get(struct tx *tx, const char *id, struct seen *seen)
{
	struct bytes b;
	enum store_rc rc = db_get(tx, key_event(id), &b);

	if (rc == STORE_OK && !seen_decode(b, seen))
		rc = STORE_CORRUPT;
	return rc;
}

enum store_rc
seen_put(struct tx *tx, const char *id, const struct seen *seen)
{
	uint8_t record[SIZE];
	struct rec_writer w = rec_writer(record, sizeof(record));

	rec_put_u8(&w, VERSION);
	rec_put_i64(&w, seen->line_ms);
	rec_put_u32(&w, seen->seq);
	rec_put_u8(&w, (uint8_t)seen->fate);
	return db_put(tx, key_event(id), record, sizeof(record));
}

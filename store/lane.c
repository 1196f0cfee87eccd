/* lane - all that decides about a user's next event, see FORMAT.md. */
#include "store/store_priv.h"

enum { VERSION = 1, SIZE = 53 };

bool
lane_decode(struct bytes b, struct lane *lane)
{
	struct rec_reader r = rec_reader(b);

	rec_get_version(&r, VERSION);
	bucket_decode(&r, &lane->bucket);
	lane->busy_seq = rec_get_u32(&r);
	lane->next_seq = rec_get_u32(&r);
	lane->unfinished = rec_get_u32(&r);
	lane->notice_boot = rec_get_u32(&r);
	lane->notice_ms = rec_get_i64(&r);
	lane->used_ms = rec_get_i64(&r);
	return rec_is_whole(&r) && lane->next_seq > 0;
}

enum store_rc
lane_get(struct tx *tx, const uint8_t user[USER], struct lane *lane)
{
	struct bytes b;
	enum store_rc rc = db_get(tx, key_lane(user), &b);

	if (rc == STORE_OK && !lane_decode(b, lane))
		rc = STORE_CORRUPT;
	return rc;
}

enum store_rc
lane_put(struct tx *tx, const uint8_t user[USER], const struct lane *lane)
{
	uint8_t record[SIZE];
	struct rec_writer w = rec_writer(record, sizeof(record));

	rec_put_u8(&w, VERSION);
	bucket_encode(&w, &lane->bucket);
	rec_put_u32(&w, lane->busy_seq);
	rec_put_u32(&w, lane->next_seq);
	rec_put_u32(&w, lane->unfinished);
	rec_put_u32(&w, lane->notice_boot);
	rec_put_i64(&w, lane->notice_ms);
	rec_put_i64(&w, lane->used_ms);
	return db_put(tx, key_lane(user), record, sizeof(record));
}

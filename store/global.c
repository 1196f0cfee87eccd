/* global - the one record that is not about a user, see FORMAT.md. */
#include <string.h>

#include "store/store_priv.h"

enum { VERSION = 1 };

size_t
global_encode(const struct global *g, uint8_t *to, size_t size)
{
	struct rec_writer w = rec_writer(to, size);

	rec_put_u8(&w, VERSION);
	rec_put_u16(&w, g->schema);
	rec_put_bytes(&w, g->boot_id, sizeof(g->boot_id));
	rec_put_u32(&w, g->boot);
	rec_put_u64(&w, g->serial);
	bucket_encode(&w, &g->bucket);
	rec_put_i64(&w, g->newest_ms);
	rec_put_i64(&w, g->swept_wall_ms);
	rec_put_i64(&w, g->swept_boot_ms);
	rec_put_u32(&w, g->swept_boot);
	rec_put_bytes(&w, g->key_check, sizeof(g->key_check));
	return w.bad ? 0 : (size_t)(w.at - to);
}

bool
global_decode(struct bytes b, struct global *g)
{
	struct rec_reader r = rec_reader(b);

	rec_get_version(&r, VERSION);
	g->schema = rec_get_u16(&r);
	rec_get_bytes(&r, g->boot_id, sizeof(g->boot_id));
	g->boot = rec_get_u32(&r);
	g->serial = rec_get_u64(&r);
	bucket_decode(&r, &g->bucket);
	g->newest_ms = rec_get_i64(&r);
	g->swept_wall_ms = rec_get_i64(&r);
	g->swept_boot_ms = rec_get_i64(&r);
	g->swept_boot = rec_get_u32(&r);
	rec_get_bytes(&r, g->key_check, sizeof(g->key_check));
	return rec_is_whole(&r) && g->schema == SCHEMA;
}

uint32_t
global_boot(const struct global *g, const struct store_now *now)
{
	bool same = memcmp(g->boot_id, now->boot_id, sizeof(g->boot_id)) == 0;

	return same ? g->boot : g->boot + 1;
}

/*
 * bucket - token buckets, in thousandths of a token so that a millisecond of
 * a slow refill is not lost.
 */
#include "store/store_priv.h"

enum { MILLI = 1000 };

void
bucket_refill(struct bucket *b, uint32_t size, uint32_t refill, uint32_t boot,
    int64_t now_ms)
{
	int64_t full = (int64_t)size * MILLI, passed = 0;

	if (b->boot == 0)
		b->milli = full;
	/* How long the machine was off is not known, so it earns nothing. */
	if (b->boot == boot && now_ms > b->at_ms)
		passed = now_ms - b->at_ms;
	if (b->boot != boot || passed > 0)
		b->at_ms = now_ms;
	b->boot = boot;
	if (refill > 0 && passed > full / refill)
		b->milli = full; /* and the product is not too large below */
	else
		b->milli += passed * refill;
	if (b->milli > full)
		b->milli = full;
}

bool
bucket_has_token(const struct bucket *b)
{
	return b->milli >= MILLI;
}

void
bucket_pay(struct bucket *b)
{
	b->milli -= MILLI;
}

void
bucket_encode(struct rec_writer *w, const struct bucket *b)
{
	rec_put_u32(w, b->boot);
	rec_put_i64(w, b->milli);
	rec_put_i64(w, b->at_ms);
}

void
bucket_decode(struct rec_reader *r, struct bucket *b)
{
	b->boot = rec_get_u32(r);
	b->milli = rec_get_i64(r);
	b->at_ms = rec_get_i64(r);
}

/*
 * breaker - what the workers tell each other about upstreams, and the pace.
 *
 *   closed --fails in a row, or a trip--> open --open_ms--> half open
 *      ^                                    ^                   |
 *      `--------------- works --------------`------ fails ------'
 *
 * All in shared memory, changed by atomic operations alone.
 */
#include <stddef.h>

#include "store/store_priv.h"

enum { US = 1000 }; /* in a millisecond */

static void
tell_wait(uint32_t *wait_ms, int64_t ms)
{
	if (wait_ms != NULL)
		*wait_ms = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

bool
store_breaker_pass(struct store *s, const struct store_breaker *b,
    struct store_now now, uint32_t *wait_ms)
{
	struct shared_breaker *sh = &s->shared->breakers[b->upstream];
	int64_t until = atomic_load(&sh->open_until_ms), probe;

	if (until == 0)
		return true;
	if (now.boot_ms < until) {
		tell_wait(wait_ms, until - now.boot_ms);
		return false;
	}
	probe = atomic_load(&sh->probe_at_ms);
	if (now.boot_ms >= probe &&
	    atomic_compare_exchange_strong(&sh->probe_at_ms, &probe,
		now.boot_ms + b->probe_ms))
		return true;
	/* After a lost race, probe is the winner's. */
	tell_wait(wait_ms, probe > now.boot_ms ? probe - now.boot_ms : 1);
	return false;
}

/* From closed or half open; false when it is open, or others were first. */
static bool
trip(struct shared_breaker *sh, const struct store_breaker *b, int64_t now_ms)
{
	int64_t until = atomic_load(&sh->open_until_ms);

	if (now_ms < until)
		return false;
	if (!atomic_compare_exchange_strong(&sh->open_until_ms, &until,
		now_ms + b->open_ms))
		return false;
	atomic_store(&sh->fails, 0);
	return true;
}

bool
store_breaker_report(struct store *s, const struct store_breaker *b,
    enum store_report report, struct store_now now)
{
	struct shared_breaker *sh = &s->shared->breakers[b->upstream];

	switch (report) {
	case STORE_WORKS:
		/* Written only on a change: this is the normal case. */
		if (atomic_load(&sh->fails) != 0)
			atomic_store(&sh->fails, 0);
		if (atomic_load(&sh->open_until_ms) != 0)
			atomic_store(&sh->open_until_ms, 0);
		return false;
	case STORE_FAILS:
		if (atomic_load(&sh->open_until_ms) == 0 &&
		    atomic_fetch_add(&sh->fails, 1) + 1 < b->fails)
			return false;
		return trip(sh, b, now.boot_ms);
	case STORE_TRIPS:
		return trip(sh, b, now.boot_ms);
	}
	return false;
}

/*
 * GCRA: next is when the following pass would be due if nothing was saved up;
 * it may lie burst - 1 gaps ahead.
 */
bool
store_pace(struct store *s, uint32_t gap_us, uint32_t burst,
    struct store_now now)
{
	int64_t now_us = now.boot_ms * US, next, from;
	int64_t ahead = burst > 1 ? (int64_t)(burst - 1) * gap_us : 0;

	next = atomic_load(&s->shared->pace_us);
	do {
		if (next - now_us > ahead)
			return false;
		from = next > now_us ? next : now_us;
	} while (!atomic_compare_exchange_weak(&s->shared->pace_us, &next,
	    from + gap_us));
	return true;
}

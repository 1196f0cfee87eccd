/*
 * memory_advice.c - breakers and pace of the store in memory.
 */
#include "tests/sim/memory_priv.h"

static void
tell(uint32_t *wait_ms, int64_t ms)
{
	if (wait_ms != NULL)
		*wait_ms = (uint32_t)(ms < 1 ? 1 : ms);
}

bool
store_breaker_pass(struct store *s, const struct store_breaker *b,
    struct store_now now, uint32_t *wait_ms)
{
	struct breaker *breaker = &world.breakers[b->upstream];

	(void)s;
	if (breaker->open_until_ms == 0)
		return true;
	if (now.boot_ms < breaker->open_until_ms) {
		tell(wait_ms, breaker->open_until_ms - now.boot_ms);
		return false;
	}
	if (now.boot_ms < breaker->probe_at_ms) {
		tell(wait_ms, breaker->probe_at_ms - now.boot_ms);
		return false;
	}
	breaker->probe_at_ms = now.boot_ms + b->probe_ms;
	return true;
}

static bool
opens(struct breaker *breaker, const struct store_breaker *b, int64_t now_ms)
{
	if (now_ms < breaker->open_until_ms)
		return false;
	breaker->open_until_ms = now_ms + b->open_ms;
	breaker->fails = 0;
	return true;
}

bool
store_breaker_report(struct store *s, const struct store_breaker *b,
    enum store_report report, struct store_now now)
{
	struct breaker *breaker = &world.breakers[b->upstream];
	bool half_open = breaker->open_until_ms != 0;

	(void)s;
	switch (report) {
	case STORE_WORKS:
		breaker->fails = 0;
		breaker->open_until_ms = 0;
		return false;
	case STORE_FAILS:
		if (!half_open && ++breaker->fails < b->fails)
			return false;
		return opens(breaker, b, now.boot_ms);
	case STORE_TRIPS:
		return opens(breaker, b, now.boot_ms);
	}
	return false;
}

/* The passes saved up are the time since the next one was due. */
bool
store_pace(struct store *s, uint32_t gap_us, uint32_t burst,
    struct store_now now)
{
	int64_t now_us = now.boot_ms * 1000;
	int64_t saved_us = burst > 1 ? (int64_t)(burst - 1) * gap_us : 0;

	(void)s;
	if (world.pace_us - now_us > saved_us)
		return false;
	if (world.pace_us < now_us)
		world.pace_us = now_us;
	world.pace_us += gap_us;
	return true;
}

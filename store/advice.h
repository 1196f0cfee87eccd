/*
 * advice.h - the part of store.h that needs no transaction: what the workers
 * of one machine tell each other about upstreams and rates.
 */
#ifndef STORE_ADVICE_H
#define STORE_ADVICE_H

#include "store/store.h"

/*
 * What the workers of one machine tell each other about an upstream.  Kept in
 * shared memory: it survives processes but not a reboot, and needs no
 * transaction.
 */
enum { STORE_UPSTREAMS = 8 };

struct store_breaker {
	unsigned upstream; /* 0 .. STORE_UPSTREAMS - 1, the caller's numbers */
	unsigned fails;    /* failures in a row that open it */
	uint32_t open_ms;  /* how long it stays open */
	uint32_t probe_ms; /* then one call may pass in this time */
};

/*
 * May a call be made?  True while closed, and for one caller per probe_ms
 * when the open time is over.  Otherwise false, and *wait_ms (if not NULL)
 * says when to ask again.
 */
bool store_breaker_pass(struct store *, const struct store_breaker *,
    struct store_now, uint32_t *wait_ms);

enum store_report { STORE_WORKS = 0, STORE_FAILS, STORE_TRIPS };

/* WORKS closes, FAILS counts, TRIPS opens at once; true if it opened now. */
bool store_breaker_report(struct store *, const struct store_breaker *,
    enum store_report, struct store_now);

/*
 * A rate shared by the workers: true at most every gap_us, with up to burst
 * passes saved up.  For best-effort calls under a limit of LINE's.
 */
bool store_pace(struct store *, uint32_t gap_us, uint32_t burst,
    struct store_now);

#endif

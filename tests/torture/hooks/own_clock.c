/*
 * own_clock.c - a store that asks its own clock whether an event is old, and
 * not LINE's.  It knows a single event at a time, and that is what it gets.
 *
 * wraps: store_admit
 */
#include "store/store.h"

enum { OLD_MS = 24 * 3600 * 1000 };

enum store_rc __real_store_admit(struct store *, const struct store_event *,
    size_t n, const struct store_limits *, struct store_now,
    struct store_verdict *);
enum store_rc __wrap_store_admit(struct store *, const struct store_event *,
    size_t n, const struct store_limits *, struct store_now,
    struct store_verdict *);

enum store_rc
__wrap_store_admit(struct store *store, const struct store_event *events,
    size_t n, const struct store_limits *limits, struct store_now now,
    struct store_verdict *verdicts)
{
	enum store_rc rc = STORE_OK;
	size_t i;

	for (i = 0; rc == STORE_OK && i < n; i++) {
		verdicts[i] = (struct store_verdict){ .fate = STORE_OLD };
		if (events[i].line_ms >= now.wall_ms - OLD_MS)
			rc = __real_store_admit(store, &events[i], 1, limits,
			    now, &verdicts[i]);
	}
	return rc;
}

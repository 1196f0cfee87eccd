/*
 * own_clock.c - a store that asks its own clock whether an event is old, and
 * not LINE's: what is a day old then gets a time that is old to everybody.
 *
 * wraps: store_prepare
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/store.h"

enum { OLD_MS = 24 * 3600 * 1000 };

enum store_rc __real_store_prepare(struct store *, const struct store_event *,
    size_t n, struct store_prepared **);
enum store_rc __wrap_store_prepare(struct store *, const struct store_event *,
    size_t n, struct store_prepared **);

/* Events live as long as what was prepared of them: here, for ever. */
struct kept {
	struct kept *next;
	struct store_event events[];
};

enum store_rc
__wrap_store_prepare(struct store *store, const struct store_event *events,
    size_t n, struct store_prepared **out)
{
	static _Thread_local struct kept *all;
	struct kept *kept = malloc(sizeof(*kept) + n * sizeof(*events));
	size_t i;

	if (kept == NULL)
		return STORE_ERR;
	kept->next = all;
	all = kept;
	memcpy(kept->events, events, n * sizeof(*events));
	for (i = 0; i < n; i++)
		if (events[i].line_ms < clock_wall_ms() - OLD_MS)
			kept->events[i].line_ms = 0;
	return __real_store_prepare(store, kept->events, n, out);
}

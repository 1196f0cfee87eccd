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

enum store_rc
__wrap_store_prepare(struct store *store, const struct store_event *events,
    size_t n, struct store_prepared **out)
{
	struct store_event *copies = calloc(n + 1, sizeof(*copies));
	size_t i;

	if (copies == NULL)
		return STORE_ERR;
	memcpy(copies, events, n * sizeof(*copies));
	for (i = 0; i < n; i++)
		if (copies[i].line_ms < clock_wall_ms() - OLD_MS)
			copies[i].line_ms = 0;
	/* They stay: processes of this kind die young. */
	return __real_store_prepare(store, copies, n, out);
}

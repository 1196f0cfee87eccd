/*
 * push_at_once.c - without the rule of the reply token: when nobody knows
 * whether a reply arrived, a push follows at once.
 *
 * wraps: delivery_choose
 */
#include "jobs/delivery.h"

enum delivery_way __real_delivery_choose(const struct store_progress *,
    const struct delivery_rules *);
enum delivery_way __wrap_delivery_choose(const struct store_progress *,
    const struct delivery_rules *);

enum delivery_way
__wrap_delivery_choose(const struct store_progress *p,
    const struct delivery_rules *rules)
{
	if ((p->flags & DELIVERY_UNKNOWN) != 0)
		return DELIVERY_BY_PUSH;
	return __real_delivery_choose(p, rules);
}

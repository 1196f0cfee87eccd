/*
 * no_stall_kill.c - nobody ends who stalls, with the turn to write or with a
 * snapshot.
 *
 * wraps: victim_kill
 */
#include "store/victim.h"

void __wrap_victim_kill(const struct victim *);

void
__wrap_victim_kill(const struct victim *v)
{
	(void)v;
}

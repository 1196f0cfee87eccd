/*
 * no_takeover.c - the dead count as living: what they left is taken up when
 * their lease is over, and not before.
 *
 * wraps: worker_lives
 */
#include "store/store_priv.h"

bool __wrap_worker_lives(struct tx *, struct roll *, struct owner);

bool
__wrap_worker_lives(struct tx *tx, struct roll *roll, struct owner owner)
{
	(void)tx;
	(void)roll;
	return owner.slot < STORE_SLOTS;
}

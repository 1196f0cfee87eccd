/*
 * suspect - whose turn it is to run a job that crashed a process.
 *
 * It runs with no other job beside it, so that it harms nobody when it crashes
 * again.  A worker that has nothing else to do takes it at once.  When there is
 * none for PATIENCE_MS, one worker is chosen to become calm: it starts nothing
 * new until it holds nothing.  After CALM_MS it takes the suspect beside what
 * is left, so a suspect waits no longer than both.
 */
#include "store/store_priv.h"

enum { PATIENCE_MS = 5000, CALM_MS = 10000, SLOT_BITS = 8 };

/*
 * The chosen worker and until when it is, in one word of shared memory.  One
 * that died makes room by the time alone.
 */
static bool
is_chosen(struct store *s, unsigned slot, int64_t now_ms)
{
	_Atomic uint64_t *word = &s->shared->calm;
	uint64_t old = atomic_load(word);
	uint64_t until = (uint64_t)(now_ms + CALM_MS);
	bool mine = old != 0 && (old & ((1 << SLOT_BITS) - 1)) == slot;

	if (!mine && (int64_t)(old >> SLOT_BITS) > now_ms)
		return false;
	return atomic_compare_exchange_strong(word, &old,
	    until << SLOT_BITS | slot);
}

static enum suspect_turn
wait_for_turn(struct store *s, const struct store_now *now, bool idle)
{
	unsigned slot = (unsigned)s->slot;

	if (now->boot_ms - s->suspect_ms < PATIENCE_MS)
		return SUSPECT_LEAVE;
	if (idle)
		return SUSPECT_TAKE;
	if (!is_chosen(s, slot, now->boot_ms))
		return SUSPECT_LEAVE;
	if (s->calm_ms == 0)
		s->calm_ms = now->boot_ms;
	return now->boot_ms - s->calm_ms < CALM_MS ? SUSPECT_CALM
						   : SUSPECT_TAKE;
}

enum suspect_turn
suspect_turn(struct store *s, const struct store_now *now, bool waits,
    bool bored, bool idle)
{
	enum suspect_turn turn = SUSPECT_LEAVE;

	pthread_mutex_lock(&s->lock);
	if (waits && s->suspect_ms == 0)
		s->suspect_ms = now->boot_ms;
	if (waits && s->slot >= 0)
		turn = bored ? SUSPECT_TAKE : wait_for_turn(s, now, idle);
	if (!waits || turn == SUSPECT_TAKE)
		s->suspect_ms = s->calm_ms = 0;
	pthread_mutex_unlock(&s->lock);
	return turn;
}

/*
 * memory_claim.c - who may take which job.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/memory_priv.h"

enum { PATIENCE_MS = 5000, CALM_MS = 10000 };

static bool
is_orphan(const struct job *job, const struct store_now *now)
{
	return memory_boot(now) != world.boot || !memory_lives(job->owner);
}

static bool
is_claimable(const struct job *job, const struct store_now *now)
{
	if (memory_faults.no_takeover && job->owner.slot >= 0)
		return false;
	return job->visible_ms <= now->boot_ms ||
	    memory_boot(now) != world.boot ||
	    (job->owner.slot != NOBODY && !memory_lives(job->owner));
}

/* The fault: as if what was heard had never been written down. */
static void
unhear(struct job *job)
{
	struct person *p = memory_person(job->id.user);

	if (!memory_faults.no_words || job->recording == NULL ||
	    job->reply != NULL)
		return;
	free(job->text);
	job->text = job->recording;
	job->recording = NULL;
	job->role = VOICE;
	if (p->busy_seq == job->id.seq)
		p->busy_seq = 0;
}

static void
take(struct store *s, struct job *job, uint32_t lease_ms,
    const struct store_now *now, struct store_lease *lease)
{
	struct store_progress *p = &job->progress;

	if (job->blamed && p->crashes < UINT8_MAX)
		p->crashes++;
	if (p->tries < UINT8_MAX)
		p->tries++;
	p->interrupted =
	    job->owner.slot != NOBODY && !memory_faults.no_interrupt;
	unhear(job);
	job->fence = ++world.serial;
	memory_job_move(job, now->boot_ms + lease_ms, memory_self(s));
	lease->id = job->id;
	lease->fence = job->fence;
}

static bool
is_suspect(const struct job *job)
{
	return job->progress.crashes > 0 || job->blamed;
}

/* The earliest that is claimable, of the one kind or the other. */
static struct job *
first_claimable(bool suspect, const struct store_now *now)
{
	struct job *job;

	for (job = TAILQ_FIRST(&world.jobs); job != NULL;
	     job = TAILQ_NEXT(job, link))
		if (is_suspect(job) == suspect && is_claimable(job, now))
			return job;
	return NULL;
}

/* ----------------------------------------------------------- suspects -- */

/* Is this worker the one that becomes calm?  Then it stays so. */
static bool
is_chosen(int slot, int64_t now_ms)
{
	if (world.calm_slot != slot && world.calm_until_ms > now_ms)
		return false;
	world.calm_slot = slot;
	world.calm_until_ms = now_ms + CALM_MS;
	return true;
}

enum turn { LEAVE, BE_CALM, TAKE };

/* A suspect waits: whose turn is it, after how long? */
static enum turn
turn_of(struct store *s, size_t held, bool good, int64_t now_ms)
{
	if (held == 0 && !good)
		return TAKE;
	if (s->suspect_ms == 0)
		s->suspect_ms = now_ms;
	if (now_ms - s->suspect_ms < PATIENCE_MS)
		return LEAVE;
	if (held == 0)
		return TAKE;
	if (!is_chosen(s->slot, now_ms))
		return LEAVE;
	if (s->calm_ms == 0)
		s->calm_ms = now_ms;
	return now_ms - s->calm_ms < CALM_MS ? BE_CALM : TAKE;
}

enum store_rc
store_claim(struct store *s, size_t max, size_t held, uint32_t lease_ms,
    struct store_now now, struct store_lease *leases, size_t *n, bool *alone)
{
	bool waits = first_claimable(true, &now) != NULL;
	bool good = first_claimable(false, &now) != NULL;
	enum turn turn = LEAVE;
	struct job *job;

	*n = 0;
	if (alone != NULL)
		*alone = false;
	if (s->dead || ((waits || good) && memory_self(s).slot == NOBODY))
		return STORE_ERR;
	if (waits && alone != NULL)
		turn = turn_of(s, held, good, now.boot_ms);
	if (alone != NULL && (!waits || turn == TAKE))
		s->suspect_ms = s->calm_ms = 0;
	if (alone != NULL)
		*alone = turn != LEAVE;
	if (turn == BE_CALM || (turn == LEAVE && !good))
		return STORE_NONE;
	memory_begin(&now);
	while (*n < (turn == TAKE ? 1 : max) &&
	    (job = first_claimable(turn == TAKE, &now)) != NULL)
		take(s, job, lease_ms, &now, &leases[(*n)++]);
	return STORE_OK;
}

enum store_rc
store_orphans(struct store *s, struct store_now now, size_t *n)
{
	struct job *job;

	*n = 0;
	if (s->dead)
		return STORE_ERR;
	for (job = TAILQ_FIRST(&world.jobs); job != NULL;
	     job = TAILQ_NEXT(job, link))
		*n += is_orphan(job, &now);
	return STORE_OK;
}

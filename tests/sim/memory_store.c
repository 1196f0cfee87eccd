/*
 * memory_store.c - the world, its processes, and what they tell each other
 * without a transaction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/memory_priv.h"

struct world world;
struct memory_faults memory_faults;

void *
memory_new(size_t size)
{
	void *at = calloc(1, size);

	if (at == NULL)
		abort();
	return at;
}

char *
memory_text(const char *text)
{
	size_t size = text == NULL ? 1 : strlen(text) + 1;
	char *copy = memory_new(size);

	if (text != NULL)
		memcpy(copy, text, size);
	return copy;
}

/* -------------------------------------------------------------- world -- */

static void
found(const struct store_now *now)
{
	memset(&world, 0, sizeof(world));
	TAILQ_INIT(&world.people);
	TAILQ_INIT(&world.jobs);
	TAILQ_INIT(&world.seen);
	TAILQ_INIT(&world.letters);
	world.founded = true;
	world.boot = 1;
	memcpy(world.boot_id, now->boot_id, sizeof(world.boot_id));
	world.swept_wall_ms = now->wall_ms;
	world.swept_boot_ms = now->boot_ms;
	world.swept_boot = 1;
}

void
memory_reset(void)
{
	struct person *person;
	struct letter *letter;
	struct seen *seen;
	struct job *job;

	if (!world.founded)
		return;
	while ((job = TAILQ_FIRST(&world.jobs)) != NULL)
		memory_job_remove(job);
	while ((person = TAILQ_FIRST(&world.people)) != NULL) {
		TAILQ_REMOVE(&world.people, person, link);
		memory_forget(person);
		free(person);
	}
	while ((seen = TAILQ_FIRST(&world.seen)) != NULL) {
		TAILQ_REMOVE(&world.seen, seen, link);
		free(seen);
	}
	while ((letter = TAILQ_FIRST(&world.letters)) != NULL) {
		TAILQ_REMOVE(&world.letters, letter, link);
		free(letter);
	}
	world.founded = false;
}

uint32_t
memory_boot(const struct store_now *now)
{
	bool same = memcmp(world.boot_id, now->boot_id, 16) == 0;

	return same ? world.boot : world.boot + 1;
}

/* Nobody owns anything any more, and everything is due. */
static void
void_leases(void)
{
	struct job_list old;
	struct job *job;

	TAILQ_INIT(&old);
	TAILQ_CONCAT(&old, &world.jobs, link);
	while ((job = TAILQ_FIRST(&old)) != NULL) {
		TAILQ_REMOVE(&old, job, link);
		if (job->visible_ms != 0)
			job->fence = ++world.serial;
		if (job->owner.slot != NOBODY)
			job->owner.slot = LOST;
		job->blamed = false;
		job->visible_ms = 0;
		memory_job_add(job);
	}
}

void
memory_begin(const struct store_now *now)
{
	uint32_t boot = memory_boot(now);

	if (boot == world.boot)
		return;
	world.boot = boot;
	memcpy(world.boot_id, now->boot_id, sizeof(world.boot_id));
	memset(world.breakers, 0, sizeof(world.breakers));
	world.pace_us = 0;
	world.calm_until_ms = 0;
	void_leases();
}

/* --------------------------------------------------------------- life -- */

enum store_rc
store_open(struct store **out, const struct store_place *place,
    struct store_now now, char *why)
{
	struct store *s = memory_new(sizeof(*s));

	why[0] = '\0';
	if (!world.founded)
		found(&now);
	s->slot = NOBODY;
	s->session_ttl_ms = place->session_ttl_ms;
	*out = s;
	return STORE_OK;
}

/* The jobs that this owner had marked are blamed for its death. */
static void
leave_slot(struct store *s)
{
	struct owner self = memory_self(s);
	struct slot *slot;
	struct job *job;

	if (self.slot == NOBODY || s->dead)
		return;
	slot = &world.slots[self.slot];
	slot->held = false;
	job = slot->marked ? memory_job(&slot->mark) : NULL;
	if (job != NULL && job->owner.slot == self.slot &&
	    job->owner.epoch == self.epoch)
		job->blamed = true;
	slot->marked = false;
}

void
memory_kill(struct store *s)
{
	leave_slot(s);
	s->dead = true;
}

void
store_close(struct store **sp)
{
	struct store *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	leave_slot(s);
	free(s);
}

enum store_rc
store_join(struct store *s, struct store_now now, unsigned *out)
{
	int slot = 0;

	if (s->dead)
		return STORE_ERR;
	memory_begin(&now);
	while (s->slot == NOBODY && slot < STORE_SLOTS &&
	    world.slots[slot].held)
		slot++;
	if (slot == STORE_SLOTS)
		return STORE_FULL;
	if (s->slot == NOBODY) {
		s->slot = slot;
		world.slots[slot].held = true;
		world.slots[slot].epoch++;
	}
	*out = (unsigned)s->slot;
	return STORE_OK;
}

enum store_rc
store_ready(struct store *s, struct store_now now)
{
	(void)now;
	return s->dead ? STORE_ERR : STORE_OK;
}

struct owner
memory_self(const struct store *s)
{
	struct owner self = { .slot = NOBODY };

	if (s->slot != NOBODY && !s->dead) {
		self.slot = s->slot;
		self.epoch = world.slots[s->slot].epoch;
	}
	return self;
}

bool
memory_lives(struct owner owner)
{
	return owner.slot >= 0 && world.slots[owner.slot].held &&
	    world.slots[owner.slot].epoch == owner.epoch;
}

void
store_mark(struct store *s, const struct store_job_id *id)
{
	struct slot *slot;

	if (s->slot == NOBODY || s->dead)
		return;
	slot = &world.slots[s->slot];
	slot->marked = id != NULL;
	if (id != NULL)
		slot->mark = *id;
}

/*
 * memory_look.c - counting, sweeping and looking into the store in memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/memory_priv.h"

enum {
	DAY_MS = 24 * 3600 * 1000,
	STRAY_MS = 5 * 60 * 1000,
	SEEN_MS = 26 * 3600 * 1000
};

/* --------------------------------------------------------------- stat -- */

static uint32_t
first_job(const struct person *p)
{
	uint32_t first = 0;
	struct job *job;

	for (job = TAILQ_FIRST(&world.jobs); job != NULL;
	     job = TAILQ_NEXT(job, link))
		if (memcmp(job->id.user, p->user, 16) == 0 &&
		    (first == 0 || job->id.seq < first))
			first = job->id.seq;
	return first;
}

static bool
has_voice(const struct person *p)
{
	struct job *job;

	for (job = TAILQ_FIRST(&world.jobs); job != NULL;
	     job = TAILQ_NEXT(job, link))
		if (memcmp(job->id.user, p->user, 16) == 0 &&
		    job->role == VOICE)
			return true;
	return false;
}

static void
describe(const struct person *p, const struct store_now *now,
    struct store_session_info *info)
{
	int64_t since = p->has_session ? p->changed_ms : p->used_ms;
	size_t i;

	for (i = 0; i < sizeof(info->user) / 2; i++)
		snprintf(info->user + 2 * i, 3, "%02x", p->user[i]);
	info->state = p->busy_seq != 0 ? STORE_WORKING
	    : has_voice(p)             ? STORE_HEARING
				       : STORE_IDLE;
	info->age_ms = now->wall_ms > since ? now->wall_ms - since : 0;
	info->job = p->busy_seq != 0 ? p->busy_seq : first_job(p);
}

/* Of those at work, or of the others. */
static void
describe_all(bool working, const struct store_now *now, struct store_stat *stat,
    struct store_session_info *infos, size_t max, size_t *n)
{
	struct person *p;

	for (p = TAILQ_FIRST(&world.people); p != NULL;
	     p = TAILQ_NEXT(p, link)) {
		if ((p->busy_seq != 0) != working ||
		    (!p->has_session && first_job(p) == 0))
			continue;
		stat->total++;
		stat->active += working;
		if (*n < max)
			describe(p, now, &infos[(*n)++]);
	}
}

enum store_rc
store_stat(struct store *s, struct store_now now, struct store_stat *stat,
    struct store_session_info *infos, size_t max, size_t *n)
{
	struct letter *letter;

	memset(stat, 0, sizeof(*stat));
	*n = 0;
	if (s->dead)
		return STORE_ERR;
	describe_all(true, &now, stat, infos, max, n);
	describe_all(false, &now, stat, infos, max, n);
	stat->unfinished = memory_unfinished();
	for (letter = TAILQ_FIRST(&world.letters); letter != NULL;
	     letter = TAILQ_NEXT(letter, link))
		stat->dead++;
	return STORE_OK;
}

/* -------------------------------------------------------------- sweep -- */

static bool
jumped(const struct store_now *now)
{
	int64_t wall = now->wall_ms - world.swept_wall_ms;
	int64_t boot = 0, ahead = DAY_MS;

	if (world.swept_boot == world.boot) {
		boot = now->boot_ms - world.swept_boot_ms;
		ahead = STRAY_MS;
	}
	world.swept_wall_ms = now->wall_ms;
	world.swept_boot_ms = now->boot_ms;
	world.swept_boot = world.boot;
	return wall - boot > ahead || wall - boot < -STRAY_MS;
}

static void
sweep_person(struct store *s, struct person *p,
    const struct store_sweep_rules *rules, const struct store_now *now,
    struct store_swept *swept)
{
	int64_t idle_ms = now->wall_ms - p->used_ms;

	if (first_job(p) != 0)
		return;
	if (p->has_session && memory_is_idle(p, now, rules->session_ttl_ms)) {
		memory_forget(p);
		swept->sessions++;
	}
	if (!p->has_lane || memory_talks(s, p, now) ||
	    idle_ms <= rules->session_ttl_ms || idle_ms <= SEEN_MS)
		return;
	swept->lanes++;
	memory_forget(p);
	TAILQ_REMOVE(&world.people, p, link);
	free(p);
}

static void
sweep_others(const struct store_sweep_rules *rules, const struct store_now *now,
    struct store_swept *swept)
{
	struct letter *letter, *next_letter;
	struct seen *seen, *next_seen;

	for (seen = TAILQ_FIRST(&world.seen); seen; seen = next_seen) {
		next_seen = TAILQ_NEXT(seen, link);
		if (seen->line_ms >= world.newest_ms - SEEN_MS)
			continue;
		TAILQ_REMOVE(&world.seen, seen, link);
		free(seen);
		swept->events++;
	}
	for (letter = TAILQ_FIRST(&world.letters); letter;
	     letter = next_letter) {
		next_letter = TAILQ_NEXT(letter, link);
		if (now->wall_ms - letter->wall_ms <= rules->dead_ttl_ms)
			continue;
		TAILQ_REMOVE(&world.letters, letter, link);
		free(letter);
		swept->dead++;
	}
}

enum store_rc
store_sweep(struct store *s, const struct store_sweep_rules *rules,
    struct store_now now, struct store_swept *swept)
{
	struct person *p, *next;

	memset(swept, 0, sizeof(*swept));
	if (s->dead)
		return STORE_ERR;
	memory_begin(&now);
	if (jumped(&now) && !rules->force)
		return STORE_CLOCK;
	for (p = TAILQ_FIRST(&world.people); p; p = next) {
		next = TAILQ_NEXT(p, link);
		sweep_person(s, p, rules, &now, swept);
	}
	sweep_others(rules, &now, swept);
	return STORE_OK;
}

/* -------------------------------------------------------------- audit -- */

static void
count(struct store_totals *totals)
{
	struct person *p;

	memset(totals, 0, sizeof(*totals));
	for (p = TAILQ_FIRST(&world.people); p; p = TAILQ_NEXT(p, link)) {
		totals->users++;
		totals->sessions += p->has_session;
	}
	totals->jobs = memory_unfinished();
	totals->whole = true;
}

enum store_rc
store_audit(struct store *s, struct store_now now, store_fault_fn *tell,
    void *arg, struct store_totals *totals)
{
	struct store_fault fault = { .what = memory_check() };

	(void)now;
	count(totals);
	if (s->dead)
		return STORE_ERR;
	if (fault.what != NULL) {
		totals->faults = 1;
		tell(arg, &fault);
	}
	return STORE_OK;
}

/* --------------------------------------------------------------- look -- */

int64_t
memory_due_ms(struct store_now now)
{
	int64_t due_ms = INT64_MAX;
	struct job *job;

	for (job = TAILQ_FIRST(&world.jobs); job != NULL;
	     job = TAILQ_NEXT(job, link)) {
		bool dead =
		    job->owner.slot != NOBODY && !memory_lives(job->owner);

		if (memory_faults.no_takeover && job->owner.slot >= 0)
			continue;
		if (dead || memory_boot(&now) != world.boot)
			return now.boot_ms;
		if (job->visible_ms < due_ms)
			due_ms = job->visible_ms;
	}
	return due_ms;
}

size_t
memory_unfinished(void)
{
	struct job *job;
	size_t n = 0;

	for (job = TAILQ_FIRST(&world.jobs); job != NULL;
	     job = TAILQ_NEXT(job, link))
		n++;
	return n;
}

const char *
memory_dead(const struct store_job_id *id)
{
	struct letter *letter;

	for (letter = TAILQ_FIRST(&world.letters); letter != NULL;
	     letter = TAILQ_NEXT(letter, link))
		if (memory_same_job(&letter->id, id))
			return letter->reason;
	return NULL;
}

struct store_job_id
memory_newest(const uint8_t user[16])
{
	const struct person *p = memory_person(user);
	struct store_job_id id = { .seq = p->next_seq - 1 };

	memcpy(id.user, user, 16);
	return id;
}

bool
memory_has(const struct store_job_id *id)
{
	return memory_job(id) != NULL;
}

static const char *
check_role(const struct job *job, bool busy)
{
	bool beside = job->role == VOICE || job->role == FOLLOW;

	if (beside && busy)
		return "a user is busy with what is beside his questions";
	if (beside && job->reply != NULL)
		return "an answered job is still beside the questions";
	if (job->role == STAYS && (!busy || job->reply == NULL))
		return "a job that keeps its user busy does not";
	if (job->role == QUESTION && busy == (job->reply != NULL))
		return "a question is at work and answered, or neither";
	return NULL;
}

const char *
memory_check(void)
{
	const char *wrong;
	struct store_job_id id;
	struct person *p;
	struct job *job;

	for (p = TAILQ_FIRST(&world.people); p != NULL;
	     p = TAILQ_NEXT(p, link)) {
		memcpy(id.user, p->user, 16);
		id.seq = p->busy_seq;
		if (p->busy_seq != 0 && memory_job(&id) == NULL)
			return "a user is busy without an unfinished job";
	}
	for (job = TAILQ_FIRST(&world.jobs); job != NULL;
	     job = TAILQ_NEXT(job, link)) {
		p = memory_person(job->id.user);
		if (p == NULL)
			return "a job has no user";
		wrong = check_role(job, p->busy_seq == job->id.seq);
		if (wrong != NULL)
			return wrong;
		if (job->owner.slot >= 0 && job->visible_ms == INT64_MAX)
			return "a job is never due";
	}
	return NULL;
}

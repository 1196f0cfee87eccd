/*
 * memory_admit.c - people, and which of their events become jobs.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/memory_priv.h"

enum { OLD_MS = 24 * 3600 * 1000, TOKEN = 1000 };

/* ------------------------------------------------------------- people -- */

struct person *
memory_person(const uint8_t user[16])
{
	struct person *person;

	for (person = TAILQ_FIRST(&world.people); person != NULL;
	     person = TAILQ_NEXT(person, link))
		if (memcmp(person->user, user, 16) == 0)
			return person;
	return NULL;
}

/* By user, as a tree of keys would have them. */
struct person *
memory_person_add(const uint8_t user[16])
{
	struct person *person = memory_new(sizeof(*person)), *after;

	memcpy(person->user, user, 16);
	TAILQ_INIT(&person->pairs);
	person->next_seq = 1;
	after = TAILQ_FIRST(&world.people);
	while (after != NULL && memcmp(after->user, user, 16) < 0)
		after = TAILQ_NEXT(after, link);
	if (after == NULL)
		TAILQ_INSERT_TAIL(&world.people, person, link);
	else
		TAILQ_INSERT_BEFORE(after, person, link);
	return person;
}

/* Not secret, as in the real one, but as different. */
static void
hash(const void *what, size_t size, uint64_t seed, uint8_t to[16])
{
	uint64_t half[2] = { 0xcbf29ce484222325 ^ seed, 0x9e3779b97f4a7c15 };
	const uint8_t *at = what, *end = at + size;
	size_t i;

	for (; at < end; at++)
		for (i = 0; i < 2; i++) {
			half[i] ^= *at;
			half[i] *= 0x100000001b3;
			half[i] ^= half[i] >> 29;
		}
	memcpy(to, half, sizeof(half));
}

void
memory_user_of(const char *chat, uint8_t user[16])
{
	hash(chat, strlen(chat), 0, user);
}

static void
make_uuid(uint8_t key[16])
{
	key[6] = (uint8_t)((key[6] & 0x0f) | 0x40);
	key[8] = (uint8_t)((key[8] & 0x3f) | 0x80);
}

void
memory_retry_key(const char *event_id, uint8_t key[16])
{
	hash(event_id, strlen(event_id), 1, key);
	make_uuid(key);
}

void
memory_follow_key(const uint8_t parent[16], uint8_t key[16])
{
	hash(parent, 16, 2, key);
	make_uuid(key);
}

/* ------------------------------------------------------------- tokens -- */

/* A boot's time is its own; an unused bucket is full. */
static void
refill(struct bucket *b, uint32_t size, uint32_t per_s, int64_t now_ms)
{
	int64_t full = (int64_t)size * TOKEN, passed = 0;

	if (!b->used)
		b->milli = full;
	else if (b->boot == world.boot && now_ms > b->at_ms)
		passed = now_ms - b->at_ms;
	if (!b->used || b->boot != world.boot || passed > 0)
		b->at_ms = now_ms;
	b->used = true;
	b->boot = world.boot;
	if (per_s > 0 && passed > full / per_s)
		passed = full / per_s + 1;
	b->milli += passed * per_s;
	if (b->milli > full)
		b->milli = full;
}

/* ------------------------------------------------------------- events -- */

static bool
fits(const char *text, size_t max)
{
	return text == NULL || strlen(text) <= max;
}

static bool
is_admissible(const struct store_event *e)
{
	return e->id[0] != '\0' && fits(e->id, STORE_ID_MAX) &&
	    fits(e->chat, STORE_CHAT_MAX) && fits(e->to, STORE_CHAT_MAX) &&
	    fits(e->reply_token, STORE_TOKEN_MAX) &&
	    fits(e->quote_token, STORE_TOKEN_MAX) &&
	    fits(e->text, STORE_TEXT_MAX);
}

static struct seen *
find_seen(const char *id)
{
	struct seen *seen;

	for (seen = TAILQ_FIRST(&world.seen); seen != NULL;
	     seen = TAILQ_NEXT(seen, link))
		if (strcmp(seen->id, id) == 0)
			return seen;
	return NULL;
}

static void
add_seen(const struct store_event *e, const struct store_job_id *job)
{
	struct seen *seen = memory_new(sizeof(*seen));

	memcpy(seen->id, e->id, strlen(e->id));
	seen->line_ms = e->line_ms;
	seen->job = *job;
	TAILQ_INSERT_HEAD(&world.seen, seen, link);
}

static void
refresh(const struct seen *seen, const struct store_now *now)
{
	struct job *job = seen->job.seq == 0 ? NULL : memory_job(&seen->job);

	if (job == NULL)
		return;
	if (job->received_boot != world.boot)
		job->progress.deadline_ms = 0;
	job->received_ms = now->boot_ms;
	job->received_boot = world.boot;
}

static enum store_fate
judge(struct person *p, const struct store_limits *l,
    const struct store_now *now)
{
	if (p->busy_seq != 0)
		return STORE_DROPPED;
	refill(&p->bucket, l->user_tokens, l->user_refill, now->boot_ms);
	if (p->bucket.milli < TOKEN)
		return STORE_SLOW_DOWN;
	refill(&world.bucket, l->global_tokens, l->global_refill, now->boot_ms);
	if (world.bucket.milli < TOKEN)
		return STORE_SYSTEM_BUSY;
	return STORE_ACCEPTED;
}

static bool
take_notice(struct person *p, uint32_t gap_ms, const struct store_now *now)
{
	if (p->notice_boot == world.boot &&
	    now->boot_ms - p->notice_ms < gap_ms)
		return false;
	p->notice_boot = world.boot;
	p->notice_ms = now->boot_ms;
	p->has_lane = true;
	return true;
}

static void
accept_event(struct store *s, const struct store_event *e, struct person *p,
    const struct store_limits *l, const struct store_now *now,
    struct store_verdict *v)
{
	struct job *job = memory_new(sizeof(*job));

	p->bucket.milli -= TOKEN;
	world.bucket.milli -= TOKEN;
	p->has_lane = true;
	p->used_ms = now->wall_ms;
	memcpy(job->id.user, p->user, 16);
	job->id.seq = p->next_seq++;
	job->role = e->voice ? VOICE : QUESTION;
	if (!e->voice)
		p->busy_seq = job->id.seq;
	job->progress.tries = 1;
	job->fence = ++world.serial;
	job->owner = memory_self(s);
	job->visible_ms = now->boot_ms + l->lease_ms;
	job->received_ms = now->boot_ms;
	job->received_boot = world.boot;
	job->created_ms = now->wall_ms;
	job->direct = e->direct;
	memory_retry_key(e->id, job->retry_key);
	job->to = memory_text(e->to);
	job->reply_token = memory_text(e->reply_token);
	job->quote_token = memory_text(e->quote_token);
	job->text = memory_text(e->text);
	memory_job_add(job);
	v->lease.id = job->id;
	v->lease.fence = job->fence;
}

static void
admit_one(struct store *s, const struct store_event *e,
    const struct store_limits *l, const struct store_now *now,
    struct store_verdict *v)
{
	struct seen *seen = find_seen(e->id);
	struct person *p;
	uint8_t user[16];

	memset(v, 0, sizeof(*v));
	v->fate = seen != NULL ? STORE_DUPLICATE : STORE_OLD;
	if (seen != NULL)
		refresh(seen, now);
	if (seen != NULL || e->line_ms < world.newest_ms - OLD_MS)
		return;
	if (e->line_ms > world.newest_ms)
		world.newest_ms = e->line_ms;
	memory_user_of(e->chat, user);
	p = memory_person(user);
	if (p == NULL)
		p = memory_person_add(user);
	v->fate = judge(p, l, now);
	if (v->fate == STORE_SLOW_DOWN || v->fate == STORE_SYSTEM_BUSY)
		v->notify = take_notice(p, l->notice_gap_ms, now);
	if (v->fate == STORE_ACCEPTED)
		accept_event(s, e, p, l, now, v);
	if (!memory_faults.no_seen)
		add_seen(e, &v->lease.id);
}

/* ------------------------------------------------------------- bodies -- */

struct store_prepared {
	const struct store_event *events;
	size_t n;
	struct store_verdict verdicts[];
};

enum store_rc
store_prepare(struct store *s, const struct store_event *events, size_t n,
    struct store_prepared **out)
{
	size_t i;

	*out = NULL;
	if (s->dead)
		return STORE_ERR;
	for (i = 0; i < n; i++)
		if (!is_admissible(&events[i]))
			return STORE_ERR;
	*out = memory_new(sizeof(**out) + n * sizeof((*out)->verdicts[0]));
	(*out)->events = events;
	(*out)->n = n;
	return STORE_OK;
}

void
store_prepared_free(struct store_prepared *p)
{
	free(p);
}

const struct store_verdict *
store_verdicts(const struct store_prepared *p)
{
	return p->verdicts;
}

enum store_rc
store_admit_ready(struct store *s, store_gather_fn *gather, void *arg,
    const struct store_limits *limits, struct store_now now)
{
	struct store_prepared *bodies[STORE_BODIES_MAX], *p;
	size_t n, i, j;

	if (memory_self(s).slot == NOBODY)
		return STORE_ERR;
	memory_begin(&now);
	n = gather(arg, bodies, STORE_BODIES_MAX);
	for (i = 0; i < n; i++) {
		p = bodies[i];
		for (j = 0; j < p->n; j++)
			admit_one(s, &p->events[j], limits, &now,
			    &p->verdicts[j]);
	}
	return STORE_OK;
}

static size_t
gather_one(void *arg, struct store_prepared **bodies, size_t max)
{
	(void)max;
	bodies[0] = arg;
	return 1;
}

enum store_rc
store_admit(struct store *s, const struct store_event *events, size_t n,
    const struct store_limits *limits, struct store_now now,
    struct store_verdict *verdicts)
{
	struct store_prepared *p;
	enum store_rc rc = store_prepare(s, events, n, &p);

	if (rc == STORE_OK)
		rc = store_admit_ready(s, gather_one, p, limits, now);
	if (rc == STORE_OK)
		memcpy(verdicts, p->verdicts, n * sizeof(*verdicts));
	store_prepared_free(p);
	return rc;
}

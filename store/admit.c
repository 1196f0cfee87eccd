/*
 * admit - which events become jobs.
 *
 * Hashing and sealing are done before the write turn is taken, for events
 * that will be turned away as well: what the turn costs, everybody waits for.
 */
#include <stdlib.h>
#include <string.h>

#include "store/store_priv.h"

/* An event older than this than the newest one is not looked at. */
enum { OLD_MS = 24 * 3600 * 1000 };

/* An event with what was made of it before the turn. */
struct candidate {
	const struct store_event *event;
	uint8_t user[USER];
	const uint8_t *payload; /* sealed */
	size_t payload_len;
};

/* One allocation: this, the verdicts, and the payloads behind them. */
struct store_prepared {
	size_t n;
	size_t bytes; /* of all payloads */
	struct store_verdict *verdicts;
	struct candidate candidates[];
};

struct admission {
	store_gather_fn *gather;
	void *arg;
	const struct store_limits *limits;
	struct owner self;
	struct store_prepared *bodies[STORE_BODIES_MAX];
	size_t n;
};

static bool
fits(const char *text, size_t max)
{
	return text == NULL || strnlen(text, max + 1) <= max;
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

static bool
candidate_make(struct seal *seal, const struct store_event *e,
    struct candidate *c, uint8_t *payload)
{
	c->event = e;
	c->payload = payload;
	c->payload_len = payload_size(e);
	return seal_hash_chat(seal, e->chat, c->user) &&
	    payload_encode(seal, e, c->user, payload);
}

/* Nothing when an event breaks a limit or memory is short. */
static struct store_prepared *
prepared_new(const struct store_event *events, size_t n)
{
	struct store_prepared *p;
	size_t bytes = 0, i;

	for (i = 0; i < n; i++) {
		if (!is_admissible(&events[i]))
			return NULL;
		bytes += payload_size(&events[i]);
	}
	p = malloc(sizeof(*p) +
	    n * (sizeof(*p->candidates) + sizeof(*p->verdicts)) + bytes);
	if (p == NULL)
		return NULL;
	p->n = n;
	p->bytes = bytes;
	p->verdicts = (struct store_verdict *)&p->candidates[n];
	return p;
}

enum store_rc
store_prepare(struct store *s, const struct store_event *events, size_t n,
    struct store_prepared **out)
{
	struct store_prepared *p = prepared_new(events, n);
	uint8_t *payload;
	size_t i;

	*out = NULL;
	if (p == NULL)
		return STORE_ERR;
	payload = (uint8_t *)&p->verdicts[n];
	for (i = 0; i < n; i++) {
		if (!candidate_make(s->seal, &events[i], &p->candidates[i],
			payload)) {
			free(p);
			return STORE_ERR;
		}
		payload += p->candidates[i].payload_len;
	}
	*out = p;
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

/* A redelivery: LINE counts its reply token's time from here again. */
static enum store_rc
refresh_age(struct tx *tx, const struct candidate *c, const struct seen *seen)
{
	struct store_job_id id = { .seq = seen->seq };
	struct job job;
	enum store_rc rc;

	if (seen->seq == 0)
		return STORE_OK;
	memcpy(id.user, c->user, USER);
	rc = job_get(tx, &id, &job);
	if (rc == STORE_NONE || rc == STORE_CORRUPT)
		return STORE_OK; /* finished, or nothing we could change */
	if (rc != STORE_OK)
		return rc;
	if (job.received_boot != tx->global.boot)
		job.progress.deadline_ms = 0; /* of a clock that is gone */
	job.received_ms = tx->now.boot_ms;
	job.received_boot = tx->global.boot;
	return job_put(tx, &id, &job);
}

static bool
is_old(struct global *g, int64_t line_ms)
{
	return line_ms < g->newest_ms - OLD_MS;
}

static void
note_newest(struct tx *tx, int64_t line_ms)
{
	if (line_ms <= tx->global.newest_ms)
		return;
	tx->global.newest_ms = line_ms;
	tx->global_dirty = true;
}

/* Busy first, then the user's tokens, then everybody's. */
static enum store_fate
judge(struct tx *tx, struct lane *lane, const struct store_limits *l)
{
	struct global *g = &tx->global;

	if (lane->busy_seq != 0)
		return STORE_DROPPED;
	bucket_refill(&lane->bucket, l->user_tokens, l->user_refill, g->boot,
	    tx->now.boot_ms);
	if (!bucket_has_token(&lane->bucket))
		return STORE_SLOW_DOWN;
	bucket_refill(&g->bucket, l->global_tokens, l->global_refill, g->boot,
	    tx->now.boot_ms);
	if (!bucket_has_token(&g->bucket))
		return STORE_SYSTEM_BUSY;
	return STORE_ACCEPTED;
}

static enum store_rc
accept_event(struct tx *tx, const struct admission *a,
    const struct candidate *c, struct lane *lane, struct store_verdict *v)
{
	struct due due = { .owner = a->self };
	struct job job = {
		.progress.tries = 1, /* admission is the first claim */
		.received_ms = tx->now.boot_ms,
		.received_boot = tx->global.boot,
		.created_ms = tx->now.wall_ms,
		.visible_ms = tx->now.boot_ms + a->limits->lease_ms,
		.role = c->event->voice ? JOB_VOICE : JOB_QUESTION,
	};
	struct store_job_id *id = &v->lease.id;
	enum store_rc rc;

	memcpy(id->user, c->user, USER);
	id->seq = lane->next_seq++;
	job.fence = v->lease.fence = tx_serial(tx);
	due.id = *id;
	due.visible_ms = job.visible_ms;
	bucket_pay(&lane->bucket);
	bucket_pay(&tx->global.bucket);
	if (job.role == JOB_QUESTION)
		lane->busy_seq = id->seq;
	lane->unfinished++;
	tx->owed++;
	lane->used_ms = tx->now.wall_ms;
	rc = db_put(tx, key_job(id, PART_PAYLOAD), c->payload, c->payload_len);
	if (rc == STORE_OK)
		rc = job_put(tx, id, &job);
	return rc == STORE_OK ? due_put(tx, &due) : rc;
}

/* May the user be told now?  Then it is noted that he was. */
static bool
take_notice(struct tx *tx, struct lane *lane, uint32_t gap_ms)
{
	if (lane->notice_boot == tx->global.boot &&
	    tx->now.boot_ms - lane->notice_ms < gap_ms)
		return false;
	lane->notice_boot = tx->global.boot;
	lane->notice_ms = tx->now.boot_ms;
	return true;
}

/* An event that is new and not too old. */
static enum store_rc
admit_new(struct tx *tx, const struct admission *a, const struct candidate *c,
    struct store_verdict *v)
{
	struct seen seen = { .line_ms = c->event->line_ms };
	struct lane lane = { .next_seq = 1 };
	enum store_rc rc = lane_get(tx, c->user, &lane);

	/* One that a newer program wrote may be busy. */
	if (rc == STORE_CORRUPT)
		rc = mend_lane(tx, c->user, &lane);
	if (rc == STORE_CORRUPT)
		lane.busy_seq = 1;
	else if (rc != STORE_OK && rc != STORE_NONE)
		return rc;
	v->fate = judge(tx, &lane, a->limits);
	if (v->fate == STORE_SLOW_DOWN || v->fate == STORE_SYSTEM_BUSY)
		v->notify = take_notice(tx, &lane, a->limits->notice_gap_ms);
	rc = STORE_OK;
	if (v->fate == STORE_ACCEPTED)
		rc = accept_event(tx, a, c, &lane, v);
	if (rc == STORE_OK && (v->fate == STORE_ACCEPTED || v->notify))
		rc = lane_put(tx, c->user, &lane);
	seen.fate = v->fate;
	seen.seq = v->lease.id.seq;
	return rc == STORE_OK ? seen_put(tx, c->event->id, &seen) : rc;
}

static enum store_rc
admit_one(struct tx *tx, const struct admission *a, const struct candidate *c,
    struct store_verdict *v)
{
	struct seen seen = { .seq = 0 };
	enum store_rc rc = seen_get(tx, c->event->id, &seen);

	memset(v, 0, sizeof(*v));
	if (rc == STORE_OK || rc == STORE_CORRUPT) {
		v->fate = STORE_DUPLICATE;
		return rc == STORE_OK ? refresh_age(tx, c, &seen) : STORE_OK;
	}
	if (rc != STORE_NONE)
		return rc;
	if (is_old(&tx->global, c->event->line_ms)) {
		v->fate = STORE_OLD;
		return STORE_OK;
	}
	note_newest(tx, c->event->line_ms);
	return admit_new(tx, a, c, v);
}

static enum store_rc
admit_body(struct tx *tx, const struct admission *a, struct store_prepared *p)
{
	enum store_rc rc = STORE_OK;
	size_t i;

	for (i = 0; rc == STORE_OK && i < p->n; i++)
		rc = admit_one(tx, a, &p->candidates[i], &p->verdicts[i]);
	return rc;
}

static enum store_rc
admit_all(struct tx *tx, void *arg)
{
	const struct admission *a = arg;
	enum store_rc rc = STORE_OK;
	size_t i;

	for (i = 0; rc == STORE_OK && i < a->n; i++)
		rc = admit_body(tx, a, a->bodies[i]);
	return rc;
}

/* The turn has come: who is ready now comes along. */
static enum store_rc
admit_gather(struct store *s, const struct store_now *now, void *arg)
{
	struct admission *a = arg;
	size_t bytes = 0, events = 0, i;

	a->n = a->gather(a->arg, a->bodies, STORE_BODIES_MAX);
	for (i = 0; i < a->n; i++) {
		bytes += a->bodies[i]->bytes;
		events += a->bodies[i]->n;
	}
	return room_for(s, now, bytes, events);
}

enum store_rc
store_admit_ready(struct store *s, store_gather_fn *gather, void *arg,
    const struct store_limits *limits, struct store_now now)
{
	struct admission a = { .gather = gather, .arg = arg, .limits = limits };
	enum store_rc rc = store_check(s);

	if (rc != STORE_OK)
		return rc;
	a.self = worker_self(s);
	if (a.self.slot == OWNER_NONE)
		return STORE_ERR;
	return tx_write_late(s, &now, ADMIT_WAIT_MS, admit_gather, admit_all,
	    &a);
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
	struct store_prepared *p = NULL;
	enum store_rc rc = store_check(s);

	if (rc != STORE_OK || n == 0)
		return rc;
	rc = store_prepare(s, events, n, &p);
	if (rc == STORE_OK)
		rc = store_admit_ready(s, gather_one, p, limits, now);
	if (rc == STORE_OK)
		memcpy(verdicts, p->verdicts, n * sizeof(*verdicts));
	store_prepared_free(p);
	return rc;
}

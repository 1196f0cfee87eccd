/*
 * load - a leased job, as its worker wants it.
 *
 * The sealed records are copied out of the snapshot and opened afterwards, in
 * place; all of a job is one block of memory: its turns, then its records.
 */
#include <stdlib.h>
#include <string.h>

#include "store/store_priv.h"

/* A sealed record's place in the block; len 0: there is none. */
struct part {
	struct bytes from; /* in the snapshot */
	uint8_t *at;       /* in the block */
	size_t len;
};

struct loading {
	struct store *store;
	const struct store_lease *lease;
	struct store_job *job;
	struct part payload, reply, history;
	uint16_t pairs;
};

static enum store_rc
find_part(struct tx *tx, struct key key, struct part *part)
{
	enum store_rc rc = db_get(tx, key, &part->from);

	if (rc == STORE_OK)
		part->len = part->from.len;
	return rc == STORE_NONE ? STORE_OK : rc;
}

/* One byte more each: a reply ends in a NUL like the other texts. */
static uint8_t *
copy_part(struct part *part, uint8_t *to)
{
	part->at = to;
	if (part->len > 0)
		memcpy(to, part->from.at, part->len);
	to[part->len] = '\0';
	return to + part->len + 1;
}

static bool
copy_parts(struct loading *l)
{
	size_t turns = 2 * (size_t)l->pairs * sizeof(struct store_turn);
	uint8_t *at =
	    malloc(turns + l->payload.len + l->reply.len + l->history.len + 3);

	if (at == NULL)
		return false;
	l->job->memory = at;
	at = copy_part(&l->payload, at + turns);
	at = copy_part(&l->reply, at);
	copy_part(&l->history, at);
	return true;
}

static void
fill_state(struct tx *tx, struct store_job *out, const struct job *job)
{
	out->progress = job->progress;
	out->lease_until_ms = job->visible_ms;
	out->received_ms = job->received_ms;
	out->created_ms = job->created_ms;
	out->voice = job_is_beside(job);
	out->aged = job->received_boot != global_boot(&tx->global, &tx->now);
}

static enum store_rc
load_records(struct tx *tx, void *arg)
{
	struct loading *l = arg;
	const struct store_job_id *id = &l->lease->id;
	struct session session;
	struct job job;
	enum store_rc rc = job_get(tx, id, &job);

	if (rc == STORE_NONE ||
	    (rc == STORE_OK && job.fence != l->lease->fence))
		return STORE_FENCED;
	if (rc == STORE_OK)
		rc = find_part(tx, key_job(id, PART_PAYLOAD), &l->payload);
	if (rc == STORE_OK)
		rc = find_part(tx, key_job(id, PART_REPLY), &l->reply);
	if (rc != STORE_OK)
		return rc;
	/* A session that cannot be read is no reason not to answer. */
	rc = session_get(tx, id->user, &session);
	if (rc != STORE_OK && rc != STORE_NONE && rc != STORE_CORRUPT)
		return rc;
	if (rc == STORE_OK) {
		l->pairs = session.pairs;
		memcpy(l->job->prefs, session.prefs, STORE_PREFS);
		l->history.from = session.sealed;
		l->history.len = session.sealed.len;
	}
	fill_state(tx, l->job, &job);
	return copy_parts(l) ? STORE_OK : STORE_ERR;
}

static enum store_rc
open_part(struct loading *l, const struct part *part, enum seal_use use,
    struct bytes *plain)
{
	uint8_t *at = NULL;
	enum seal_rc rc = seal_open(l->store->seal, use, l->lease->id.user,
	    part->at, part->len, &at, &plain->len);

	plain->at = at;
	if (rc == SEAL_FAILED)
		return STORE_ERR;
	return rc == SEAL_OK ? STORE_OK : STORE_CORRUPT;
}

static enum store_rc
open_payload(struct loading *l)
{
	struct store_job *job = l->job;
	struct payload p;
	struct bytes plain;
	enum store_rc rc = open_part(l, &l->payload, SEAL_PAYLOAD, &plain);

	if (rc == STORE_OK && !payload_decode(plain, &p))
		rc = STORE_CORRUPT;
	if (rc != STORE_OK)
		return rc;
	job->direct = p.direct;
	memcpy(job->retry_key, p.retry_key, sizeof(job->retry_key));
	job->to = p.to;
	job->reply_token = p.reply_token;
	job->quote_token = p.quote_token;
	job->text = p.text;
	return STORE_OK;
}

static enum store_rc
open_reply(struct loading *l)
{
	struct bytes plain;
	enum store_rc rc;

	if (l->reply.len == 0)
		return STORE_OK;
	rc = open_part(l, &l->reply, SEAL_REPLY, &plain);
	if (rc != STORE_OK)
		return rc;
	l->job->reply = (const char *)plain.at;
	l->job->reply_len = plain.len;
	return STORE_OK;
}

static enum store_rc
open_history(struct loading *l)
{
	struct store_turn *turns = l->job->memory;
	struct bytes plain;
	enum store_rc rc;

	if (l->history.len == 0)
		return STORE_OK;
	rc = open_part(l, &l->history, SEAL_SESSION, &plain);
	if (rc == STORE_OK && !session_turns(plain, l->pairs, turns))
		rc = STORE_CORRUPT;
	if (rc != STORE_OK)
		return rc == STORE_CORRUPT ? STORE_OK : rc;
	l->job->turns = turns;
	l->job->n_turns = 2 * (size_t)l->pairs;
	return STORE_OK;
}

enum store_rc
store_load(struct store *s, const struct store_lease *lease,
    struct store_now now, struct store_job *job)
{
	struct loading l = { .store = s, .lease = lease, .job = job };
	enum store_rc rc;

	memset(job, 0, sizeof(*job));
	job->lease = *lease;
	rc = tx_read(s, &now, load_records, &l);
	if (rc == STORE_OK)
		rc = open_payload(&l);
	if (rc == STORE_OK)
		rc = open_reply(&l);
	if (rc == STORE_OK)
		rc = open_history(&l);
	if (rc != STORE_OK)
		store_job_release(job);
	return rc;
}

void
store_job_release(struct store_job *job)
{
	free(job->memory);
	memset(job, 0, sizeof(*job));
}

bool
store_file_key(struct store *s, const struct store_job *job, uint8_t out[16])
{
	return seal_hash_file(s->seal, job->retry_key, out);
}

/*
 * steps_make - what can be done about steps before the write turn is taken.
 *
 * Replies, what was heard and follow-ups are sealed, and sessions drafted.
 */
#include <stdlib.h>
#include <string.h>

#include "store/steps.h"

static enum store_rc
draft_sessions(struct tx *tx, void *arg)
{
	struct steps *all = arg;
	struct work *w;

	for (w = all->works; w < all->works + all->n; w++) {
		if (!w->talks)
			continue;
		w->draft_rc = session_draft_make(tx, w->step, &w->draft);
		if (w->draft_rc != STORE_OK && w->draft_rc != STORE_CORRUPT)
			return w->draft_rc;
	}
	return STORE_OK;
}

static enum store_rc
seal_reply(struct seal *seal, struct work *w)
{
	const struct store_step *step = w->step;

	if (step->reply == NULL)
		return STORE_OK;
	if (step->reply_len > REPLY_MAX)
		return STORE_ERR;
	w->record_len = SEAL_HEAD + step->reply_len;
	w->record = malloc(w->record_len);
	if (w->record == NULL)
		return STORE_ERR;
	memcpy(w->record + SEAL_HEAD, step->reply, step->reply_len);
	return seal_close(seal, SEAL_REPLY, step->lease.id.user, w->record,
		   step->reply_len)
	    ? STORE_OK
	    : STORE_ERR;
}

static enum store_rc
seal_payload(struct seal *seal, const struct payload *p,
    const uint8_t user[USER], uint8_t **record, size_t *len)
{
	*len = payload_again_size(p);
	*record = malloc(*len);
	return *record != NULL && payload_again_encode(seal, p, user, *record)
	    ? STORE_OK
	    : STORE_ERR;
}

/* The job's own payload with what was heard in it. */
static enum store_rc
seal_heard(struct seal *seal, struct work *w, const struct store_job *job)
{
	struct payload p = {
		.direct = job->direct,
		.to = job->to,
		.reply_token = job->reply_token,
		.quote_token = job->quote_token,
		.text = w->step->text,
	};

	memcpy(p.retry_key, job->retry_key, sizeof(p.retry_key));
	return seal_payload(seal, &p, w->step->lease.id.user, &w->record,
	    &w->record_len);
}

static enum store_rc
seal_follow(struct seal *seal, struct work *w, const struct store_job *job)
{
	struct payload p = {
		.direct = job->direct,
		.to = job->to,
		.reply_token = "",
		.quote_token = "",
		.text = w->step->follow,
	};

	if (!seal_hash_follow(seal, job->retry_key, p.retry_key))
		return STORE_ERR;
	return seal_payload(seal, &p, w->step->lease.id.user, &w->follow,
	    &w->follow_len);
}

/* A payload with another text than the job's; without a lease there is none. */
static enum store_rc
seal_again(struct steps *all, struct work *w, const struct store_now *now)
{
	bool heard = w->step->kind == STORE_HEARD;
	const char *text = heard ? w->step->text : w->step->follow;
	struct store_job job;
	enum store_rc rc;

	if (text == NULL || strlen(text) > STORE_TEXT_MAX)
		return STORE_ERR;
	w->payload_rc = store_load(all->store, &w->step->lease, *now, &job);
	if (w->payload_rc != STORE_OK)
		return w->payload_rc == STORE_ERR ? STORE_ERR : STORE_OK;
	rc = (heard ? seal_heard : seal_follow)(all->store->seal, w, &job);
	store_job_release(&job);
	return rc;
}

static enum store_rc
make_one(struct steps *all, struct work *w, const struct store_now *now)
{
	const struct store_step *step = w->step;
	enum store_rc rc = STORE_OK;

	if (step->kind >= STORE_STEP__MAX)
		return STORE_ERR;
	if (step->kind == STORE_HEARD ||
	    (step->kind == STORE_ANSWER && step->follow != NULL))
		rc = seal_again(all, w, now);
	if (rc != STORE_OK || step->kind != STORE_ANSWER)
		return rc;
	w->talks = session_is_touched(step);
	return seal_reply(all->store->seal, w);
}

enum store_rc
steps_make(struct steps *all, struct store_step *steps,
    const struct store_now *now)
{
	bool any_talks = false;
	enum store_rc rc = STORE_OK;
	size_t i;

	for (i = 0; rc == STORE_OK && i < all->n; i++) {
		all->works[i].step = &steps[i];
		rc = make_one(all, &all->works[i], now);
		any_talks |= all->works[i].talks;
	}
	if (rc != STORE_OK || !any_talks)
		return rc;
	return tx_read(all->store, now, draft_sessions, all);
}

/*
 * What was heard, and a follow-up, take room from a reply that is still to
 * come, so they ask however short they are.
 */
enum store_rc
steps_find_room(struct store *s, const struct store_now *now, void *steps)
{
	struct steps *all = steps;
	size_t bytes = 0, jobs = 0, more, new;
	struct work *w;

	for (w = all->works; w < all->works + all->n; w++) {
		more = w->record_len + w->follow_len + w->draft.len;
		new = w->follow != NULL;
		if (more == 0 ||
		    (more <= ROOM_SHORT && new == 0 &&
			w->step->kind != STORE_HEARD))
			continue;
		w->no_room = room_for_reply(s, now, bytes + more, jobs + new) !=
		    STORE_OK;
		if (w->no_room)
			continue;
		bytes += more;
		jobs += new;
	}
	return STORE_OK;
}

void
steps_release(struct steps *all)
{
	struct work *w;

	for (w = all->works; w < all->works + all->n; w++) {
		session_draft_release(&w->draft);
		free(w->record);
		free(w->follow);
	}
	free(all->works);
}

/*
 * memory_jobs.c - the jobs of the store in memory, and a copy for who works
 * on one.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/memory_priv.h"

bool
memory_same_job(const struct store_job_id *a, const struct store_job_id *b)
{
	return a->seq == b->seq && memcmp(a->user, b->user, 16) == 0;
}

struct job *
memory_job(const struct store_job_id *id)
{
	struct job *job;

	for (job = TAILQ_FIRST(&world.jobs); job != NULL;
	     job = TAILQ_NEXT(job, link))
		if (memory_same_job(&job->id, id))
			return job;
	return NULL;
}

static bool
is_before(const struct job *a, const struct job *b)
{
	int order = memcmp(a->id.user, b->id.user, 16);

	if (a->visible_ms != b->visible_ms)
		return a->visible_ms < b->visible_ms;
	return order != 0 ? order < 0 : a->id.seq < b->id.seq;
}

void
memory_job_add(struct job *job)
{
	struct job *after = TAILQ_FIRST(&world.jobs);

	while (after != NULL && is_before(after, job))
		after = TAILQ_NEXT(after, link);
	if (after == NULL)
		TAILQ_INSERT_TAIL(&world.jobs, job, link);
	else
		TAILQ_INSERT_BEFORE(after, job, link);
}

void
memory_job_move(struct job *job, int64_t visible_ms, struct owner owner)
{
	TAILQ_REMOVE(&world.jobs, job, link);
	job->visible_ms = visible_ms;
	job->owner = owner;
	job->blamed = false;
	memory_job_add(job);
}

void
memory_job_remove(struct job *job)
{
	TAILQ_REMOVE(&world.jobs, job, link);
	free(job->to);
	free(job->reply_token);
	free(job->quote_token);
	free(job->text);
	free(job->recording);
	free(job->reply);
	free(job);
}

/* --------------------------------------------------------------- load -- */

static size_t
text_size(const char *text)
{
	return strlen(text) + 1;
}

static const char *
copy(char **at, const char *from, size_t size)
{
	char *to = *at;

	memcpy(to, from, size);
	*at = to + size;
	return to;
}

static size_t
count_turns(const struct person *p, size_t *bytes)
{
	struct pair *pair;
	size_t n = 0;

	for (pair = TAILQ_FIRST(&p->pairs); pair != NULL;
	     pair = TAILQ_NEXT(pair, link)) {
		n += 2;
		*bytes += text_size(pair->question) + text_size(pair->answer);
	}
	return n;
}

static void
copy_turns(const struct person *p, struct store_turn *turn, char **at)
{
	struct pair *pair;

	for (pair = TAILQ_FIRST(&p->pairs); pair != NULL;
	     pair = TAILQ_NEXT(pair, link)) {
		turn->from_user = true;
		turn++->text =
		    copy(at, pair->question, text_size(pair->question));
		turn->from_user = false;
		turn++->text = copy(at, pair->answer, text_size(pair->answer));
	}
}

/* One block of memory: the turns, then all texts. */
static void
copy_job(const struct job *job, const struct person *p, struct store_job *out)
{
	size_t bytes = text_size(job->to) + text_size(job->reply_token) +
	    text_size(job->quote_token) + text_size(job->text) +
	    job->reply_len + 1;
	size_t n = p == NULL ? 0 : count_turns(p, &bytes);
	struct store_turn *turns = memory_new(n * sizeof(*turns) + bytes);
	char *at = (char *)(turns + n);

	out->memory = turns;
	out->n_turns = n;
	out->turns = turns;
	out->to = copy(&at, job->to, text_size(job->to));
	out->reply_token =
	    copy(&at, job->reply_token, text_size(job->reply_token));
	out->quote_token =
	    copy(&at, job->quote_token, text_size(job->quote_token));
	out->text = copy(&at, job->text, text_size(job->text));
	if (job->reply != NULL)
		out->reply = copy(&at, job->reply, job->reply_len + 1);
	out->reply_len = job->reply_len;
	if (p != NULL)
		copy_turns(p, turns, &at);
}

enum store_rc
store_load(struct store *s, const struct store_lease *lease,
    struct store_now now, struct store_job *out)
{
	struct job *job = memory_job(&lease->id);
	struct person *p = memory_person(lease->id.user);

	memset(out, 0, sizeof(*out));
	if (s->dead)
		return STORE_ERR;
	if (job == NULL ||
	    (job->fence != lease->fence && !memory_faults.no_fence))
		return STORE_FENCED;
	out->lease = *lease;
	out->progress = job->progress;
	out->direct = job->direct;
	out->voice = job->role == VOICE || job->role == FOLLOW;
	out->lease_until_ms = job->visible_ms;
	out->received_ms = job->received_ms;
	out->created_ms = job->created_ms;
	out->aged = job->received_boot != memory_boot(&now);
	memcpy(out->retry_key, job->retry_key, sizeof(out->retry_key));
	if (p != NULL && !memory_talks(s, p, &now))
		p = NULL;
	if (p != NULL)
		memcpy(out->prefs, p->prefs, STORE_PREFS);
	copy_job(job, p, out);
	return STORE_OK;
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
	(void)s;
	memcpy(out, job->retry_key, 16);
	out[0] ^= memory_faults.no_name ? (uint8_t)job->lease.fence : 0xff;
	return true;
}

/*
 * memory_steps.c - what steps do to the jobs and sessions in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/memory_priv.h"

enum { REPLY_MAX = 4 * STORE_TEXT_MAX };

/* ----------------------------------------------------------- sessions -- */

/* The wall clock is asked only over a boot. */
bool
memory_is_idle(const struct person *p, const struct store_now *now,
    int64_t longer_ms)
{
	if (p->changed_boot == memory_boot(now))
		return now->boot_ms - p->changed_boot_ms > longer_ms;
	return now->wall_ms - p->changed_ms > longer_ms;
}

bool
memory_talks(const struct store *s, const struct person *p,
    const struct store_now *now)
{
	return p->has_session &&
	    (s->session_ttl_ms == 0 ||
		!memory_is_idle(p, now, s->session_ttl_ms));
}

static void
forget_oldest(struct person *p)
{
	struct pair *pair = TAILQ_FIRST(&p->pairs);

	TAILQ_REMOVE(&p->pairs, pair, link);
	free(pair->question);
	free(pair->answer);
	free(pair);
}

void
memory_forget(struct person *p)
{
	while (!TAILQ_EMPTY(&p->pairs))
		forget_oldest(p);
	memset(p->prefs, 0, STORE_PREFS);
	p->has_session = false;
}

static bool
is_inside(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The question's beginning and the answer's end, max bytes in all. */
static void
cut(struct pair *pair, size_t max)
{
	size_t q = strlen(pair->question), a = strlen(pair->answer), from = 0;
	size_t room = a < max / 2 ? max - a : max - max / 2;

	if (q + a <= max)
		return;
	while (q > room || (q > 0 && is_inside(pair->question[q])))
		q--;
	pair->question[q] = '\0';
	while (a - from > max - q || is_inside(pair->answer[from]))
		from++;
	memmove(pair->answer, pair->answer + from, a - from + 1);
}

static bool
is_too_long(const struct person *p, const struct store_step *step)
{
	size_t n = 0, bytes = 0;
	struct pair *pair;

	for (pair = TAILQ_FIRST(&p->pairs); pair != NULL;
	     pair = TAILQ_NEXT(pair, link)) {
		n++;
		bytes += strlen(pair->question) + strlen(pair->answer);
	}
	return n > step->history_turns || bytes > step->history_bytes;
}

static bool
has_prefs(const struct person *p)
{
	static const uint8_t none[STORE_PREFS];

	return memcmp(p->prefs, none, STORE_PREFS) != 0;
}

static void
remember(struct person *p, const struct store_step *step)
{
	struct pair *pair = memory_new(sizeof(*pair));

	pair->question = memory_text(step->question);
	pair->answer = memory_text(step->answer);
	cut(pair, step->history_bytes);
	TAILQ_INSERT_TAIL(&p->pairs, pair, link);
	while (!TAILQ_EMPTY(&p->pairs) &&
	    (step->history_bytes == 0 || is_too_long(p, step)))
		forget_oldest(p);
}

static void
change_session(const struct store *s, struct person *p,
    const struct store_step *step, const struct store_now *now)
{
	bool talks = step->question != NULL && step->answer != NULL;

	if (!talks && step->prefs == NULL)
		return;
	if (!memory_talks(s, p, now))
		memory_forget(p);
	if (step->prefs != NULL)
		memcpy(p->prefs, step->prefs, STORE_PREFS);
	if (talks)
		remember(p, step);
	p->has_session = !TAILQ_EMPTY(&p->pairs) || has_prefs(p);
	p->changed_ms = now->wall_ms;
	p->changed_boot_ms = now->boot_ms;
	p->changed_boot = world.boot;
}

/* -------------------------------------------------------------- steps -- */

static void
renew(struct store *s, struct job *job, const struct store_step *step,
    const struct store_now *now)
{
	job->progress = step->progress;
	memory_job_move(job, now->boot_ms + step->lease_ms, memory_self(s));
}

static void
free_user(struct person *p, const struct job *job, const struct store_now *now)
{
	if (p->busy_seq == job->id.seq)
		p->busy_seq = 0;
	p->used_ms = now->wall_ms;
}

/* The words, or the job's end because its user is busy with another one. */
static enum store_rc
hear(struct store *s, struct job *job, const struct store_step *step,
    const struct store_now *now)
{
	struct person *p = memory_person(job->id.user);

	if (job->role != VOICE)
		return STORE_FENCED;
	if (p->busy_seq != 0 && p->busy_seq != job->id.seq &&
	    !memory_faults.no_turn) {
		free_user(p, job, now);
		memory_job_remove(job);
		return STORE_NONE;
	}
	p->busy_seq = job->id.seq;
	job->role = QUESTION;
	free(job->recording);
	job->recording = job->text;
	job->text = memory_text(step->text);
	renew(s, job, step, now);
	return STORE_OK;
}

static void
follow(struct person *p, const struct job *parent,
    const struct store_step *step, const struct store_now *now)
{
	struct job *job = memory_new(sizeof(*job));

	job->id = parent->id;
	job->id.seq = p->next_seq++;
	job->progress.stage = step->follow_stage;
	job->fence = ++world.serial;
	job->owner.slot = NOBODY;
	job->visible_ms = now->boot_ms + step->follow_wait_ms;
	job->received_ms = parent->received_ms;
	job->received_boot = parent->received_boot;
	job->created_ms = now->wall_ms;
	job->direct = parent->direct;
	job->role = FOLLOW;
	memory_follow_key(parent->retry_key, job->retry_key);
	job->to = memory_text(parent->to);
	job->reply_token = memory_text(NULL);
	job->quote_token = memory_text(NULL);
	job->text = memory_text(step->follow);
	memory_job_add(job);
}

static void
set_reply(struct job *job, const struct store_step *step)
{
	if (step->reply == NULL)
		return;
	free(job->reply);
	job->reply = memory_new(step->reply_len + 1);
	memcpy(job->reply, step->reply, step->reply_len);
	job->reply_len = step->reply_len;
}

static enum store_rc
answer(struct store *s, struct job *job, const struct store_step *step,
    const struct store_now *now)
{
	struct person *p = memory_person(job->id.user);

	if (step->reply == NULL && job->reply == NULL)
		return STORE_NONE;
	if (step->stays_busy && p->busy_seq == job->id.seq &&
	    !memory_faults.no_stay) {
		job->role = STAYS;
	} else {
		free_user(p, job, now);
		job->role = QUESTION;
	}
	if (step->follow != NULL)
		follow(p, job, step, now);
	set_reply(job, step);
	change_session(s, p, step, now);
	renew(s, job, step, now);
	return STORE_OK;
}

static void
give_back(struct job *job, const struct store_step *step,
    const struct store_now *now)
{
	struct owner nobody = { .slot = NOBODY };

	job->progress = step->progress;
	job->fence = ++world.serial;
	memory_job_move(job, now->boot_ms + step->wait_ms, nobody);
}

static void
end(struct job *job, const struct store_step *step, const struct store_now *now)
{
	struct letter *letter;

	free_user(memory_person(job->id.user), job, now);
	if (step->kind == STORE_DEAD) {
		letter = memory_new(sizeof(*letter));
		letter->id = job->id;
		letter->wall_ms = now->wall_ms;
		if (step->reason != NULL)
			memcpy(letter->reason, step->reason,
			    strnlen(step->reason, sizeof(letter->reason) - 1));
		TAILQ_INSERT_TAIL(&world.letters, letter, link);
	}
	memory_job_remove(job);
}

static enum store_rc
run_step(struct store *s, const struct store_step *step,
    const struct store_now *now)
{
	struct job *job = memory_job(&step->lease.id);

	if (job == NULL ||
	    (job->fence != step->lease.fence && !memory_faults.no_fence))
		return STORE_FENCED;
	switch (step->kind) {
	case STORE_SAVE:
		renew(s, job, step, now);
		break;
	case STORE_ANSWER:
		return answer(s, job, step, now);
	case STORE_HEARD:
		return hear(s, job, step, now);
	case STORE_WAIT:
		give_back(job, step, now);
		break;
	case STORE_DONE:
	case STORE_DEAD:
	case STORE_STEP__MAX:
		end(job, step, now);
		break;
	}
	return STORE_OK;
}

static bool
is_sound(const struct store_step *step)
{
	if (step->kind >= STORE_STEP__MAX)
		return false;
	if (step->kind == STORE_HEARD)
		return step->text != NULL &&
		    strlen(step->text) <= STORE_TEXT_MAX;
	return step->kind != STORE_ANSWER ||
	    ((step->reply == NULL || step->reply_len <= REPLY_MAX) &&
		(step->follow == NULL ||
		    strlen(step->follow) <= STORE_TEXT_MAX));
}

enum store_rc
store_steps(struct store *s, struct store_step *steps, size_t n,
    struct store_now now)
{
	size_t i;

	if (n == 0 && !s->dead)
		return STORE_OK;
	if (memory_self(s).slot == NOBODY)
		return STORE_ERR;
	for (i = 0; i < n; i++)
		if (!is_sound(&steps[i]))
			return STORE_ERR;
	memory_begin(&now);
	for (i = 0; i < n; i++)
		steps[i].rc = run_step(s, &steps[i], &now);
	return STORE_OK;
}

/*
 * utterance.c - text, memory and chore of an utterance.  While the helper has
 * it the job may go: then it is freed when the helper gives it back.
 */
#include "jobs/utterance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/speakable.h"
#include "base/clock.h"
#include "bot/bot.h"
#include "jobs/delivery.h"
#include "jobs/engine_priv.h"
#include "line/message.h"

static void
utterance_free(struct utterance *u)
{
	speak_abort(&u->reader);
	speak_reply_release(&u->reply);
	free(u->text);
	free(u);
}

void
speak_forget(struct job *job)
{
	struct utterance *u = job->utterance;

	job->utterance = NULL;
	if (u == NULL)
		return;
	u->job = NULL;
	if (u->busy && !helper_take_back(job->engine->helper, &u->chore))
		chore_drop(&u->chore);
	else
		utterance_free(u);
}

/* What was heard stands above the answer, and is not read to him. */
static char *
without_heard(const struct job *job, char *text)
{
	char *heard;
	size_t n;

	if (text == NULL || (job->stored.progress.flags & QUESTION_HEARD) == 0)
		return text;
	heard =
	    bot_heard(job->stored.text, "", job->engine->set->default_language);
	n = heard == NULL ? 0 : strlen(heard);
	if (n > 0 && strncmp(text, heard, n) == 0)
		memmove(text, text + n, strlen(text + n) + 1);
	free(heard);
	return text;
}

/* The last answer of the conversation, or NULL. */
static const char *
last_answer(const struct job *job)
{
	size_t i = job->stored.n_turns;

	while (i > 0)
		if (!job->stored.turns[--i].from_user)
			return job->stored.turns[i].text;
	return NULL;
}

/* New; NULL when there is nothing to read or memory is short. */
static char *
text_of(const struct job *job)
{
	const char *messages = job_messages(job);
	const char *text = last_answer(job);

	if (messages != NULL)
		return without_heard(job, message_plain(messages));
	if (job->stored.voice) /* it follows an answer */
		text = job->stored.text;
	return text == NULL ? NULL : strdup(text);
}

/* Whoever speaks for this job publishes under the same name. */
static bool
name_file(const struct job *job, struct utterance *u)
{
	uint8_t bits[SHELF_BITS / 8];

	if (!store_file_key(job->engine->store, &job->stored, bits))
		return false;
	shelf_name(bits, u->order.name);
	(void)snprintf(u->url, sizeof(u->url), "%s/audio/%s",
	    job->engine->set->public_base_url, u->order.name);
	return true;
}

/* The part of it that is spoken; -1 when there is none. */
static int
make_speakable(const struct job *job, struct speakable *speakable,
    uint64_t limit_ms)
{
	char *text = text_of(job);
	int rc = -1;

	if (text != NULL)
		rc = speakable_make(speakable, text, limit_ms);
	free(text);
	if (rc == 0 && *speakable->text == '\0') {
		free(speakable->text);
		rc = -1;
	}
	return rc;
}

int
utterance_new(struct job *job, uint64_t limit_ms)
{
	struct utterance *u = calloc(1, sizeof(*u));
	struct speakable speakable;

	if (u == NULL || !name_file(job, u) ||
	    make_speakable(job, &speakable, limit_ms) == -1) {
		free(u);
		return -1;
	}
	u->job = job;
	u->text = speakable.text;
	u->cut = speakable.cut;
	u->order.pace_ms = speakable.pace_ms;
	job->utterance = u;
	return 0;
}

static bool
is_unwanted(void *arg)
{
	return chore_is_unwanted(arg);
}

/* On the helper's thread. */
static void
encode(struct chore *chore)
{
	struct utterance *u = (struct utterance *)chore;

	u->rc = voice_make(&u->order, &u->voice);
}

static void
encoded(struct chore *chore)
{
	struct utterance *u = (struct utterance *)chore;

	u->busy = false;
	speak_reply_release(&u->reply);
	if (u->job == NULL) {
		utterance_free(u);
		return;
	}
	u->made = true;
	job_resume(u->job);
}

void
utterance_encode(struct job *job, struct speak_reply *reply)
{
	const struct settings *set = job->engine->set;
	struct utterance *u = job->utterance;

	u->reply = *reply;
	reply->sound = NULL;
	u->order.sound = u->reply.sound;
	u->order.len = u->reply.len;
	u->order.type = u->reply.type;
	u->order.folder = set->audio_dir;
	u->order.limits.ttl_s = set->audio_ttl;
	u->order.limits.max_bytes = set->audio_max_bytes;
	u->order.now_ms = clock_wall_ms();
	u->order.unwanted = is_unwanted;
	u->order.arg = &u->chore;
	u->rc = VOICE_STOPPED;
	u->busy = true;
	u->chore.run = encode;
	u->chore.done = encoded;
	speech_wait(job, job->stored.progress.deadline_ms);
	helper_give(job->engine->helper, &u->chore);
}

static void
collect(void *arg)
{
	struct engine *engine = arg;

	(void)helper_collect(engine->helper);
}

int
utterances_open(struct engine *engine, char *err, size_t err_size)
{
	const struct settings *set = engine->set;

	if (*set->public_base_url == '\0')
		return 0;
	if (shelf_open(set->audio_dir) != SHELF_OK) {
		(void)snprintf(err, err_size, "AUDIO_DIR %s: %s; %s",
		    set->audio_dir, strerror(errno), shelf_remedy(errno));
		return -1;
	}
	engine->helper = helper_new();
	if (engine->helper == NULL)
		return -1;
	return net_watch(engine->net, helper_fd(engine->helper), collect,
	    engine);
}

/*
 * utterance.c - memory and chore of an utterance.  While the helper has it the
 * job may go: then it is freed when the helper gives it back.
 */
#include "jobs/utterance.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/speakable.h"
#include "base/clock.h"
#include "jobs/engine_priv.h"

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
	if (u->busy)
		chore_drop(&u->chore);
	else
		utterance_free(u);
}

/*
 * Whoever speaks for this job publishes under the same name, which nobody can
 * guess: the retry key is a keyed hash, and LINE sees it but not our users.
 */
static void
name_file(const struct job *job, struct utterance *u)
{
	static const char salt[] = "audio";
	uint8_t in[sizeof(salt) + sizeof(job->stored.retry_key)];
	uint8_t digest[SHA256_DIGEST_LENGTH];

	memcpy(in, salt, sizeof(salt));
	memcpy(in + sizeof(salt), job->stored.retry_key,
	    sizeof(job->stored.retry_key));
	SHA256(in, sizeof(in), digest);
	shelf_name(digest, u->order.name);
	(void)snprintf(u->url, sizeof(u->url), "%s/audio/%s",
	    job->engine->set->public_base_url, u->order.name);
}

int
utterance_new(struct job *job, const char *text, uint64_t limit_ms)
{
	struct utterance *u = calloc(1, sizeof(*u));
	struct speakable speakable;

	if (u == NULL)
		return -1;
	if (speakable_make(&speakable, text, limit_ms) == -1 ||
	    *speakable.text == '\0') {
		free(speakable.text);
		free(u);
		return -1;
	}
	u->job = job;
	u->text = speakable.text;
	u->cut = speakable.cut;
	u->order.pace_ms = speakable.pace_ms;
	name_file(job, u);
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

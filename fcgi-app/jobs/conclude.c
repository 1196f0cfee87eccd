/*
 * conclude.c - from the outcome of a stage to what the user will read.
 */
#include <stdlib.h>

#include "base/log.h"
#include "bot/bot.h"
#include "bot/quick.h"
#include "jobs/delivery.h"
#include "jobs/engine_priv.h"
#include "jobs/stage.h"
#include "line/message.h"

enum { AGAIN_MS = 500 };

static const enum bot_outcome said[OUTCOME__MAX] = {
	[OUTCOME_ANSWERED] = BOT_ANSWER,
	[OUTCOME_TRUNCATED] = BOT_TRUNCATED,
	[OUTCOME_BLOCKED] = BOT_BLOCKED,
	[OUTCOME_EMPTY] = BOT_EMPTY,
	[OUTCOME_TIMEOUT] = BOT_TIMEOUT,
	[OUTCOME_BUSY] = BOT_BUSY,
	[OUTCOME_ERROR] = BOT_ERROR,
	[OUTCOME_POISON] = BOT_ERROR,
	[OUTCOME_UNHEARD] = BOT_UNHEARD,
	[OUTCOME_NO_RECORDING] = BOT_NO_RECORDING,
	[OUTCOME_TOO_LONG] = BOT_TOO_LONG,
};

char *
job_buttons(const struct job *job, const char *messages, bool spoken,
    size_t *len)
{
	const char *labels[BOT_QUICK_MAX];
	bool is_answer =
	    job->remember || (job->stored.n_turns > 0 && !job->forgets);
	size_t n = bot_quick(job->stored.prefs, job->engine->helper != NULL,
	    spoken || !is_answer, job->engine->set->default_language, labels);

	return message_with_quick_replies(messages, labels, n, len);
}

/* As LINE wants it. */
static char *
messages(const struct job *job, const char *text, size_t *len)
{
	char *texts, *out;

	texts = message_texts(text, job->stored.quote_token, len);
	if (texts == NULL || job->engine->helper == NULL)
		return texts; /* there is nothing to offer */
	out = job_buttons(job, texts, false, len);
	free(texts);
	return out;
}

/* What was heard stands above a real answer. */
static char *
answer_messages(const struct job *job, const struct bot_say *say, size_t *len)
{
	const struct store_job *stored = &job->stored;
	char *shown, *out;

	if (!say->remember || (stored->progress.flags & QUESTION_HEARD) == 0)
		return messages(job, say->text, len);
	shown = bot_heard(stored->text, say->text,
	    job->engine->set->default_language);
	if (shown == NULL)
		return NULL;
	out = messages(job, shown, len);
	free(shown);
	return out;
}

static enum out
without_memory(struct job *job)
{
	log_warn("job=%s error=memory", job->name);
	free(job->answer);
	job->answer = NULL;
	job->wait_ms = AGAIN_MS;
	return OUT_RETRY;
}

enum out
job_say(struct job *job, enum words words)
{
	const char *text =
	    words_text(words, job->engine->set->default_language);

	job->remember = false;
	job->reply = messages(job, text, &job->reply_len);
	job->stored.progress.outcome = OUTCOME_ANSWERED;
	return job->reply == NULL ? without_memory(job) : OUT_NEXT;
}

enum out
job_conclude(struct job *job, enum outcome outcome, const char *text)
{
	struct bot_say say;

	if (bot_answer(said[outcome], text, job->engine->set->default_language,
		&say) == 0) {
		job->remember = say.remember;
		job->reply = answer_messages(job, &say, &job->reply_len);
		job->answer = say.text;
	}
	if (job->reply == NULL)
		return without_memory(job);
	job->stored.progress.outcome = (uint8_t)outcome;
	return OUT_NEXT;
}

/*
 * obey.c - the words that are meant for us and not for the model.
 */
#include "bot/prefs.h"
#include "jobs/engine_priv.h"
#include "jobs/stage.h"

/* What is said then; of "speak" only when there is nothing to be read. */
static const enum words said[COMMAND__MAX] = {
	[COMMAND_VOICE_ON] = WORDS_VOICE_ON,
	[COMMAND_VOICE_OFF] = WORDS_VOICE_OFF,
	[COMMAND_VOICE_AUTO] = WORDS_VOICE_AUTO,
	[COMMAND_SPEAK] = WORDS_NOTHING_TO_SPEAK,
};

enum out
obey(struct job *job, enum command command)
{
	if (job->engine->helper == NULL)
		return job_say(job, WORDS_NO_VOICE);
	if (prefs_apply(job->stored.prefs, command)) {
		job->sets_prefs = true;
	} else if (job->stored.n_turns > 0) {
		notice_loading(job->engine, job);
		job->aloud = true;
		return OUT_NEXT;
	}
	return job_say(job, said[command]);
}

/*
 * obey.c - the words that are meant for us and not for the model.
 */
#include "bot/prefs.h"
#include "bot/quick.h"
#include "jobs/engine_priv.h"
#include "jobs/stage.h"

enum out
obey(struct job *job, enum command command)
{
	bool has_voice = job->engine->helper != NULL;

	if (has_voice && prefs_apply(job->stored.prefs, command)) {
		job->sets_prefs = true;
	} else if (command == COMMAND_SPEAK && has_voice &&
	    job->stored.n_turns > 0) {
		notice_loading(job->engine, job);
		job->aloud = true;
		return OUT_NEXT;
	}
	return job_say(job, bot_command_words(command, has_voice));
}

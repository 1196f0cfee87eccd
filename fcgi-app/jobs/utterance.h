/*
 * utterance.h - an answer on its way to a sound: its text, what the model
 * sends, and the chore that makes a file of it.
 */
#ifndef JOBS_UTTERANCE_H
#define JOBS_UTTERANCE_H

#include <stdbool.h>

#include "audio/voice.h"
#include "jobs/helper.h"
#include "model/speak.h"

struct job;

enum { UTTERANCE_URL_SIZE = 1100 };

struct utterance {
	struct chore chore;
	struct job *job; /* NULL: nobody waits for it any more */
	char *text;      /* ours, as it is to be spoken */
	bool cut;        /* the end of the answer was left out */
	struct speak_reader reader;
	struct speak_reply reply; /* the sound, while it is encoded */
	struct voice_order order;
	struct voice voice;
	enum voice_rc rc;
	bool busy; /* it is in the helper's hands */
	bool made; /* rc and voice are there */
	char url[UTTERANCE_URL_SIZE];
};

/*
 * Gives the job its utterance: of its answer, or else of the conversation's
 * last one, as much as is spoken in limit_ms.  -1 when there is nothing that
 * can be spoken, or memory is short.
 */
int utterance_new(struct job *, uint64_t limit_ms);

/*
 * Lets the helper encode and publish the sound, which it takes out of reply;
 * then the job's stage starts again, with made set.
 */
void utterance_encode(struct job *, struct speak_reply *);

/* The job has no utterance any more; does nothing without one. */
void speak_forget(struct job *);

#endif

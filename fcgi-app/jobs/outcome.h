/*
 * outcome.h - how a job can end, in one word.
 *
 * The word is stored with the job (struct store_progress.outcome), so numbers
 * are never reused.  Everything but the answers themselves means that the
 * user was told a fixed sentence.
 */
#ifndef JOBS_OUTCOME_H
#define JOBS_OUTCOME_H

#include <stdbool.h>

enum outcome {
	OUTCOME_ANSWERED = 0,
	OUTCOME_TRUNCATED,    /* the model was cut: what came, and a note */
	OUTCOME_BLOCKED,      /* the model's safety rules */
	OUTCOME_EMPTY,        /* the model said nothing */
	OUTCOME_TIMEOUT,      /* GEMINI_TIMEOUT or STT_TIMEOUT ran out */
	OUTCOME_BUSY,         /* every model's breaker is open */
	OUTCOME_ERROR,        /* the model cannot be used */
	OUTCOME_POISON,       /* its processes died, three times */
	OUTCOME_UNHEARD,      /* there are no words in the voice message */
	OUTCOME_NO_RECORDING, /* LINE does not have it */
	OUTCOME_TOO_LONG,     /* it is larger than RECORDING_MAX */
	OUTCOME__MAX
};

/* The word for the log and the dead letter; static. */
const char *outcome_name(enum outcome);

/* True if the job ends DEAD after the user was told. */
bool outcome_is_dead(enum outcome);

#endif

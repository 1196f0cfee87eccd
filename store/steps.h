/*
 * steps.h - what the files of store_steps() share: steps_make.c makes all that
 * can be made without the write turn, steps.c writes it down in the turn.
 */
#ifndef STORE_STEPS_H
#define STORE_STEPS_H

#include "store/store_priv.h"

/* A step with what was made of it before the turn, and its records. */
struct work {
	struct store_step *step;
	uint8_t *record; /* new; sealed: the reply, or the payload heard */
	size_t record_len;
	uint8_t *follow; /* new; sealed: the follow-up's payload */
	size_t follow_len;
	enum store_rc payload_rc; /* of the job, when it had to be read */
	bool talks;               /* it changes the session */
	bool no_room;
	struct session_draft draft;
	enum store_rc draft_rc;
	struct job job;
	struct lane lane;
};

struct steps {
	struct store *store;
	struct owner self;
	struct work *works;
	size_t n;
};

/* STORE_ERR: memory is short, or a step breaks a limit. */
enum store_rc steps_make(struct steps *, struct store_step *,
    const struct store_now *);

/* The turn has come: which of the works have room?  The others are marked. */
enum store_rc steps_find_room(struct store *, const struct store_now *,
    void *steps);

void steps_release(struct steps *);

#endif

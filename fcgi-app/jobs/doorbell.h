/*
 * doorbell.h - how one process tells another that a job of it was cancelled.
 *
 * Each worker's slot has a datagram socket in DATA_DIR, which is 0700.  A ring
 * is news, not a promise: the store has fenced the job already, and who does
 * not hear of it finds out at its next step.  All of it from the engine's
 * thread, but doorbell_ring() from any.
 */
#ifndef JOBS_DOORBELL_H
#define JOBS_DOORBELL_H

#include <stdbool.h>

#include "store/store.h"

struct doorbell; /* opaque */

/*
 * Opens the bell of this process's slot, instead of one that a dead process
 * left.  0, or -1 with errno; doorbell_close() takes it and leaves NULL.
 */
int doorbell_open(struct doorbell **out, const char *data_dir, unsigned slot);
void doorbell_close(struct doorbell **);

/* Tells the worker in a slot about a job; nobody may be there. */
void doorbell_ring(const struct doorbell *, unsigned slot,
    const struct store_job_id *);

/* Becomes readable by a ring; borrowed. */
int doorbell_fd(const struct doorbell *);

/* The next job that somebody rang for; false when there is none. */
bool doorbell_take(struct doorbell *, struct store_job_id *);

#endif

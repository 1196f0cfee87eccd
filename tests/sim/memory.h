/*
 * memory.h - store/store.h in plain memory, and what a test may do to it.
 *
 * A model of the store: lists instead of records, no files, no encryption, no
 * threads.  It is linked instead of store/ and obeys the same header, which
 * the tests that run on both of them show.  All handles of a program share
 * one world; a handle stands for a process.
 */
#ifndef TESTS_SIM_MEMORY_H
#define TESTS_SIM_MEMORY_H

#include "store/store.h"

/* Empties the world, for the next test or history; no handle may be open. */
void memory_reset(void);

/*
 * The process of this handle dies, as by kill -9: its slot is free and its
 * mark stays.  The handle is still to be closed; nothing else works with it.
 */
void memory_kill(struct store *);

/* Mechanisms taken out, to show that somebody would notice. */
struct memory_faults {
	bool no_fence;     /* late workers write as if they owned the job */
	bool no_takeover;  /* the jobs of the dead are nobody's business */
	bool no_seen;      /* event ids are not remembered */
	bool no_interrupt; /* the next owner is not told of a dead one */
	bool no_words;     /* nor of what was heard */
	bool no_turn;      /* a voice message is heard beside a question */
	bool no_stay;      /* an answer frees its user before it is spoken */
	bool no_name;      /* a file has another name for whoever asks */
};
extern struct memory_faults memory_faults;

/* When something may be claimed: INT64_MAX: never; boot clock. */
int64_t memory_due_ms(struct store_now);

/* How many jobs are unfinished. */
size_t memory_unfinished(void);

/* The dead letter's reason, NULL: there is none. */
const char *memory_dead(const struct store_job_id *);

/* Is the job unfinished? */
bool memory_has(const struct store_job_id *);

/* The job that was made last for that user. */
struct store_job_id memory_newest(const uint8_t user[16]);

/* The retry key of what follows a job with that key. */
void memory_follow_key(const uint8_t parent[16], uint8_t key[16]);

/* The retry key that an event's job will get. */
void memory_retry_key(const char *event_id, uint8_t key[16]);

/* NULL, or what does not fit together; the reason is static. */
const char *memory_check(void);

#endif

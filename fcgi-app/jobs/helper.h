/*
 * helper.h - the thread for what would block the engine.
 *
 * One chore after the other, in the order they were given.  A chore knows
 * neither the store nor the engine: it works on its own memory, and what came
 * of it is read when it has been handed back.
 */
#ifndef JOBS_HELPER_H
#define JOBS_HELPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct helper; /* opaque */

/* Part of a struct of the caller's, who sets the first two. */
struct chore {
	void (*run)(struct chore *);  /* on the helper's thread */
	void (*done)(struct chore *); /* on the giver's, may free it */
	/* private */
	struct chore *next;
	atomic_bool unwanted;
};

/* New, with its thread; NULL when threads, descriptors or memory are short. */
struct helper *helper_new(void);

/*
 * Ends the thread: the chore under way is told that it is unwanted, those that
 * wait are not run, and done is called for all.  Takes it and leaves NULL.
 */
void helper_free(struct helper **);

/* Borrows the chore until its done is called. */
void helper_give(struct helper *, struct chore *);

/*
 * Takes it back if it was not begun: true, and its done is not called.  From
 * the giver's thread.
 */
bool helper_take_back(struct helper *, struct chore *);

/*
 * Says that nobody waits for it any more.  If it was not begun it never runs;
 * its done is called in any case, by helper_collect().
 */
void chore_drop(struct chore *);

/* For run: is there any use in going on? */
bool chore_is_unwanted(struct chore *);

/* Becomes readable when a chore is done; borrowed. */
int helper_fd(const struct helper *);

/* Calls done for all that are; how many. */
size_t helper_collect(struct helper *);

#endif

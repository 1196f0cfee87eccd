/*
 * scratch.h - memory for JSON trees that do not outlive a function.
 *
 * jansson makes some hundred small blocks of a webhook's body and frees them
 * one by one a moment later, which is most of what malloc() does for one.
 * Between scratch_open() and scratch_close() the calling thread's blocks come
 * from a buffer of its own instead, and freeing one costs nothing.
 */
#ifndef BASE_SCRATCH_H
#define BASE_SCRATCH_H

/*
 * Makes jansson ask here.  Once, before the first tree and any thread; without
 * it the functions below do nothing.
 */
void scratch_init(void);

/*
 * All that jansson makes in between, in this thread, must be freed before the
 * close; no nesting.  What the buffer cannot hold comes from malloc().
 */
void scratch_open(void);
void scratch_close(void);

#endif

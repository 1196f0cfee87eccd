/*
 * limits.h - what a worker takes of the machine: memory and descriptors.
 */
#ifndef PROCESS_LIMITS_H
#define PROCESS_LIMITS_H

/* Once, before any thread.  What the system refuses stays as it was. */
void limits_set(void);

#endif

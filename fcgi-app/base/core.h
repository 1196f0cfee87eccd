/*
 * core.h - no memory of ours is ever written to a file.
 *
 * A core of a process holds keys and what patients wrote.
 */
#ifndef BASE_CORE_H
#define BASE_CORE_H

/* For this process and what it starts; before any secret is read. */
void core_forbid(void);

#endif

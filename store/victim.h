/*
 * victim.h - ending another process that holds up everybody.
 *
 * First the process is opened, then the caller asks once more whether it is
 * still the one that must go, then it is killed: so a process that got the
 * same pid meanwhile is safe.
 */
#ifndef STORE_VICTIM_H
#define STORE_VICTIM_H

#include <stdbool.h>
#include <sys/types.h>

struct victim {
	pid_t pid;
	int fd; /* -1: this kernel has no pidfd, and the pid has to do */
};

/* By a signal: then it waits for no disk, and is at no work. */
bool victim_is_stopped(pid_t);

/* false: there is no such process any more. */
bool victim_open(struct victim *, pid_t);
void victim_kill(const struct victim *);
void victim_close(struct victim *);

#endif

/*
 * process.h - one process: three roles, and how they start and end.
 *
 * The main thread does no work: it waits for signals.  Accept threads take
 * webhooks in, one engine thread works on jobs.
 */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include "base/settings.h"

/*
 * Serves until TERM, INT or USR1, then ends within a second: accepts nothing
 * more, hands its leases back.  A second TERM or INT, if it is no echo of the
 * first, ends it at once.  Also ends, when idle, after its program file was
 * replaced.  listen_fd -1: takes no webhooks, ends when no orphaned job is
 * left (--drain).  Returns the exit status; a start that fails is logged and
 * exits with 1.  Settings are borrowed.
 */
int process_serve(const struct settings *, int listen_fd);

#endif

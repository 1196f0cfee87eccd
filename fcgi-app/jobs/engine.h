/*
 * engine.h - the thread that works on jobs.
 *
 * One turn of its loop: wait for sockets, mail or a time; let every reply
 * move its job on; take up new jobs and those that others left; commit all
 * steps of the turn in one transaction; start the calls that they allow.
 * Nothing in it blocks but the commit.
 */
#ifndef JOBS_ENGINE_H
#define JOBS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "jobs/mailbox.h"
#include "store/store.h"

struct engine; /* opaque, see engine_priv.h */

/* Everything is borrowed and must outlive the engine. */
struct engine_config {
	const struct settings *settings;
	struct store *store; /* joined */
	struct mailbox *mailbox;
	bool drain; /* end when no orphaned job is left */
};

/*
 * 0, or -1 with one line in err when memory, descriptors or CA_FILE fail.
 * engine_close() takes the engine and leaves NULL; no thread may be in it.
 */
int engine_open(struct engine **out, const struct engine_config *, char *err,
    size_t err_size);
void engine_close(struct engine **);

/*
 * The thread's body: works until engine_stop(), or, with drain, until no
 * orphan is left or a minute is nearly over.  Then it hands its jobs back, so
 * that another process takes them at once: deliveries under way get 0.4 s to
 * end, all else goes back first.  Ends the process on STORE_FATAL.
 */
void engine_run(struct engine *);

/* Makes engine_run() end soon.  From any thread. */
void engine_stop(struct engine *);

/* The lease that a job gets, in ms: the longest step and a margin. */
uint32_t engine_lease_ms(const struct settings *);

/* How many jobs are in its hands.  From any thread. */
size_t engine_jobs(const struct engine *);

#endif

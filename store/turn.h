/*
 * turn.h - whose turn it is to write.
 *
 * LMDB's own write lock knows no time limit, so one stalled process would stop
 * every webhook.  Each write transaction is therefore entered through this
 * lock: waiting has a limit, a holder that died hands the turn on (robust
 * mutex), and a holder in another process that keeps it for TURN_STALL_MS is
 * killed by whoever waits.  While it waits for the disk it has longer: a slow
 * disk is nobody's fault, and the next holder would wait for it as well.  The
 * lock lies in memory that all processes share.
 *
 * Waiting is real: it uses the machine's monotonic clock, not the caller's.
 */
#ifndef STORE_TURN_H
#define STORE_TURN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	TURN_STALL_MS = 2000,
	TURN_FLUSH_MS = 30000, /* instead, while the disk is waited for */
	TURN_SLICE_MS = 100
};

struct turn {
	pthread_mutex_t lock;
	_Atomic uint64_t taken; /* how often: tells one holding from the next */
	_Atomic int32_t pid, tid; /* the holder; 0: none */
	_Atomic int64_t since_ms; /* monotonic clock */
	_Atomic int32_t flushing; /* the holder waits for the disk */
};

enum turn_rc {
	TURN_MINE = 0,
	TURN_INHERITED, /* mine, and the last holder died with it */
	TURN_LATE,      /* not within wait_ms */
	TURN_BROKEN     /* the lock is unusable */
};

/* Makes a new lock in shared memory that nobody uses yet. */
bool turn_init(struct turn *);

enum turn_rc turn_take(struct turn *, int wait_ms);
void turn_leave(struct turn *);

/* The holder says that it begins, or ends, to wait for the disk. */
void turn_flush(struct turn *, bool begins);

#endif

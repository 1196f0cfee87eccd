/*
 * shared.h - what lies in workers.lock, mapped by every process.
 *
 * The turn to write, the marks and the advice about upstreams: things that
 * need no transaction and need not outlive a reboot.  The bytes 0 to
 * STORE_SLOTS - 1 of the same file carry the record locks that tell whether
 * the worker of a slot lives.  Such a lock ends when its process closes any
 * descriptor of the file, so one process has exactly one.
 */
#ifndef STORE_SHARED_H
#define STORE_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"
#include "store/turn.h"

/*
 * The job whose code the slot's worker runs.  The epoch is cleared first and
 * set last, so a mark that was being written when its worker died is none.
 */
struct shared_mark {
	_Atomic uint32_t epoch; /* the worker's; 0: no mark */
	struct store_job_id id;
};

/* Times are of the boot clock. */
struct shared_breaker {
	_Atomic int64_t open_until_ms; /* 0: closed */
	_Atomic int64_t probe_at_ms;   /* not earlier than this */
	_Atomic uint32_t fails;        /* in a row */
};

struct shared {
	char magic[16]; /* written last */
	uint8_t boot_id[16];
	struct turn turn;
	struct shared_mark marks[STORE_SLOTS];
	struct shared_breaker breakers[STORE_UPSTREAMS];
	_Atomic int64_t pace_us; /* when the next pass is due */
	_Atomic uint64_t calm;   /* who is calm for a suspect, see suspect.c */
	_Atomic uint32_t owed;   /* unanswered jobs, see room.c */
	atomic_bool owed_is_known;
};

enum { SHARED_SIZE = 8192 };
_Static_assert(sizeof(struct shared) <= SHARED_SIZE, "fits its file");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics work across processes");

/*
 * Maps fd, whose file has SHARED_SIZE bytes, and makes it new when it is of
 * an earlier boot.  The caller holds a lock that keeps others from doing so
 * at the same time.  NULL with errno set on failure.
 */
struct shared *shared_map(int fd, const uint8_t boot_id[16]);
void shared_unmap(struct shared *);

#endif

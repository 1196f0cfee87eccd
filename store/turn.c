/* turn - see turn.h. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "store/turn.h"
#include "store/victim.h"

bool
turn_init(struct turn *t)
{
	pthread_mutexattr_t attr;
	bool done;

	if (pthread_mutexattr_init(&attr) != 0)
		return false;
	done =
	    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
	    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
	    pthread_mutex_init(&t->lock, &attr) == 0;
	pthread_mutexattr_destroy(&attr);
	return done;
}

static int64_t
monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#ifndef __has_feature /* gcc's way to say no */
#define __has_feature(feature) 0
#endif
#if __has_feature(thread_sanitizer)
/* ThreadSanitizer knows the lock, but not the call that takes it. */
void __tsan_mutex_pre_lock(void *, unsigned);
void __tsan_mutex_post_lock(void *, unsigned, int);
enum { TSAN_TRY_LOCK = 1 << 4, TSAN_LOCK_FAILED = 1 << 5 };
#define TSAN_BEFORE(lock) __tsan_mutex_pre_lock(lock, TSAN_TRY_LOCK)
#define TSAN_AFTER(lock, taken)      \
	__tsan_mutex_post_lock(lock, \
	    TSAN_TRY_LOCK | ((taken) ? 0 : TSAN_LOCK_FAILED), 0)
#else
#define TSAN_BEFORE(lock)       ((void)0)
#define TSAN_AFTER(lock, taken) ((void)0)
#endif

static int
lock_until(struct turn *t, int64_t ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000,
	};
	int rc;

	TSAN_BEFORE(&t->lock);
	rc = pthread_mutex_clocklock(&t->lock, CLOCK_MONOTONIC, &ts);
	TSAN_AFTER(&t->lock, rc == 0 || rc == EOWNERDEAD);
	return rc;
}

/*
 * Kills the holder if it stalls.  It must have held the turn since before our
 * last slice of waiting, so that a machine that was paused as a whole gives it
 * a chance to go on; and it must hold it still when it was opened.
 */
static void
judge_holder(struct turn *t, uint64_t taken, int64_t now_ms)
{
	int pid = atomic_load(&t->pid);
	struct victim victim;
	bool waits = atomic_load(&t->flushing) != 0 && !victim_is_stopped(pid);
	int limit = waits ? TURN_FLUSH_MS : TURN_STALL_MS;

	if (pid == 0 || pid == getpid() ||
	    now_ms - atomic_load(&t->since_ms) <= limit)
		return;
	if (!victim_open(&victim, pid))
		return;
	if (atomic_load(&t->taken) == taken && atomic_load(&t->pid) == pid)
		victim_kill(&victim);
	victim_close(&victim);
}

enum turn_rc
turn_take(struct turn *t, int wait_ms)
{
	int64_t now = monotonic_ms(), end = now + wait_ms, slice_end;
	uint64_t taken;
	int rc;

	do {
		taken = atomic_load(&t->taken);
		slice_end = now + TURN_SLICE_MS;
		rc = lock_until(t, slice_end < end ? slice_end : end);
		now = monotonic_ms();
		if (rc == ETIMEDOUT)
			judge_holder(t, taken, now);
	} while (rc == ETIMEDOUT && now < end);
	if (rc == ETIMEDOUT)
		return TURN_LATE;
	if (rc == EOWNERDEAD)
		pthread_mutex_consistent(&t->lock);
	else if (rc != 0)
		return TURN_BROKEN;
	atomic_store(&t->pid, getpid());
	atomic_store(&t->tid, gettid());
	atomic_store(&t->since_ms, now);
	atomic_store(&t->flushing, 0);
	atomic_fetch_add(&t->taken, 1);
	return rc == EOWNERDEAD ? TURN_INHERITED : TURN_MINE;
}

void
turn_leave(struct turn *t)
{
	atomic_store(&t->pid, 0);
	pthread_mutex_unlock(&t->lock);
}

void
turn_flush(struct turn *t, bool begins)
{
	atomic_store(&t->flushing, begins);
}

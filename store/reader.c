/*
 * reader - snapshots that are held for too long.
 *
 * What was freed after a snapshot was taken cannot be used again as long as
 * it is held, so a process that is stopped within a read makes the map grow
 * until it is full.  LMDB finds only dead readers.  Here every worker looks
 * now and then who reads an old snapshot; one that is seen again and again
 * with the same, for READER_STALL_MS, while room gets short, is killed; who is
 * not stopped, like a backup, not before admission is about to end.
 *
 * Looking is real, like waiting for the turn: it uses the monotonic clock.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/store_priv.h"
#include "store/victim.h"

enum {
	LOOK_EVERY_MS = 200,
	LOOKS_MIN = 5, /* a machine that was paused as a whole is no stall */
	SHORT_PERCENT = 60, /* of who is stopped */
	LAST_PERCENT = 75   /* of who works: admission ends at 80 */
};

/* Those that are behind the newest snapshot. */
struct listing {
	uint64_t newest;
	uint64_t oldest; /* UINT64_MAX: nobody is behind */
	size_t n;
	struct reader readers[READERS_WATCHED];
};

/* A line of LMDB's: pid, thread, snapshot; there are lines without. */
static int
note_line(const char *line, void *arg)
{
	struct listing *l = arg;
	char *after_pid, *after_thread, *end;
	long pid = strtol(line, &after_pid, 10);
	size_t thread = strtoull(after_pid, &after_thread, 16);
	size_t snapshot = strtoull(after_thread, &end, 10);

	if (after_pid == line || end == after_thread || pid <= 0 ||
	    pid > INT_MAX || snapshot >= l->newest)
		return 0;
	if (snapshot < l->oldest)
		l->oldest = snapshot;
	if (l->n < READERS_WATCHED && pid != getpid())
		l->readers[l->n++] = (struct reader){
			.pid = (pid_t)pid,
			.thread = thread,
			.snapshot = snapshot,
		};
	return 0;
}

static void
list_readers(struct store *s, struct listing *l)
{
	MDB_envinfo info;

	memset(l, 0, sizeof(*l));
	mdb_env_info(s->env, &info);
	l->newest = info.me_last_txnid;
	l->oldest = UINT64_MAX;
	mdb_reader_list(s->env, note_line, l);
}

uint64_t
reader_oldest(struct store *s)
{
	struct listing l;

	list_readers(s, &l);
	return l.oldest;
}

static int64_t
monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct reader *
find_reader(struct reader *readers, size_t n, const struct reader *r)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (readers[i].pid == r->pid &&
		    readers[i].thread == r->thread &&
		    readers[i].snapshot == r->snapshot)
			return &readers[i];
	return NULL;
}

/*
 * Compares with the last look.  Who was behind then and has the same snapshot
 * now has held it all the time: a new one would be newer.  false: it is not
 * time to look, or nobody stalls.
 */
static bool
find_stalled(struct store *s, struct reader *stalled)
{
	struct readers *known = &s->readers;
	int64_t now = monotonic_ms();
	struct reader *r, *old;
	struct listing l;
	bool found = false;

	if (now - known->looked_ms < LOOK_EVERY_MS)
		return false;
	known->looked_ms = now;
	list_readers(s, &l);
	for (r = l.readers; r < l.readers + l.n; r++) {
		old = find_reader(known->behind, known->n, r);
		r->since_ms = old != NULL ? old->since_ms : now;
		r->looks = old != NULL ? old->looks + 1 : 1;
		if (now - r->since_ms > READER_STALL_MS &&
		    r->looks >= LOOKS_MIN) {
			*stalled = *r;
			found = true;
		}
	}
	known->n = l.n;
	memcpy(known->behind, l.readers, sizeof(known->behind));
	return found;
}

/*
 * LMDB clears the entries of processes that do not hold their lock on its
 * file.  So who is still in the list after that, and was opened before it, is
 * a process that has this store open and reads the old snapshot.
 */
static void
end_reader(struct store *s, const struct reader *stalled)
{
	struct victim victim;
	struct listing l;
	int cleared;

	if (!victim_open(&victim, stalled->pid))
		return;
	if (mdb_reader_check(s->env, &cleared) == 0) {
		list_readers(s, &l);
		if (find_reader(l.readers, l.n, stalled) != NULL)
			victim_kill(&victim);
	}
	victim_close(&victim);
}

void
reader_watch(struct store *s)
{
	struct store_now now = { .boot_ms = -1 }; /* counts anew */
	struct reader stalled = { .looks = 0 };
	uint64_t used, percent;
	bool found;
	int cleared;

	pthread_mutex_lock(&s->lock);
	found = find_stalled(s, &stalled);
	pthread_mutex_unlock(&s->lock);
	if (!found || mdb_reader_check(s->env, &cleared) != 0)
		return;
	percent = victim_is_stopped(stalled.pid) ? SHORT_PERCENT : LAST_PERCENT;
	if (room_used(s, &now, &used) == STORE_OK &&
	    used > s->map_pages * percent / 100)
		end_reader(s, &stalled);
}

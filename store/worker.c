/*
 * worker - who has a slot, and does it live?
 *
 * A worker is a slot and an epoch.  It holds the record lock on its slot's
 * byte of workers.lock, which the kernel takes back however the process ends.
 * A job's owner is dead when that byte is free or when the slot has another
 * epoch by now.  The pid is for people only: pids are used again.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/store_priv.h"

enum { VERSION = 1, SIZE = 13 };

bool
worker_decode(struct bytes b, struct worker *worker)
{
	struct rec_reader r = rec_reader(b);

	rec_get_version(&r, VERSION);
	worker->epoch = rec_get_u32(&r);
	worker->boot = rec_get_u32(&r);
	worker->pid = rec_get_u32(&r);
	return rec_is_whole(&r);
}

enum store_rc
worker_get(struct tx *tx, unsigned slot, struct worker *worker)
{
	struct bytes b;
	enum store_rc rc = db_get(tx, key_worker(slot), &b);

	if (rc == STORE_OK && !worker_decode(b, worker))
		rc = STORE_CORRUPT;
	return rc;
}

static enum store_rc
worker_put(struct tx *tx, unsigned slot, const struct worker *worker)
{
	uint8_t record[SIZE];
	struct rec_writer w = rec_writer(record, sizeof(record));

	rec_put_u8(&w, VERSION);
	rec_put_u32(&w, worker->epoch);
	rec_put_u32(&w, worker->boot);
	rec_put_u32(&w, worker->pid);
	return db_put(tx, key_worker(slot), record, sizeof(record));
}

static struct flock
slot_lock(unsigned slot, short type)
{
	struct flock fl = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = slot,
		.l_len = 1 };

	return fl;
}

/* F_GETLK does not see the caller's own locks. */
static bool
slot_is_held(struct store *s, unsigned slot)
{
	struct flock fl = slot_lock(slot, F_WRLCK);

	return fcntl(s->lock_fd, F_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

struct owner
worker_self(struct store *s)
{
	struct owner self = { .slot = OWNER_NONE };

	pthread_mutex_lock(&s->lock);
	if (s->slot >= 0) {
		self.slot = (uint16_t)s->slot;
		self.epoch = s->epoch;
	}
	pthread_mutex_unlock(&s->lock);
	return self;
}

bool
worker_lives(struct tx *tx, struct roll *roll, struct owner owner)
{
	struct owner self = worker_self(tx->store);
	struct worker worker;

	if (owner.slot >= STORE_SLOTS)
		return false;
	if (owner.slot == self.slot)
		return owner.epoch == self.epoch;
	if (!roll->slots[owner.slot].asked) {
		roll->slots[owner.slot].asked = true;
		if (worker_get(tx, owner.slot, &worker) == STORE_OK) {
			roll->slots[owner.slot].epoch = worker.epoch;
			roll->slots[owner.slot].lives =
			    slot_is_held(tx->store, owner.slot);
		}
	}
	return roll->slots[owner.slot].lives &&
	    roll->slots[owner.slot].epoch == owner.epoch;
}

void
watch_locks(struct store *s, struct watch *watch)
{
	unsigned slot;

	for (slot = 0; slot < STORE_SLOTS; slot++)
		watch->held[slot] = slot_is_held(s, slot);
}

enum store_rc
watch_epochs(struct tx *tx, struct watch *watch)
{
	struct worker worker;
	enum store_rc rc;
	unsigned slot;

	for (slot = 0; slot < STORE_SLOTS; slot++) {
		worker.epoch = 0;
		rc = worker_get(tx, slot, &worker);
		if (rc != STORE_OK && rc != STORE_NONE && rc != STORE_CORRUPT)
			return rc;
		watch->epochs[slot] = worker.epoch;
	}
	return STORE_OK;
}

bool
watch_is_calm(struct store *s, const struct watch *watch)
{
	bool same = true;
	unsigned slot;

	pthread_mutex_lock(&s->lock);
	for (slot = 0; slot < STORE_SLOTS && same; slot++)
		same = s->calm.held[slot] == watch->held[slot] &&
		    s->calm.epochs[slot] == watch->epochs[slot];
	pthread_mutex_unlock(&s->lock);
	return same;
}

void
watch_calm(struct store *s, const struct watch *watch)
{
	pthread_mutex_lock(&s->lock);
	s->calm = *watch;
	pthread_mutex_unlock(&s->lock);
}

bool
worker_marked(struct store *s, struct owner owner,
    const struct store_job_id *id)
{
	const struct shared_mark *mark;

	if (owner.slot >= STORE_SLOTS)
		return false;
	mark = &s->shared->marks[owner.slot];
	return owner.epoch != 0 && atomic_load(&mark->epoch) == owner.epoch &&
	    mark->id.seq == id->seq &&
	    memcmp(mark->id.user, id->user, USER) == 0;
}

void
store_mark(struct store *s, const struct store_job_id *id)
{
	struct owner self = worker_self(s);
	struct shared_mark *mark;

	if (self.slot == OWNER_NONE)
		return;
	mark = &s->shared->marks[self.slot];
	atomic_store(&mark->epoch, 0);
	if (id == NULL)
		return;
	mark->id = *id;
	atomic_store(&mark->epoch, self.epoch);
}

/*
 * Counts the crash of a slot's last worker against the job it had marked,
 * before the slot's next worker overwrites the mark.  The job loses its owner
 * with it, so the crash is not counted again.
 */
static enum store_rc
blame_marked(struct tx *tx, unsigned slot, uint32_t epoch)
{
	const struct shared_mark *mark = &tx->store->shared->marks[slot];
	struct owner dead = { .slot = (uint16_t)slot, .epoch = epoch };
	struct owner lost = { .slot = OWNER_LOST };
	struct due due;
	struct job job;
	enum store_rc rc;

	due.id = mark->id;
	if (!worker_marked(tx->store, dead, &due.id) ||
	    job_get(tx, &due.id, &job) != STORE_OK)
		return STORE_OK;
	due.visible_ms = job.visible_ms;
	if (due_get(tx, &due) != STORE_OK || due.owner.slot != slot ||
	    due.owner.epoch != epoch)
		return STORE_OK;
	if (job.progress.crashes < UINT8_MAX)
		job.progress.crashes++;
	job.fence = tx_serial(tx);
	rc = job_move(tx, &due.id, &job, tx->now.boot_ms, lost);
	return rc == STORE_OK ? job_put(tx, &due.id, &job) : rc;
}

struct joining {
	unsigned slot;
	uint32_t epoch;
};

static enum store_rc
take_slot(struct tx *tx, void *arg)
{
	struct joining *j = arg;
	struct worker worker = { .epoch = 0 };
	enum store_rc rc = worker_get(tx, j->slot, &worker);

	if (rc == STORE_OK)
		rc = blame_marked(tx, j->slot, worker.epoch);
	else if (rc == STORE_NONE)
		rc = STORE_OK;
	if (rc != STORE_OK)
		return rc;
	worker.epoch++;
	worker.boot = tx->global.boot;
	worker.pid = (uint32_t)getpid();
	j->epoch = worker.epoch;
	return worker_put(tx, j->slot, &worker);
}

/* The first slot that nobody holds is ours: STORE_FULL when there is none. */
static enum store_rc
lock_slot(struct store *s, unsigned *slot)
{
	struct flock fl;

	for (*slot = 0; *slot < STORE_SLOTS; (*slot)++) {
		fl = slot_lock(*slot, F_WRLCK);
		if (fcntl(s->lock_fd, F_SETLK, &fl) == 0)
			return STORE_OK;
		if (errno != EAGAIN && errno != EACCES)
			return STORE_ERR;
	}
	return STORE_FULL;
}

static enum store_rc
join(struct store *s, const struct store_now *now)
{
	struct joining j = { .epoch = 0 };
	struct flock fl;
	enum store_rc rc = lock_slot(s, &j.slot);

	if (rc != STORE_OK)
		return rc;
	rc = tx_write(s, now, STEP_WAIT_MS, take_slot, &j);
	pthread_mutex_lock(&s->lock);
	if (rc == STORE_OK) {
		atomic_store(&s->shared->marks[j.slot].epoch, 0);
		s->slot = (int)j.slot;
		s->epoch = j.epoch;
	} else {
		fl = slot_lock(j.slot, F_UNLCK);
		fcntl(s->lock_fd, F_SETLK, &fl);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

enum store_rc
store_join(struct store *s, struct store_now now, unsigned *slot)
{
	enum store_rc rc = store_check(s);

	if (rc == STORE_OK && worker_self(s).slot == OWNER_NONE)
		rc = join(s, &now);
	if (rc == STORE_OK)
		*slot = worker_self(s).slot;
	return rc;
}

/*
 * store - opening and closing, and what LMDB's codes mean.
 *
 * Opening is a row of steps under an exclusive lock on workers.lock, so two
 * processes that find an empty folder at the same instant make one store.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/store_priv.h"

enum {
	READERS = 126,
	LOCK_FILE_BYTES = 8192, /* LMDB's lock.mdb with that many readers */
	OPEN_WAIT_MS = 5000,
	OPEN_SLICE_MS = 20
};

struct opening {
	struct store *store;
	const struct store_place *place;
	const struct store_now *now;
	char *why;
};

/* The stores that this process has open: a second handle of one would, when
 * closed, take the first one's record locks with it. */
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *list;

enum store_rc
store_rc_from_mdb(int rc)
{
	switch (rc) {
	case 0:
		return STORE_OK;
	case MDB_NOTFOUND:
		return STORE_NONE;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
		return STORE_FULL;
	case MDB_PANIC:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_MAP_RESIZED:
	case MDB_INVALID:
	case EIO:
	case EROFS:
		return STORE_FATAL;
	default:
		return STORE_ERR;
	}
}

enum store_rc
store_fail(struct store *s, int mdb_rc)
{
	enum store_rc rc = store_rc_from_mdb(mdb_rc);

	if (rc == STORE_FATAL)
		atomic_store(&s->fatal, true);
	return rc;
}

enum store_rc
store_check(struct store *s)
{
	if (s->pid != getpid())
		return STORE_ERR;
	return atomic_load(&s->fatal) ? STORE_FATAL : STORE_OK;
}

static enum store_rc
open_folder(struct opening *o)
{
	struct store *s = o->store;
	struct stat st;
	enum store_rc rc = place_open_dir(o->place->dir, &s->dir_fd, o->why);

	if (rc != STORE_OK)
		return rc;
	if (fstat(s->dir_fd, &st) == -1)
		return place_why(o->why, STORE_ERR, "DATA_DIR %s: fstat: %s",
		    o->place->dir, strerror(errno));
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return STORE_OK;
}

static enum store_rc
enter_list(struct opening *o)
{
	struct store *s = o->store, *other;

	pthread_mutex_lock(&list_lock);
	for (other = list; other != NULL; other = other->next)
		if (other->pid == s->pid && other->dev == s->dev &&
		    other->ino == s->ino)
			break;
	if (other == NULL) {
		s->next = list;
		list = s;
	}
	pthread_mutex_unlock(&list_lock);
	if (other != NULL)
		return place_why(o->why, STORE_REFUSED,
		    "DATA_DIR %s: is open in this process already; use one "
		    "handle",
		    o->place->dir);
	return STORE_OK;
}

static void
leave_list(struct store *s)
{
	struct store **at;

	pthread_mutex_lock(&list_lock);
	for (at = &list; *at != NULL; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	pthread_mutex_unlock(&list_lock);
}

static enum store_rc
check_key_file(struct opening *o)
{
	return key_file_check(o->place->key_file, o->place->dir, o->why);
}

/* Waits for other openers, but not for one that was stopped for good. */
static bool
lock_openers(int fd)
{
	const struct timespec slice = { .tv_nsec = OPEN_SLICE_MS * 1000000L };
	int waited;

	for (waited = 0; waited < OPEN_WAIT_MS; waited += OPEN_SLICE_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&slice, NULL);
	}
	return false;
}

static enum store_rc
open_shared(struct opening *o)
{
	struct store *s = o->store;
	enum store_rc rc = place_open_file(s->dir_fd, "workers.lock",
	    SHARED_SIZE, &s->lock_fd, o->why);

	if (rc != STORE_OK)
		return rc;
	if (!lock_openers(s->lock_fd))
		return place_why(o->why, STORE_ERR,
		    "DATA_DIR %s: another process has been opening it for "
		    "%d s; end that one",
		    o->place->dir, OPEN_WAIT_MS / 1000);
	s->shared = shared_map(s->lock_fd, o->now->boot_id);
	if (s->shared == NULL)
		return place_why(o->why, STORE_ERR,
		    "workers.lock in DATA_DIR: mmap: %s", strerror(errno));
	return STORE_OK;
}

/* Makes the file, or allocates more of it. */
static enum store_rc
prepare_file(struct opening *o, const char *name, size_t size)
{
	int fd;
	enum store_rc rc =
	    place_open_file(o->store->dir_fd, name, size, &fd, o->why);

	if (rc == STORE_OK)
		close(fd);
	return rc;
}

static int
start_lmdb(struct store *s, const char *dir, size_t map_bytes)
{
	int rc, cleared;

	if ((rc = mdb_env_create(&s->env)) != 0 ||
	    (rc = mdb_env_set_mapsize(s->env, map_bytes)) != 0 ||
	    (rc = mdb_env_set_maxreaders(s->env, READERS)) != 0 ||
	    (rc = mdb_env_open(s->env, dir, MDB_NOTLS, 0600)) != 0)
		return rc;
	return mdb_reader_check(s->env, &cleared);
}

/* Is it the file's content that LMDB does not like? */
static bool
is_broken(int mdb_rc)
{
	return mdb_rc == MDB_INVALID || mdb_rc == MDB_VERSION_MISMATCH ||
	    mdb_rc == MDB_CORRUPTED || mdb_rc == MDB_PAGE_NOTFOUND;
}

/*
 * Both files get their disk space in advance; data.mdb only after LMDB made
 * it, who takes a file of zeros for a broken one.
 */
static enum store_rc
open_lmdb(struct opening *o)
{
	struct store *s = o->store;
	size_t map_bytes = (size_t)o->place->map_mb << 20;
	MDB_stat stat;
	enum store_rc rc;
	int mdb_rc;

	rc = prepare_file(o, "lock.mdb", LOCK_FILE_BYTES);
	if (rc == STORE_OK)
		rc = prepare_file(o, "data.mdb", 0);
	if (rc != STORE_OK)
		return rc;
	mdb_rc = start_lmdb(s, o->place->dir, map_bytes);
	if (is_broken(mdb_rc))
		return place_why(o->why, STORE_REFUSED,
		    "data.mdb in DATA_DIR: %s; restore it from a backup",
		    mdb_strerror(mdb_rc));
	if (mdb_rc != 0)
		return place_why(o->why, STORE_ERR,
		    "data.mdb in DATA_DIR, %u MiB: %s; check disk, memory and "
		    "limits",
		    o->place->map_mb, mdb_strerror(mdb_rc));
	mdb_env_stat(s->env, &stat);
	s->page_bytes = stat.ms_psize;
	s->map_pages = map_bytes / s->page_bytes;
	return prepare_file(o, "data.mdb", map_bytes);
}

static enum store_rc
open_records(struct opening *o)
{
	return identity_open(o->store, o->place, o->now, o->why);
}

enum store_rc
store_open(struct store **out, const struct store_place *place,
    struct store_now now, char *why)
{
	static enum store_rc (*const steps[])(struct opening *) = {
		open_folder,
		enter_list,
		check_key_file,
		open_shared,
		open_lmdb,
		open_records,
	};
	struct store *s = calloc(1, sizeof(*s));
	struct opening o = {
		.store = s, .place = place, .now = &now, .why = why
	};
	enum store_rc rc = STORE_OK;
	size_t i;

	why[0] = '\0';
	*out = NULL;
	if (s == NULL)
		return place_why(why, STORE_ERR, "no memory");
	s->pid = getpid();
	s->dir_fd = s->lock_fd = s->slot = -1;
	s->free_at_ms = -1;
	s->session_ttl_ms = place->session_ttl_ms;
	pthread_mutex_init(&s->lock, NULL);
	for (i = 0; rc == STORE_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](&o);
	if (s->shared != NULL)
		flock(s->lock_fd, LOCK_UN);
	if (rc == STORE_OK)
		*out = s;
	else
		store_close(&s);
	return rc;
}

void
store_close(struct store **ps)
{
	struct store *s = *ps;

	*ps = NULL;
	/* A forked child must leave alone what its parent still uses. */
	if (s == NULL || s->pid != getpid())
		return;
	leave_list(s);
	if (s->env != NULL)
		mdb_env_close(s->env);
	shared_unmap(s->shared);
	if (s->lock_fd != -1)
		close(s->lock_fd);
	if (s->dir_fd != -1)
		close(s->dir_fd);
	seal_free(s->seal);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

enum store_rc
store_ready(struct store *s, struct store_now now)
{
	enum store_rc rc = store_check(s);

	if (rc == STORE_OK)
		rc = tx_enter(s, READY_WAIT_MS);
	if (rc != STORE_OK)
		return rc;
	rc = room_for(s, &now, 0, 1);
	turn_leave(&s->shared->turn);
	return rc;
}

/*
 * store_priv.h - what the files of store/ share; the only one with lmdb.h.
 *
 * One LMDB tree holds everything; the first byte of a key is its table.  The
 * tables are ordered so that one admission touches few pages: event ids rise
 * with time and end next to the global record, and all that belongs to a user
 * lies together.  FORMAT.md shows every key and record byte by byte.
 */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store/rec.h"
#include "store/records.h"
#include "store/seal.h"
#include "store/shared.h"
#include "store/store.h"

/*
 * Who had a slot: whether its lock was held, asked before the snapshot that
 * the epochs were read from.  As long as that stays the same, no worker died.
 */
struct watch {
	bool held[STORE_SLOTS];
	uint32_t epochs[STORE_SLOTS];
};

/* A snapshot that is not the newest, and who reads it. */
struct reader {
	pid_t pid;
	size_t thread;
	uint64_t snapshot;
	int64_t since_ms; /* monotonic clock: first seen like this */
	unsigned looks;   /* how often */
};

enum { READERS_WATCHED = 16 };

struct readers {
	int64_t looked_ms;
	size_t n;
	struct reader behind[READERS_WATCHED];
};

struct store {
	struct store *next; /* in this process's list of open stores */
	dev_t dev;          /* of the folder */
	ino_t ino;
	pid_t pid; /* who opened it */
	int dir_fd, lock_fd;
	MDB_env *env;
	MDB_dbi dbi;
	size_t page_bytes;
	uint64_t map_pages;
	int64_t session_ttl_ms;
	struct shared *shared;
	struct seal *seal;
	atomic_bool fatal;    /* the disk failed, nothing works any more */
	pthread_mutex_t lock; /* guards what follows */
	int slot;             /* -1: not joined */
	uint32_t epoch;       /* of the slot, once joined */
	uint64_t free_pages;  /* as counted at free_at_ms */
	int64_t free_at_ms;   /* boot clock; -1: never counted */
	uint64_t free_at_txn;
	int64_t suspect_ms; /* boot clock; since when one waits; 0: none */
	int64_t calm_ms;    /* and since when we are calm for it; 0: not */
	struct readers readers;
	struct watch calm; /* as it was when no dead worker had a job */
};

enum {
	ADMIT_WAIT_MS = 1500,
	READY_WAIT_MS = 500,
	STEP_WAIT_MS = 5000, /* claims, steps, joining, sweeping */
	REPLY_MAX = 4 * STORE_TEXT_MAX
};

/* ------------------------------------------------------------ place.c -- */

/* Writes one line to why (STORE_WHY_MAX bytes) and returns rc. */
enum store_rc place_why(char *why, enum store_rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes dir when missing, checks it, opens it: *fd is new. */
enum store_rc place_open_dir(const char *dir, int *fd, char *why);

/* Makes a file of dir when missing, with at least size bytes on the disk. */
enum store_rc place_open_file(int dir_fd, const char *name, size_t size,
    int *fd, char *why);

/* Is it a plain file, ours alone?  thing is what a refusal calls it. */
enum store_rc place_check_file(const char *thing, int fd, char *why);

/* -------------------------------------------------------- key_file.c -- */

/* Is the key file's own folder outside of dir? */
enum store_rc key_file_check(const char *path, const char *dir, char *why);

/* STORE_NONE: there is no such file. */
enum store_rc key_file_read(const char *path, uint8_t key[SEAL_KEY], char *why);

/* Makes the file with a new random key. */
enum store_rc key_file_make(const char *path, uint8_t key[SEAL_KEY], char *why);

/* -------------------------------------------------------------- key.c -- */

enum { KEY_MAX = 1 + STORE_ID_MAX };

struct key {
	uint8_t at[KEY_MAX];
	size_t len;
};

enum key_table {
	TABLE_EVENT = 'D',
	TABLE_GLOBAL = 'G',
	TABLE_USER = 'U',
	TABLE_DUE = 'V',
	TABLE_WORKER = 'W',
	TABLE_DEAD = 'X',
	TABLE_FIRST = TABLE_EVENT,
	TABLE_LAST = TABLE_DEAD
};

/* What of a user's a key names, in the order of the keys. */
enum key_kind { KEY_LANE = 0, KEY_SESSION = 1, KEY_JOB = 2 };

enum key_part {
	PART_PAYLOAD = 'p', /* sealed: the message and where it came from */
	PART_REPLY = 'r',   /* sealed: the answer, for the delivery */
	PART_STATE = 's'
};

struct key key_event(const char *id);
struct key key_global(void);
struct key key_lane(const uint8_t user[USER]);
struct key key_session(const uint8_t user[USER]);
struct key key_job(const struct store_job_id *, enum key_part);
struct key key_due(int64_t visible_ms, const struct store_job_id *);
struct key key_worker(unsigned slot);
struct key key_dead(int64_t wall_ms, const struct store_job_id *);

/* The same bytes, cut at KEY_MAX. */
struct key key_copy(struct bytes);

/* false: not a key of that table. */
bool key_parse_user(struct bytes, uint8_t user[USER], enum key_kind *);
bool key_parse_due(struct bytes, int64_t *visible_ms, struct store_job_id *);
bool key_parse_dead(struct bytes, int64_t *wall_ms);

/* --------------------------------------------------------- identity.c -- */

/*
 * Opens the tree with the key in the key file, or founds the store when all
 * is empty; then the key is made when there is none.
 */
enum store_rc identity_open(struct store *, const struct store_place *,
    const struct store_now *, char *why);

/* --------------------------------------------------------------- tx.c -- */

struct tx {
	struct store *store;
	MDB_txn *txn;
	struct store_now now;
	struct global global;
	MDB_cursor *cursors[TABLE_LAST - TABLE_FIRST + 1]; /* when it writes */
	bool writes;
	bool dirty;        /* something was written: commit */
	bool global_dirty; /* so was global */
	int32_t owed;      /* so many more jobs are unanswered */
};

/*
 * What a transaction does.  On another code than STORE_OK nothing of it
 * happens; it can be run a second time from the start, so it must set up
 * whatever it leaves in arg.
 */
typedef enum store_rc tx_fn(struct tx *, void *arg);

/*
 * Takes the turn to write within wait_ms, or STORE_BUSY; left by turn_leave().
 */
enum store_rc tx_enter(struct store *, int wait_ms);

/* Waits up to wait_ms for the turn; durable on STORE_OK. */
enum store_rc tx_write(struct store *, const struct store_now *, int wait_ms,
    tx_fn *, void *arg);

/*
 * The same, and ready is called when the turn has come, before the transaction
 * begins; on another code than STORE_OK there is none.
 */
typedef enum store_rc tx_ready_fn(struct store *, const struct store_now *,
    void *arg);
enum store_rc tx_write_late(struct store *, const struct store_now *,
    int wait_ms, tx_ready_fn *, tx_fn *, void *arg);

/* tx_write() on a snapshot, without waiting for anybody; fn must not write. */
enum store_rc tx_read(struct store *, const struct store_now *, tx_fn *,
    void *arg);

/* A number that no fence and no session had before. */
uint64_t tx_serial(struct tx *);

/* boot.c: voids all leases when the machine was booted since the last write. */
enum store_rc boot_notice(struct tx *);

/* What db_get gives is valid until the next write of the transaction. */
enum store_rc db_get(struct tx *, struct key, struct bytes *);
enum store_rc db_put(struct tx *, struct key, const void *, size_t len);
enum store_rc db_del(struct tx *, struct key); /* a missing one is OK */

/* The keys that begin with a prefix, in order, from a key on. */
struct scan {
	MDB_cursor *cursor;
	struct key prefix;
	struct key from;
	bool started;
};

enum store_rc scan_open(struct scan *, struct tx *, struct key prefix,
    struct key from);
/* STORE_NONE at the end. */
enum store_rc scan_next(struct scan *, struct bytes *key, struct bytes *value);
void scan_close(struct scan *);

/* ------------------------------------------------------------ store.c -- */

/* The only place that knows LMDB's codes. */
enum store_rc store_rc_from_mdb(int mdb_rc);

/* The same, and after STORE_FATAL no call of this store works any more. */
enum store_rc store_fail(struct store *, int mdb_rc);

/* STORE_OK while the handle may be used: right process, disk alive. */
enum store_rc store_check(struct store *);

/*
 * Pages in use: all but those that can be written again, which are counted
 * once a second.  Freed ones that a snapshot still needs are in use.
 */
enum store_rc room_used(struct store *, const struct store_now *,
    uint64_t *pages);

/*
 * STORE_FULL when there is no room to admit so many jobs with so many bytes.
 * The caller has the turn, as for all that follow.
 */
enum store_rc room_for(struct store *, const struct store_now *, size_t bytes,
    size_t jobs);

/*
 * STORE_FULL when a reply of so many bytes, with its session and so many new
 * jobs, would take what others need to end.  Up to ROOM_SHORT bytes without a
 * new job need not ask: a page is kept for each unanswered job.
 */
enum { ROOM_SHORT = 1200 };
enum store_rc room_for_reply(struct store *, const struct store_now *,
    size_t bytes, size_t jobs);

/*
 * Around a commit after which there are so many more unanswered jobs: a writer
 * who dies in between leaves a number that nobody trusts.
 */
bool room_owe_begin(struct store *);
void room_owe_end(struct store *, bool was_known, int32_t more);

/* --------------------------------------------------------- reader.c -- */

enum { READER_STALL_MS = 2000 };

/*
 * The oldest snapshot that somebody reads although there are newer ones;
 * UINT64_MAX: nobody does.
 */
uint64_t reader_oldest(struct store *);

/* Looks who reads for too long while room gets short, and ends that process. */
void reader_watch(struct store *);

/* -------------------------------------------------------- suspect.c -- */

enum suspect_turn {
	SUSPECT_LEAVE = 0, /* it is not ours; all else may be claimed */
	SUSPECT_CALM,      /* claim nothing, let what is held end */
	SUSPECT_TAKE       /* claim it, and nothing else */
};

/*
 * waits: a suspect can be claimed.  idle: the caller holds no job.  bored: nor
 * is there one to claim.
 */
enum suspect_turn suspect_turn(struct store *, const struct store_now *,
    bool waits, bool bored, bool idle);

/* ----------------------------------------------------------- room.c -- */

/* What the pages of a snapshot are, as LMDB counts them. */
struct room_pages {
	uint64_t tree;  /* of both trees, and the two heads */
	uint64_t free;  /* named by the free list */
	uint64_t known; /* the highest number in use, plus 1 */
};

/* STORE_BUSY: someone wrote meanwhile, known would be of another instant. */
enum store_rc room_pages(struct tx *, struct room_pages *);

/* ------------------------------------------------------------ stat.c -- */

/* Fills what is counted in the tree; stat is all zeros before. */
enum store_rc stat_count(struct tx *, struct store_stat *);

/* --------------------------------------------------------- worker.c -- */

enum store_rc worker_get(struct tx *, unsigned slot, struct worker *);

/* This process as an owner; slot OWNER_NONE when it has not joined. */
struct owner worker_self(struct store *);

/* What is known of the slots' workers, asked once a slot. */
struct roll {
	struct {
		bool asked, lives;
		uint32_t epoch;
	} slots[STORE_SLOTS];
};

/* Has this job an owner, and does it live? */
bool worker_lives(struct tx *, struct roll *, struct owner);

/*
 * Watching for deaths: asks for the locks, outside of a transaction; adds the
 * epochs, inside.
 */
void watch_locks(struct store *, struct watch *);
enum store_rc watch_epochs(struct tx *, struct watch *);

/* Is it as it was when it was last calm?  And: now it is. */
bool watch_is_calm(struct store *, const struct watch *);
void watch_calm(struct store *, const struct watch *);

/* Did the owner die inside this job's code? */
bool worker_marked(struct store *, struct owner, const struct store_job_id *);

#endif

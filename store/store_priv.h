/*
 * store_priv.h - what the files of store/ share; the only one with lmdb.h.
 *
 * One LMDB tree holds everything; the first byte of a key is its table.  The
 * tables are ordered so that one admission touches few pages: event ids rise
 * with time and end next to the global record, and all that belongs to a user
 * lies together.  FORMAT.md shows every key and record byte by byte.
 *
 * A record is a struct with an _encode and a _decode; _get reads and decodes,
 * _put encodes and writes.  A _get returns STORE_NONE without a record and
 * STORE_CORRUPT when it does not decode.  Within a transaction a caller reads
 * all it needs before it writes, so that a corrupt record changes nothing.
 */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store/rec.h"
#include "store/seal.h"
#include "store/shared.h"
#include "store/store.h"

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
	struct shared *shared;
	struct seal *seal;
	atomic_bool fatal;    /* the disk failed, nothing works any more */
	pthread_mutex_t lock; /* guards what follows */
	int slot;             /* -1: not joined */
	uint32_t epoch;       /* of the slot, once joined */
	uint64_t free_pages;  /* as counted at free_at_ms */
	int64_t free_at_ms;   /* boot clock; -1: never counted */
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

/* -------------------------------------------------------- key_file.c -- */

/* Is the key file's own folder outside of dir? */
enum store_rc key_file_check(const char *path, const char *dir, char *why);

/* STORE_NONE: there is no such file. */
enum store_rc key_file_read(const char *path, uint8_t key[SEAL_KEY], char *why);

/* Makes the file with a new random key. */
enum store_rc key_file_make(const char *path, uint8_t key[SEAL_KEY], char *why);

/* -------------------------------------------------------------- key.c -- */

enum { KEY_MAX = 1 + STORE_ID_MAX, USER = SEAL_HASH };

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
	TABLE_DEAD = 'X'
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

/* ----------------------------------------------------------- bucket.c -- */

/* A token bucket; all zeros is a full one. */
struct bucket {
	uint32_t boot; /* which boot at_ms belongs to; 0: never used */
	int64_t milli; /* tokens / 1000 */
	int64_t at_ms; /* boot clock */
};

/* Adds what came in since then; size in tokens, refill in tokens a second. */
void bucket_refill(struct bucket *, uint32_t size, uint32_t refill,
    uint32_t boot, int64_t now_ms);
bool bucket_has_token(const struct bucket *);
void bucket_pay(struct bucket *);

void bucket_encode(struct rec_writer *, const struct bucket *);
void bucket_decode(struct rec_reader *, struct bucket *);

/* ----------------------------------------------------------- global.c -- */

enum {
	SCHEMA = 1, /* what this program reads and writes */
	KEY_CHECK = SEAL_HEAD + 16
};

struct global {
	uint16_t schema;
	uint8_t boot_id[16];
	uint32_t boot;   /* counts boots, from 1; records name boots by it */
	uint64_t serial; /* rises: gives fences and session numbers */
	struct bucket bucket;
	int64_t newest_ms; /* the newest of LINE's timestamps */
	int64_t swept_wall_ms, swept_boot_ms;
	uint32_t swept_boot;
	uint8_t key_check[KEY_CHECK]; /* sealed, opens with the right key */
};

size_t global_encode(const struct global *, uint8_t *to, size_t size);
bool global_decode(struct bytes, struct global *);

/* The boot that now belongs to, also when no one has written in it yet. */
uint32_t global_boot(const struct global *, const struct store_now *);

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
	bool dirty;        /* something was written: commit */
	bool global_dirty; /* so was global */
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

/* The same on a snapshot, without waiting for anybody; fn must not write. */
enum store_rc tx_read(struct store *, const struct store_now *, tx_fn *,
    void *arg);

/* A number that no fence and no session had before. */
uint64_t tx_serial(struct tx *);

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

/* Pages in use, the free list's not counted, which may be 1 s old. */
enum store_rc room_used(struct store *, const struct store_now *,
    uint64_t *pages);

/* STORE_FULL when bytes more would use more than 80 % of the pages. */
enum store_rc room_for(struct store *, const struct store_now *, size_t bytes);

/* ---------------------------------------------------------- records -- */

/* seen.c: an event id that came before. */
struct seen {
	int64_t line_ms;
	uint32_t seq; /* the job it became; 0: none */
	enum store_fate fate;
};

enum store_rc seen_get(struct tx *, const char *id, struct seen *);
enum store_rc seen_put(struct tx *, const char *id, const struct seen *);
bool seen_decode(struct bytes, struct seen *);

/* lane.c: all that decides about a user's next event. */
struct lane {
	struct bucket bucket;
	uint32_t busy_seq; /* the question being worked on; 0: none */
	uint32_t next_seq;
	uint32_t unfinished; /* jobs */
	uint32_t notice_boot;
	int64_t notice_ms; /* boot clock; the last notice to the user */
	int64_t used_ms;   /* wall clock; the last accepted or ended job */
};

enum store_rc lane_get(struct tx *, const uint8_t user[USER], struct lane *);
enum store_rc lane_put(struct tx *, const uint8_t user[USER],
    const struct lane *);
bool lane_decode(struct bytes, struct lane *);

/* due.c: the index of unfinished jobs by the time they want attention. */
enum {
	OWNER_NONE = 0xffff, /* given back, waits for its time */
	OWNER_LOST = 0xfffe  /* not given back, and its owner is gone */
};

struct owner {
	uint16_t slot;
	uint32_t epoch;
};

struct due {
	int64_t visible_ms; /* boot clock; 0: of an earlier boot */
	struct store_job_id id;
	struct owner owner;
};

enum store_rc due_get(struct tx *, struct due *); /* fills owner */
enum store_rc due_put(struct tx *, const struct due *);
enum store_rc due_del(struct tx *, int64_t visible_ms,
    const struct store_job_id *);
bool due_decode(struct bytes key, struct bytes value, struct due *);

/* job.c: a job's state, which is never sealed, and its payload. */
struct job {
	struct store_progress progress;
	uint64_t fence;
	int64_t visible_ms; /* its entry in the index of due jobs */
	int64_t received_ms;
	uint32_t received_boot;
	int64_t created_ms;
};

enum store_rc job_get(struct tx *, const struct store_job_id *, struct job *);
enum store_rc job_put(struct tx *, const struct store_job_id *,
    const struct job *);
bool job_decode(struct bytes, struct job *);

/* Puts job's entry to another time and owner; job_put() is the caller's. */
enum store_rc job_move(struct tx *, const struct store_job_id *, struct job *,
    int64_t visible_ms, struct owner);

struct payload {
	bool direct;
	uint8_t retry_key[16];
	const char *to, *reply_token, *quote_token, *text;
};

size_t payload_size(const struct store_event *); /* sealed */
/* Writes the sealed record, payload_size() bytes. */
bool payload_encode(struct seal *, const struct store_event *,
    const uint8_t user[USER], uint8_t *to);
/* From the plain text; borrowed from it. */
bool payload_decode(struct bytes, struct payload *);

/* session.c: the turns of a user's conversation. */
struct session {
	uint64_t serial;    /* another one after each change; 0: no session */
	int64_t changed_ms; /* wall clock */
	uint16_t pairs;     /* questions with their answers */
	struct bytes sealed;
};

enum store_rc session_get(struct tx *, const uint8_t user[USER],
    struct session *); /* STORE_NONE gives serial 0 */
bool session_decode(struct bytes, struct session *);

/* The turns of the plain text, two a pair; borrowed from it. */
bool session_turns(struct bytes plain, uint16_t pairs, struct store_turn *);

/* A session's next record, made before the write turn is taken. */
struct session_draft {
	uint64_t base; /* the serial it was made from */
	uint16_t pairs;
	uint8_t *record; /* new, without its head; NULL: not made */
	size_t len;      /* 0: nothing is left, remove the record */
};

enum store_rc session_draft_make(struct tx *, const struct store_step *,
    struct session_draft *);
enum store_rc session_draft_put(struct tx *, const uint8_t user[USER],
    const struct session_draft *);
void session_draft_release(struct session_draft *);

/* --------------------------------------------------------- worker.c -- */

/* The slot's record: who has it, or had it last. */
struct worker {
	uint32_t epoch;
	uint32_t boot;
	uint32_t pid; /* for people who look */
};

bool worker_decode(struct bytes, struct worker *);

/* dead.c: what is kept of a job that could not be done. */
enum { REASON_MAX = 31 };

struct dead {
	uint8_t stage, tries, crashes;
	char reason[REASON_MAX + 1]; /* no user text */
};

enum store_rc dead_put(struct tx *, const struct store_job_id *,
    const struct dead *);
bool dead_decode(struct bytes, struct dead *);

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

/* Did the owner die inside this job's code? */
bool worker_marked(struct store *, struct owner, const struct store_job_id *);

#endif

/*
 * records.h - what the store keeps, as structs.
 *
 * FORMAT.md shows every record byte by byte.  _get reads a record and decodes
 * it, _put encodes and writes it, both within a transaction.  A _get returns
 * STORE_NONE without a record and STORE_CORRUPT when it does not decode; a
 * _decode returns false then.  A caller reads all it needs before it writes,
 * so that a corrupt record changes nothing.
 */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "store/rec.h"
#include "store/seal.h"
#include "store/store.h"

struct tx; /* see store_priv.h */

enum { USER = SEAL_HASH };

/* bucket.c: a token bucket; all zeros is a full one. */
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

/* global.c: the one record that is not about a user. */
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
enum { STATE_VERSION = 3 };

/* What a job is to its user's lane; the numbers are on the disk. */
enum job_role {
	JOB_QUESTION = 0, /* he is busy with it until it is answered */
	JOB_VOICE,        /* not heard yet: he is not busy with it */
	JOB_FOLLOW,       /* he never is: it says more after an answer */
	JOB_STAYS,        /* answered, and he is busy with it all the same */
	JOB_ROLE__MAX
};

struct job {
	struct store_progress progress;
	uint64_t fence;
	int64_t visible_ms; /* its entry in the index of due jobs */
	int64_t received_ms;
	uint32_t received_boot;
	int64_t created_ms;
	enum job_role role;
};

enum store_rc job_get(struct tx *, const struct store_job_id *, struct job *);
enum store_rc job_put(struct tx *, const struct store_job_id *,
    const struct job *);
bool job_decode(struct bytes, struct job *);

/* Not answered yet, and its user is not busy with it. */
bool job_is_beside(const struct job *);

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
/* The same of a voice message that was heard, and of a follow-up. */
size_t payload_again_size(const struct payload *);
bool payload_again_encode(struct seal *, const struct payload *,
    const uint8_t user[USER], uint8_t *to);
/* From the plain text; borrowed from it. */
bool payload_decode(struct bytes, struct payload *);

/* session.c: the turns of a user's conversation. */
struct session {
	uint64_t serial;    /* another one after each change; 0: no session */
	int64_t changed_ms; /* wall clock */
	uint32_t changed_boot;
	int64_t changed_boot_ms; /* boot clock of that boot */
	uint16_t pairs;          /* questions with their answers */
	uint8_t prefs[STORE_PREFS];
	struct bytes sealed;
};

enum store_rc session_get(struct tx *, const uint8_t user[USER],
    struct session *); /* STORE_NONE gives serial 0 */
bool session_decode(struct bytes, struct session *);

/* Has nothing changed for longer than that? */
bool session_is_idle(const struct tx *, const struct session *,
    int64_t longer_ms);

/* The turns of the plain text, two a pair; borrowed from it. */
bool session_turns(struct bytes plain, uint16_t pairs, struct store_turn *);

/* A session's next record, made before the write turn is taken. */
struct session_draft {
	uint64_t base; /* the serial it was made from */
	uint16_t pairs;
	uint8_t prefs[STORE_PREFS];
	uint8_t *record; /* new, without its head; NULL: not made */
	size_t len;      /* 0: nothing is left, remove the record */
};

/* Does the step change the session? */
bool session_is_touched(const struct store_step *);
enum store_rc session_draft_make(struct tx *, const struct store_step *,
    struct session_draft *);
enum store_rc session_draft_put(struct tx *, const uint8_t user[USER],
    const struct session_draft *);
void session_draft_release(struct session_draft *);

/* worker.c: who has a slot, or had it last. */
struct worker {
	uint32_t epoch;
	uint32_t boot;
	uint32_t pid; /* for people who look */
};

bool worker_decode(struct bytes, struct worker *);

/*
 * mend.c: the way out for a user whose record does not decode.  What was there
 * goes into a dead letter; a record that a newer program may have written is
 * left, and STORE_CORRUPT says so.
 */

/* job_get(), and for a job whose state is damaged or gone: one that ends. */
enum store_rc mend_job_get(struct tx *, const struct store_job_id *,
    struct job *, bool *is_mended);

/* When it was mended and is being leased: keeps what was there. */
enum store_rc mend_job_note(struct tx *, const struct store_job_id *);

/* lane_get() of a user who has a job; a damaged or missing one is made anew. */
enum store_rc mend_lane_get(struct tx *, const uint8_t user[USER],
    struct lane *);

/* Makes a lane from the user's jobs, and wakes those that nothing would. */
enum store_rc mend_lane(struct tx *, const uint8_t user[USER], struct lane *);

/* Does the lane say what the jobs say?  In doubt: yes. */
bool mend_lane_agrees(struct tx *, const uint8_t user[USER]);

/* due_decode(), where a damaged owner is one that is gone. */
bool mend_due(struct bytes key, struct bytes value, struct due *);

/* dead.c: what is kept of a job that could not be done. */
enum { REASON_MAX = 31, DAMAGED_MAX = 64 };

struct dead {
	uint8_t stage, tries, crashes;
	char reason[REASON_MAX + 1]; /* no user text */
	uint8_t n_damaged;
	uint8_t damaged[DAMAGED_MAX]; /* what a damaged record began with */
};

enum store_rc dead_put(struct tx *, const struct store_job_id *,
    const struct dead *);
bool dead_decode(struct bytes, struct dead *);

#endif

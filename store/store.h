/*
 * store.h - everything MedEdBot remembers between requests and processes.
 *
 * Callers speak of events, jobs, leases and sessions; keys, records,
 * encryption and transactions stay behind this header, so that an engine on
 * another machine can take the place of the embedded one.  What holds for
 * every function below:
 *
 *  - one call is one atomic transaction: all of it happened, or none of it;
 *  - what returned STORE_OK after a change is on the disk;
 *  - results are copied into the caller's memory, nothing borrowed returns;
 *  - the clocks come in as struct store_now, so a test can be any day it likes;
 *  - nothing here logs or reads settings: the return code says what happened;
 *  - any thread of the process that opened the store may call, at any time.
 *
 * Texts of users and answers, user ids and reply tokens are encrypted before
 * they are written; a user is known in keys only by a keyed hash.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store; /* opaque, see store_priv.h */

enum store_rc {
	STORE_OK = 0,
	STORE_NONE,    /* no such record, nothing to do */
	STORE_BUSY,    /* the write turn did not come in time: try later */
	STORE_FENCED,  /* another worker owns this job now: drop the result */
	STORE_FULL,    /* no room to admit: clean up or raise STORE_MAP_MB */
	STORE_CORRUPT, /* a record did not decode; it is left for inspection */
	STORE_CLOCK,   /* the wall clock jumped: nothing was swept */
	STORE_REFUSED, /* not opened: folder, key or schema is not right */
	STORE_ERR,     /* memory or system error; the call may be repeated */
	STORE_FATAL /* the disk failed: end this process, say 200 to nobody */
};

/*
 * The time of a call.  Wall clock (ms since 1970) decides only about TTLs;
 * leases, ages and buckets use the boot clock (ms since boot, suspend
 * included), which is meaningful only within one boot.
 */
struct store_now {
	int64_t wall_ms;
	int64_t boot_ms;
	uint8_t boot_id[16];
};

/* ------------------------------------------------------------- life -- */

enum { STORE_WHY_MAX = 320 };

struct store_place {
	const char *dir;      /* DATA_DIR: made 0700 when missing */
	const char *key_file; /* 64 hex digits, 0600, outside of dir */
	unsigned map_mb;      /* preallocated; the same for every program */
	int64_t
	    session_ttl_ms; /* idle longer: as if it were not there; 0: ever */
};

/*
 * Opens the store, making it when dir is empty.  The key file is made only
 * together with a new store; a missing, wrong or readable-by-others key, a
 * folder that is not ours or not 0700, a symbolic link, a network file system,
 * a newer schema and a second handle in one process are STORE_REFUSED.  why
 * (STORE_WHY_MAX bytes) then holds one line that names the thing, its value
 * and the remedy; it also does for STORE_ERR.  A handle belongs to the process
 * that opened it: open after fork.
 */
enum store_rc store_open(struct store **out, const struct store_place *,
    struct store_now, char *why);

/* Takes the handle, frees the worker's slot and leaves NULL behind. */
void store_close(struct store **);

/*
 * Makes this process a worker: takes a free slot, whose lock the kernel frees
 * however the process ends, and a new epoch.  Needed before store_admit() and
 * store_claim().  STORE_FULL: all STORE_SLOTS are taken.
 */
enum { STORE_SLOTS = 64 };
enum store_rc store_join(struct store *, struct store_now, unsigned *slot);

/*
 * STORE_OK when an admission could succeed now: the write turn comes within
 * 0.5 s and there is room.  Otherwise STORE_BUSY, STORE_FULL or STORE_FATAL.
 */
enum store_rc store_ready(struct store *, struct store_now);

/* -------------------------------------------------------- admission -- */

/* Largest lengths in bytes, without the NUL; longer ones are STORE_ERR. */
enum {
	STORE_ID_MAX = 64,
	STORE_CHAT_MAX = 80,
	STORE_TOKEN_MAX = 256,
	STORE_TEXT_MAX = 65536
};

/* One message of a webhook body.  Strings are UTF-8, borrowed for the call. */
struct store_event {
	const char *id;   /* webhookEventId */
	const char *chat; /* whose lane: user, or group + "/" + user */
	const char *to;   /* whom a push goes to: user, group or room */
	const char *reply_token;
	const char *quote_token; /* NULL: none */
	const char *text;
	int64_t line_ms; /* LINE's timestamp of the event */
	bool direct;     /* 1:1 chat, not a group or room */
	bool voice;      /* text only names what is to be heard first */
};

/* Bucket sizes in tokens, refill in tokens per second; 0 = never refilled. */
struct store_limits {
	uint32_t user_tokens, user_refill;
	uint32_t global_tokens, global_refill;
	uint32_t lease_ms;      /* of the job that an accepted event becomes */
	uint32_t notice_gap_ms; /* between two notices to one user */
};

struct store_job_id {
	uint8_t user[16]; /* keyed hash of the chat */
	uint32_t seq;     /* rises within the user */
};

/* The right to work on a job: ends with the fence's next rise. */
struct store_lease {
	struct store_job_id id;
	uint64_t fence;
};

enum store_fate {
	STORE_ACCEPTED = 0, /* a job now, leased to this process */
	STORE_DUPLICATE,    /* this event id was seen before */
	STORE_OLD,          /* 24 h older than the newest event: ignored */
	STORE_DROPPED,      /* the user's question is being worked on */
	STORE_SLOW_DOWN,    /* the user's bucket is empty */
	STORE_SYSTEM_BUSY,  /* the global bucket is empty */
	STORE_FATE__MAX
};

struct store_verdict {
	enum store_fate fate;
	bool notify;              /* tell the user: not told for the gap */
	struct store_lease lease; /* with STORE_ACCEPTED only */
};

/*
 * A voice message is a job that its user is not busy with until STORE_HEARD
 * says what was heard: other messages of his may be admitted meanwhile.  It is
 * admitted and pays as a text is.
 *
 * Decides about all events of one or several webhook bodies, in their order,
 * and writes down those that became jobs, durably, before it returns.
 * verdicts[i] belongs to events[i].  The order of the questions: known id,
 * too old, user busy, user's bucket, global bucket; only ACCEPTED pays tokens.
 * A duplicate whose job is unfinished refreshes the age of its reply token.
 * A user whose record a newer program wrote counts as busy; a damaged one is
 * made anew.
 * All of the array or, on any other code than STORE_OK, nothing of it:
 * STORE_BUSY after 1.5 s without the write turn, STORE_FULL at 80 % of the
 * pages used or promised, STORE_ERR, STORE_FATAL.
 */
enum store_rc store_admit(struct store *, const struct store_event *events,
    size_t n, const struct store_limits *, struct store_now,
    struct store_verdict *verdicts);

/*
 * The same in two steps, for who has many bodies in hand: what can be done
 * before the turn (hashing, sealing), for one body; then the admission of all
 * bodies that are ready when the turn comes.
 */
struct store_prepared;

/*
 * *out is new and freed by store_prepared_free(); the events must live as
 * long.  STORE_ERR when memory is short or an event breaks a limit.
 */
enum store_rc store_prepare(struct store *, const struct store_event *events,
    size_t n, struct store_prepared **out);
void store_prepared_free(struct store_prepared *);

/* What an admission decided about each event; lives in the prepared. */
const struct store_verdict *store_verdicts(const struct store_prepared *);

/*
 * Called once by store_admit_ready(), as late as the store can: gives up to
 * max prepared bodies and returns how many.  Everybody waits for it: it must
 * neither block nor allocate.
 */
enum { STORE_BODIES_MAX = 128 };
typedef size_t store_gather_fn(void *arg, struct store_prepared **, size_t max);

/*
 * Admits what gather gives as store_admit() does, all or nothing.  STORE_BUSY:
 * the turn did not come and gather was not called.
 */
enum store_rc store_admit_ready(struct store *, store_gather_fn *, void *arg,
    const struct store_limits *, struct store_now);

/* ------------------------------------------------------------- jobs -- */

/*
 * How far a job has come.  The store keeps all of it and gives it back; only
 * tries, crashes and interrupted mean something to it.
 */
struct store_progress {
	uint8_t stage;         /* the engine's, see jobs/stage.h */
	uint8_t tries;         /* claims of this stage; counted when claimed */
	uint8_t crashes;       /* owners that died inside this job's code */
	uint8_t interrupted;   /* the last owner did not give the job back */
	uint8_t intent;        /* delivery: the engine's, see jobs/delivery.h */
	uint8_t flags;         /* delivery: the engine's */
	uint8_t outcome;       /* the engine's, see jobs/outcome.h */
	uint16_t sends;        /* attempts of this stage */
	int64_t deadline_ms;   /* boot clock: the stage's end; 0: not begun */
	int64_t first_push_ms; /* wall clock; 0: none */
};

/* What a user chose, as bytes that only the bot understands. */
enum { STORE_PREFS = 8 };

/* One turn of the conversation, oldest first. */
struct store_turn {
	bool from_user;
	const char *text; /* UTF-8, lives in the job */
};

struct store_job {
	struct store_lease lease;
	int64_t lease_until_ms; /* boot clock: then others may claim it */
	struct store_progress progress;
	bool direct;
	bool voice;            /* not heard yet, or a follow-up: not answered */
	bool aged;             /* received in an earlier boot: age unknown */
	int64_t received_ms;   /* boot clock; of the latest delivery */
	int64_t created_ms;    /* wall clock */
	uint8_t retry_key[16]; /* fixed by the event's id */
	const char *to, *reply_token, *quote_token, *text; /* "" when absent */
	const char *reply; /* what STORE_ANSWER stored; NULL before */
	size_t reply_len;
	const struct store_turn *turns;
	size_t n_turns;
	uint8_t prefs[STORE_PREFS]; /* of the session; all 0: never set */
	void *memory;               /* where all of the above live */
};

/*
 * Reads a leased job with its session's turns.  job is filled on STORE_OK
 * and owned by the caller until store_job_release().  STORE_FENCED when the
 * lease ended, STORE_CORRUPT when a record or its encryption does not decode;
 * a session that does not is left as it is and counts as empty, here and when
 * an answer would be appended to it.
 */
enum store_rc store_load(struct store *, const struct store_lease *,
    struct store_now, struct store_job *job);
void store_job_release(struct store_job *);

/*
 * 128 bits that nobody can guess, for the name of a file that the job makes:
 * the same for whoever has the job.  False when memory is short.
 */
bool store_file_key(struct store *, const struct store_job *, uint8_t out[16]);

/*
 * Leases up to max (at least 1) due jobs to this process: those that wait no
 * longer, those whose lease ran out and those whose owner is dead.  *n says
 * how many; STORE_NONE when there are none.  A job that its owner did not give
 * back comes with interrupted set, and the one that a dead owner had marked
 * (store_mark) with one crash more.
 *
 * A job with crashes is a suspect, and runs with no other job beside it.  So
 * the caller says how many it holds, and *alone answers: with a lease, it is a
 * suspect's, the only one, and nothing else is to be begun until that job has
 * left our hands; without, a suspect has waited for so long that this process
 * was chosen for it: it is to begin nothing, and to ask again.  A suspect waits
 * for 15 s at most, however much there is to do.  alone NULL: leave suspects.
 */
enum store_rc store_claim(struct store *, size_t max, size_t held,
    uint32_t lease_ms, struct store_now, struct store_lease *leases, size_t *n,
    bool *alone);

/*
 * Names the job whose code this process is about to run, or NULL when it has
 * left it.  Costs a store to shared memory; survives kill -9.
 */
void store_mark(struct store *, const struct store_job_id *);

enum store_step_kind {
	STORE_SAVE = 0, /* keep progress, renew the lease */
	STORE_ANSWER,   /* the same, with the reply: the user may ask again */
	STORE_HEARD,    /* the same, with what a voice message says */
	STORE_WAIT,     /* keep progress, give the job back for wait_ms */
	STORE_DONE,     /* ended: the job's records are removed */
	STORE_DEAD,     /* ended, with a dead letter */
	STORE_STEP__MAX
};

/*
 * What one step of a job came to.  With STORE_ANSWER: reply is kept byte for
 * byte for the delivery, and when answer is not NULL, the job's text and
 * answer are appended to the session, trimmed to the last turns (one turn is
 * a question with its answer) and bytes; the newest one always stays, cut
 * where it is too large by itself.  prefs replace those of the session, whose
 * turns they leave as they are.
 *
 * An ANSWER with stays_busy leaves the user busy, if he is with this job;
 * another ANSWER of the job comes, and its reply replaces the one before.  With
 * reply NULL the one before is kept as it is; where there is none the rc is
 * STORE_NONE and nothing happened.  The job's end frees the user in any case.
 *
 * An ANSWER with follow makes another job in the same commit, one that says
 * more later: for the same user, to, direct and age, with that text, without a
 * reply token and a quote, with a retry key of its own (the same one whenever
 * it is made from this job), at follow_stage with nothing else done.  Nobody
 * has it, and it can be claimed after follow_wait_ms.  Its user is not busy
 * with it, and is not freed by it.
 *
 * With STORE_HEARD the job's text becomes text, and the user is busy with it.
 * If he is busy with another question by then, the job ends, without a trace,
 * and its rc is STORE_NONE.  A job is heard once: later it is STORE_FENCED.
 */
struct store_step {
	struct store_lease lease;
	enum store_step_kind kind;
	struct store_progress progress;
	uint32_t lease_ms; /* SAVE, ANSWER, HEARD */
	uint32_t wait_ms;  /* WAIT */
	const char *reply; /* ANSWER; borrowed for the call, as all below */
	size_t reply_len;
	bool stays_busy;      /* ANSWER */
	const uint8_t *prefs; /* ANSWER, STORE_PREFS bytes; NULL: they stay */
	const char *follow;   /* ANSWER; NULL: none */
	uint8_t follow_stage;
	uint32_t follow_wait_ms;
	const char *text;              /* HEARD */
	const char *question, *answer; /* ANSWER; NULL: the session stays */
	unsigned history_turns, history_bytes;
	const char *reason; /* DEAD: up to 31 bytes, no user text */
	enum store_rc rc;   /* out: STORE_OK, STORE_FENCED, STORE_CORRUPT; with
	                     ANSWER and HEARD STORE_FULL: see below; and
	                     STORE_NONE: see above */
};

/*
 * Commits the steps of one turn of the engine together.  Each step is checked
 * against its fence by itself and answers in its rc; a fenced step changes
 * nothing.  Nor does one with STORE_FULL: what it brings, its follow-up
 * included, would take the room that other jobs need to end.  Such a job may
 * come with a short ANSWER, for which there is always room: up to 1,000 bytes,
 * with nothing to remember, no prefs and no follow-up.  That holds for its
 * second ANSWER too, of which room is asked as if there had been no first; one
 * that keeps the reply and brings nothing else asks for none.  On another code
 * than STORE_OK no step happened: STORE_BUSY, STORE_FULL (fewer steps at once
 * may pass, or the disk is full), STORE_ERR or STORE_FATAL.
 */
enum store_rc store_steps(struct store *, struct store_step *, size_t n,
    struct store_now);

/* Unfinished jobs that no living process owns, due or waiting. */
enum store_rc store_orphans(struct store *, struct store_now, size_t *n);

/* Advice shared by the workers; counting, sweeping and checking. */
#include "store/advice.h"
#include "store/upkeep.h"

#endif

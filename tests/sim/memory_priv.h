/*
 * memory_priv.h - the world that the files memory*.c share.
 */
#ifndef TESTS_SIM_MEMORY_PRIV_H
#define TESTS_SIM_MEMORY_PRIV_H

#include <sys/queue.h>

#include "store/store.h"
#include "tests/sim/memory.h"

/* What a job is to its user. */
enum role {
	QUESTION = 0, /* he is busy with it until it is answered */
	VOICE,        /* not heard yet: he is not busy with it */
	FOLLOW,       /* he never is */
	STAYS         /* answered, and he is busy with it still */
};

enum {
	NOBODY = -1, /* the job was given back */
	LOST = -2    /* its owner is gone with an earlier boot */
};

struct owner {
	int slot;
	uint32_t epoch;
};

struct bucket {
	bool used;
	uint32_t boot;
	int64_t milli, at_ms;
};

struct pair {
	TAILQ_ENTRY(pair) link;
	char *question, *answer;
};
TAILQ_HEAD(pairs, pair);

struct person {
	TAILQ_ENTRY(person) link;
	uint8_t user[16];
	bool has_lane, has_session;
	struct bucket bucket;
	uint32_t busy_seq, next_seq, notice_boot;
	int64_t notice_ms, used_ms;
	int64_t changed_ms, changed_boot_ms; /* the session, on both clocks */
	uint32_t changed_boot;
	struct pairs pairs; /* the session, oldest first */
	uint8_t prefs[STORE_PREFS];
};

struct job {
	TAILQ_ENTRY(job) link;
	struct store_job_id id;
	struct store_progress progress;
	uint64_t fence;
	struct owner owner;
	bool blamed; /* its owner died inside its code */
	int64_t visible_ms, received_ms, created_ms;
	uint32_t received_boot;
	bool direct;
	enum role role;
	uint8_t retry_key[16];
	char *to, *reply_token, *quote_token, *text;
	char *recording; /* what the text was before it was heard, or NULL */
	char *reply;     /* NULL: none yet */
	size_t reply_len;
};

struct seen {
	TAILQ_ENTRY(seen) link;
	char id[STORE_ID_MAX + 1];
	int64_t line_ms;
	struct store_job_id job; /* seq 0: none */
};

struct letter {
	TAILQ_ENTRY(letter) link;
	struct store_job_id id;
	int64_t wall_ms;
	char reason[32];
};

struct slot {
	bool held;
	uint32_t epoch;
	bool marked;
	struct store_job_id mark;
};

struct breaker {
	int64_t open_until_ms, probe_at_ms;
	unsigned fails;
};

struct world {
	bool founded;
	uint8_t boot_id[16];
	uint32_t boot; /* counts boots, from 1 */
	uint64_t serial;
	struct bucket bucket;
	int64_t newest_ms, swept_wall_ms, swept_boot_ms;
	uint32_t swept_boot;
	struct slot slots[STORE_SLOTS];
	struct breaker breakers[STORE_UPSTREAMS];
	int64_t pace_us;
	int calm_slot; /* who makes room for a suspect, and until when */
	int64_t calm_until_ms;
	TAILQ_HEAD(person_list, person) people;
	TAILQ_HEAD(job_list, job) jobs; /* by visible_ms, user, seq */
	TAILQ_HEAD(seen_list, seen) seen;
	TAILQ_HEAD(letter_list, letter) letters;
};

struct store {
	int slot; /* NOBODY: not joined */
	bool dead;
	int64_t session_ttl_ms;
	int64_t suspect_ms; /* since when it sees one wait; 0: none */
	int64_t calm_ms;    /* since when it is calm; 0: it is not */
};

extern struct world world;

/* A write begins: after a boot all leases are void. */
void memory_begin(const struct store_now *);

/* The boot that now belongs to, also when no write came in it yet. */
uint32_t memory_boot(const struct store_now *);

struct owner memory_self(const struct store *);
bool memory_lives(struct owner);

/* NULL: none.  _add makes one. */
struct person *memory_person(const uint8_t user[16]);
struct person *memory_person_add(const uint8_t user[16]);
void memory_user_of(const char *chat, uint8_t user[16]);

struct job *memory_job(const struct store_job_id *);
bool memory_same_job(const struct store_job_id *, const struct store_job_id *);
/* Puts it where its time says; _add: it is in no list yet. */
void memory_job_add(struct job *);
void memory_job_move(struct job *, int64_t visible_ms, struct owner);
void memory_job_remove(struct job *);

/* The key of what follows a message with that one. */

/* Does the person have a session that this handle would show? */
bool memory_is_idle(const struct person *, const struct store_now *,
    int64_t longer_ms);
bool memory_talks(const struct store *, const struct person *,
    const struct store_now *);
void memory_forget(struct person *);

/* strdup(), and of NULL ""; ends the program when memory is short. */
char *memory_text(const char *);
void *memory_new(size_t size);

#endif

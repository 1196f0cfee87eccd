/*
 * upkeep.h - the part of store.h that operators see: what is in the store,
 * what is removed from it, and whether it is as it must be.
 */
#ifndef STORE_UPKEEP_H
#define STORE_UPKEEP_H

#include "store/store.h"

enum store_state { STORE_IDLE = 0, STORE_WORKING };

struct store_session_info {
	char user[17]; /* hex, a prefix of the keyed hash */
	enum store_state state;
	int64_t age_ms; /* since the session last changed */
	uint32_t job;   /* the unfinished job; 0: none */
};

struct store_stat {
	size_t active;     /* users whose question is being worked on */
	size_t total;      /* users with a session or an unfinished job */
	size_t unfinished; /* jobs */
	size_t dead;       /* dead letters */
	uint64_t used_pages, map_pages;
};

/*
 * Counts, and describes up to max users, those at work first.  *n says how
 * many of infos were filled; infos may be NULL with max 0.
 */
enum store_rc store_stat(struct store *, struct store_now, struct store_stat *,
    struct store_session_info *infos, size_t max, size_t *n);

struct store_sweep_rules {
	int64_t session_ttl_ms;
	int64_t dead_ttl_ms;
	bool force; /* sweep although the clock jumped */
};

struct store_swept {
	size_t sessions, lanes, events, dead;
	size_t mended; /* lanes made anew, see store/mend.c */
	int readers;   /* stale read locks cleared */
};

/*
 * Removes what expired, in transactions of at most 500 records: sessions and
 * idle lanes (never of a user with an unfinished job, which is looked at again
 * in the removing transaction), event ids 26 h older than the newest event,
 * dead letters.  STORE_BUSY at once when another sweep runs; STORE_CLOCK when
 * the wall clock strayed from the boot clock by more than five minutes since
 * the last sweep (after a boot, which takes its time: by more than a day
 * forward): the next sweep finds them consistent again.
 */
enum store_rc store_sweep(struct store *, const struct store_sweep_rules *,
    struct store_now, struct store_swept *);

/* One line about something that is not as it must be. */
struct store_fault {
	bool note;          /* nothing is wrong, but worth knowing */
	const char *what;   /* static; never a user's words */
	const char *remedy; /* static; NULL: none is needed */
	char where[64];     /* table, user (hex, as in a session_info), job */
};

struct store_totals {
	size_t users, sessions, jobs, dead, events, workers;
	size_t faults, notes;
	uint64_t used_pages, map_pages;
	bool whole; /* all of it was seen at one instant */
};

/*
 * Reads all there is and compares it with what must always hold; changes
 * nothing, needs no store_join(), and waits for no worker.  A small store, or
 * one where nothing is written, is seen at one instant; of a large and busy
 * one each user is, because a snapshot is not held for longer than it takes to
 * read some thousands of records.  fault is called without a snapshot and may
 * take its time; of a great many faults only the first are told one by one.
 * STORE_OK also when faults were found: totals says how many.
 */
typedef void store_fault_fn(void *arg, const struct store_fault *);
enum store_rc store_audit(struct store *, struct store_now, store_fault_fn *,
    void *arg, struct store_totals *);

#endif

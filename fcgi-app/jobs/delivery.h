/*
 * delivery.h - the delivery table: which way an answer goes to the user, and
 * what each of LINE's answers means for it.  Pure: no I/O, no clock.
 *
 * LINE's reply token is used as an idempotency key: it works once.  So after
 * a reply whose outcome is unknown the same token is tried again, and "Invalid
 * reply token" then says that the first try had arrived (line.md, section 6).
 * A push carries X-Line-Retry-Key, which LINE remembers for 24 hours.
 */
#ifndef JOBS_DELIVERY_H
#define JOBS_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* Stored in struct store_progress.intent: never reuse a number. */
enum delivery_intent { DELIVERY_REPLY = 0, DELIVERY_PUSH };

/* Stored in struct store_progress.flags: never reuse a bit. */
enum {
	DELIVERY_UNKNOWN = 1,  /* a reply may have arrived */
	DELIVERY_LAST = 2,     /* that reply was tried once more, late */
	DELIVERY_FALLBACK = 4, /* LINE refused the content: fixed text */
	THINK_FALLBACK = 8,    /* the fallback model's turn (step_think.c) */
	DELIVERY_CRASHED = 16  /* the sending crashed: fixed text as well */
};

struct delivery_rules {
	int64_t age_ms;     /* since the webhook; INT64_MAX: unknown */
	int64_t life_ms;    /* since the job was made */
	int64_t pushed_ms;  /* since the first push; 0: none yet */
	uint32_t window_ms; /* REPLY_WINDOW */
	bool at_most_once;  /* DUPLICATE_POLICY */
	bool has_token;     /* the event came with a reply token */
};

/* How long a push is tried: LINE forgets its retry key after 24 hours. */
enum { DELIVERY_LIFE_MS = 23 * 3600 * 1000 };

enum delivery_way {
	DELIVERY_BY_REPLY = 0,
	DELIVERY_BY_PUSH,
	DELIVERY_EXPIRED,  /* 23 hours: the retry key would soon be forgotten */
	DELIVERY_UNDECIDED /* perhaps arrived, and the policy is at most once */
};

/* The way that the next attempt takes. */
enum delivery_way delivery_choose(const struct store_progress *,
    const struct delivery_rules *);

/* Notes in progress that an attempt is made now. */
void delivery_begin(struct store_progress *, enum delivery_way,
    const struct delivery_rules *);

/* What came of an attempt. */
enum delivery_result {
	RESULT_SENT = 0,    /* 200 */
	RESULT_ALREADY,     /* 409: this retry key was accepted before */
	RESULT_BAD_TOKEN,   /* 400 "Invalid reply token" */
	RESULT_BAD_CONTENT, /* any other 400 */
	RESULT_AUTH,        /* 401 */
	RESULT_REFUSED,     /* 403, 404 */
	RESULT_RATE,        /* 429 */
	RESULT_QUOTA,       /* 429, the month's pushes are used up */
	RESULT_NOT_SENT,    /* no byte of it left: DNS, connect, TLS */
	RESULT_UNKNOWN,     /* 5xx, timeout, reset */
	RESULT__MAX
};

enum delivery_verdict {
	VERDICT_DONE = 0, /* the user has it */
	VERDICT_PRESUMED, /* the user has it from an earlier attempt */
	VERDICT_AGAIN,    /* choose again after delivery_backoff_ms() */
	VERDICT_SWITCH,   /* progress changed: save it, then choose again */
	VERDICT_PAUSE,    /* LINE refuses our token: keep the job, alarm */
	VERDICT_DEAD,     /* LINE will never take it */
	VERDICT_QUOTA,    /* dead, and pushes are off for all for a while */
	VERDICT__MAX
};

/* Judges an attempt that went by way; notes what it learned in progress. */
enum delivery_verdict delivery_judge(struct store_progress *, enum delivery_way,
    enum delivery_result, const struct delivery_rules *);

/*
 * The pause before attempt number sends + 1, in ms: 0.5, 1, 2, 4 s for a
 * reply, 1 s to 5 min for a push, each lengthened by up to a quarter.
 * random is any 32 bits.
 */
uint32_t delivery_backoff_ms(enum delivery_way, unsigned sends,
    uint32_t random);

#endif

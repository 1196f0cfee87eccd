/*
 * webhook.h - LINE's webhooks: check, parse, admit, say 200.
 */
#ifndef WEB_WEBHOOK_H
#define WEB_WEBHOOK_H

#include <stddef.h>

#include "bot/words.h"
#include "line/signature.h"
#include "store/store.h"
#include "web/drain.h"

/* Who is told what was admitted; called after the commit. */
struct webhook_sink {
	int (*job)(void *arg, const struct store_lease *);
	int (*notice)(void *arg, enum words, const char *reply_token);
	void (*ring)(void *arg);
	size_t (*in_hand)(const void *arg); /* jobs of this process */
	void *arg;
};

/* Borrowed; shared by the accept threads. */
struct webhook {
	struct store *store;
	struct signature *signature;
	struct store_limits limits;
	struct webhook_sink sink;
};

/*
 * Of one POST /webhook, all that needs no transaction: 401 for a wrong
 * signature, before anything else is looked at; 400 for what is no webhook;
 * 503 when memory is short.  True: status is not set, webhook_commit() does
 * it, and webhook_after() releases what was made of the request.
 */
bool webhook_prepare(const struct webhook *, struct web_request *);

/*
 * How far apart commits begin, at least: each costs the processor and the disk
 * as much as the admission of ten webhooks, so in a crowd they wait some
 * milliseconds for each other, of the two seconds that LINE waits.
 */
uint32_t webhook_pace_us(const struct webhook *);

/*
 * One durable transaction for all that gather gives when the turn comes: 200
 * for each of them, or 503 with Retry-After when it did not happen, so that
 * LINE delivers again.
 */
void webhook_commit(const struct webhook *, drain_gather_fn *, void *drain);

/* When they were answered: tells the sink what became of each event. */
void webhook_after(const struct webhook *, struct web_request **, size_t n);

#endif

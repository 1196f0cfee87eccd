/*
 * webhook.c - the hot path: everything that can be done outside of the
 * transaction is done before it or after it.
 */
#include "web/webhook.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "line/event.h"

/* One webhook between its two halves. */
struct pending {
	struct line_body body;
	struct store_prepared *prepared;
	struct store_event events[];
};

/* The webhooks of one commit. */
struct batch {
	drain_gather_fn *gather;
	void *drain;
	struct web_request *requests[DRAIN_MAX];
	size_t n;
};

_Static_assert((int)LINE_ID_MAX <= (int)STORE_ID_MAX &&
	(int)LINE_CHAT_MAX <= (int)STORE_CHAT_MAX &&
	(int)LINE_TOKEN_MAX <= (int)STORE_TOKEN_MAX &&
	(int)LINE_TEXT_MAX <= (int)STORE_TEXT_MAX,
    "what the parser lets through fits into the store");
_Static_assert((int)DRAIN_MAX <= (int)STORE_BODIES_MAX,
    "the store takes all that wait for a commit");

/* ------------------------------------------------------------ prepare -- */

static bool
is_signed(const struct webhook *hook, struct web_request *req)
{
	static struct log_limit limit = LOG_LIMIT(10);

	if (signature_matches(hook->signature, req->body, req->body_len,
		req->signature))
		return true;
	log_limited(&limit, LOG_WARN, "webhook status=401 reason=%s bytes=%zu",
	    req->signature == NULL ? "unsigned" : "signature", req->body_len);
	req->status = 401;
	return false;
}

static bool
parse(struct web_request *req, struct line_body *body)
{
	static struct log_limit limit = LOG_LIMIT(10);

	switch (line_parse(req->body, req->body_len, body)) {
	case LINE_OK:
		return true;
	case LINE_NOT_JSON:
	case LINE_NOT_WEBHOOK:
		log_limited(&limit, LOG_WARN,
		    "webhook status=400 reason=json bytes=%zu", req->body_len);
		req->status = 400;
		break;
	case LINE_MEMORY:
		req->status = 503;
		break;
	}
	return false;
}

static void
fill_events(struct pending *pending)
{
	const struct line_event *event;
	size_t i;

	for (i = 0; i < pending->body.n; i++) {
		event = &pending->body.events[i];
		pending->events[i] = (struct store_event){
			.id = event->id,
			.chat = event->chat,
			.to = event->to,
			.reply_token = event->reply_token,
			.quote_token = event->quote_token,
			.text =
			    event->voice != NULL ? event->voice : event->text,
			.voice = event->voice != NULL,
			.line_ms = event->timestamp,
			.direct = event->direct,
		};
	}
}

static void
pending_free(struct pending *pending)
{
	store_prepared_free(pending->prepared);
	line_body_release(&pending->body);
	free(pending);
}

/* Takes the body; NULL when memory is short. */
static struct pending *
pending_new(const struct webhook *hook, struct line_body *body)
{
	struct pending *pending =
	    calloc(1, sizeof(*pending) + body->n * sizeof(*pending->events));

	if (pending == NULL) {
		line_body_release(body);
		return NULL;
	}
	pending->body = *body;
	fill_events(pending);
	if (store_prepare(hook->store, pending->events, body->n,
		&pending->prepared) == STORE_OK)
		return pending;
	pending_free(pending);
	return NULL;
}

bool
webhook_prepare(const struct webhook *hook, struct web_request *req)
{
	struct line_body body;

	if (!is_signed(hook, req) || !parse(req, &body))
		return false;
	if (body.n == 0) {
		if (body.ignored > 0)
			log_info("webhook events=ignored n=%zu", body.ignored);
		line_body_release(&body);
		req->status = 200;
		return false;
	}
	req->prepared = pending_new(hook, &body);
	if (req->prepared == NULL)
		req->status = 503;
	return req->prepared != NULL;
}

/* ------------------------------------------------------------- commit -- */

enum { CROWD = 256, CROWD_PACE_US = 4000 };

uint32_t
webhook_pace_us(const struct webhook *hook)
{
	return hook->sink.in_hand(hook->sink.arg) < CROWD ? 0 : CROWD_PACE_US;
}

/* 503: LINE delivers again, if the operator switched that on. */
static void
refuse(const struct batch *batch, enum store_rc rc)
{
	static struct log_limit limit = LOG_LIMIT(10);
	static const char *const reasons[] = {
		[STORE_BUSY] = "busy",
		[STORE_FULL] = "full",
		[STORE_FATAL] = "disk",
	};
	bool known = (size_t)rc < sizeof(reasons) / sizeof(reasons[0]) &&
	    reasons[rc] != NULL;

	log_limited(&limit, LOG_ERROR, "webhook status=503 reason=%s n=%zu",
	    known ? reasons[rc] : "error", batch->n);
	/* The data file is lost to this process; the next one may open it. */
	if (rc == STORE_FATAL)
		(void)kill(getpid(), SIGTERM);
}

static size_t
gather(void *arg, struct store_prepared **bodies, size_t max)
{
	struct batch *batch = arg;
	const struct pending *pending;
	size_t i;

	batch->n = batch->gather(batch->drain, batch->requests,
	    max < DRAIN_MAX ? max : DRAIN_MAX);
	for (i = 0; i < batch->n; i++) {
		pending = batch->requests[i]->prepared;
		bodies[i] = pending->prepared;
	}
	return batch->n;
}

static enum store_rc
admit(const struct webhook *hook, struct batch *batch)
{
	struct store_now now = {
		.wall_ms = clock_wall_ms(),
		.boot_ms = clock_boot_ms(),
	};
	struct store_prepared *unused[DRAIN_MAX];
	enum store_rc rc;

	(void)clock_boot_id(now.boot_id);
	rc = store_admit_ready(hook->store, gather, batch, &hook->limits, now);
	/* The turn did not come: they are to be told now, not later. */
	if (rc != STORE_OK && batch->n == 0)
		(void)gather(batch, unused, DRAIN_MAX);
	return rc;
}

void
webhook_commit(const struct webhook *hook, drain_gather_fn *gather_fn,
    void *drain)
{
	struct batch batch = { .gather = gather_fn, .drain = drain };
	enum store_rc rc = admit(hook, &batch);
	size_t i;

	if (rc != STORE_OK)
		refuse(&batch, rc);
	for (i = 0; i < batch.n; i++) {
		batch.requests[i]->status = rc == STORE_OK ? 200 : 503;
		if (rc != STORE_OK)
			batch.requests[i]->header = "Retry-After: 1";
	}
}

/* -------------------------------------------------------------- after -- */

/* What the engine does with a verdict, and how the log calls it. */
static const struct {
	const char *name;
	bool notice;
	enum words words;
} fates[STORE_FATE__MAX] = {
	[STORE_ACCEPTED] = { "accepted", false, 0 },
	[STORE_DUPLICATE] = { "duplicate", false, 0 },
	[STORE_OLD] = { "old", false, 0 },
	[STORE_DROPPED] = { "dropped", false, 0 },
	[STORE_SLOW_DOWN] = { "slow_down", true, WORDS_SLOW_DOWN },
	[STORE_SYSTEM_BUSY] = { "system_busy", true, WORDS_SYSTEM_BUSY },
};

static int
tell(const struct webhook_sink *sink, const struct store_event *event,
    const struct store_verdict *verdict)
{
	if (verdict->fate == STORE_ACCEPTED)
		return sink->job(sink->arg, &verdict->lease);
	if (fates[verdict->fate].notice && verdict->notify)
		return sink->notice(sink->arg, fates[verdict->fate].words,
		    event->reply_token);
	return 0;
}

/* What came of the events, for the log. */
struct tally {
	size_t fates[STORE_FATE__MAX];
	size_t ignored; /* of kinds that we do not answer */
};

static void
tell_body(const struct webhook *hook, const struct pending *pending,
    struct tally *tally)
{
	const struct store_verdict *verdicts =
	    store_verdicts(pending->prepared);
	size_t i;

	for (i = 0; i < pending->body.n; i++) {
		tally->fates[verdicts[i].fate]++;
		if (tell(&hook->sink, &pending->events[i], &verdicts[i]) == -1)
			log_warn("webhook mail=lost reason=memory");
	}
	tally->ignored += pending->body.ignored;
}

static void
log_tally(const struct tally *tally)
{
	size_t i;

	for (i = STORE_DUPLICATE; i < STORE_FATE__MAX; i++)
		if (tally->fates[i] > 0)
			log_info("webhook events=%s n=%zu", fates[i].name,
			    tally->fates[i]);
	if (tally->ignored > 0)
		log_info("webhook events=ignored n=%zu", tally->ignored);
}

void
webhook_after(const struct webhook *hook, struct web_request **requests,
    size_t n)
{
	struct tally tally = { .ignored = 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		if (requests[i]->status == 200)
			tell_body(hook, requests[i]->prepared, &tally);
		pending_free(requests[i]->prepared);
		requests[i]->prepared = NULL;
	}
	hook->sink.ring(hook->sink.arg);
	log_tally(&tally);
}

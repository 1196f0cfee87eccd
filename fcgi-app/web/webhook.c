/*
 * webhook.c - the hot path: everything that can be done outside of the
 * transaction is done before it or after it.
 */
#include "web/webhook.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "line/event.h"

/* The webhooks of one drain that have a body to admit. */
struct batch {
	struct web_request *requests[DRAIN_MAX];
	struct line_body bodies[DRAIN_MAX];
	size_t n;
	struct store_event *events;
	struct store_verdict *verdicts;
	size_t n_events;
	size_t n_ignored; /* events of kinds that we do not answer */
};

_Static_assert((int)LINE_ID_MAX <= (int)STORE_ID_MAX &&
	(int)LINE_CHAT_MAX <= (int)STORE_CHAT_MAX &&
	(int)LINE_TOKEN_MAX <= (int)STORE_TOKEN_MAX &&
	(int)LINE_TEXT_MAX <= (int)STORE_TEXT_MAX,
    "what the parser lets through fits into the store");

/* Checks and parses one; a status other than 0 is its answer. */
static void
take(const struct webhook *hook, struct batch *batch, struct web_request *req)
{
	static struct log_limit limit = LOG_LIMIT(10);

	if (!signature_matches(hook->signature, req->body, req->body_len,
		req->signature)) {
		log_limited(&limit, LOG_WARN,
		    "webhook status=401 reason=%s bytes=%zu",
		    req->signature == NULL ? "unsigned" : "signature",
		    req->body_len);
		req->status = 401;
		return;
	}
	switch (line_parse(req->body, req->body_len,
	    &batch->bodies[batch->n])) {
	case LINE_OK:
		batch->requests[batch->n] = req;
		batch->n_events += batch->bodies[batch->n].n;
		batch->n_ignored += batch->bodies[batch->n].ignored;
		batch->n++;
		return;
	case LINE_NOT_JSON:
	case LINE_NOT_WEBHOOK:
		log_limited(&limit, LOG_WARN,
		    "webhook status=400 reason=json bytes=%zu", req->body_len);
		req->status = 400;
		return;
	case LINE_MEMORY:
		break;
	}
	req->status = 503;
}

static void
gather(struct batch *batch)
{
	const struct line_event *event;
	struct store_event *to = batch->events;
	size_t i, j;

	for (i = 0; i < batch->n; i++)
		for (j = 0; j < batch->bodies[i].n; j++) {
			event = &batch->bodies[i].events[j];
			*to++ = (struct store_event){
				.id = event->id,
				.chat = event->chat,
				.to = event->to,
				.reply_token = event->reply_token,
				.quote_token = event->quote_token,
				.text = event->text,
				.line_ms = event->timestamp,
				.direct = event->direct,
			};
		}
}

static enum store_rc
admit(const struct webhook *hook, struct batch *batch)
{
	struct store_now now = {
		.wall_ms = clock_wall_ms(),
		.boot_ms = clock_boot_ms(),
	};

	if (batch->n_events == 0)
		return STORE_OK;
	batch->events = calloc(batch->n_events, sizeof(*batch->events));
	batch->verdicts = calloc(batch->n_events, sizeof(*batch->verdicts));
	if (batch->events == NULL || batch->verdicts == NULL)
		return STORE_ERR;
	gather(batch);
	(void)clock_boot_id(now.boot_id);
	return store_admit(hook->store, batch->events, batch->n_events,
	    &hook->limits, now, batch->verdicts);
}

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

static void
tell_all(const struct webhook *hook, const struct batch *batch)
{
	size_t counts[STORE_FATE__MAX] = { 0 };
	size_t i;

	for (i = 0; i < batch->n_events; i++) {
		counts[batch->verdicts[i].fate]++;
		if (tell(&hook->sink, &batch->events[i], &batch->verdicts[i]) ==
		    -1)
			log_warn("webhook mail=lost reason=memory");
	}
	if (batch->n_events > 0)
		hook->sink.ring(hook->sink.arg);
	for (i = STORE_DUPLICATE; i < STORE_FATE__MAX; i++)
		if (counts[i] > 0)
			log_info("webhook events=%s n=%zu", fates[i].name,
			    counts[i]);
	if (batch->n_ignored > 0)
		log_info("webhook events=ignored n=%zu", batch->n_ignored);
}

/* 503: LINE delivers again, if the operator switched that on. */
static void
refuse(const struct batch *batch, enum store_rc rc)
{
	static struct log_limit limit = LOG_LIMIT(10);
	static const char *const reasons[] = {
		[STORE_BUSY] = "busy",
		[STORE_FULL] = "full",
		[STORE_ERR] = "error",
		[STORE_FATAL] = "disk",
	};

	log_limited(&limit, LOG_ERROR, "webhook status=503 reason=%s n=%zu",
	    rc == STORE_BUSY || rc == STORE_FULL || rc == STORE_FATAL
		? reasons[rc]
		: reasons[STORE_ERR],
	    batch->n);
	/* The data file is lost to this process; the next one may open it. */
	if (rc == STORE_FATAL)
		(void)kill(getpid(), SIGTERM);
}

void
webhook_serve(const struct webhook *hook, struct web_request **requests,
    size_t n)
{
	struct batch batch = { .n = 0 };
	enum store_rc rc;
	size_t i;

	for (i = 0; i < n; i++)
		take(hook, &batch, requests[i]);
	rc = admit(hook, &batch);
	for (i = 0; i < batch.n; i++) {
		batch.requests[i]->status = rc == STORE_OK ? 200 : 503;
		if (rc != STORE_OK)
			batch.requests[i]->header = "Retry-After: 1";
	}
	if (rc == STORE_OK)
		tell_all(hook, &batch);
	else
		refuse(&batch, rc);
	for (i = 0; i < batch.n; i++)
		line_body_release(&batch.bodies[i]);
	free(batch.events);
	free(batch.verdicts);
}

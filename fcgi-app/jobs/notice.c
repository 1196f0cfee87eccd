/*
 * notice.c - calls to LINE that nobody waits for: the sentence for a message
 * that was not admitted, and the typing animation.
 */
#include <stdlib.h>

#include "base/log.h"
#include "bot/words.h"
#include "jobs/engine_priv.h"
#include "line/api.h"
#include "line/message.h"

enum {
	NOTICE_TIMEOUT_MS = 10000,
	CONNECT_MS = 5000,
	LOADING_MAX_S = 60,
	LOADING_GAP_US = 11000, /* LINE allows 100 a second: we use 90 */
	LOADING_BURST = 5
};

static void
notice_done(void *arg, const struct net_reply *reply)
{
	(void)arg;
	log_info("notice end=%s status=%d ms=%u error=\"%s\"",
	    reply->status == 200 ? "sent" : "lost", reply->status,
	    reply->total_ms, reply->error);
}

static void
loading_done(void *arg, const struct net_reply *reply)
{
	(void)arg;
	if (reply->status / 100 != 2)
		log_debug("loading status=%d error=\"%s\"", reply->status,
		    reply->error);
}

/* Takes body. */
static void
post(struct engine *engine, const char *url, char *body, size_t len,
    void (*done)(void *, const struct net_reply *))
{
	struct net_call call = {
		.url = url,
		.headers = engine->up.line_headers,
		.body = body,
		.body_len = len,
		.timeout_ms = NOTICE_TIMEOUT_MS,
		.connect_ms = CONNECT_MS,
		.max_bytes = LINE_REPLY_MAX,
		.done = done,
	};

	if (body == NULL || net_start(engine->net, &call) == NULL)
		log_warn("notice end=lost error=memory");
	free(body);
}

void
notice_send(struct engine *engine, const struct mail *mail)
{
	const char *text =
	    words_text(mail->words, engine->set->default_language);
	char *messages = message_texts(text, NULL, NULL);
	char *body = NULL;
	size_t len = 0;

	if (messages != NULL)
		body = api_reply_body(mail->token, messages, &len);
	free(messages);
	post(engine, engine->up.reply_url, body, len, notice_done);
}

void
notice_loading(struct engine *engine, const struct job *job)
{
	unsigned seconds = engine->set->gemini_timeout;
	char *body;
	size_t len = 0;

	if (!job->stored.direct ||
	    !store_pace(engine->store, LOADING_GAP_US, LOADING_BURST,
		engine_now()))
		return;
	if (seconds > LOADING_MAX_S)
		seconds = LOADING_MAX_S;
	body = api_loading_body(job->stored.to, seconds, &len);
	post(engine, engine->up.loading_url, body, len, loading_done);
}

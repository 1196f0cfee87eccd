/*
 * upstream.h - whom the engine talks to: addresses, headers, breakers.
 *
 * All of it is made once from the settings; the requests only borrow.
 */
#ifndef JOBS_UPSTREAM_H
#define JOBS_UPSTREAM_H

#include "base/settings.h"
#include "model/gemini.h"
#include "store/store.h"

/* The store's numbers of the circuit breakers: never reuse one. */
enum upstream {
	UPSTREAM_MODEL = 0, /* GEMINI_MODEL */
	UPSTREAM_FALLBACK,  /* GEMINI_FALLBACK_MODEL */
	UPSTREAM_LINE,      /* opens when LINE refuses our access token */
	UPSTREAM_PUSH,      /* opens when the month's pushes are used up */
	UPSTREAM_STT,       /* STT_MODEL */
	UPSTREAM_TTS,       /* TTS_MODEL */
	UPSTREAM__MAX
};

struct upstreams {
	char *model_url[2]; /* UPSTREAM_MODEL, UPSTREAM_FALLBACK; or NULL */
	char *stt_url, *tts_url;
	char *reply_url, *push_url, *loading_url;
	char *content_url;            /* what stands before a message's id */
	const char *model_headers[3]; /* NULL-terminated, as net_start wants */
	const char *line_headers[3];
	const char *content_headers[2];
	char *model_key, *line_token; /* where two of the headers live */
	struct gemini_frame model_frame;
};

/* 0, or -1 when memory is short; then nothing needs to be released. */
int upstreams_init(struct upstreams *, const struct settings *);
void upstreams_release(struct upstreams *);

/* How the upstream's breaker behaves; static. */
const struct store_breaker *upstream_breaker(enum upstream);

/* For the log; static. */
const char *upstream_name(enum upstream);

#endif

/*
 * upstream.c - whom the engine talks to.
 */
#include "jobs/upstream.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "line/api.h"
#include "model/gemini.h"
#include "model/prompt.h"

enum { TEXT_MAX = 16384 };

static const struct {
	const char *name;
	struct store_breaker breaker;
} upstreams[] = {
	/*                      number            fails open_ms  probe_ms */
	[UPSTREAM_MODEL] = { "model", { UPSTREAM_MODEL, 8, 5000, 10000 } },
	[UPSTREAM_FALLBACK] = { "fallback",
	    { UPSTREAM_FALLBACK, 8, 5000, 10000 } },
	[UPSTREAM_LINE] = { "line", { UPSTREAM_LINE, 1, 30000, 10000 } },
	[UPSTREAM_PUSH] = { "push", { UPSTREAM_PUSH, 1, 3600000, 10000 } },
	[UPSTREAM_STT] = { "stt", { UPSTREAM_STT, 8, 5000, 10000 } },
	[UPSTREAM_TTS] = { "tts", { UPSTREAM_TTS, 8, 5000, 10000 } },
};
_Static_assert(sizeof(upstreams) / sizeof(upstreams[0]) == UPSTREAM__MAX,
    "every upstream has a breaker");
_Static_assert((int)UPSTREAM__MAX <= (int)STORE_UPSTREAMS,
    "the store keeps them all");

const struct store_breaker *
upstream_breaker(enum upstream upstream)
{
	return &upstreams[upstream].breaker;
}

const char *
upstream_name(enum upstream upstream)
{
	return upstreams[upstream].name;
}

static char *
join(const char *head, const char *tail)
{
	struct buf buf;

	buf_init(&buf, TEXT_MAX);
	(void)buf_puts(&buf, head);
	(void)buf_puts(&buf, tail);
	return buf_take(&buf, NULL);
}

static char *
model_url(const struct settings *set, const char *model)
{
	char *path = gemini_path(model);
	char *url = path == NULL ? NULL : join(set->gemini_base, path);

	free(path);
	return url;
}

static int
model_frame(struct gemini_frame *frame, const struct settings *set)
{
	const struct gemini_options options = {
		.max_output_tokens = set->gemini_max_output_tokens,
		.temperature = set->gemini_temperature,
		.top_p = set->gemini_top_p,
		.top_k = set->gemini_top_k,
		.thinking_level = set->gemini_thinking_level,
		.safety_threshold = set->gemini_safety_threshold,
	};

	return gemini_frame_init(frame, prompt_system(), &options);
}

static bool
is_complete(const struct upstreams *up, const struct settings *set)
{
	bool fallback = set->gemini_fallback_model[0] != '\0';

	return up->model_url[0] != NULL && up->stt_url != NULL &&
	    up->tts_url != NULL && up->content_url != NULL &&
	    up->reply_url != NULL && up->push_url != NULL &&
	    up->loading_url != NULL && up->model_key != NULL &&
	    up->line_token != NULL && (!fallback || up->model_url[1] != NULL);
}

int
upstreams_init(struct upstreams *up, const struct settings *set)
{
	static const char *const json = "Content-Type: application/json";

	memset(up, 0, sizeof(*up));
	up->model_url[0] = model_url(set, set->gemini_model);
	if (set->gemini_fallback_model[0] != '\0')
		up->model_url[1] = model_url(set, set->gemini_fallback_model);
	up->stt_url = model_url(set, set->stt_model);
	up->tts_url = model_url(set, set->tts_model);
	up->content_url = join(set->line_data_base, API_PATH_CONTENT);
	up->reply_url = join(set->line_api_base, API_PATH_REPLY);
	up->push_url = join(set->line_api_base, API_PATH_PUSH);
	up->loading_url = join(set->line_api_base, API_PATH_LOADING);
	up->model_key = join("x-goog-api-key: ", set->gemini_api_key);
	up->line_token =
	    join("Authorization: Bearer ", set->line_channel_access_token);
	up->model_headers[0] = up->line_headers[0] = json;
	up->model_headers[1] = up->model_key;
	up->line_headers[1] = up->content_headers[0] = up->line_token;
	if (is_complete(up, set) && model_frame(&up->model_frame, set) == 0)
		return 0;
	upstreams_release(up);
	return -1;
}

void
upstreams_release(struct upstreams *up)
{
	free(up->model_url[0]);
	free(up->model_url[1]);
	free(up->stt_url);
	free(up->tts_url);
	free(up->content_url);
	free(up->reply_url);
	free(up->push_url);
	free(up->loading_url);
	free(up->model_key);
	free(up->line_token);
	gemini_frame_release(&up->model_frame);
	memset(up, 0, sizeof(*up));
}

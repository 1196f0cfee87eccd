/* gemini - what generateContent is asked. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "model/gemini.h"

/* Gemini's own limit. */
enum { REQUEST_MAX = 20 * 1000 * 1000 };

/* ---- what is the same in every request ----------------------------------- */

/* Sets a number given as text, if it is given. */
static int
set_number(json_t *object, const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		return 0;
	if (strchr(value, '.') == NULL)
		return json_object_set_new(object, key,
		    json_integer(strtol(value, NULL, 10)));
	return json_object_set_new(object, key, json_real(strtod(value, NULL)));
}

static json_t *
generation_config(const struct gemini_options *options)
{
	const char *level = options->thinking_level;
	json_t *out = json_object();
	int rc = 0;

	if (options->max_output_tokens > 0)
		rc |= json_object_set_new(out, "maxOutputTokens",
		    json_integer(options->max_output_tokens));
	rc |= set_number(out, "temperature", options->temperature);
	rc |= set_number(out, "topP", options->top_p);
	rc |= set_number(out, "topK", options->top_k);
	if (level != NULL && *level != '\0')
		rc |= json_object_set_new(out, "thinkingConfig",
		    json_pack("{s:s}", "thinkingLevel", level));
	if (rc == 0)
		return out;
	json_decref(out);
	return NULL;
}

static json_t *
safety_settings(const char *threshold)
{
	static const char *const categories[] = {
		"HARM_CATEGORY_HARASSMENT",
		"HARM_CATEGORY_HATE_SPEECH",
		"HARM_CATEGORY_SEXUALLY_EXPLICIT",
		"HARM_CATEGORY_DANGEROUS_CONTENT",
	};
	json_t *out = json_array();
	int rc = 0;
	size_t i;

	for (i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
		rc |= json_array_append_new(out,
		    json_pack("{s:s, s:s}", "category", categories[i],
			"threshold", threshold));
	if (rc == 0)
		return out;
	json_decref(out);
	return NULL;
}

/* {"parts":[{"text":system}]} */
static json_t *
instruction(const char *system)
{
	size_t len = 0;
	char *clean = utf8_clean(system, strlen(system), &len);
	json_t *out = NULL;

	if (clean != NULL)
		out = json_pack("{s:[{s:s%}]}", "parts", "text", clean, len);
	free(clean);
	return out;
}

/*
 * Takes value.  json_dumps() leaves words out when it cannot grow; a buf says
 * so.  Six digits: 0.7 stays 0.7.
 */
static void
add_member(struct buf *out, const char *name, json_t *value)
{
	buf_printf(out, "\"%s\":", name);
	if (json_dump_callback(value, buf_sink, out,
		JSON_COMPACT | JSON_REAL_PRECISION(6)) == -1)
		out->failed = true;
	json_decref(value);
}

/* What stands before the conversation. */
static char *
head(const char *system, size_t *len)
{
	struct buf out;

	buf_init(&out, REQUEST_MAX);
	buf_puts(&out, "{");
	if (system != NULL) {
		add_member(&out, "systemInstruction", instruction(system));
		buf_puts(&out, ",");
	}
	buf_puts(&out, "\"contents\":[");
	return buf_take(&out, len);
}

/* And after it. */
static char *
tail(const struct gemini_options *options, size_t *len)
{
	const char *threshold = options->safety_threshold;
	json_t *config = generation_config(options);
	struct buf out;

	buf_init(&out, REQUEST_MAX);
	buf_puts(&out, "]");
	if (config == NULL || json_object_size(config) > 0) {
		buf_puts(&out, ",");
		add_member(&out, "generationConfig", json_incref(config));
	}
	json_decref(config);
	if (threshold != NULL && *threshold != '\0') {
		buf_puts(&out, ",");
		add_member(&out, "safetySettings", safety_settings(threshold));
	}
	buf_puts(&out, "}");
	return buf_take(&out, len);
}

int
gemini_frame_init(struct gemini_frame *frame, const char *system,
    const struct gemini_options *options)
{
	frame->head = head(system, &frame->head_len);
	frame->tail = tail(options, &frame->tail_len);
	if (frame->head != NULL && frame->tail != NULL)
		return 0;
	gemini_frame_release(frame);
	return -1;
}

void
gemini_frame_release(struct gemini_frame *frame)
{
	free(frame->head);
	free(frame->tail);
	*frame = (struct gemini_frame){ 0 };
}

/* ---- and what is not ----------------------------------------------------- */

static void
add_content(struct buf *out, const char *role, const char *text)
{
	size_t len = 0;
	char *clean = utf8_clean(text, strlen(text), &len);

	if (clean == NULL) {
		out->failed = true;
		return;
	}
	buf_puts(out, "{\"role\":\"");
	buf_puts(out, role);
	buf_puts(out, "\",\"parts\":[{\"text\":\"");
	quote_json(out, clean, len);
	buf_puts(out, "\"}]}");
	free(clean);
}

/* The turns, then the question: first and last are always the user's. */
static void
add_contents(struct buf *out, const struct gemini_ask *ask)
{
	bool begun = false;
	size_t i;

	for (i = 0; i < ask->n_turns; i++) {
		const struct gemini_turn *turn = &ask->turns[i];

		begun = begun || turn->from_user;
		if (!begun || utf8_is_blank(turn->text))
			continue;
		add_content(out, turn->from_user ? "user" : "model",
		    turn->text);
		buf_puts(out, ",");
	}
	add_content(out, "user", ask->question);
}

char *
gemini_request(const struct gemini_ask *ask, size_t *len)
{
	struct buf out;

	buf_init(&out, REQUEST_MAX);
	buf_add(&out, ask->frame->head, ask->frame->head_len);
	add_contents(&out, ask);
	buf_add(&out, ask->frame->tail, ask->frame->tail_len);
	return buf_take(&out, len);
}

char *
gemini_path(const char *model)
{
	struct buf path;

	buf_init(&path, 512);
	buf_printf(&path, "/v1beta/models/%s:generateContent", model);
	return buf_take(&path, NULL);
}

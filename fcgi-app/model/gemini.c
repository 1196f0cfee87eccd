/* gemini - what generateContent is asked. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "model/gemini.h"

/* Gemini's own limit. */
enum { REQUEST_MAX = 20 * 1000 * 1000 };

/* {"role":..., "parts":[{"text":...}]}, without role when it is NULL. */
static json_t *
content(const char *role, const char *text)
{
	size_t len = 0;
	char *clean = utf8_clean(text, strlen(text), &len);
	json_t *out = json_object();
	int rc = clean == NULL ? -1 : 0;

	if (role != NULL)
		rc |= json_object_set_new(out, "role", json_string(role));
	if (rc == 0)
		rc = json_object_set_new(out, "parts",
		    json_pack("[{s:s%}]", "text", clean, len));
	free(clean);
	if (rc == 0)
		return out;
	json_decref(out);
	return NULL;
}

/* The turns, then the question: first and last are always the user's. */
static json_t *
contents(const struct gemini_ask *ask)
{
	json_t *out = json_array();
	bool begun = false;
	size_t i;

	for (i = 0; i < ask->n_turns; i++) {
		const struct gemini_turn *turn = &ask->turns[i];

		begun = begun || turn->from_user;
		if (!begun || utf8_is_blank(turn->text))
			continue;
		if (json_array_append_new(out,
			content(turn->from_user ? "user" : "model",
			    turn->text)) == -1)
			goto fail;
	}
	if (json_array_append_new(out, content("user", ask->question)) == -1)
		goto fail;
	return out;
fail:
	json_decref(out);
	return NULL;
}

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

static json_t *
request(const struct gemini_ask *ask)
{
	const char *threshold = ask->options.safety_threshold;
	json_t *out = json_object(), *config;
	int rc = 0;

	if (ask->system != NULL)
		rc |= json_object_set_new(out, "systemInstruction",
		    content(NULL, ask->system));
	rc |= json_object_set_new(out, "contents", contents(ask));
	config = generation_config(&ask->options);
	if (config == NULL || json_object_size(config) > 0)
		rc |= json_object_set_new(out, "generationConfig", config);
	else
		json_decref(config);
	if (threshold != NULL && *threshold != '\0')
		rc |= json_object_set_new(out, "safetySettings",
		    safety_settings(threshold));
	if (rc == 0)
		return out;
	json_decref(out);
	return NULL;
}

char *
gemini_request(const struct gemini_ask *ask, size_t *len)
{
	json_t *root = request(ask);
	struct buf out;

	/*
	 * json_dumps() leaves words out when it cannot grow; a buf says so.
	 * Six digits: 0.7 stays 0.7.
	 */
	buf_init(&out, REQUEST_MAX);
	if (json_dump_callback(root, buf_sink, &out,
		JSON_COMPACT | JSON_REAL_PRECISION(6)) == -1)
		out.failed = true;
	json_decref(root);
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

/*
 * speak - text to speech by Gemini's generateContent.
 *
 * The reader knows as little of JSON as it needs to: strings, their escapes
 * and colons.  The string after the key "data" is the sound.  It goes to its
 * own buffer, and its length takes its place in the rest, which jansson then
 * reads.  Whether the key stood where it belongs is found out there.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "model/speak.h"

/* Text alone; LINE's longest is 5,000 UTF-16 units. */
enum { REQUEST_MAX = 256 * 1024, REST_MAX = 256 * 1024 };

/* ---- request ------------------------------------------------------------- */

static json_t *
speech_config(const struct speak_ask *ask)
{
	const char *language = ask->language;

	return json_pack("{s:{s:{s:s}}, s:s*}", "voiceConfig",
	    "prebuiltVoiceConfig", "voiceName", ask->voice, "languageCode",
	    language != NULL && *language != '\0' ? language : NULL);
}

char *
speak_request(const struct speak_ask *ask, size_t *len)
{
	size_t text_len = 0;
	char *text = utf8_clean(ask->text, strlen(ask->text), &text_len);
	json_t *root = NULL;
	struct buf out;

	buf_init(&out, REQUEST_MAX);
	if (text != NULL)
		root = json_pack("{s:[{s:s, s:[{s:s%}]}], s:{s:[s], s:o}}",
		    "contents", "role", "user", "parts", "text", text, text_len,
		    "generationConfig", "responseModalities", "AUDIO",
		    "speechConfig", speech_config(ask));
	if (root == NULL ||
	    json_dump_callback(root, buf_sink, &out, JSON_COMPACT) == -1)
		out.failed = true;
	json_decref(root);
	free(text);
	return buf_take(&out, len);
}

/* ---- reading ------------------------------------------------------------- */

enum state {
	BETWEEN = 0,  /* strings */
	STRING,       /* in one that is no sound */
	STRING_SLASH, /* after a backslash there */
	SOUND,
	SOUND_ESCAPE /* after a backslash there */
};

void
speak_begin(struct speak_reader *reader, size_t max)
{
	memset(reader, 0, sizeof(*reader));
	buf_init(&reader->sound, max);
	buf_init(&reader->rest, REST_MAX);
}

void
speak_abort(struct speak_reader *reader)
{
	buf_release(&reader->sound);
	buf_release(&reader->rest);
}

static bool
is_data(const struct speak_reader *reader)
{
	return reader->word_len == 4 && memcmp(reader->word, "data", 4) == 0;
}

static void
begin_string(struct speak_reader *reader)
{
	if (reader->after_colon && is_data(reader)) {
		reader->state = SOUND;
		reader->un = (struct unbase64){ .bits = 0 };
		reader->sound_at = reader->sound.len;
	} else {
		reader->state = STRING;
	}
	reader->word_len = 0;
	reader->after_colon = false;
}

/* One byte outside of the sound, which has been copied to the rest already. */
static void
step(struct speak_reader *reader, char c)
{
	switch (reader->state) {
	case STRING_SLASH:
		reader->state = STRING;
		reader->word_len = sizeof(reader->word); /* not "data" */
		return;
	case STRING:
		if (c == '\\')
			reader->state = STRING_SLASH;
		else if (c == '"')
			reader->state = BETWEEN;
		else if (reader->word_len < sizeof(reader->word))
			reader->word[reader->word_len++] = c;
		return;
	default:
		if (c == '"')
			begin_string(reader);
		else if (c == ':')
			reader->after_colon = true;
		else if (strchr(" \t\r\n", c) == NULL || c == '\0')
			reader->after_colon = false;
	}
}

static void
end_sound(struct speak_reader *reader)
{
	if (unbase64_end(&reader->un, &reader->sound) == -1)
		reader->bad = true;
	buf_printf(&reader->rest, "%zu\"",
	    reader->sound.len - reader->sound_at);
	reader->state = BETWEEN;
}

static void
decode(struct speak_reader *reader, const char *piece, size_t n)
{
	if (!reader->bad &&
	    unbase64_add(&reader->un, piece, n, &reader->sound) == -1)
		reader->bad = true;
}

/* Of the escapes, base64 may have "\/", "\n" and such as "\u003d". */
static void
step_escape(struct speak_reader *reader, char c)
{
	char *end, plain = c;

	reader->escape[reader->escape_len++] = c;
	if (reader->escape[0] == 'u' && reader->escape_len < 5)
		return;
	reader->state = SOUND;
	if (reader->escape[0] == 'u') {
		const char digits[5] = { reader->escape[1], reader->escape[2],
			reader->escape[3], reader->escape[4], '\0' };
		unsigned long code = strtoul(digits, &end, 16);

		plain = *end == '\0' && code < 0x80 ? (char)code : '\0';
	} else if (c == 'n' || c == 'r' || c == 't') {
		plain = ' ';
	} else if (c != '/') {
		plain = '\0'; /* no digit: bad */
	}
	decode(reader, &plain, 1);
}

/* As much of the sound as stands in one piece: how many bytes that was. */
static size_t
step_sound(struct speak_reader *reader, const char *piece, size_t n)
{
	size_t run = 0;

	while (run < n && piece[run] != '"' && piece[run] != '\\')
		run++;
	decode(reader, piece, run);
	if (run == n)
		return n;
	if (piece[run] == '"') {
		end_sound(reader);
	} else {
		reader->state = SOUND_ESCAPE;
		reader->escape_len = 0;
	}
	return run + 1;
}

/* As much of all else, up to where a sound begins. */
static size_t
step_rest(struct speak_reader *reader, const char *piece, size_t n)
{
	size_t i = 0;

	while (i < n && reader->state < SOUND)
		step(reader, piece[i++]);
	buf_add(&reader->rest, piece, i);
	return i;
}

int
speak_feed(struct speak_reader *reader, const char *piece, size_t n)
{
	size_t i = 0;

	while (i < n && !reader->rest.failed && !reader->sound.failed)
		switch ((enum state)reader->state) {
		case SOUND:
			i += step_sound(reader, piece + i, n - i);
			break;
		case SOUND_ESCAPE:
			step_escape(reader, piece[i++]);
			break;
		case BETWEEN:
		case STRING:
		case STRING_SLASH:
			i += step_rest(reader, piece + i, n - i);
			break;
		}
	return reader->rest.failed || reader->sound.failed ? -1 : 0;
}

/* ---- what it was --------------------------------------------------------- */

/* Adds a part of the answer: its length to *len; is its type the others'? */
static bool
add_part(const json_t *part, char *type, size_t *len)
{
	const json_t *blob = json_object_get(part, "inlineData");
	const char *data = json_string_value(json_object_get(blob, "data"));
	const char *name = json_string_value(json_object_get(blob, "mimeType"));
	bool first = *len == 0;

	if (data == NULL)
		return true;
	*len += strtoul(data, NULL, 10);
	if (name == NULL)
		name = "";
	if (first)
		snprintf(type, SPEAK_TYPE_SIZE, "%s", name);
	return strncmp(type, name, SPEAK_TYPE_SIZE - 1) == 0;
}

/*
 * Are all bytes of the sound those of the first candidate, one after the other
 * and of one type?
 */
static bool
find_sound(const char *rest, size_t rest_len, size_t sound_len, char *type)
{
	json_t *root = json_loadb(rest, rest_len, JSON_ALLOW_NUL, NULL);
	const json_t *object =
	    json_is_array(root) ? json_array_get(root, 0) : root;
	const json_t *candidate =
	    json_array_get(json_object_get(object, "candidates"), 0);
	const json_t *part,
	    *parts =
		json_object_get(json_object_get(candidate, "content"), "parts");
	bool same = true;
	size_t len = 0, i;

	type[0] = '\0';
	json_array_foreach (parts, i, part)
		same = add_part(part, type, &len) && same;
	json_decref(root);
	return same && len > 0 && len == sound_len;
}

/* The one complaint of theirs that goes away when it is asked again. */
static bool
would_not_speak(int http_status, const char *rest)
{
	return http_status == 400 &&
	    strstr(rest, "should only be used for TTS") != NULL;
}

/* With a sound or without: what to think of an answer that was no error. */
static enum gemini_outcome
judge(const struct speak_reader *reader, bool found, const char *finish)
{
	return found && !reader->bad &&
		(strcmp(finish, "STOP") == 0 || *finish == '\0')
	    ? GEMINI_ANSWER
	    : GEMINI_EMPTY;
}

static void
read_rest(const struct speak_reader *reader, int http_status,
    struct speak_reply *reply)
{
	const char *rest = reader->rest.data != NULL ? reader->rest.data : "";
	size_t len = reader->rest.len;
	struct gemini_reply said;
	bool found;

	gemini_parse(http_status, rest, len, &said);
	reply->outcome = said.outcome;
	reply->retry_ms = said.retry_ms;
	reply->finish = said.finish;
	gemini_reply_release(&said);
	switch (reply->outcome) {
	case GEMINI_ANSWER:
	case GEMINI_TRUNCATED:
	case GEMINI_EMPTY:
		found = find_sound(rest, len, reader->sound.len, reply->type);
		reply->outcome = judge(reader, found, reply->finish);
		break;
	case GEMINI_REFUSED:
		if (would_not_speak(http_status, rest))
			reply->outcome = GEMINI_EMPTY;
		break;
	case GEMINI_BLOCKED:
	case GEMINI_OVERLOADED:
	case GEMINI_RATE:
	case GEMINI_QUOTA:
	case GEMINI_NO_MODEL:
	case GEMINI_MEMORY:
	case GEMINI_OUTCOME__MAX:
		break;
	}
}

void
speak_end(struct speak_reader *reader, int http_status,
    struct speak_reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	reply->finish = "";
	reply->outcome = GEMINI_EMPTY;
	if (!reader->rest.failed && !reader->sound.failed)
		read_rest(reader, http_status, reply);
	if (reply->outcome == GEMINI_ANSWER) {
		reply->sound = buf_take(&reader->sound, &reply->len);
		if (reply->sound == NULL)
			reply->outcome = GEMINI_MEMORY;
	}
	speak_abort(reader);
}

void
speak_reply_release(struct speak_reply *reply)
{
	free(reply->sound);
	reply->sound = NULL;
	reply->len = 0;
}

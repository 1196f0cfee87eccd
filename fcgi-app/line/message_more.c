/*
 * message_more - what is added to messages that are made.
 *
 * They are our own JSON, so there is no need to parse it: within a text each
 * quotation mark is escaped, so `"quickReply":` and `{"type":"` stand only
 * where we put them, and the buttons are the last thing of the last message.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "line/grapheme.h"
#include "line/message.h"

/* An escape of JSON makes six bytes of one unit; buttons and a note. */
enum { BYTES_MAX = 8 * MESSAGES_MAX * MESSAGE_UNITS_MAX + 32 * 1024 };

#define BEGIN   "{\"type\":\""
#define BUTTONS ",\"quickReply\":"
#define END     "}]"

/* Messages in two: all but the buttons of the last and its end. */
struct pieces {
	size_t body_len;
	const char *buttons; /* with the comma in front */
	size_t buttons_len;
	size_t count;
};

/* False when these are no messages of ours. */
static bool
take_apart(struct pieces *pieces, const char *messages)
{
	size_t len = strlen(messages), end = strlen(END);
	const char *at;

	if (strncmp(messages, "[" BEGIN, strlen("[" BEGIN)) != 0 || len < end ||
	    strcmp(messages + len - end, END) != 0)
		return false;
	len -= end;
	at = strstr(messages, BUTTONS);
	pieces->buttons = at != NULL ? at : messages + len;
	pieces->body_len = (size_t)(pieces->buttons - messages);
	pieces->buttons_len = len - pieces->body_len;
	pieces->count = 0;
	for (at = strstr(messages, BEGIN); at != NULL && at < pieces->buttons;
	     at = strstr(at + 1, BEGIN))
		pieces->count++;
	return true;
}

size_t
message_room(const char *messages)
{
	struct pieces pieces;

	return take_apart(&pieces, messages) && pieces.count < MESSAGES_MAX
	    ? MESSAGES_MAX - pieces.count
	    : 0;
}

static void
add_quoted(struct buf *out, const char *before, const char *text,
    const char *after)
{
	buf_puts(out, before);
	quote_json(out, text, strlen(text));
	buf_puts(out, after);
}

/* The end of the body's last message and the beginning of another. */
static void
add_text(struct buf *out, const char *text)
{
	add_quoted(out, "}," BEGIN "text\",\"text\":\"", text, "\"");
}

static char *
finish(struct buf *out, const struct pieces *pieces, size_t *len)
{
	buf_add(out, pieces->buttons, pieces->buttons_len);
	buf_puts(out, END);
	return buf_take(out, len);
}

static void
add_button(struct buf *out, const char *label, bool first)
{
	buf_puts(out, first ? BUTTONS "{\"items\":[" : ",");
	buf_puts(out, BEGIN "action\",\"action\":");
	add_quoted(out, BEGIN "message\",\"label\":\"", label, "\",");
	add_quoted(out, "\"text\":\"", label, "\"}}");
}

static bool
is_label(const char *text)
{
	return !utf8_is_blank(text) &&
	    grapheme_count(text) <= MESSAGE_LABEL_MAX;
}

char *
message_with_quick_replies(const char *messages, const char *const *labels,
    size_t n, size_t *len)
{
	struct pieces pieces;
	struct buf out;
	size_t i, made = 0;

	if (!take_apart(&pieces, messages))
		return NULL;
	buf_init(&out, BYTES_MAX);
	buf_add(&out, messages, pieces.body_len);
	for (i = 0; i < n && made < MESSAGE_BUTTONS_MAX; i++)
		if (is_label(labels[i]))
			add_button(&out, labels[i], made++ == 0);
	if (made > 0)
		buf_puts(&out, "]}");
	pieces.buttons_len = 0;
	return finish(&out, &pieces, len);
}

char *
message_with_note(const char *messages, const char *note, size_t *len)
{
	struct pieces pieces;
	struct buf out;

	if (!take_apart(&pieces, messages))
		return NULL;
	buf_init(&out, BYTES_MAX);
	buf_add(&out, messages, pieces.body_len);
	if (pieces.count < MESSAGES_MAX)
		add_text(&out, note);
	return finish(&out, &pieces, len);
}

static void
add_sound(struct buf *out, const char *before, const char *url,
    uint32_t duration_ms)
{
	buf_puts(out, before);
	add_quoted(out, BEGIN "audio\",\"originalContentUrl\":\"", url, "\"");
	buf_printf(out, ",\"duration\":%" PRIu32,
	    duration_ms > 0 ? duration_ms : 1);
}

char *
message_audio(const char *url, uint32_t duration_ms, size_t *len)
{
	struct buf out;

	buf_init(&out, BYTES_MAX);
	add_sound(&out, "[", url, duration_ms);
	buf_puts(&out, END);
	return buf_take(&out, len);
}

char *
message_with_audio(const char *messages, const char *note, const char *url,
    uint32_t duration_ms, size_t *len)
{
	struct pieces pieces;
	struct buf out;

	if (!take_apart(&pieces, messages) || pieces.count >= MESSAGES_MAX)
		return NULL;
	buf_init(&out, BYTES_MAX);
	buf_add(&out, messages, pieces.body_len);
	if (note != NULL && pieces.count + 1 < MESSAGES_MAX)
		add_text(&out, note);
	add_sound(&out, "},", url, duration_ms);
	return finish(&out, &pieces, len);
}

char *
message_plain(const char *messages)
{
	json_t *all = json_loads(messages, 0, NULL), *one;
	const char *text;
	struct buf out;
	size_t i;

	if (!json_is_array(all)) {
		json_decref(all);
		return NULL;
	}
	buf_init(&out, BYTES_MAX);
	json_array_foreach (all, i, one) {
		text = json_string_value(json_object_get(one, "text"));
		if (text == NULL)
			continue;
		buf_puts(&out, out.len > 0 ? "\n\n" : "");
		buf_puts(&out, text);
	}
	json_decref(all);
	return buf_take(&out, NULL);
}

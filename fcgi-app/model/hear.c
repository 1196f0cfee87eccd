/* hear - a recording as a request, and transcripts of silence. */
#include "model/hear.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/quote.h"
#include "base/utf8.h"

enum { HEAD_MAX = 4096, GROUP = 3, CODE = 4 };

static const char prompt[] =
    "Write down word for word what is said in this recording, in the language "
    "that is spoken. Do not answer it, do not translate it, and add nothing. "
    "If no speech can be made out, write only: [no speech]";
static const char begin[] = "{\"contents\":[{\"role\":\"user\",\"parts\":[";
static const char tail[] = "\"}}]}]}";

/* ---- what it is --------------------------------------------------------- */

/* mime NULL: MP4. */
static const struct {
	size_t at;
	const char *bytes;
	const char *mime;
} kinds[] = {
	{ 4, "ftyp", NULL },
	{ 8, "WAVE", "audio/wav" },
	{ 0, "OggS", "audio/ogg" },
	{ 0, "fLaC", "audio/flac" },
	{ 0, "ID3", "audio/mp3" },
	{ 0, "\xff\xfb", "audio/mp3" },
	{ 0, "\xff\xf3", "audio/mp3" },
	{ 0, "\xff\xf1", "audio/aac" },
	{ 0, "\xff\xf9", "audio/aac" },
};

const char *
hear_mime(const char *bytes, size_t len, const char *mp4)
{
	size_t i, n;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		n = strlen(kinds[i].bytes);
		if (len >= kinds[i].at + n &&
		    memcmp(bytes + kinds[i].at, kinds[i].bytes, n) == 0)
			return kinds[i].mime == NULL ? mp4 : kinds[i].mime;
	}
	return NULL;
}

/* ---- the request -------------------------------------------------------- */

int
hear_body_init(struct hear_body *body, const char *model, const char *mime,
    const char *audio, size_t len)
{
	struct buf head;

	buf_init(&head, HEAD_MAX);
	buf_puts(&head, begin);
	if (strstr(model, "transcribe") == NULL) {
		buf_puts(&head, "{\"text\":\"");
		quote_json(&head, prompt, sizeof(prompt) - 1);
		buf_puts(&head, "\"},");
	}
	buf_puts(&head, "{\"inlineData\":{\"mimeType\":\"");
	quote_json(&head, mime, strlen(mime));
	buf_puts(&head, "\",\"data\":\"");
	body->head = buf_take(&head, &body->head_len);
	body->audio = audio;
	body->audio_len = len;
	return body->head == NULL ? -1 : 0;
}

void
hear_body_release(struct hear_body *body)
{
	free(body->head);
	*body = (struct hear_body){ 0 };
}

static size_t
code_len(size_t len)
{
	return (len + GROUP - 1) / GROUP * CODE;
}

size_t
hear_body_len(const struct hear_body *body)
{
	return body->head_len + code_len(body->audio_len) + sizeof(tail) - 1;
}

/* Base64 of up to three bytes. */
static void
encode_group(const char *bytes, size_t len, char to[CODE])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = (uint32_t)(unsigned char)bytes[0] << 16;

	if (len > 1)
		bits |= (uint32_t)(unsigned char)bytes[1] << 8;
	if (len > 2)
		bits |= (unsigned char)bytes[2];
	to[0] = digits[bits >> 18];
	to[1] = digits[bits >> 12 & 63];
	to[2] = len > 1 ? digits[bits >> 6 & 63] : '=';
	to[3] = len > 2 ? digits[bits & 63] : '=';
}

/* size bytes of the recording's base64, which has so many, from offset on. */
static void
read_code(const struct hear_body *body, size_t offset, char *to, size_t size)
{
	char code[CODE];
	size_t from, skip, n;

	while (size > 0) {
		from = offset / CODE * GROUP;
		skip = offset % CODE;
		encode_group(body->audio + from, body->audio_len - from, code);
		n = CODE - skip < size ? CODE - skip : size;
		memcpy(to, code + skip, n);
		to += n;
		offset += n;
		size -= n;
	}
}

/* As much of a piece, which begins at *offset 0, as is wanted. */
static size_t
part(size_t len, size_t *offset, size_t size)
{
	size_t n;

	if (*offset >= len) {
		*offset -= len;
		return 0;
	}
	n = len - *offset < size ? len - *offset : size;
	return n;
}

size_t
hear_body_read(const void *from, size_t offset, char *to, size_t size)
{
	const struct hear_body *body = from;
	size_t n;

	if ((n = part(body->head_len, &offset, size)) > 0)
		memcpy(to, body->head + offset, n);
	else if ((n = part(code_len(body->audio_len), &offset, size)) > 0)
		read_code(body, offset, to, n);
	else if ((n = part(sizeof(tail) - 1, &offset, size)) > 0)
		memcpy(to, tail + offset, n);
	return n;
}

/* ---- silence ------------------------------------------------------------ */

/* A remark of the model's about the recording, instead of words. */
static bool
is_remark(const char *text, size_t len)
{
	static const char *const pairs[][2] = { { "[", "]" }, { "(", ")" },
		{ "\xe3\x80\x90", "\xe3\x80\x91" },
		{ "\xef\xbc\x88", "\xef\xbc\x89" } };
	const char *last;
	size_t i, n;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		n = strlen(pairs[i][1]);
		if (len < 2 * n || strncmp(text, pairs[i][0], n) != 0)
			continue;
		last = strstr(text, pairs[i][1]);
		return last == text + len - n;
	}
	return false;
}

/* Punctuation, as far as models write it where they hear nothing. */
static bool
is_mark(uint32_t c)
{
	if (c < 0x80)
		return strchr(".,!?-_*\"'~", (int)c) != NULL;
	return (c >= 0x2010 && c <= 0x205e) || (c >= 0x3001 && c <= 0x301f) ||
	    c == 0xff0c || c == 0xff0e || c == 0xff01 || c == 0xff1f;
}

bool
hear_is_silence(const char *text)
{
	size_t len = strlen(text), i, n;
	uint32_t c;

	if (is_remark(text, len))
		return true;
	for (i = 0; i < len; i += n) {
		n = utf8_next(text + i, len - i, &c);
		if (n == 0 || !(utf8_is_space(c) || is_mark(c)))
			return false;
	}
	return true;
}

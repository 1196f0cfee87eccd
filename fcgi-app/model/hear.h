/*
 * hear.h - what a model is sent so that it writes down what was said.
 *
 * POST to GEMINI_BASE plus gemini_path(STT_MODEL); gemini_parse() reads the
 * answer.  Models whose name says "transcribe" want the recording alone, all
 * others are told what to do with it.
 */
#ifndef MODEL_HEAR_H
#define MODEL_HEAR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The MIME type of a recording, by its first bytes; that of MP4 is what models
 * disagree about, so it is given.  NULL: it is none that we know.
 */
const char *hear_mime(const char *bytes, size_t len, const char *mp4);

/*
 * The body of the request, made in pieces: a recording and its base64 never
 * lie in memory side by side.
 */
struct hear_body {
	char *head; /* new */
	size_t head_len;
	const char *audio; /* borrowed */
	size_t audio_len;
};

/* 0, or -1 when memory is short; then there is nothing to release. */
int hear_body_init(struct hear_body *, const char *model, const char *mime,
    const char *audio, size_t len);
void hear_body_release(struct hear_body *);

/* How long it is, in bytes. */
size_t hear_body_len(const struct hear_body *);

/*
 * Writes up to size bytes of from, a struct hear_body, from offset on; returns
 * how many, 0 at its end.  Of the form that net.h wants of a source.
 */
size_t hear_body_read(const void *from, size_t offset, char *to, size_t size);

/* Does a transcript say that nothing was said? */
bool hear_is_silence(const char *text);

#endif

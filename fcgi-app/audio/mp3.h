/*
 * mp3.h - samples to MP3: one channel, 24 kHz, 48 kbit/s.
 *
 * LAME does it; this is its only home.  An encoder is fed slice by slice, so
 * that whoever drives it can stop between two of them, and none takes longer
 * than a few ms.  It belongs to one thread at a time.
 */
#ifndef AUDIO_MP3_H
#define AUDIO_MP3_H

#include <stddef.h>
#include <stdint.h>

#include "audio/pcm.h"

struct mp3; /* opaque: an encoder under way */

enum mp3_rc {
	MP3_MORE = 0, /* call again */
	MP3_DONE,     /* mp3_take() has it */
	MP3_TOO_BIG,  /* would be more than max bytes */
	MP3_ERR       /* memory is short, or LAME refuses */
};

/*
 * A new encoder for these samples, which it borrows until mp3_free(); for at
 * most max bytes.  NULL when memory is short.  mp3_free() takes the handle and
 * leaves NULL behind.
 */
struct mp3 *mp3_new(const struct pcm *, size_t max);
void mp3_free(struct mp3 **);

/*
 * Encodes the next slice.  After MP3_DONE or a failure, it is what every
 * further call returns.
 */
enum mp3_rc mp3_step(struct mp3 *);

/* After MP3_DONE, once: the file, new, its length in *len. */
char *mp3_take(struct mp3 *, size_t *len);

#endif

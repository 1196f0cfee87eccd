/*
 * pcm.h - what a speech model sent: a whole WAV file or bare samples.
 *
 * Some models say "audio/wav" and send a file, others "audio/L16; rate=24000"
 * and send samples of 16 bits, little endian in spite of that name.  What the
 * bytes are decides, as far as they tell; of their own sizes nothing is
 * believed that goes beyond the bytes there are.
 */
#ifndef AUDIO_PCM_H
#define AUDIO_PCM_H

#include <stddef.h>
#include <stdint.h>

enum pcm_rc {
	PCM_OK = 0,
	PCM_EMPTY,   /* not one sample */
	PCM_UNKNOWN, /* neither WAV nor said to be bare samples */
	PCM_FORMAT,  /* samples other than 16 bits, or no format at all */
	PCM_RATE,    /* a rate or a number of channels that cannot be */
	PCM_RC__MAX
};

/* Samples per second and channels that are taken. */
enum { PCM_RATE_MIN = 8000, PCM_RATE_MAX = 192000, PCM_CHANNELS_MAX = 2 };

struct pcm {
	const unsigned char *bytes; /* borrowed; any alignment */
	size_t frames;              /* a sample of each channel is one */
	unsigned rate;              /* frames a second */
	unsigned channels;
};

/*
 * Finds the samples in len bytes.  type is their media type, as it was sent;
 * "" if it was not.  *pcm borrows the bytes, and is all 0 unless PCM_OK.
 */
enum pcm_rc pcm_find(struct pcm *, const void *bytes, size_t len,
    const char *type);

/* How long it sounds, rounded to ms. */
uint64_t pcm_duration_ms(const struct pcm *);

/*
 * Copies n frames from frame at on into out, one sample each: channels are
 * mixed.  at + n is at most frames.
 */
void pcm_read(const struct pcm *, size_t at, size_t n, int16_t *out);

/* For the log; never NULL. */
const char *pcm_rc_name(enum pcm_rc);

#endif

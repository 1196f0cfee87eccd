/*
 * mp3 - samples to MP3, by LAME.
 *
 * The first frame of the file says how many samples follow and how many of
 * them are LAME's own, before and after ours.  Players take those off, so the
 * length they show is ours.  LAME knows the numbers only at the end, hence
 * the frame is written twice.  At a constant 48 kbit/s a frame would have no
 * room for them, so it is 48 on average.
 */
#include <lame/lame.h>
#include <string.h>

#include "audio/mp3.h"
#include "base/buf.h"

enum { OUT_RATE = 24000, OUT_KBITS = 48, QUALITY = 5 };

/* Divides a second: LAME needs less than 5 ms for one of these. */
enum { SLICES_A_SECOND = 10 };
enum { SLICE_MAX = PCM_RATE_MAX / SLICES_A_SECOND };

/* LAME's own bound: 5/4 of the samples and 7200 more. */
enum { OUT_MAX = SLICE_MAX + SLICE_MAX / 4 + 7200 };

struct mp3 {
	lame_global_flags *lame;
	struct pcm pcm;
	size_t at; /* frames that LAME has had */
	struct buf file;
	enum mp3_rc rc;
	int16_t in[SLICE_MAX];
	unsigned char out[OUT_MAX];
};

static void
be_silent(const char *format, va_list args)
{
	(void)format;
	(void)args;
}

static int
set_up(lame_global_flags *lame, unsigned rate)
{
	int rc = 0;

	rc |= lame_set_errorf(lame, be_silent);
	rc |= lame_set_msgf(lame, be_silent);
	rc |= lame_set_debugf(lame, be_silent);
	rc |= lame_set_num_channels(lame, 1);
	rc |= lame_set_mode(lame, MONO);
	rc |= lame_set_in_samplerate(lame, (int)rate);
	rc |= lame_set_out_samplerate(lame, OUT_RATE);
	rc |= lame_set_VBR(lame, vbr_abr);
	rc |= lame_set_VBR_mean_bitrate_kbps(lame, OUT_KBITS);
	rc |= lame_set_quality(lame, QUALITY);
	rc |= lame_set_bWriteVbrTag(lame, 1);
	return rc < 0 ? -1 : lame_init_params(lame);
}

struct mp3 *
mp3_new(const struct pcm *pcm, size_t max)
{
	struct mp3 *mp3 = calloc(1, sizeof(*mp3));

	if (mp3 == NULL)
		return NULL;
	mp3->pcm = *pcm;
	buf_init(&mp3->file, max);
	mp3->lame = lame_init();
	if (mp3->lame == NULL || set_up(mp3->lame, pcm->rate) == -1)
		mp3_free(&mp3);
	return mp3;
}

void
mp3_free(struct mp3 **mp3)
{
	struct mp3 *gone = *mp3;

	*mp3 = NULL;
	if (gone == NULL)
		return;
	if (gone->lame != NULL)
		lame_close(gone->lame);
	buf_release(&gone->file);
	free(gone);
}

/* Writes the first frame again, now that its numbers are known. */
static void
finish_head(struct mp3 *mp3)
{
	size_t len =
	    lame_get_lametag_frame(mp3->lame, mp3->out, sizeof(mp3->out));

	if (len > 0 && len <= sizeof(mp3->out) && len <= mp3->file.len)
		memcpy(mp3->file.data, mp3->out, len);
}

/* Takes what LAME made of a slice: n bytes in out, or its complaint. */
static enum mp3_rc
take_out(struct mp3 *mp3, int n)
{
	if (n < 0)
		return MP3_ERR;
	if ((size_t)n > mp3->file.max - mp3->file.len)
		return MP3_TOO_BIG;
	return buf_add(&mp3->file, mp3->out, (size_t)n) == 0 ? MP3_MORE
							     : MP3_ERR;
}

static enum mp3_rc
encode_slice(struct mp3 *mp3)
{
	size_t n = mp3->pcm.rate / SLICES_A_SECOND;

	if (n > mp3->pcm.frames - mp3->at)
		n = mp3->pcm.frames - mp3->at;
	pcm_read(&mp3->pcm, mp3->at, n, mp3->in);
	mp3->at += n;
	return take_out(mp3,
	    lame_encode_buffer(mp3->lame, mp3->in, NULL, (int)n, mp3->out,
		sizeof(mp3->out)));
}

static enum mp3_rc
encode_end(struct mp3 *mp3)
{
	enum mp3_rc rc = take_out(mp3,
	    lame_encode_flush(mp3->lame, mp3->out, sizeof(mp3->out)));

	if (rc != MP3_MORE)
		return rc;
	finish_head(mp3);
	return MP3_DONE;
}

enum mp3_rc
mp3_step(struct mp3 *mp3)
{
	if (mp3->rc != MP3_MORE)
		return mp3->rc;
	if (mp3->at < mp3->pcm.frames)
		mp3->rc = encode_slice(mp3);
	else
		mp3->rc = encode_end(mp3);
	return mp3->rc;
}

char *
mp3_take(struct mp3 *mp3, size_t *len)
{
	return buf_take(&mp3->file, len);
}

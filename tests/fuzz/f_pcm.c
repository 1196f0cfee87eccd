/*
 * f_pcm - any bytes as an answer of a speech model: the first line is their
 * type.  What is found lies within them and can be encoded.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audio/mp3.h"
#include "audio/pcm.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { TYPE_MAX = 64, FILE_MAX = 1024 * 1024 };

/* Encoding is slow; a few inputs of few samples do. */
static void
encode(const struct pcm *pcm)
{
	struct mp3 *mp3 = mp3_new(pcm, FILE_MAX);
	enum mp3_rc rc;

	if (mp3 == NULL)
		return;
	while ((rc = mp3_step(mp3)) == MP3_MORE)
		;
	if (rc != MP3_DONE)
		abort();
	mp3_free(&mp3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *end =
	    memchr(bytes, '\n', len < TYPE_MAX ? len : TYPE_MAX);
	const uint8_t *limit;
	char type[TYPE_MAX + 1] = "";
	struct pcm pcm;
	int16_t last;

	if (end == NULL)
		return 0;
	memcpy(type, bytes, (size_t)(end - bytes));
	limit = bytes + len;
	len -= (size_t)(end + 1 - bytes);
	if (pcm_find(&pcm, end + 1, len, type) != PCM_OK) {
		if (pcm.bytes != NULL || pcm.frames != 0)
			abort();
		return 0;
	}
	if (pcm.bytes < end + 1 || pcm.frames == 0 ||
	    pcm.frames * 2 * pcm.channels > (size_t)(limit - pcm.bytes))
		abort();
	pcm_read(&pcm, pcm.frames - 1, 1, &last);
	if (pcm.frames < 16 && last % 16 == 0)
		encode(&pcm);
	return 0;
}

/*
 * f_speak - any answer of a speech model, whole and in pieces, which must not
 * matter; and what is found in it, as samples.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audio/pcm.h"
#include "model/speak.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { SOUND_MAX = 4096 };

static void
read_in(const char *body, size_t len, size_t piece, struct speak_reply *reply)
{
	struct speak_reader reader;
	size_t at, n;

	speak_begin(&reader, SOUND_MAX);
	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		if (speak_feed(&reader, body + at, n) == -1)
			break;
	}
	speak_end(&reader, 200, reply);
	if ((reply->outcome == GEMINI_ANSWER) != (reply->sound != NULL) ||
	    reply->len > SOUND_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct speak_reply whole, cut;
	struct pcm pcm;

	read_in((const char *)bytes, len, len + 1, &whole);
	read_in((const char *)bytes, len, 3, &cut);
	if (whole.outcome != cut.outcome || whole.len != cut.len ||
	    (whole.len > 0 && memcmp(whole.sound, cut.sound, whole.len) != 0))
		abort();
	if (whole.sound != NULL)
		pcm_find(&pcm, whole.sound, whole.len, whole.type);
	speak_reply_release(&whole);
	speak_reply_release(&cut);
	return 0;
}

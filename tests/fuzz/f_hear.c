/*
 * f_hear - recordings and transcripts of any bytes.
 *
 * The first byte is the size of the pieces that a request is read in.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/hear.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
try_body(const char *audio, size_t len, size_t piece)
{
	struct hear_body body;
	size_t at = 0, n;
	char *to;

	if (hear_body_init(&body, "transcribe", "audio/m4a", audio, len) == -1)
		return;
	to = malloc(piece);
	if (to == NULL)
		abort();
	while ((n = hear_body_read(&body, at, to, piece)) > 0) {
		if (n > piece || memchr(to, '\0', n) != NULL)
			abort();
		at += n;
	}
	if (at != hear_body_len(&body))
		abort();
	free(to);
	hear_body_release(&body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *copy;

	if (len == 0)
		return 0;
	copy = malloc(len);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes + 1, len - 1);
	copy[len - 1] = '\0';
	(void)hear_is_silence(copy);
	(void)hear_mime(copy, len - 1, "audio/mp4");
	try_body(copy, len - 1, bytes[0] + 1u);
	free(copy);
	return 0;
}

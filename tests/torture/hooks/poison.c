/*
 * poison.c - the poisoned event: a question that holds the word "poison"
 * crashes whoever makes a request of it, every time.
 *
 * wraps: gemini_request
 */
#include <stdlib.h>
#include <string.h>

#include "model/gemini.h"

char *__real_gemini_request(const struct gemini_ask *, size_t *len);
char *__wrap_gemini_request(const struct gemini_ask *, size_t *len);

char *
__wrap_gemini_request(const struct gemini_ask *ask, size_t *len)
{
	if (strstr(ask->question, "poison") != NULL)
		abort();
	return __real_gemini_request(ask, len);
}

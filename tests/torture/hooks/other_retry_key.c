/*
 * other_retry_key.c - every attempt to push carries a retry key of its own.
 *
 * wraps: api_retry_key
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "line/api.h"

void __real_api_retry_key(const uint8_t key[16], char *out);
void __wrap_api_retry_key(const uint8_t key[16], char *out);

void
__wrap_api_retry_key(const uint8_t key[16], char *out)
{
	uint8_t other[16];

	memcpy(other, key, sizeof(other));
	if (getrandom(other, sizeof(other), 0) == -1)
		abort();
	__real_api_retry_key(other, out);
}

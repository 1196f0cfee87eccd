/*
 * dies_and_draws_names.c - the same deaths, and each process that makes the
 * sound of an answer draws a new name for it.
 *
 * wraps: voice_make mp3_step renameat shelf_put shelf_name
 */
#include <sys/random.h>

#include "dies.h"

void __real_shelf_name(const uint8_t *bits, char name[SHELF_NAME_SIZE]);
void __wrap_shelf_name(const uint8_t *bits, char name[SHELF_NAME_SIZE]);

void
__wrap_shelf_name(const uint8_t *bits, char name[SHELF_NAME_SIZE])
{
	uint8_t drawn[SHELF_BITS / 8];

	(void)bits;
	if (getrandom(drawn, sizeof(drawn), 0) == (ssize_t)sizeof(drawn))
		__real_shelf_name(drawn, name);
}

/*
 * sound_forgotten.c - an answer with its sound is not written down: its process
 * alone has it, and who takes the answer over knows the text.
 *
 * wraps: store_steps
 */
#include <string.h>

#include "store/store.h"

enum store_rc __real_store_steps(struct store *, struct store_step *, size_t n,
    struct store_now);
enum store_rc __wrap_store_steps(struct store *, struct store_step *, size_t n,
    struct store_now);

enum store_rc
__wrap_store_steps(struct store *store, struct store_step *steps, size_t n,
    struct store_now now)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (steps[i].kind == STORE_ANSWER &&
		    strstr(steps[i].reply, "originalContentUrl") != NULL)
			steps[i].kind = STORE_SAVE;
	return __real_store_steps(store, steps, n, now);
}

/*
 * poison_unblamed.c - the poisoned event, and nobody asks whose fault a crash
 * was.
 *
 * wraps: gemini_request worker_marked
 */
#include "tests/torture/hooks/poison.c"

#include "store/store_priv.h"

bool __wrap_worker_marked(struct store *, struct owner,
    const struct store_job_id *);

bool
__wrap_worker_marked(struct store *store, struct owner owner,
    const struct store_job_id *id)
{
	(void)store;
	(void)owner;
	(void)id;
	return false;
}

/*
 * poison_forgotten.c - the poisoned event, and whoever takes it up does not
 * know that others died of it.
 *
 * wraps: gemini_request store_load
 */
#include <stdlib.h>
#include <string.h>

#include "model/gemini.h"
#include "store/store.h"

char *__real_gemini_request(const struct gemini_ask *, size_t *len);
char *__wrap_gemini_request(const struct gemini_ask *, size_t *len);
enum store_rc __real_store_load(struct store *, const struct store_lease *,
    struct store_now, struct store_job *);
enum store_rc __wrap_store_load(struct store *, const struct store_lease *,
    struct store_now, struct store_job *);

char *
__wrap_gemini_request(const struct gemini_ask *ask, size_t *len)
{
	if (strstr(ask->question, "poison") != NULL)
		abort();
	return __real_gemini_request(ask, len);
}

enum store_rc
__wrap_store_load(struct store *store, const struct store_lease *lease,
    struct store_now now, struct store_job *job)
{
	enum store_rc rc = __real_store_load(store, lease, now, job);

	if (rc == STORE_OK) {
		job->progress.crashes = 0;
		job->progress.tries = 1;
	}
	return rc;
}

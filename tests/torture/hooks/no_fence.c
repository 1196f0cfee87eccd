/*
 * no_fence.c - a store that takes any worker's step, however late it comes:
 * each job seems to have the fence that the step brings along.
 *
 * wraps: store_steps job_get
 */
#include <string.h>

#include "store/store_priv.h"

enum store_rc __real_store_steps(struct store *, struct store_step *, size_t,
    struct store_now);
enum store_rc __wrap_store_steps(struct store *, struct store_step *, size_t,
    struct store_now);
enum store_rc __real_job_get(struct tx *, const struct store_job_id *,
    struct job *);
enum store_rc __wrap_job_get(struct tx *, const struct store_job_id *,
    struct job *);

static _Thread_local struct store_step *under_way;
static _Thread_local size_t n_under_way;

enum store_rc
__wrap_store_steps(struct store *s, struct store_step *steps, size_t n,
    struct store_now now)
{
	enum store_rc rc;

	under_way = steps;
	n_under_way = n;
	rc = __real_store_steps(s, steps, n, now);
	n_under_way = 0;
	return rc;
}

enum store_rc
__wrap_job_get(struct tx *tx, const struct store_job_id *id, struct job *job)
{
	enum store_rc rc = __real_job_get(tx, id, job);
	const struct store_lease *lease;
	size_t i;

	for (i = 0; rc == STORE_OK && i < n_under_way; i++) {
		lease = &under_way[i].lease;
		if (lease->id.seq == id->seq &&
		    memcmp(lease->id.user, id->user, USER) == 0)
			job->fence = lease->fence;
	}
	return rc;
}

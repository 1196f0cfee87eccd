/*
 * store.c - what stands between an engine and the store in memory: death and
 * standstill at each call, failures, and what the ledger hears of it.
 */
#include <string.h>

#include "jobs/delivery.h"
#include "tests/sim/sim.h"

enum { ROOM_SHORT = 1000 }; /* for so short a reply there is always room */

#define WRAP(type, name, ...)            \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

/* clang-format off */
WRAP(enum store_rc, store_admit, struct store *, const struct store_event *,
    size_t, const struct store_limits *, struct store_now,
    struct store_verdict *);
WRAP(enum store_rc, store_load, struct store *, const struct store_lease *,
    struct store_now, struct store_job *);
WRAP(enum store_rc, store_claim, struct store *, size_t, size_t, uint32_t,
    struct store_now, struct store_lease *, size_t *, bool *);
WRAP(enum store_rc, store_steps, struct store *, struct store_step *, size_t,
    struct store_now);
WRAP(void, store_mark, struct store *, const struct store_job_id *);
WRAP(bool, store_breaker_pass, struct store *, const struct store_breaker *,
    struct store_now, uint32_t *);
WRAP(bool, store_breaker_report, struct store *, const struct store_breaker *,
    enum store_report, struct store_now);
WRAP(bool, store_pace, struct store *, uint32_t, uint32_t, struct store_now);
WRAP(enum delivery_verdict, delivery_judge, struct store_progress *,
    enum delivery_way, enum delivery_result, const struct delivery_rules *);
/* clang-format on */

/* What the store says when it cannot, of those that a call may say. */
static enum store_rc
failure(enum store_rc other)
{
	enum store_rc rc = sim_below(2) == 0 ? other : STORE_ERR;

	sim_say("the store says %d", (int)rc);
	return rc;
}

enum store_rc
__wrap_store_admit(struct store *s, const struct store_event *events, size_t n,
    const struct store_limits *limits, struct store_now now,
    struct store_verdict *verdicts)
{
	enum store_rc rc;
	size_t i;

	if (!proc_survives("before admitting"))
		return STORE_ERR;
	if (sim_fault(FAULT_STORE))
		return failure(sim_below(2) == 0 ? STORE_BUSY : STORE_FULL);
	rc = __real_store_admit(s, events, n, limits, now, verdicts);
	for (i = 0; rc == STORE_OK && i < n; i++)
		ledger_admitted(ledger_by_id(events[i].id), &verdicts[i],
		    now.boot_ms - sim.boot_ms);
	return proc_survives("after admitting") ? rc : STORE_ERR;
}

enum store_rc
__wrap_store_load(struct store *s, const struct store_lease *lease,
    struct store_now now, struct store_job *job)
{
	memset(job, 0, sizeof(*job));
	if (!proc_survives("before loading"))
		return STORE_FENCED;
	if (sim_fault(FAULT_STORE))
		return failure(STORE_ERR);
	return __real_store_load(s, lease, now, job);
}

enum store_rc
__wrap_store_claim(struct store *s, size_t max, size_t held, uint32_t lease_ms,
    struct store_now now, struct store_lease *leases, size_t *n, bool *alone)
{
	enum store_rc rc;
	size_t i;

	*n = 0;
	*alone = false;
	if (!proc_survives("before claiming"))
		return STORE_NONE;
	if (sim_fault(FAULT_STORE))
		return failure(STORE_BUSY);
	rc = __real_store_claim(s, max, held, lease_ms, now, leases, n, alone);
	for (i = 0; i < *n; i++)
		ledger_claimed(&leases[i]);
	if (rc != STORE_OK || proc_survives("after claiming"))
		return rc;
	*n = 0;
	*alone = false;
	return STORE_NONE;
}

/* To a dead process every job was taken by another one: it lets go. */
static enum store_rc
all_fenced(struct store_step *steps, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		steps[i].rc = STORE_FENCED;
	return STORE_OK;
}

static enum store_rc
commit(struct store *s, struct store_step *steps, size_t n,
    struct store_now now)
{
	enum store_rc rc = __real_store_steps(s, steps, n, now);
	size_t i;

	for (i = 0; rc == STORE_OK && i < n; i++)
		ledger_stepped(&steps[i]);
	return rc;
}

/* The control takes a step that commits to a push, and does not write it. */
static bool
is_forgotten(const struct store_step *step)
{
	return sim.control == CONTROL_INTENT && step->kind == STORE_SAVE &&
	    step->progress.intent == DELIVERY_PUSH;
}

static bool
has_no_room(const struct store_step *step)
{
	bool asks = step->kind == STORE_HEARD ||
	    (step->kind == STORE_ANSWER &&
		(step->reply_len > ROOM_SHORT || step->follow != NULL));

	return asks && sim_fault(FAULT_STORE);
}

static enum store_rc
no_room(void)
{
	sim_say("the store has no room for it");
	return STORE_FULL;
}

/* Some of the steps: rc is each one's own. */
static enum store_rc
commit_some(struct store *s, struct store_step *steps, size_t n,
    struct store_now now)
{
	enum store_rc rc = STORE_OK;
	size_t i;

	for (i = 0; rc == STORE_OK && i < n; i++)
		if (is_forgotten(&steps[i]))
			steps[i].rc = STORE_OK;
		else if (has_no_room(&steps[i]))
			steps[i].rc = no_room();
		else
			rc = commit(s, &steps[i], 1, now);
	return rc;
}

enum store_rc
__wrap_store_steps(struct store *s, struct store_step *steps, size_t n,
    struct store_now now)
{
	enum store_rc rc;

	if (!proc_survives("before committing"))
		return all_fenced(steps, n);
	if (sim_fault(FAULT_STORE))
		return failure(n > 1 ? STORE_FULL : STORE_BUSY);
	rc = commit_some(s, steps, n, now);
	return proc_survives("after committing") ? rc : all_fenced(steps, n);
}

void
__wrap_store_mark(struct store *s, const struct store_job_id *id)
{
	if (!sim.current->muted)
		__real_store_mark(s, id);
}

bool
__wrap_store_breaker_pass(struct store *s, const struct store_breaker *breaker,
    struct store_now now, uint32_t *wait_ms)
{
	return !sim.current->muted &&
	    __real_store_breaker_pass(s, breaker, now, wait_ms);
}

bool
__wrap_store_breaker_report(struct store *s,
    const struct store_breaker *breaker, enum store_report report,
    struct store_now now)
{
	return !sim.current->muted &&
	    __real_store_breaker_report(s, breaker, report, now);
}

bool
__wrap_store_pace(struct store *s, uint32_t gap_us, uint32_t burst,
    struct store_now now)
{
	return !sim.current->muted && __real_store_pace(s, gap_us, burst, now);
}

/* The control: whatever is unknown is pushed. */
enum delivery_verdict
__wrap_delivery_judge(struct store_progress *p, enum delivery_way way,
    enum delivery_result result, const struct delivery_rules *rules)
{
	enum delivery_verdict verdict =
	    __real_delivery_judge(p, way, result, rules);

	if (sim.control != CONTROL_NAIVE || way != DELIVERY_BY_REPLY ||
	    result != RESULT_UNKNOWN)
		return verdict;
	p->intent = DELIVERY_PUSH;
	return VERDICT_SWITCH;
}

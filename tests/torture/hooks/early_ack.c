/*
 * early_ack.c - what the promise of the disk is worth: every event is
 * acknowledged at once, and admitted a moment later by a thread.  When nobody
 * dies in between, all goes well.
 *
 * It is for webhooks of one event each.  Nothing is freed: processes of this
 * kind die young.
 *
 * wraps: store_prepare store_prepared_free store_verdicts store_admit_ready
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"

enum { LATER_US = 300000, KEPT = 4096 };

struct later {
	struct store *store;
	struct store_limits limits;
	struct store_prepared *bodies[STORE_BODIES_MAX];
	size_t n;
};

enum store_rc __real_store_prepare(struct store *, const struct store_event *,
    size_t, struct store_prepared **);
enum store_rc __wrap_store_prepare(struct store *, const struct store_event *,
    size_t, struct store_prepared **);
void __wrap_store_prepared_free(struct store_prepared *);
const struct store_verdict *
__real_store_verdicts(const struct store_prepared *);
const struct store_verdict *
__wrap_store_verdicts(const struct store_prepared *);
enum store_rc __real_store_admit_ready(struct store *, store_gather_fn *,
    void *, const struct store_limits *, struct store_now);
enum store_rc __wrap_store_admit_ready(struct store *, store_gather_fn *,
    void *, const struct store_limits *, struct store_now);

static const char *
copy(const char *text)
{
	return text == NULL ? NULL : strdup(text);
}

/* The webhook frees its own events when it has answered. */
static const struct store_event *
keep(const struct store_event *event)
{
	static struct store_event kept[KEPT];
	static atomic_size_t n;
	struct store_event *to = &kept[atomic_fetch_add(&n, 1) % KEPT];

	*to = *event;
	to->id = copy(event->id);
	to->chat = copy(event->chat);
	to->to = copy(event->to);
	to->reply_token = copy(event->reply_token);
	to->quote_token = copy(event->quote_token);
	to->text = copy(event->text);
	return to;
}

enum store_rc
__wrap_store_prepare(struct store *store, const struct store_event *events,
    size_t n, struct store_prepared **out)
{
	if (n != 1)
		return STORE_ERR;
	return __real_store_prepare(store, keep(events), n, out);
}

void
__wrap_store_prepared_free(struct store_prepared *prepared)
{
	(void)prepared;
}

/* Nobody is told of the job: it will be claimed. */
const struct store_verdict *
__wrap_store_verdicts(const struct store_prepared *prepared)
{
	static const struct store_verdict none = { .fate = STORE_DUPLICATE };

	(void)prepared;
	return &none;
}

static size_t
gather(void *arg, struct store_prepared **bodies, size_t max)
{
	const struct later *later = arg;

	size_t i;

	for (i = 0; i < later->n && i < max; i++)
		bodies[i] = later->bodies[i];
	return i;
}

static struct store_now
time_now(void)
{
	struct store_now now = { clock_wall_ms(), clock_boot_ms(), { 0 } };

	(void)clock_boot_id(now.boot_id);
	return now;
}

static void
give_back(const struct later *later)
{
	struct store_step step = { .kind = STORE_WAIT };
	const struct store_verdict *verdict;
	size_t i;

	for (i = 0; i < later->n; i++) {
		verdict = __real_store_verdicts(later->bodies[i]);
		step.lease = verdict->lease;
		if (verdict->fate == STORE_ACCEPTED)
			(void)store_steps(later->store, &step, 1, time_now());
	}
}

static void *
admit_later(void *arg)
{
	struct later *later = arg;

	usleep(LATER_US);
	if (__real_store_admit_ready(later->store, gather, later,
		&later->limits, time_now()) == STORE_OK)
		give_back(later);
	return NULL;
}

enum store_rc
__wrap_store_admit_ready(struct store *store, store_gather_fn *ready, void *arg,
    const struct store_limits *limits, struct store_now now)
{
	struct later *later = calloc(1, sizeof(*later));
	pthread_t thread;

	(void)now;
	later->store = store;
	later->limits = *limits;
	later->n = ready(arg, later->bodies, STORE_BODIES_MAX);
	if (pthread_create(&thread, NULL, admit_later, later) != 0)
		return STORE_ERR;
	(void)pthread_detach(thread);
	return STORE_OK;
}

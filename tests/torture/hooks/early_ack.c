/*
 * early_ack.c - what the disk promise is worth: every event is acknowledged at
 * once, and admitted a moment later by a thread.  When nobody dies in between,
 * all goes well.
 *
 * wraps: store_admit
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"

enum { LATER_US = 300000 };

struct later {
	struct store *store;
	struct store_event *events;
	size_t n;
	struct store_limits limits;
};

enum store_rc __real_store_admit(struct store *, const struct store_event *,
    size_t n, const struct store_limits *, struct store_now,
    struct store_verdict *);
enum store_rc __wrap_store_admit(struct store *, const struct store_event *,
    size_t n, const struct store_limits *, struct store_now,
    struct store_verdict *);

static const char *
copy(const char *text)
{
	return text == NULL ? NULL : strdup(text);
}

static struct store_event *
copy_all(const struct store_event *events, size_t n)
{
	struct store_event *copies = calloc(n, sizeof(*copies));
	size_t i;

	for (i = 0; i < n; i++) {
		copies[i] = events[i];
		copies[i].id = copy(events[i].id);
		copies[i].chat = copy(events[i].chat);
		copies[i].to = copy(events[i].to);
		copies[i].reply_token = copy(events[i].reply_token);
		copies[i].quote_token = copy(events[i].quote_token);
		copies[i].text = copy(events[i].text);
	}
	return copies;
}

static struct store_now
time_now(void)
{
	struct store_now now = { clock_wall_ms(), clock_boot_ms(), { 0 } };

	(void)clock_boot_id(now.boot_id);
	return now;
}

/* The engine was not told, so the jobs are left to whoever claims them. */
static void
give_back(struct store *store, const struct store_verdict *verdicts, size_t n)
{
	struct store_step step = { .kind = STORE_WAIT };
	size_t i;

	for (i = 0; i < n; i++) {
		step.lease = verdicts[i].lease;
		if (verdicts[i].fate == STORE_ACCEPTED)
			(void)store_steps(store, &step, 1, time_now());
	}
}

static void *
admit_later(void *arg)
{
	struct later *later = arg;
	struct store_verdict *verdicts = calloc(later->n, sizeof(*verdicts));

	usleep(LATER_US);
	if (__real_store_admit(later->store, later->events, later->n,
		&later->limits, time_now(), verdicts) == STORE_OK)
		give_back(later->store, verdicts, later->n);
	free(verdicts);
	return NULL; /* the copies stay: processes of this kind die young */
}

enum store_rc
__wrap_store_admit(struct store *store, const struct store_event *events,
    size_t n, const struct store_limits *limits, struct store_now now,
    struct store_verdict *verdicts)
{
	struct later *later = calloc(1, sizeof(*later));
	pthread_t thread;
	size_t i;

	(void)now;
	*later = (struct later){ store, copy_all(events, n), n, *limits };
	for (i = 0; i < n; i++)
		verdicts[i] = (struct store_verdict){ .fate = STORE_DUPLICATE };
	if (pthread_create(&thread, NULL, admit_later, later) != 0)
		return STORE_ERR;
	(void)pthread_detach(thread);
	return STORE_OK;
}

/*
 * drain.c - who reads, who commits.
 */
#include "web/drain.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "web/reader.h"

_Static_assert((int)DRAIN_MAX >= (int)READER_SLOTS,
    "a commit takes all that can wait for it");

struct drain {
	struct drain_config config;
	struct reader *reader;
	int64_t began_us;     /* the last commit; of who has that role */
	atomic_bool large;    /* somebody reads a large request */
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t change;
	bool reading, committing; /* is the role taken? */
	bool ended;               /* nothing is read any more */
	struct slot *ready[READER_SLOTS];
	size_t n_ready; /* that wait for a commit */
};

enum role { ROLE_COMMIT = 0, ROLE_READ, ROLE_END };

struct drain *
drain_new(const struct drain_config *config)
{
	struct drain *drain = calloc(1, sizeof(*drain));

	if (drain == NULL)
		return NULL;
	drain->config = *config;
	drain->reader =
	    reader_new(config->listen_fd, config->stop_fd, config->body_max);
	if (drain->reader == NULL) {
		free(drain);
		return NULL;
	}
	pthread_mutex_init(&drain->lock, NULL);
	pthread_cond_init(&drain->change, NULL);
	return drain;
}

void
drain_free(struct drain *drain)
{
	if (drain == NULL)
		return;
	reader_free(drain->reader);
	pthread_cond_destroy(&drain->change);
	pthread_mutex_destroy(&drain->lock);
	free(drain);
}

/* --------------------------------------------------------- committing -- */

/* What one commit gathered. */
struct gathered {
	struct drain *drain;
	struct slot *slots[READER_SLOTS];
	struct web_request *requests[READER_SLOTS];
	size_t n;
};

static size_t
gather(void *arg, struct web_request **requests, size_t max)
{
	struct gathered *g = arg;
	struct drain *drain = g->drain;
	size_t i;

	pthread_mutex_lock(&drain->lock);
	g->n = drain->n_ready < max ? drain->n_ready : max;
	for (i = 0; i < g->n; i++)
		g->slots[i] = drain->ready[i];
	drain->n_ready -= g->n;
	for (i = 0; i < drain->n_ready; i++)
		drain->ready[i] = drain->ready[g->n + i];
	pthread_mutex_unlock(&drain->lock);
	for (i = 0; i < g->n; i++)
		requests[i] = g->requests[i] = g->slots[i]->web;
	return g->n;
}

static int64_t
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Meanwhile another thread, if there is one, reads what will come along. */
static void
keep_pace(struct drain *drain)
{
	int64_t left = drain->began_us +
	    drain->config.pace_us(drain->config.arg) - now_us();
	const struct timespec pause = { .tv_nsec = left * 1000 };

	if (left > 0 && left < 1000000)
		(void)nanosleep(&pause, NULL);
	drain->began_us = now_us();
}

/* Takes the role if it is free and has work; with the lock. */
static bool
take_commit(struct drain *drain)
{
	if (drain->n_ready == 0 || drain->committing)
		return false;
	drain->committing = true;
	return true;
}

static void
do_commit(struct drain *drain)
{
	struct gathered g = { .drain = drain };
	size_t i;

	keep_pace(drain);
	drain->config.commit(drain->config.arg, gather, &g);
	pthread_mutex_lock(&drain->lock);
	drain->committing = false;
	if (drain->n_ready > 0)
		pthread_cond_signal(&drain->change);
	pthread_mutex_unlock(&drain->lock);
	for (i = 0; i < g.n; i++)
		slot_answer(g.slots[i]);
	drain->config.after(drain->config.arg, g.requests, g.n);
	for (i = 0; i < g.n; i++)
		slot_free(g.slots[i]);
}

/* ------------------------------------------------------------ reading -- */

static void
finish(struct slot *slot)
{
	slot_answer(slot);
	slot_free(slot);
}

static void
wait_for_commit(struct drain *drain, struct slot *slot)
{
	pthread_mutex_lock(&drain->lock);
	drain->ready[drain->n_ready++] = slot;
	pthread_mutex_unlock(&drain->lock);
}

/* Answers those that need no more, puts those that take time into slow. */
static size_t
sort(struct drain *drain, struct reading *reading, struct slot **slow)
{
	struct slot *slot;
	size_t i, n_slow = 0;
	enum drain_way way;

	for (i = 0; i < reading->n; i++) {
		slot = reading->taken[i];
		way = DRAIN_ANSWER;
		if (slot->web->status == 0)
			way = drain->config.sort(drain->config.arg, slot->web);
		if (way == DRAIN_COMMIT)
			wait_for_commit(drain, slot);
		else if (way == DRAIN_SERVE)
			slow[n_slow++] = slot;
		else
			finish(slot);
	}
	return n_slow;
}

static void
serve(struct drain *drain, struct slot **slow, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		drain->config.serve(drain->config.arg, slow[i]->web);
		finish(slow[i]);
	}
}

/* Who has something to do that takes time lets nobody wait for his commit. */
static void
commit_first(struct drain *drain)
{
	bool mine;

	pthread_mutex_lock(&drain->lock);
	mine = take_commit(drain);
	pthread_mutex_unlock(&drain->lock);
	if (mine)
		do_commit(drain);
}

/*
 * One at a time, or slow senders of large requests would hold all threads.
 */
static void
serve_large(struct drain *drain, struct reading *reading)
{
	struct slot *slow[READER_SLOTS];
	bool came = slot_take_large(reading->large);

	atomic_store(&drain->large, false);
	if (!came)
		return;
	reading->taken[0] = reading->large;
	reading->n = 1;
	serve(drain, slow, sort(drain, reading, slow));
}

/* Gives the role back before it does what may take time. */
static void
do_read(struct drain *drain)
{
	struct slot *slow[READER_SLOTS];
	struct reading reading;
	size_t n;

	reader_read(drain->reader, !atomic_load(&drain->large), &reading);
	if (reading.large != NULL)
		atomic_store(&drain->large, true);
	n = sort(drain, &reading, slow);
	pthread_mutex_lock(&drain->lock);
	drain->reading = false;
	drain->ended = reading.ended;
	if (reading.large != NULL || n > 0 || reading.ended)
		pthread_cond_broadcast(&drain->change);
	pthread_mutex_unlock(&drain->lock);
	if (reading.large == NULL && n == 0)
		return;
	commit_first(drain);
	serve(drain, slow, n);
	if (reading.large != NULL)
		serve_large(drain, &reading);
}

/* -------------------------------------------------------------- roles -- */

/*
 * Waits for a role and takes it.  Who takes the commit lets somebody else
 * read; who reads needs nobody, since he commits what he has read himself
 * when the other one is still busy with answering.
 */
static enum role
take_role(struct drain *drain)
{
	while (true) {
		if (take_commit(drain)) {
			if (!drain->reading)
				pthread_cond_signal(&drain->change);
			return ROLE_COMMIT;
		}
		if (drain->ended)
			return ROLE_END;
		if (!drain->reading) {
			drain->reading = true;
			return ROLE_READ;
		}
		pthread_cond_wait(&drain->change, &drain->lock);
	}
}

void
drain_run(struct drain *drain)
{
	static void (*const roles[])(struct drain *) = {
		[ROLE_COMMIT] = do_commit,
		[ROLE_READ] = do_read,
	};
	enum role role;

	while (true) {
		pthread_mutex_lock(&drain->lock);
		role = take_role(drain);
		pthread_mutex_unlock(&drain->lock);
		if (role == ROLE_END)
			return;
		roles[role](drain);
	}
}

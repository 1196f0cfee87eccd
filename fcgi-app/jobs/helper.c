/*
 * helper.c - two lists behind a mutex, and the thread between them.
 */
#include "jobs/helper.h"

#include <sys/eventfd.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* First in, first out. */
struct line {
	struct chore *first, **last;
};

struct helper {
	pthread_mutex_t lock;
	pthread_cond_t change; /* waiting got longer, or over became true */
	pthread_t thread;
	struct line waiting, finished;
	struct chore *current;
	bool over;
	int bell;
};

static void
line_empty(struct line *line)
{
	line->first = NULL;
	line->last = &line->first;
}

static void
line_add(struct line *line, struct chore *chore)
{
	chore->next = NULL;
	*line->last = chore;
	line->last = &chore->next;
}

static struct chore *
line_take(struct line *line)
{
	struct chore *chore = line->first;

	if (chore != NULL && (line->first = chore->next) == NULL)
		line->last = &line->first;
	return chore;
}

/* Waits for the next chore; NULL when it is over. */
static struct chore *
next_chore(struct helper *helper)
{
	pthread_mutex_lock(&helper->lock);
	while (!helper->over && helper->waiting.first == NULL)
		pthread_cond_wait(&helper->change, &helper->lock);
	helper->current = helper->over ? NULL : line_take(&helper->waiting);
	pthread_mutex_unlock(&helper->lock);
	return helper->current;
}

static void
finish(struct helper *helper, struct chore *chore)
{
	pthread_mutex_lock(&helper->lock);
	helper->current = NULL;
	line_add(&helper->finished, chore);
	/* It fails only when the bell rings already. */
	(void)eventfd_write(helper->bell, 1);
	pthread_mutex_unlock(&helper->lock);
}

static void *
work(void *arg)
{
	struct helper *helper = arg;
	struct chore *chore;

	while ((chore = next_chore(helper)) != NULL) {
		if (!chore_is_unwanted(chore))
			chore->run(chore);
		finish(helper, chore);
	}
	return NULL;
}

struct helper *
helper_new(void)
{
	struct helper *helper = calloc(1, sizeof(*helper));

	if (helper == NULL)
		return NULL;
	helper->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (helper->bell == -1)
		goto no_bell;
	pthread_mutex_init(&helper->lock, NULL);
	pthread_cond_init(&helper->change, NULL);
	line_empty(&helper->waiting);
	line_empty(&helper->finished);
	if (pthread_create(&helper->thread, NULL, work, helper) == 0)
		return helper;
	pthread_cond_destroy(&helper->change);
	pthread_mutex_destroy(&helper->lock);
	close(helper->bell);
no_bell:
	free(helper);
	return NULL;
}

/* Tells the thread, and waits for its end. */
static void
end_thread(struct helper *helper)
{
	pthread_mutex_lock(&helper->lock);
	helper->over = true;
	if (helper->current != NULL)
		chore_drop(helper->current);
	pthread_cond_signal(&helper->change);
	pthread_mutex_unlock(&helper->lock);
	pthread_join(helper->thread, NULL);
}

void
helper_free(struct helper **helperp)
{
	struct helper *helper = *helperp;
	struct chore *chore;

	*helperp = NULL;
	if (helper == NULL)
		return;
	end_thread(helper);
	while ((chore = line_take(&helper->waiting)) != NULL) {
		chore_drop(chore);
		line_add(&helper->finished, chore);
	}
	helper_collect(helper);
	pthread_cond_destroy(&helper->change);
	pthread_mutex_destroy(&helper->lock);
	close(helper->bell);
	free(helper);
}

void
helper_give(struct helper *helper, struct chore *chore)
{
	atomic_init(&chore->unwanted, false);
	pthread_mutex_lock(&helper->lock);
	line_add(&helper->waiting, chore);
	pthread_cond_signal(&helper->change);
	pthread_mutex_unlock(&helper->lock);
}

bool
helper_take_back(struct helper *helper, struct chore *chore)
{
	struct line *waiting = &helper->waiting;
	struct chore **at;
	bool found;

	pthread_mutex_lock(&helper->lock);
	at = &waiting->first;
	while (*at != NULL && *at != chore)
		at = &(*at)->next;
	found = *at != NULL;
	if (found) {
		*at = chore->next;
		if (waiting->last == &chore->next)
			waiting->last = at;
	}
	pthread_mutex_unlock(&helper->lock);
	return found;
}

void
chore_drop(struct chore *chore)
{
	atomic_store(&chore->unwanted, true);
}

bool
chore_is_unwanted(struct chore *chore)
{
	return atomic_load(&chore->unwanted);
}

int
helper_fd(const struct helper *helper)
{
	return helper->bell;
}

size_t
helper_collect(struct helper *helper)
{
	struct chore *chore, *next;
	eventfd_t rings;
	size_t n = 0;

	pthread_mutex_lock(&helper->lock);
	(void)eventfd_read(helper->bell, &rings);
	chore = helper->finished.first;
	line_empty(&helper->finished);
	pthread_mutex_unlock(&helper->lock);
	for (; chore != NULL; chore = next, n++) {
		next = chore->next;
		chore->done(chore);
	}
	return n;
}

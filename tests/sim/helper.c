/*
 * helper.c - the helper's thread as time that passes, and its files as names.
 *
 * Chores are done one after the other.  What a process published stays when it
 * dies; what it was about to publish never comes.
 */
#include "jobs/helper.h"

#include <stdlib.h>
#include <string.h>

#include "audio/voice.h"
#include "jobs/job.h"
#include "jobs/utterance.h"
#include "tests/sim/sim.h"

#define WRAP(type, name, ...) type __wrap_##name(__VA_ARGS__)

enum { CHORES_MAX = 64, SOUND_MS = 3000 };

struct helper {
	struct chore *chores[CHORES_MAX]; /* the first first */
	size_t n;
	int64_t due_ms; /* of the first */
};

static char published[EVENTS_MAX * 2][SHELF_NAME_SIZE];
static size_t n_published;

/* clang-format off */
WRAP(struct helper *, helper_new, void);
WRAP(void, helper_free, struct helper **);
WRAP(void, helper_give, struct helper *, struct chore *);
WRAP(bool, helper_take_back, struct helper *, struct chore *);
WRAP(int, helper_fd, const struct helper *);
WRAP(enum shelf_rc, shelf_open, const char *);
WRAP(enum voice_rc, voice_make, const struct voice_order *, struct voice *);
/* clang-format on */

static void
begin_first(struct helper *helper)
{
	helper->due_ms =
	    helper->n == 0 ? INT64_MAX : sim.now_ms + sim_between(20, 800);
}

struct helper *
__wrap_helper_new(void)
{
	struct helper *helper = calloc(1, sizeof(*helper));

	if (helper == NULL)
		abort();
	begin_first(helper);
	sim.current->helper = helper;
	return helper;
}

int
__wrap_helper_fd(const struct helper *helper)
{
	(void)helper;
	return HELPER_FD;
}

void
__wrap_helper_give(struct helper *helper, struct chore *chore)
{
	if (helper->n == CHORES_MAX)
		abort();
	atomic_init(&chore->unwanted, false);
	helper->chores[helper->n++] = chore;
	if (helper->n == 1)
		begin_first(helper);
}

static void
remove_chore(struct helper *helper, size_t i)
{
	helper->n--;
	for (; i < helper->n; i++)
		helper->chores[i] = helper->chores[i + 1];
}

/* The first one is begun. */
bool
__wrap_helper_take_back(struct helper *helper, struct chore *chore)
{
	size_t i = 1;

	while (i < helper->n && helper->chores[i] != chore)
		i++;
	if (i >= helper->n)
		return false;
	remove_chore(helper, i);
	return true;
}

static struct chore *
take_first(struct helper *helper)
{
	struct chore *chore = helper->chores[0];

	remove_chore(helper, 0);
	begin_first(helper);
	return chore;
}

void
__wrap_helper_free(struct helper **helperp)
{
	struct helper *helper = *helperp;
	struct chore *chore;

	*helperp = NULL;
	while (helper != NULL && helper->n > 0) {
		chore = take_first(helper);
		chore_drop(chore);
		chore->done(chore);
	}
	free(helper);
}

int64_t
helper_due_ms(const struct proc *p)
{
	return p->helper == NULL ? INT64_MAX : p->helper->due_ms;
}

void
helper_run(struct proc *p)
{
	struct chore *chore;

	if (p->muted || helper_due_ms(p) > sim.now_ms ||
	    !proc_survives("before encoding"))
		return;
	chore = take_first(p->helper);
	if (!chore_is_unwanted(chore))
		chore->run(chore);
	chore->done(chore);
}

/* --------------------------------------------------------------- files -- */

enum shelf_rc
__wrap_shelf_open(const char *folder)
{
	(void)folder;
	return SHELF_OK;
}

bool
helper_published(const char *name)
{
	size_t i;

	for (i = 0; i < n_published; i++)
		if (strcmp(published[i], name) == 0)
			return true;
	return false;
}

void
helper_reset(void)
{
	n_published = 0;
}

/* Who takes over overwrites what the one before him published. */
static void
check_name(const struct voice_order *order)
{
	const struct utterance *u = (const void *)((const char *)order -
	    offsetof(struct utterance, order));
	struct event *ev =
	    u->job == NULL ? NULL : ledger_by_job(&u->job->stored.lease.id);

	if (ev == NULL)
		return;
	if (ev->sound[0] != '\0' && strcmp(ev->sound, order->name) != 0)
		sim_fail("%s: its sound has two names", ev->id);
	memcpy(ev->sound, order->name, sizeof(order->name));
}

enum voice_rc
__wrap_voice_make(const struct voice_order *order, struct voice *voice)
{
	static const enum voice_rc bad[] = { VOICE_NO_SOUND, VOICE_IMPLAUSIBLE,
		VOICE_NO_ROOM, VOICE_ERR };

	*voice = (struct voice){ .duration_ms = SOUND_MS, .why = "" };
	if (order->len == 0)
		sim_fail("a sound without bytes is encoded");
	if (sim_fault(FAULT_ENCODER))
		return bad[sim_below(4)];
	check_name(order);
	if (!helper_published(order->name)) {
		if (n_published == EVENTS_MAX * 2)
			sim_fail("more sounds than there are answers");
		else
			memcpy(published[n_published++], order->name,
			    SHELF_NAME_SIZE);
	}
	sim_say("publishes %s", order->name);
	return VOICE_OK;
}

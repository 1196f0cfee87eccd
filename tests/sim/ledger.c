/*
 * ledger.c - what became of each event, and whether that was promised.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/delivery.h"
#include "jobs/stage.h"
#include "tests/sim/memory.h"
#include "tests/sim/sim.h"

struct event *
ledger_by_id(const char *event_id)
{
	struct event *ev;

	for (ev = sim.events; ev < sim.events + sim.n_events; ev++)
		if (strcmp(ev->id, event_id) == 0)
			return ev;
	return NULL;
}

struct event *
ledger_by_job(const struct store_job_id *id)
{
	struct event *ev;

	for (ev = sim.events; ev < sim.events + sim.n_events; ev++)
		if (ev->job.seq == id->seq &&
		    memcmp(ev->job.user, id->user, sizeof(id->user)) == 0)
			return ev;
	return NULL;
}

/* Whose question is being worked on, in the sight of the store. */
static struct event *
busy_with(unsigned user, const struct event *but)
{
	struct event *ev;

	for (ev = sim.events; ev < sim.events + sim.n_events; ev++)
		if (ev != but && ev->user == user && ev->known &&
		    ev->fate == STORE_ACCEPTED && !ev->ended &&
		    ev->follows == 0 && (ev->committed == -1 || ev->speaks) &&
		    (!ev->voice || ev->is_heard))
			return ev;
	return NULL;
}

/* ---------------------------------------------------------- the store -- */

static void
owns(struct event *ev)
{
	if (ev->owner != sim.current->number)
		ev->owned_ms = sim.now_ms;
	ev->owner = sim.current->number;
	ev->loaded_ms = ev->received_ms;
	ev->loaded_boot = ev->received_boot;
}

void
ledger_admitted(struct event *ev, const struct store_verdict *v,
    int64_t received_ms)
{
	static const char *const names[STORE_FATE__MAX] = {
		[STORE_ACCEPTED] = "accepted",
		[STORE_DUPLICATE] = "duplicate",
		[STORE_OLD] = "old",
		[STORE_DROPPED] = "dropped",
		[STORE_SLOW_DOWN] = "slow down",
		[STORE_SYSTEM_BUSY] = "system busy",
	};

	sim_say("%s: %s", ev->id, names[v->fate]);
	ev->received_ms = received_ms;
	ev->received_boot = sim.boot;
	if (v->fate == STORE_DUPLICATE) {
		if (!ev->known)
			sim_fail("%s: known before it came", ev->id);
		return;
	}
	if (ev->known)
		sim_fail("%s: decided about twice", ev->id);
	ev->known = true;
	ev->fate = v->fate;
	if ((v->fate == STORE_DROPPED) != (busy_with(ev->user, ev) != NULL))
		sim_fail("%s: is its user busy?", ev->id);
	if (v->fate != STORE_ACCEPTED)
		return;
	sim.totals->voices += ev->voice;
	ev->job = v->lease.id;
	ev->fence = v->lease.fence;
	owns(ev);
	sim.totals->admitted++;
}

void
ledger_claimed(const struct store_lease *lease)
{
	struct event *ev = ledger_by_job(&lease->id);

	if (ev == NULL || ev->ended) {
		sim_fail("a job was claimed that is no more");
		return;
	}
	sim_say("claims %s", ev->id);
	sim.totals->taken_over++;
	ev->fence = lease->fence;
	owns(ev);
}

/* The number of an answer, 0 for other words. */
static int
answer_number(const struct event *ev, const char *text)
{
	char *end;

	if (text[0] != 'a' || text[1] < '0' || text[1] > '9')
		return 0;
	if (strtoul(text + 1, &end, 10) != ev->number || *end != '.')
		sim_fail("%s: gets the answer to another question", ev->id);
	return (int)strtol(end + 1, NULL, 10);
}

/* The same answer once more, with a sound or without. */
static void
note_spoken(struct event *ev, const struct store_step *step)
{
	const char *at = step->reply == NULL ? NULL : line_text(step->reply);

	if (step->question != NULL || step->stays_busy)
		sim_fail("%s: answered twice", ev->id);
	if (at != NULL && answer_number(ev, at) != ev->committed)
		sim_fail("%s: another answer is read aloud", ev->id);
	ev->speaks = false;
}

static void
note_answer(struct event *ev, const struct store_step *step)
{
	const char *at = step->reply == NULL ? NULL : line_text(step->reply);
	struct store_job_id newest;

	if (ev->speaks) {
		note_spoken(ev, step);
	} else if (ev->committed != -1) {
		sim_fail("%s: answered twice", ev->id);
	} else {
		ev->committed = at == NULL ? 0 : answer_number(ev, at);
		ev->speaks = step->stays_busy;
	}
	if (step->follow == NULL)
		return;
	newest = memory_newest(step->lease.id.user);
	sim_follow(ev, &newest);
}

static void
note_words(struct event *ev, const struct store_step *step)
{
	if (!ev->voice || ev->is_heard)
		sim_fail("%s: heard twice", ev->id);
	if (strcmp(step->text, ev->question) != 0)
		sim_fail("%s: something else was heard", ev->id);
	if (busy_with(ev->user, ev) != NULL)
		sim_fail("%s: heard beside another question", ev->id);
	ev->is_heard = true;
	sim.totals->heard++;
}

/* Its user has asked something else meanwhile. */
static void
note_discarded(struct event *ev, const struct store_step *step)
{
	sim_say("%s: discarded", ev->id);
	if (step->kind != STORE_HEARD || step->lease.fence != ev->fence ||
	    ev->is_heard || busy_with(ev->user, ev) == NULL)
		sim_fail("%s: discarded for no reason", ev->id);
	ev->ended = ev->discarded = true;
	ev->fence = 0;
	sim.totals->discarded++;
}

/* As far as the job's owner knows: later deliveries he has not heard of. */
static bool
is_late(const struct event *ev, int64_t ms)
{
	int64_t window_ms = (int64_t)sim.settings.reply_window * 1000;

	return ev->loaded_boot != sim.boot || ms - ev->loaded_ms >= window_ms;
}

static void
note_good(struct event *ev, const struct store_step *step)
{
	static const char *const names[STORE_STEP__MAX] = {
		[STORE_SAVE] = "saved",
		[STORE_ANSWER] = "has its answer",
		[STORE_HEARD] = "is heard",
		[STORE_WAIT] = "waits",
		[STORE_DONE] = "done",
		[STORE_DEAD] = "dead",
	};

	sim_say("%s: %s%s%s", ev->id, names[step->kind],
	    step->kind == STORE_DEAD ? ", " : "",
	    step->kind == STORE_DEAD ? step->reason : "");
	if (step->lease.fence != ev->fence)
		sim_fail("%s: a late worker wrote", ev->id);
	if (step->kind == STORE_HEARD)
		note_words(ev, step);
	if (step->kind == STORE_ANSWER)
		note_answer(ev, step);
	if (step->kind == STORE_SAVE && !ev->pushes &&
	    step->progress.intent == DELIVERY_PUSH) {
		ev->pushes = true;
		ev->pushes_late = is_late(ev, sim.now_ms);
	}
	if (step->kind == STORE_WAIT) {
		ev->fence = 0;
		ev->unspoken |= step->progress.stage == STAGE_DELIVER;
	}
	if (step->kind != STORE_DONE && step->kind != STORE_DEAD)
		return;
	ev->ended = true;
	ev->dead = step->kind == STORE_DEAD;
	ev->fence = 0;
}

void
ledger_stepped(const struct store_step *step)
{
	struct event *ev = ledger_by_job(&step->lease.id);

	if (ev == NULL) {
		sim_fail("a step of an unknown job");
	} else if (step->rc == STORE_OK) {
		note_good(ev, step);
	} else if (step->rc == STORE_NONE) {
		note_discarded(ev, step);
	} else {
		sim_say("%s: fenced", ev->id);
		sim.totals->fenced++;
		if (step->lease.fence == ev->fence)
			sim_fail("%s: its owner was fenced", ev->id);
	}
}

/* --------------------------------------------------------- the words -- */

/* Is what the model is asked for in the store already? */
static bool
is_paid(const struct event *ev, enum target target)
{
	if (target == TO_STT)
		return ev->is_heard;
	return ev->committed != -1 && (target != TO_TTS || !ev->speaks);
}

/*
 * Nothing is paid for twice: who has the words does not ask for them again, nor
 * anybody for what is in the store.  Whose lease has run out cannot know.
 */
void
ledger_asks(const struct exchange *x)
{
	struct event *ev = x->event;

	if (ev == NULL || sim.current->muted)
		return;
	if (x->fence == ev->fence && is_paid(ev, x->target))
		sim_fail("%s: paid for once more", ev->id);
	if (x->target == TO_STT && ev != voice_event(x))
		sim_fail("%s: another recording", ev->id);
	if (x->target == TO_STT && ev->words_fence == x->fence)
		sim_fail("%s: written down again by the same one", ev->id);
}

/* Whatever the user can play was published for him. */
void
ledger_plays(struct event *ev, const char *body)
{
	static const char url[] = "\"originalContentUrl\":\"https://x/audio/";
	const char *at = strstr(body, url);
	char name[sizeof(ev->sound)];

	if (at == NULL)
		return;
	at += sizeof(url) - 1;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "\""), at);
	if (!helper_published(name) || strcmp(ev->sound, name) != 0)
		sim_fail("%s: plays what nobody published", ev->id);
	sim.totals->spoken++;
}

void
ledger_knows(const struct exchange *x)
{
	struct event *ev = x->event;

	if (ev != NULL)
		ev->words_fence = x->fence;
}

/* ----------------------------------------------------------- the user -- */

static bool
is_late_push(const struct event *ev, const struct exchange *x)
{
	if (x->target != TO_PUSH)
		return false;
	return ev->pushes ? ev->pushes_late : is_late(ev, x->start_ms);
}

/*
 * The one case that LINE's interface cannot decide: a reply went out, its end
 * is unknown, and its token was too old to be asked again; the push then was
 * the second message.
 */
static void
judge_second(struct event *ev, const struct exchange *x)
{
	bool heard = ev->heard && ev->told_by == x->proc;

	if (ev->excused || (is_late_push(ev, x) && !heard)) {
		sim_say("%s: told twice, which nobody could know", ev->id);
		sim.totals->undecidable++;
		return;
	}
	sim_fail("%s: told twice", ev->id);
}

void
ledger_told(struct event *ev, const struct exchange *x, const char *text)
{
	int number = answer_number(ev, text);

	sim_say("%s is told: %s", sim.users[ev->user].id, text);
	ev->told++;
	if (!ev->known) {
		sim_fail("%s: answered before it was admitted", ev->id);
	} else if (ev->fate != STORE_ACCEPTED) {
		if (number != 0 || ev->told > 1)
			sim_fail("%s: answered though not admitted", ev->id);
		return;
	} else if (ev->committed == -1 || (ev->speaks && !ev->unspoken)) {
		sim_fail("%s: told before it was committed", ev->id);
	} else if (number != 0 && number != ev->committed) {
		sim_fail("%s: told what was not committed", ev->id);
	}
	if (ev->told > 1) {
		judge_second(ev, x);
		return;
	}
	ev->told_by = x->proc;
	ev->excused = is_late_push(ev, x);
	sim.totals->answered += number != 0;
	sim.totals->apologies += number == 0;
}

void
ledger_forgot(unsigned proc)
{
	struct event *ev;

	for (ev = sim.events; ev < sim.events + sim.n_events; ev++)
		if (ev->told_by == proc)
			ev->heard = false;
}

void
ledger_heard(const struct exchange *x)
{
	struct event *ev = x->event;

	if (ev != NULL && ev->told_by == x->proc && ev->owner == x->proc &&
	    x->start_ms >= ev->owned_ms &&
	    sim.current->stalled_ms < ev->owned_ms)
		ev->heard = true;
}

/* ------------------------------------------------------------ the end -- */

bool
ledger_is_over(void)
{
	struct event *ev;

	for (ev = sim.events; ev < sim.events + sim.n_events; ev++)
		if (ev->deliver_ms != INT64_MAX ||
		    (ev->known && ev->fate == STORE_ACCEPTED && !ev->ended))
			return false;
	return true;
}

void
ledger_check(void)
{
	const char *wrong = memory_check();

	if (wrong != NULL)
		sim_fail("%s", wrong);
}

/* Why a message may go unanswered, and what must have happened then. */
static bool
may_drop(const struct event *ev, const char *reason)
{
	bool once = sim.settings.duplicate_policy == DUPLICATE_AT_MOST_ONCE;

	if (strcmp(reason, "quota") == 0)
		return sim.quota > 0;
	if (strcmp(reason, "refused") == 0)
		return sim.refusals > 0 || once;
	if (strcmp(reason, "poison") == 0)
		return sim.crashes >= 3;
	if (strcmp(reason, "undecided") == 0)
		return once;
	if (strcmp(reason, "not spoken") == 0)
		return ev->follows > 0;
	return strcmp(reason, "expired") == 0 && sim.wall_jumped && sim.booted;
}

static void
close_admitted(struct event *ev)
{
	const char *reason = memory_dead(&ev->job);

	if (!ev->ended)
		sim_fail("%s: still not answered", ev->id);
	else if (ev->discarded && (ev->told > 0 || ev->final))
		sim_fail("%s: discarded, and told", ev->id);
	else if (ev->discarded)
		return;
	else if (ev->told == 0 && reason == NULL)
		sim_fail("%s: lost", ev->id);
	else if (ev->told == 0 && !may_drop(ev, reason))
		sim_fail("%s: dropped for no reason: %s", ev->id, reason);
	else if (sim.quiet && ev->follows == 0 &&
	    (ev->told != 1 || ev->committed < 1 || ev->dead))
		sim_fail("%s: not answered though nothing went wrong", ev->id);
	sim.totals->dead += ev->told == 0;
}

void
ledger_close(void)
{
	struct event *ev;

	for (ev = sim.events; ev < sim.events + sim.n_events; ev++) {
		sim.totals->events++;
		if (ev->acked && !ev->known)
			sim_fail("%s: acknowledged and lost", ev->id);
		if (ev->final && ev->fate == STORE_DROPPED)
			sim_fail("%s: its user stays busy", ev->id);
		if (ev->known && ev->fate == STORE_ACCEPTED)
			close_admitted(ev);
	}
	if (memory_unfinished() > 0)
		sim_fail("a job is left over");
}

/*
 * procs.c - the simulated processes: how they start, die and stand still.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "jobs/engine_priv.h"
#include "tests/sim/memory.h"
#include "tests/sim/sim.h"

enum { POLL_MS = 250 }; /* how often an engine looks for jobs */

static struct proc *
enter(struct proc *p)
{
	struct proc *before = sim.current;

	sim.current = p;
	p->depth++;
	return before;
}

static void
bury(struct proc *p)
{
	engine_close(&p->engine);
	mailbox_free(&p->mailbox);
	store_close(&p->store);
	p->number = 0;
	p->start_ms = sim.now_ms + sim_between(20, 4000);
}

static void
leave(struct proc *p, struct proc *before)
{
	p->depth--;
	if (p->muted && p->depth == 0)
		bury(p);
	sim.current = before;
}

void
proc_start(struct proc *p)
{
	struct engine_config config = { .settings = &sim.settings };
	struct store_place place = {
		.session_ttl_ms = (int64_t)sim.settings.session_ttl * 1000
	};
	struct proc *before;
	char why[STORE_WHY_MAX];
	unsigned slot;

	memset(p, 0, sizeof(*p));
	p->number = ++sim.n_started;
	p->stalled_ms = -1;
	before = enter(p);
	sim_say("starts");
	sim.totals->restarts += p->number > sim.n_procs;
	p->mailbox = mailbox_new();
	if (p->mailbox == NULL ||
	    store_open(&p->store, &place, engine_now(), why) != STORE_OK ||
	    store_join(p->store, engine_now(), &slot) != STORE_OK)
		abort();
	config.store = p->store;
	config.mailbox = p->mailbox;
	if (engine_open(&p->engine, &config, why, sizeof(why)) == -1)
		abort();
	leave(p, before);
}

bool
proc_runs(const struct proc *p)
{
	return p->number != 0 && !p->muted && !p->frozen && !p->stopping &&
	    p->depth == 0 && p->thaw_ms <= sim.now_ms;
}

/*
 * An engine looks for jobs four times a second, mostly in vain: the turns
 * that would find nothing are left out.
 */
static int64_t
claim_ms(const struct proc *p)
{
	int64_t poll = p->engine->claim_ms, due = memory_due_ms(engine_now());

	if (due == INT64_MAX)
		return INT64_MAX;
	if (due > poll)
		poll += (due - poll + POLL_MS - 1) / POLL_MS * POLL_MS;
	return poll - sim.boot_ms;
}

/* A place for a recording is free, or somebody's time comes. */
static int64_t
speech_ms(const struct proc *p)
{
	const struct speech *speech = &p->engine->speech;

	if (!TAILQ_EMPTY(&speech->queue) &&
	    speech->n < sim.settings.speech_jobs)
		return p->engine->claim_ms - sim.boot_ms;
	return speech->next_ms == INT64_MAX ? INT64_MAX
					    : speech->next_ms - sim.boot_ms;
}

int64_t
proc_due_ms(const struct proc *p)
{
	int64_t due, other;

	if (p->number == 0)
		return p->start_ms;
	if (p->thaw_ms > sim.now_ms && p->depth == 0)
		return p->thaw_ms;
	if (!proc_runs(p))
		return INT64_MAX;
	if (p->rung)
		return sim.now_ms;
	due = net_due_ms(p->net);
	other = claim_ms(p);
	if (other < due)
		due = other;
	other = p->engine->commit_ms - sim.boot_ms;
	if (p->engine->to_commit != NULL && other < due)
		due = other;
	other = helper_due_ms(p);
	if (other < due)
		due = other;
	other = speech_ms(p);
	if (other < due)
		due = other;
	return due < sim.now_ms ? sim.now_ms : due;
}

bool
proc_do(struct proc *p, bool (*what)(struct proc *, void *), void *arg)
{
	struct proc *before = enter(p);
	bool done = what(p, arg) && !p->muted;

	leave(p, before);
	return done;
}

void
proc_kill(struct proc *p, const char *where)
{
	struct proc *before;

	if (p->number == 0 || p->muted)
		return;
	before = enter(p);
	sim_say("killed, %s", where);
	sim.totals->crashes++;
	sim.crashes++;
	p->muted = true;
	memory_kill(p->store);
	leave(p, before);
}

/* The history is over. */
void
proc_end(struct proc *p)
{
	if (p->number != 0)
		bury(p);
}

/* As by SIGTERM; the jobs are handed over. */
void
proc_stop(struct proc *p)
{
	struct proc *before = enter(p);

	sim_say("is asked to end");
	p->stopping = true;
	engine_hand_over(p->engine);
	sim_say("ends");
	p->muted = true;
	leave(p, before);
}

void
proc_freeze(struct proc *p, int64_t ms)
{
	struct proc *before = sim.current;
	int64_t from = sim.now_ms;

	p->frozen = true;
	sim.current = NULL;
	sim_run_until(sim.now_ms + ms);
	sim.current = before;
	p->frozen = false;
	p->stalled_ms = from;
	ledger_forgot(p->number);
}

static int64_t
standstill_ms(void)
{
	static const int64_t lengths[] = { 40, 900, 6000, 50000, 70000 };
	int64_t ms = lengths[sim_below(5)];

	return sim_between(ms / 2, ms);
}

/* Between two turns, where a process mostly is. */
static void
pause_here(struct proc *p)
{
	p->thaw_ms = sim.now_ms + standstill_ms();
	sim_say("pauses until %.3f", (double)p->thaw_ms / 1000);
	sim.totals->stalls++;
}

void
proc_turn(struct proc *p)
{
	struct proc *before = enter(p);

	sim.totals->turns++;
	engine_turn(p->engine);
	if (!p->muted && sim_fault(FAULT_STALL))
		pause_here(p);
	leave(p, before);
}

static void
stall(struct proc *p, const char *call)
{
	int64_t ms = standstill_ms();

	sim_say("stands still for %lld ms at %s", (long long)ms, call);
	sim.totals->stalls++;
	proc_freeze(p, ms);
	sim_say("goes on, %s", p->muted ? "dead" : "late");
}

bool
proc_survives(const char *call)
{
	struct proc *p = sim.current;

	if (p->muted)
		return false;
	sim.totals->calls++;
	if (sim_fault(FAULT_CRASH))
		proc_kill(p, call);
	else if (!p->stopping && sim_fault(FAULT_STALL))
		stall(p, call);
	return !p->muted;
}

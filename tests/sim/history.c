/*
 * history.c - one history: what happens in it next, and when it is over.
 */

#include "tests/sim/memory.h"
#include "tests/sim/sim.h"

enum { STEPS_MAX = 200000, CHAOS_EVERY_MS = 3000, DAY_MS = 24 * 3600 * 1000 };

struct sim sim;
static int64_t chaos_ms;

/* --------------------------------------------------------------- chaos -- */

static bool
is_anybody_at_work(void)
{
	unsigned i;

	for (i = 0; i < sim.n_procs; i++)
		if (sim.procs[i].depth > 0)
			return true;
	return false;
}

static void
boot(void)
{
	unsigned i;

	sim_say("the machine is booted");
	for (i = 0; i < sim.n_procs; i++)
		proc_kill(&sim.procs[i], "by the boot");
	for (i = 0; i < sim.n_events; i++)
		sim.events[i].fence = 0;
	sim.boot++;
	sim.boot_ms = 5000 - sim.now_ms;
	sim.booted = true;
}

static void
do_chaos(void)
{
	struct proc *p;

	for (p = sim.procs; p < sim.procs + sim.n_procs; p++) {
		if (p->number != 0 && sim_fault(FAULT_CRASH))
			proc_kill(p, "for no reason");
		if (proc_runs(p) && sim_fault(FAULT_STOP))
			proc_stop(p);
	}
	if (sim_fault(FAULT_WALL)) {
		sim.wall_ms += sim_below(2) == 0 ? DAY_MS : -DAY_MS;
		sim.wall_jumped = true;
		sim_say("the wall clock jumps");
	}
	if (!is_anybody_at_work() && sim_fault(FAULT_BOOT))
		boot();
}

/* ---------------------------------------------------------------- time -- */

static void
earlier(int64_t *ms, int64_t other)
{
	if (other < *ms)
		*ms = other;
}

static int64_t
next_ms(void)
{
	int64_t ms = net_arrival_ms();
	unsigned i;

	for (i = 0; i < sim.n_events; i++)
		earlier(&ms, sim.events[i].deliver_ms);
	for (i = 0; i < sim.n_procs; i++)
		earlier(&ms, proc_due_ms(&sim.procs[i]));
	if (!sim.calm) {
		earlier(&ms, sim.calm_ms);
		earlier(&ms, chaos_ms);
	}
	return ms < sim.now_ms ? sim.now_ms : ms;
}

static void
become_calm(void)
{
	sim_say("from here on nothing goes wrong");
	sim.calm = true;
	sim.auth_ms = 0;
}

static void
step(void)
{
	struct proc *p;
	unsigned i;

	if (!sim.calm && sim.now_ms >= sim.calm_ms)
		become_calm();
	if (!sim.calm && sim.now_ms >= chaos_ms) {
		chaos_ms = sim.now_ms + CHAOS_EVERY_MS;
		do_chaos();
	}
	for (i = 0; i < sim.n_events; i++)
		if (sim.events[i].deliver_ms <= sim.now_ms)
			webhook_deliver(&sim.events[i]);
	net_arrive();
	for (p = sim.procs; p < sim.procs + sim.n_procs; p++) {
		if (proc_due_ms(p) > sim.now_ms)
			continue;
		if (p->number == 0)
			proc_start(p);
		else
			proc_turn(p);
	}
	ledger_check();
	if (++sim.steps > STEPS_MAX)
		sim_fail("it does not come to rest");
}

void
sim_run_until(int64_t ms)
{
	int64_t next;

	while (!sim_failed() && (next = next_ms()) <= ms) {
		sim.now_ms = next;
		step();
	}
	if (sim.now_ms < ms)
		sim.now_ms = ms;
}

/* Until every event has come to its end, or should have. */
static void
drain(void)
{
	int64_t limit, next;

	do {
		next = next_ms();
		limit = (sim.calm ? sim.end_ms : sim.calm_ms) + DRAIN_MS;
		if (next > limit)
			return;
		sim.now_ms = next;
		step();
	} while (!sim_failed() && !ledger_is_over());
}

static void
end(void)
{
	struct proc *p;

	for (p = sim.procs; p < sim.procs + sim.n_procs; p++)
		proc_end(p);
	net_reset();
	helper_reset();
	memory_reset();
}

bool
sim_history(uint64_t seed, enum control control, bool trace,
    struct totals *totals)
{
	unsigned i;

	sim_draw(seed, control, trace, totals);
	chaos_ms = sim_below(CHAOS_EVERY_MS);
	sim.end_ms = sim.calm_ms;
	drain();
	if (!sim.calm)
		become_calm();
	/* Nobody is locked out: each user may ask once more. */
	sim.end_ms = sim.now_ms;
	for (i = 0; i < sim.n_users && !sim_failed(); i++)
		sim_event(i, sim.now_ms + 30000, true);
	if (!sim_failed())
		drain();
	if (!sim_failed())
		ledger_close();
	end();
	totals->histories++;
	totals->simulated_ms += (uint64_t)sim.now_ms;
	return !sim_failed();
}

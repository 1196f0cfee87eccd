/*
 * sim.c - the program: many histories on all cores, or one of them in detail.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim.h"

enum { CONTROL_HISTORIES = 5000, JOBS_MAX = 64, HANGS_S = 60 };

static const char usage[] =
    "sim - the bot in simulated worlds: what was acknowledged is not lost\n"
    "\n"
    "  --histories N   live through N histories (1000)\n"
    "  --from S        the first one's seed (1)\n"
    "  --seed S        live through this history alone, and tell it\n"
    "  --control NAME  without a mechanism, which must go wrong\n"
    "  --controls      each of them, for at most 5000 histories\n"
    "  --jobs N        processes at once (as many as there are cores)\n";

const char *const control_names[CONTROL__MAX] = {
	[CONTROL_NONE] = "none",
	[CONTROL_FENCE] = "fence",
	[CONTROL_TAKEOVER] = "takeover",
	[CONTROL_INTERRUPT] = "interrupt",
	[CONTROL_INTENT] = "intent",
	[CONTROL_NAIVE] = "naive",
	[CONTROL_ACK] = "ack",
	[CONTROL_SEEN] = "seen",
	[CONTROL_KEY] = "key",
	[CONTROL_WORDS] = "words",
	[CONTROL_OVERTAKE] = "overtake",
	[CONTROL_STAY] = "stay",
	[CONTROL_NAME] = "name",
};

struct plan {
	uint64_t from, histories;
	enum control control;
	unsigned jobs;
};

/* The seed that each process is at, for the one that does not come back. */
static volatile uint64_t *at_seed;

/* ---------------------------------------------------------------- many -- */

/* Every jobs-th history, until one fails. */
static void
live(const struct plan *plan, unsigned job, int out)
{
	struct totals totals;
	uint64_t i;

	memset(&totals, 0, sizeof(totals));
	for (i = job; i < plan->histories; i += plan->jobs) {
		at_seed[job] = plan->from + i;
		alarm(HANGS_S); /* a history takes a millisecond */
		if (!sim_history(plan->from + i, plan->control, false, &totals))
			break;
	}
	if (write(out, &totals, sizeof(totals)) != sizeof(totals))
		exit(2);
	exit(0); /* a leak that a sanitizer finds makes it another status */
}

static int
start(const struct plan *plan, unsigned job)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) == -1 || (pid = fork()) == -1)
		abort();
	if (pid == 0) {
		close(ends[0]);
		live(plan, job, ends[1]);
	}
	close(ends[1]);
	return ends[0];
}

/* All but the failure are counters, side by side. */
static void
add(struct totals *sum, const struct totals *one)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)one;
	size_t i, n = offsetof(struct totals, failed_seed) / sizeof(*to);

	for (i = 0; i < n; i++)
		to[i] += from[i];
	if (one->failure[0] == '\0' ||
	    (sum->failure[0] != '\0' && sum->failed_seed < one->failed_seed))
		return;
	sum->failed_seed = one->failed_seed;
	memcpy(sum->failure, one->failure, sizeof(sum->failure));
}

/* A process that crashed or hangs has failed, too. */
static void
fell(struct totals *one, unsigned job)
{
	memset(one, 0, sizeof(*one));
	one->failed_seed = at_seed[job];
	snprintf(one->failure, sizeof(one->failure),
	    "its process crashed, or was stopped after %d s", HANGS_S);
}

static void
run(const struct plan *plan, struct totals *sum)
{
	struct totals one;
	int from[JOBS_MAX], status;
	unsigned i;

	memset(sum, 0, sizeof(*sum));
	(void)fflush(stdout);
	for (i = 0; i < plan->jobs; i++)
		from[i] = start(plan, i);
	for (i = 0; i < plan->jobs; i++) {
		if (read(from[i], &one, sizeof(one)) != sizeof(one))
			fell(&one, i);
		add(sum, &one);
		close(from[i]);
	}
	while (wait(&status) > 0)
		if (status != 0 && sum->failure[0] == '\0')
			snprintf(sum->failure, sizeof(sum->failure),
			    "a process ended with status %d", status);
}

/* -------------------------------------------------------------- report -- */

static void
say(const char *what, uint64_t n)
{
	printf("  %-28s %12llu\n", what, (unsigned long long)n);
}

static void
report(const struct totals *t, double seconds)
{
	unsigned i;

	say("histories", t->histories);
	say("simulated hours", t->simulated_ms / 3600000);
	say("events", t->events);
	say("admitted", t->admitted);
	say("answered", t->answered);
	say("told something else", t->apologies);
	say("dropped, on record", t->dead);
	say("told twice, undecidable", t->undecidable);
	say("voice messages admitted", t->voices);
	say("heard", t->heard);
	say("overtaken, then discarded", t->discarded);
	say("sent with a sound", t->spoken);
	say("sounds that followed", t->followed);
	say("turns of an engine", t->turns);
	say("processes died", t->crashes);
	say("processes started again", t->restarts);
	say("jobs claimed", t->taken_over);
	say("late writes refused", t->fenced);
	for (i = 0; i < FAULT__MAX; i++)
		say(fault_names[i], t->faults[i]);
	printf("  %.1f s\n", seconds);
}

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int
run_good(const struct plan *plan)
{
	double start_s = seconds_now();
	struct totals totals;

	run(plan, &totals);
	report(&totals, seconds_now() - start_s);
	if (totals.failure[0] != '\0')
		printf("FAILED: %s\nreplay: sim --seed %llu%s%s\n",
		    totals.failure, (unsigned long long)totals.failed_seed,
		    plan->control == CONTROL_NONE ? "" : " --control ",
		    plan->control == CONTROL_NONE
			? ""
			: control_names[plan->control]);
	return totals.failure[0] == '\0' ? 0 : 1;
}

/* Without its mechanism the bot must break a promise. */
static bool
run_control(struct plan plan, enum control control)
{
	struct totals totals;

	plan.control = control;
	plan.histories = CONTROL_HISTORIES;
	run(&plan, &totals);
	if (totals.failure[0] == '\0')
		printf("  %-10s FAILED: nothing noticed\n",
		    control_names[control]);
	else
		printf("  %-10s noticed at seed %llu: %s\n",
		    control_names[control],
		    (unsigned long long)totals.failed_seed, totals.failure);
	return totals.failure[0] != '\0';
}

static int
run_controls(const struct plan *plan)
{
	bool good = true;
	unsigned i;

	for (i = CONTROL_NONE + 1; i < CONTROL__MAX; i++)
		good &= run_control(*plan, (enum control)i);
	return good ? 0 : 1;
}

static int
run_one(uint64_t seed, enum control control)
{
	struct totals totals;
	bool good;

	memset(&totals, 0, sizeof(totals));
	good = sim_history(seed, control, true, &totals);
	report(&totals, 0);
	printf("%s%s\n", good ? "passed" : "FAILED: ", totals.failure);
	return good ? 0 : 1;
}

/* ------------------------------------------------------------- options -- */

static int
bad_usage(void)
{
	(void)fputs(usage, stderr);
	return 2;
}

static bool
find_control(const char *name, enum control *control)
{
	unsigned i;

	for (i = 0; i < CONTROL__MAX; i++)
		if (strcmp(name, control_names[i]) == 0) {
			*control = (enum control)i;
			return true;
		}
	return false;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "histories", required_argument, NULL, 'n' },
		{ "from", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 's' },
		{ "control", required_argument, NULL, 'c' },
		{ "controls", no_argument, NULL, 'C' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct plan plan = { .from = 1, .histories = 1000 };
	bool one = false, controls = false;
	uint64_t seed = 0;
	int option;

	plan.jobs = cores < 1  ? 1
	    : cores > JOBS_MAX ? JOBS_MAX
			       : (unsigned)cores;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'n':
			plan.histories = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			plan.from = strtoull(optarg, NULL, 10);
			break;
		case 's':
			one = true;
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'c':
			if (!find_control(optarg, &plan.control))
				return bad_usage();
			break;
		case 'C':
			controls = true;
			break;
		case 'j':
			plan.jobs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return 0;
		default:
			return bad_usage();
		}
	if (plan.jobs < 1 || plan.jobs > JOBS_MAX || optind < argc)
		return bad_usage();
	at_seed = mmap(NULL, JOBS_MAX * sizeof(*at_seed),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at_seed == MAP_FAILED)
		return 2;
	if (one)
		return run_one(seed, plan.control);
	return controls ? run_controls(&plan) : run_good(&plan);
}

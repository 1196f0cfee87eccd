/*
 * clock.c - the simulated clocks, the log as a part of the trace, and chance.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/prompt.h"
#include "tests/sim/sim.h"

uint32_t __wrap_engine_random(void);

/* ------------------------------------------------------------- clocks -- */

int64_t
clock_wall_ms(void)
{
	return sim.now_ms + sim.wall_ms;
}

int64_t
clock_boot_ms(void)
{
	return sim.now_ms + sim.boot_ms;
}

int64_t
clock_boot_us(void)
{
	return clock_boot_ms() * 1000;
}

int
clock_boot_id(uint8_t id[16])
{
	memset(id, sim.boot, 16);
	return 0;
}

/* ------------------------------------------------------------- chance -- */

/* splitmix64: every seed is a good one. */
uint32_t
sim_random(void)
{
	uint64_t z = sim.state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ (z >> 31)) >> 32);
}

uint32_t
sim_below(uint32_t n)
{
	return sim_random() % n;
}

int64_t
sim_between(int64_t from, int64_t to)
{
	return from + (int64_t)(sim_random() % (uint64_t)(to - from + 1));
}

bool
sim_fault(enum fault fault)
{
	if (sim.calm || sim.chances[fault] == 0 ||
	    sim_below(1000) >= sim.chances[fault])
		return false;
	sim.totals->faults[fault]++;
	return true;
}

uint32_t
__wrap_engine_random(void)
{
	return sim_random();
}

/* -------------------------------------------------------------- prompt -- */

/* The real one is long, and the same each time. */
const char *
prompt_system(void)
{
	return "You are a health educator.";
}

/* --------------------------------------------------------------- trace -- */

static void say(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

static void
say(const char *format, va_list args)
{
	const struct proc *p = sim.current;

	printf("%10.3f  ", (double)sim.now_ms / 1000);
	if (p != NULL)
		printf("p%-3u ", p->number);
	else
		printf("-    ");
	vprintf(format, args);
	printf("\n");
}

void
sim_say(const char *format, ...)
{
	va_list args;

	if (!sim.trace)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void
sim_fail(const char *format, ...)
{
	va_list args;

	if (sim_failed())
		return;
	va_start(args, format);
	vsnprintf(sim.totals->failure, sizeof(sim.totals->failure), format,
	    args);
	va_end(args);
	sim.totals->failed_seed = sim.seed;
	sim_say("FAILED: %s", sim.totals->failure);
}

bool
sim_failed(void)
{
	return sim.totals->failure[0] != '\0';
}

/* ----------------------------------------------------------------- log -- */

#define LOG_AS_TRACE(name)                 \
	void name(const char *format, ...) \
	{                                  \
		va_list args;              \
                                           \
		if (!sim.trace)            \
			return;            \
		va_start(args, format);    \
		printf("%25s", "");        \
		vprintf(format, args);     \
		printf("\n");              \
		va_end(args);              \
	}

LOG_AS_TRACE(log_error)
LOG_AS_TRACE(log_warn)
LOG_AS_TRACE(log_info)

void
log_debug(const char *format, ...)
{
	(void)format;
}

void
log_limited(struct log_limit *limit, enum log_level level, const char *format,
    ...)
{
	(void)limit, (void)level, (void)format;
}

void
log_die(const char *format, ...)
{
	printf("seed %llu: the engine gave up: %s\n",
	    (unsigned long long)sim.seed, format);
	exit(1);
}

void
log_bug(const char *format, ...)
{
	printf("seed %llu: %s\n", (unsigned long long)sim.seed, format);
	abort();
}

/*
 * outcome.c - the words for how a job can end.
 */
#include "jobs/outcome.h"

static const struct {
	const char *name;
	bool dead;
} outcomes[] = {
	[OUTCOME_ANSWERED] = { "answered", false },
	[OUTCOME_TRUNCATED] = { "truncated", false },
	[OUTCOME_BLOCKED] = { "blocked", false },
	[OUTCOME_EMPTY] = { "empty", false },
	[OUTCOME_TIMEOUT] = { "timeout", true },
	[OUTCOME_BUSY] = { "busy", true },
	[OUTCOME_ERROR] = { "error", true },
	[OUTCOME_POISON] = { "poison", true },
	[OUTCOME_UNHEARD] = { "unheard", false },
	[OUTCOME_NO_RECORDING] = { "no_recording", false },
	[OUTCOME_TOO_LONG] = { "too_long", false },
};
_Static_assert(sizeof(outcomes) / sizeof(outcomes[0]) == OUTCOME__MAX,
    "every outcome has a name");

const char *
outcome_name(enum outcome outcome)
{
	return outcome < OUTCOME__MAX ? outcomes[outcome].name : "unknown";
}

bool
outcome_is_dead(enum outcome outcome)
{
	return outcome >= OUTCOME__MAX || outcomes[outcome].dead;
}

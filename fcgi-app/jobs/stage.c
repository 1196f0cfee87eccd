/*
 * stage.c - the rows of the stage table.
 */
#include "jobs/stage.h"

#define STEP(s) #s, s##_start, s##_finish, s##_give_up

static const struct stage_def stages[] = {
	/*                             tries */
	[STAGE_THINK] = { STEP(think), 12 },
	[STAGE_DELIVER] = { STEP(deliver), 0 },
	[STAGE_HEAR] = { STEP(hear), 40 },
	[STAGE_SPEAK] = { STEP(speak), 12 },
};
_Static_assert(sizeof(stages) / sizeof(stages[0]) == STAGE__MAX,
    "every stage has a row in the table");

const struct stage_def *
stage_def(unsigned stage)
{
	return stage < STAGE__MAX ? &stages[stage] : NULL;
}

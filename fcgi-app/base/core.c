/* core - see core.h. */
#include <sys/resource.h>

#include "base/core.h"

/*
 * One byte, because a limit of none does not keep the kernel from piping a
 * core into a program that collects them, see core(5).
 */
void
core_forbid(void)
{
	const struct rlimit one = { .rlim_cur = 1, .rlim_max = 1 };
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	if (setrlimit(RLIMIT_CORE, &one) == -1)
		(void)setrlimit(RLIMIT_CORE, &none); /* it was none already */
}

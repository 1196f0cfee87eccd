/*
 * A process that crashes leaves no memory behind, however it was started.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/core.h"

static void
crash(rlim_t hard)
{
	struct rlimit limit = { .rlim_cur = hard, .rlim_max = hard };

	if (hard != RLIM_INFINITY && setrlimit(RLIMIT_CORE, &limit) == -1)
		_exit(1);
	core_forbid();
	if (getrlimit(RLIMIT_CORE, &limit) == -1 || limit.rlim_cur > 1 ||
	    limit.rlim_max > 1)
		_exit(1);
	signal(SIGABRT, SIG_DFL); /* the test library catches it */
	abort();
}

static void
no_core_is_left(void **state)
{
	static const rlim_t before[] = { RLIM_INFINITY, 1, 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			crash(before[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
		assert_false(WCOREDUMP(status));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_core_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * limits.c - see limits.h.
 */
#include "process/limits.h"

#include <sys/resource.h>

#include <malloc.h>

enum { FILES_MAX = 65536, HEAP_PAD = 1024 * 1024, HEAP_TRIM = 4 * 1024 * 1024 };

/*
 * A commit allocates its pages and frees them: a heap that shrinks each time
 * costs three system calls a commit.
 */
static void
keep_heap(void)
{
	(void)mallopt(M_TOP_PAD, HEAP_PAD);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_TRIM);
}

/* Every conversation over HTTP/1.1 needs a descriptor, and 1024 is usual. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur =
	    limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void
limits_set(void)
{
	raise_descriptors();
	keep_heap();
}

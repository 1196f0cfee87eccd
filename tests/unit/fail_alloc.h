/*
 * fail_alloc.h - makes the n-th allocation fail, for every n in turn.
 *
 * For one .c file of a test program: it replaces malloc, calloc and realloc of
 * the whole process.  Under sanitizers, which have their own, it only reaches
 * the allocations of jansson.
 */
#ifndef TESTS_FAIL_ALLOC_H
#define TESTS_FAIL_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <jansson.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAIL_ALLOC_JANSSON
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define FAIL_ALLOC_JANSSON
#endif
#endif

/* How many failures a test wants to see, where all allocations can fail. */
#ifdef FAIL_ALLOC_JANSSON
#define FAIL_ALLOC_LEAST(n) 0
#else
#define FAIL_ALLOC_LEAST(n) (n)
#endif

/* How many succeed before one fails; -1: all do. */
static long fail_alloc_left = -1;

/* Pieces of memory given out and not freed; stays 0 under sanitizers. */
static long fail_alloc_live;

static bool
fail_alloc_now(void)
{
	return fail_alloc_left >= 0 && fail_alloc_left-- == 0;
}

#ifdef FAIL_ALLOC_JANSSON

static void *
fail_alloc_malloc(size_t size)
{
	return fail_alloc_now() ? NULL : malloc(size);
}

static void
fail_alloc_init(void)
{
	json_set_alloc_funcs(fail_alloc_malloc, free);
}

#else

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);

/* Counts what was given out. */
static void *
fail_alloc_given(void *memory)
{
	fail_alloc_live += memory != NULL;
	return memory;
}

void *
malloc(size_t size)
{
	return fail_alloc_now() ? NULL : fail_alloc_given(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return fail_alloc_now() ? NULL
				: fail_alloc_given(__libc_calloc(n, size));
}

void *
realloc(void *old, size_t size)
{
	void *memory;

	if (fail_alloc_now())
		return NULL;
	memory = __libc_realloc(old, size);
	fail_alloc_live += old == NULL && memory != NULL;
	return memory;
}

void
free(void *memory)
{
	fail_alloc_live -= memory != NULL;
	__libc_free(memory);
}

static void
fail_alloc_init(void)
{
}

#endif

/*
 * Calls run(argument) with the first allocation failing, then the second and
 * so on, until one call has nothing fail.  Each call has to survive and to
 * leave no memory behind, and returns whether it did its work.  Returns how
 * often work was refused; -1 when memory leaked or the last call, in which
 * nothing failed, refused.
 */
static long
fail_alloc_each(bool (*run)(void *), void *argument)
{
	long n, refused = 0, live;
	bool done = true, leaked = false, complete = false;

	fail_alloc_init();
	run(argument); /* what is allocated once and for all */
	for (n = 0; !complete; n++) {
		live = fail_alloc_live;
		fail_alloc_left = n;
		done = run(argument);
		complete = fail_alloc_left >= 0; /* it needed fewer */
		fail_alloc_left = -1;
		refused += !done;
		leaked = leaked || fail_alloc_live != live;
	}
	return done && !leaked ? refused : -1;
}

#endif

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

/* How many succeed before one fails; -1: all do. */
static long fail_alloc_left = -1;

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

void *
malloc(size_t size)
{
	return fail_alloc_now() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fail_alloc_now() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
	return fail_alloc_now() ? NULL : __libc_realloc(old, size);
}

static void
fail_alloc_init(void)
{
}

#endif

/*
 * Calls run(argument) with the first allocation failing, then the second and
 * so on, until one call has nothing fail.  Each call has to survive, and
 * returns whether it did its work; the last one must have.  Returns how often
 * work was refused.
 */
static long
fail_alloc_each(bool (*run)(void *), void *argument)
{
	long n, refused = 0;
	bool done;

	fail_alloc_init();
	for (n = 0;; n++) {
		fail_alloc_left = n;
		done = run(argument);
		if (fail_alloc_left >= 0)
			break; /* it needed fewer than n */
		refused += !done;
	}
	fail_alloc_left = -1;
	return done ? refused : -1;
}

#endif

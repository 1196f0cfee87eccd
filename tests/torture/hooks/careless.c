/*
 * careless.c - a program that uses memory without asking whether it got any.
 *
 * wraps: malloc calloc
 */
#include <stddef.h>

void *__real_malloc(size_t);
void *__wrap_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t, size_t);

void *
__wrap_malloc(size_t size)
{
	void *memory = __real_malloc(size);

	*(volatile char *)memory = 0;
	return memory;
}

void *
__wrap_calloc(size_t n, size_t size)
{
	void *memory = __real_calloc(n, size);

	*(volatile char *)memory = 0;
	return memory;
}

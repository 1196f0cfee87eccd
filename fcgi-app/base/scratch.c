/*
 * scratch.c - see scratch.h.
 */
#include "base/scratch.h"

#include <jansson.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { BYTES = 32 * 1024, ALIGN = alignof(max_align_t) };

static _Thread_local struct {
	bool open;
	size_t used;
	alignas(max_align_t) unsigned char bytes[BYTES];
} scratch;

static void *
take(size_t n)
{
	size_t size;
	void *block;

	if (!scratch.open || n > BYTES)
		return malloc(n);
	size = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (size > BYTES - scratch.used)
		return malloc(n);
	block = scratch.bytes + scratch.used;
	scratch.used += size;
	return block;
}

static void
give_back(void *block)
{
	uintptr_t at = (uintptr_t)block, start = (uintptr_t)scratch.bytes;

	if (at < start || at >= start + BYTES)
		free(block);
}

void
scratch_init(void)
{
	json_set_alloc_funcs(take, give_back);
}

void
scratch_open(void)
{
	scratch.open = true;
}

void
scratch_close(void)
{
	scratch.open = false;
	scratch.used = 0;
}

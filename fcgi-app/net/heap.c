/* heap - libcurl's memory, so that many requests at once take little. */
#include "net/heap.h"

#include <curl/curl.h>
#include <sys/mman.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFERS = 8192 }; /* more than these come from malloc */

/* Of the process, as libcurl's own state is. */
static struct {
	pthread_mutex_t lock;
	char *range; /* NULL: not had */
	size_t n_touched;
	size_t n_free;
	uint16_t free[BUFFERS]; /* those that were used before */
} heap = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- buffers ------------------------------------------------------------- */

/* Where address space is short the range is not had, and malloc does. */
static void
heap_open(void)
{
	void *range;

	pthread_mutex_lock(&heap.lock);
	if (heap.range == NULL) {
		range = mmap(NULL, (size_t)BUFFERS * HEAP_BUFFER,
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		heap.range = range == MAP_FAILED ? NULL : range;
	}
	pthread_mutex_unlock(&heap.lock);
}

static bool
is_buffer(const void *memory)
{
	uintptr_t start = (uintptr_t)heap.range;

	return start != 0 && (uintptr_t)memory >= start &&
	    (uintptr_t)memory - start < (size_t)BUFFERS * HEAP_BUFFER;
}

/* NULL when all are in use. */
static void *
buffer_take(void)
{
	void *buffer = NULL;

	pthread_mutex_lock(&heap.lock);
	if (heap.n_free > 0)
		buffer =
		    heap.range + (size_t)heap.free[--heap.n_free] * HEAP_BUFFER;
	else if (heap.range != NULL && heap.n_touched < BUFFERS)
		buffer = heap.range + heap.n_touched++ * HEAP_BUFFER;
	pthread_mutex_unlock(&heap.lock);
	return buffer;
}

static void
buffer_put(void *buffer)
{
	size_t i = (size_t)((char *)buffer - heap.range) / HEAP_BUFFER;

	pthread_mutex_lock(&heap.lock);
	heap.free[heap.n_free++] = (uint16_t)i;
	pthread_mutex_unlock(&heap.lock);
}

void
heap_trim(void)
{
	size_t i;

	pthread_mutex_lock(&heap.lock);
	for (i = 0; i < heap.n_free; i++)
		(void)madvise(heap.range + (size_t)heap.free[i] * HEAP_BUFFER,
		    HEAP_BUFFER, MADV_DONTNEED);
	pthread_mutex_unlock(&heap.lock);
}

/* ---- what libcurl calls -------------------------------------------------- */

void *
heap_take(size_t size)
{
	void *buffer = size == HEAP_BUFFER ? buffer_take() : NULL;

	return buffer != NULL ? buffer : malloc(size);
}

void
heap_put(void *memory)
{
	if (is_buffer(memory))
		buffer_put(memory);
	else
		free(memory);
}

void *
heap_resize(void *memory, size_t size)
{
	void *other;

	if (!is_buffer(memory))
		return realloc(memory, size);
	other = malloc(size);
	if (other == NULL)
		return NULL;
	memcpy(other, memory, size < HEAP_BUFFER ? size : HEAP_BUFFER);
	buffer_put(memory);
	return other;
}

int
heap_start_curl(void)
{
	heap_open();
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, heap_take, heap_put,
		   heap_resize, strdup, calloc) == CURLE_OK
	    ? 0
	    : -1;
}

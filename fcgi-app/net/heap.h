/*
 * heap.h - libcurl's memory, so that many requests at once take little.
 *
 * libcurl gives each request over HTTP/2 a send buffer of at least 16 KiB and
 * keeps it until the answer is there, though a request of ours fills a few KiB
 * of it.  From malloc such a buffer sooner or later lies on pages that all
 * were written before.  Here these buffers come from a range of their own,
 * each on its own pages, where what was never written takes no memory.
 */
#ifndef NET_HEAP_H
#define NET_HEAP_H

#include <stddef.h>

enum { HEAP_BUFFER = 16384 }; /* libcurl's least for sending */

/*
 * Starts libcurl with these functions, as curl_global_init() does; where
 * another one has started it before, they are not used.  0 or -1.
 */
int heap_start_curl(void);

/* As malloc(), free() and realloc(); from any thread. */
void *heap_take(size_t size);
void heap_put(void *);
void *heap_resize(void *, size_t size);

/* Gives the pages of buffers that nobody uses back to the system. */
void heap_trim(void);

#endif

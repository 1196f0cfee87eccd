/*
 * upstream.h - what the files of the stand-in for Gemini and LINE share:
 * upstream.c (the loop), upstream_answer.c (what is said, when, and what is
 * counted), upstream_h1.c and upstream_h2.c (two ways to speak HTTP).
 */
#ifndef BENCH_UPSTREAM_H
#define BENCH_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* What an event of epoll belongs to; the first member of a connection. */
struct source {
	void (*ready)(struct source *, uint32_t events);
	int fd;
};

/* A request, as far as the answers care; part of a protocol's own struct. */
struct exchange {
	TAILQ_ENTRY(exchange) link; /* while its answer is held back */
	bool held;
	int64_t due_us;
	/* Sends body, which is only borrowed. */
	void (*answer)(struct exchange *, int status, const char *body);
};

int64_t now_us(void);
void die(const char *what) __attribute__((noreturn));

/* Registers or changes what a source waits for. */
void source_watch(struct source *, int operation, uint32_t events);

/*
 * A whole request: answered now or held back.  The body may be cut after its
 * first REQUEST_LOOK bytes, path is what follows the method.
 */
enum { REQUEST_LOOK = 64 };
void exchange_request(struct exchange *, const char *path, const char *body);

/* Its connection or stream is gone. */
void exchange_drop(struct exchange *);

/* Answers that are due; how many ms until the next, or -1. */
int exchanges_release(void);
void exchanges_hold(int64_t hold_ms);

/* A new connection. */
void h1_open(int fd);
void h2_open(int fd);
void h2_init(const char *cert, const char *key);

#endif

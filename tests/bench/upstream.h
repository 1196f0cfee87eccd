/*
 * upstream.h - what the files of the stand-in for Gemini and LINE share:
 * upstream.c (the loop), upstream_answer.c (what is said, when, and what is
 * counted), upstream_voice.c (recordings and speech), upstream_h1.c and
 * upstream_h2.c (two ways to speak HTTP).
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

/* What is answered. */
struct body {
	const char *type, *bytes;
	size_t len;
	bool stays; /* as it is, for ever: it need not be copied */
};

struct kind;

/* A request, as far as the answers care; part of a protocol's own struct. */
struct exchange {
	TAILQ_ENTRY(exchange) link; /* while its answer is held back */
	struct kind *held;          /* as one of these; NULL: it is not */
	int64_t due_us;
	void (*answer)(struct exchange *, int status, const struct body *);
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

/* How long each kind of answer is held back, in ms, and what it is like. */
struct holds {
	int64_t think, fetch, hear, speak;
	size_t recording; /* bytes of a voice message */
	unsigned speech;  /* seconds of a spoken answer; texts take as long */
};
void exchanges_init(const struct holds *);

/* upstream_voice.c; all of them stay. */
struct body voice_recording(size_t bytes);
struct body voice_transcript(void);
struct body voice_speech(unsigned seconds, bool wav);
struct body voice_text(unsigned seconds); /* one that takes so long to read */

/* A new connection. */
void h1_open(int fd);
void h2_open(int fd);
void h2_init(const char *cert, const char *key);

#endif

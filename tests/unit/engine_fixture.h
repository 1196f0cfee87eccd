/*
 * engine_fixture.h - what t_engine*.c share: an engine with a store and an
 * upstream of its own for each test.
 */
#ifndef UNIT_ENGINE_FIXTURE_H
#define UNIT_ENGINE_FIXTURE_H

#include <pthread.h>

#include "jobs/engine.h"
#include "tests/unit/upstream_fixture.h"

enum { WAIT_MS = 15000 };

struct fixture {
	struct settings settings;
	struct upstream_fixture *up;
	struct store *store;
	struct mailbox *mailbox;
	struct engine *engine;
	pthread_t thread;
	char dir[64];
};

/* Test setup and teardown: *state is a struct fixture, no engine runs. */
int setup(void **state);
int teardown(void **state);

void start(struct fixture *);
void stop(struct fixture *);

struct store_now now(void);

/*
 * A message of a user comes, a text or a voice message; events have numbers.
 * _token: with the reply token of another event, and the engine is not told.
 */
enum store_fate say(struct fixture *, unsigned user, unsigned event);
enum store_fate say_text(struct fixture *, unsigned user, unsigned event,
    const char *text);
enum store_fate speak(struct fixture *, unsigned user, unsigned event);
enum store_fate admit_token(struct fixture *, unsigned user, unsigned event,
    unsigned token_of, struct store_lease *);

struct store_stat stat_of(struct fixture *);
void wait_until_finished(struct fixture *);

/*
 * Admits small messages of ever new users, whom nobody answers, until there is
 * no room; then there is none for long answers either.
 */
void fill_store(struct fixture *);

#endif

/*
 * store_fixture.h - a store of its own for each test, clocks that stand where
 * a test wants them, and other processes that use the same store.
 *
 * There are two of them: store_fixture.c has the real store, in a folder, and
 * tests/sim/memory_fixture.c the one in memory.  A test that needs no more
 * than struct peer for its other processes runs on both.
 *
 * A process has one handle of a store, so whatever a test wants done by
 * another worker it lets a peer or a child do.  They must not use the asserts
 * of the test library, which would go on with the parent's tests: they use
 * require().
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#include "store/store.h"

enum { MAP_MB = 16, LEASE_MS = 30000, GAP_MS = 10000, HOUR_MS = 3600000 };

struct fixture {
	char root[64]; /* holds all, removed at the end */
	char dir[96], key_file[96];
	struct store_place place;
	struct store *store;
};

/* With the store open and joined, or with nothing but the empty root. */
int fixture_setup(void **state);
int fixture_setup_root(void **state);
int fixture_teardown(void **state);

/* Opens the fixture's store, and joins; ends the process if it cannot. */
struct store *fixture_open(const struct fixture *, struct store_now);
struct store *fixture_join(const struct fixture *, struct store_now);

/* Closes and opens again, joined. */
void fixture_reopen(struct fixture *, struct store_now);

/* ms after the tests' first instant; in the boot after that one. */
struct store_now at(int64_t ms);
struct store_now after_boot(int64_t ms);

/* Limits that nobody reaches. */
extern const struct store_limits generous;

/* A message of a chat; strings are borrowed. */
struct store_event message(const char *id, const char *chat);

/* Admits one message of a chat and gives its verdict; for any process. */
struct store_verdict admit(struct store *, const char *id, const char *chat,
    struct store_now);

/* Claims one job, or fails. */
struct store_lease claim_one(struct store *, struct store_now);

/* One step with lease, kind and progress as given; its rc. */
enum store_rc step(struct store *, const struct store_lease *,
    enum store_step_kind, struct store_now);

/* Ends the process with a message when it is not so. */
#define require(so) ((so) ? (void)0 : require_failed(#so, __FILE__, __LINE__))
_Noreturn void require_failed(const char *what, const char *file, int line);

/*
 * Another process that has the store open: it runs one function at a time,
 * which gets its store and changes arg, of that many bytes, in place.  arg may
 * point to what was there before the peer, and nowhere else.
 */
struct peer;
typedef void peer_fn(struct store *, void *arg);

struct peer *peer_start(struct fixture *, struct store_now);
enum store_rc peer_join(struct peer *, struct store_now);
void peer_do(struct peer *, peer_fn *, void *arg, size_t size);
void peer_kill(struct peer **);
void peer_end(struct peer **); /* it closes the store */

/*
 * Of the real store only: runs a function in a child.  Parent and child have
 * one pipe each way, to tell the other that they got somewhere: tell() sends,
 * hear() waits for it.
 */
struct child {
	pid_t pid;
	int in, out;
};
typedef void child_fn(struct fixture *, struct child *parent, void *arg);

struct child child_start(struct fixture *, child_fn *, void *arg);
void child_join(struct child *); /* it must end well */
void child_kill(struct child *);
void tell(const struct child *);
void hear(const struct child *);

#endif

/*
 * memory_fixture.c - the store in memory for the tests that run on both
 * stores, see tests/unit/store_fixture.h.
 */
#include <stdlib.h>

#include "tests/sim/memory.h"
#include "tests/unit/store_fixture.h"

struct peer {
	struct store *store;
};

int
fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	require(f != NULL);
	memory_reset();
	f->store = fixture_join(f, at(0));
	*state = f;
	return 0;
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;

	store_close(&f->store);
	memory_reset();
	free(f);
	return 0;
}

struct store *
fixture_open(const struct fixture *f, struct store_now now)
{
	char why[STORE_WHY_MAX];
	struct store *s;

	require(store_open(&s, &f->place, now, why) == STORE_OK);
	return s;
}

struct peer *
peer_start(struct fixture *f, struct store_now now)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	require(peer != NULL);
	peer->store = fixture_open(f, now);
	return peer;
}

void
peer_do(struct peer *peer, peer_fn *run, void *arg, size_t size)
{
	(void)size;
	run(peer->store, arg);
}

void
peer_kill(struct peer **peer)
{
	memory_kill((*peer)->store);
	peer_end(peer);
}

void
peer_end(struct peer **peer)
{
	store_close(&(*peer)->store);
	free(*peer);
	*peer = NULL;
}

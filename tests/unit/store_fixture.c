/* store_fixture - the real store, see store_fixture.h. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/store_fixture.h"

int
fixture_setup_root(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	require(f != NULL);
	snprintf(f->root, sizeof(f->root), "/tmp/mededbot-test-XXXXXX");
	require(mkdtemp(f->root) != NULL);
	snprintf(f->dir, sizeof(f->dir), "%s/data", f->root);
	snprintf(f->key_file, sizeof(f->key_file), "%s/key", f->root);
	f->place.dir = f->dir;
	f->place.key_file = f->key_file;
	f->place.map_mb = MAP_MB;
	*state = f;
	return 0;
}

int
fixture_setup(void **state)
{
	struct fixture *f;

	fixture_setup_root(state);
	f = *state;
	f->store = fixture_join(f, at(0));
	return 0;
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(&f->store);
	snprintf(command, sizeof(command), "rm -rf %s", f->root);
	require(system(command) == 0);
	free(f);
	return 0;
}

struct store *
fixture_open(const struct fixture *f, struct store_now now)
{
	char why[STORE_WHY_MAX];
	struct store *s;

	if (store_open(&s, &f->place, now, why) != STORE_OK)
		require_failed(why, __FILE__, __LINE__);
	return s;
}

struct child
child_start(struct fixture *f, child_fn *run, void *arg)
{
	int down[2], up[2];
	struct child child, parent;

	require(pipe(down) == 0 && pipe(up) == 0);
	child.in = up[0];
	child.out = down[1];
	parent.in = down[0];
	parent.out = up[1];
	parent.pid = getpid();
	child.pid = fork();
	require(child.pid != -1);
	if (child.pid == 0) {
		close(child.in);
		close(child.out);
		run(f, &parent, arg);
		/* The parent's store is in this memory, too: whoever looks for
		 * leaks at an exit would count it, so another program exits. */
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	close(parent.in);
	close(parent.out);
	return child;
}

static void
child_end(struct child *c, int *status)
{
	assert_int_equal(waitpid(c->pid, status, 0), c->pid);
	close(c->in);
	close(c->out);
}

void
child_join(struct child *c)
{
	int status;

	child_end(c, &status);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void
child_kill(struct child *c)
{
	int status;

	assert_int_equal(kill(c->pid, SIGKILL), 0);
	child_end(c, &status);
	assert_true(WIFSIGNALED(status));
}

void
tell(const struct child *c)
{
	require(write(c->out, "!", 1) == 1);
}

void
hear(const struct child *c)
{
	char heard;

	require(read(c->in, &heard, 1) == 1);
}

/* -------------------------------------------------------------- peers -- */

struct peer {
	struct child child;
};

struct order {
	peer_fn *run; /* NULL: end */
	size_t size;
};

static void
pass(int from_or_to, void *at, size_t size, bool out)
{
	ssize_t n;

	for (; size > 0; size -= (size_t)n, at = (char *)at + n) {
		n = out ? write(from_or_to, at, size)
			: read(from_or_to, at, size);
		require(n > 0);
	}
}

static void
obey(struct fixture *f, struct child *parent, void *arg)
{
	const struct store_now *now = arg;
	struct store *s = fixture_open(f, *now);
	struct order order;
	void *at;

	tell(parent);
	for (;;) {
		pass(parent->in, &order, sizeof(order), false);
		if (order.run == NULL)
			break;
		at = malloc(order.size + 1);
		require(at != NULL);
		pass(parent->in, at, order.size, false);
		order.run(s, at);
		pass(parent->out, at, order.size, true);
		free(at);
	}
	store_close(&s);
}

struct peer *
peer_start(struct fixture *f, struct store_now now)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	require(peer != NULL);
	peer->child = child_start(f, obey, &now);
	hear(&peer->child);
	return peer;
}

void
peer_do(struct peer *peer, peer_fn *run, void *arg, size_t size)
{
	struct order order = { .run = run, .size = size };

	pass(peer->child.out, &order, sizeof(order), true);
	pass(peer->child.out, arg, size, true);
	pass(peer->child.in, arg, size, false);
}

void
peer_kill(struct peer **peer)
{
	child_kill(&(*peer)->child);
	free(*peer);
	*peer = NULL;
}

void
peer_end(struct peer **peer)
{
	struct order end = { .run = NULL };

	pass((*peer)->child.out, &end, sizeof(end), true);
	child_join(&(*peer)->child);
	free(*peer);
	*peer = NULL;
}

/* store_fixture - see store_fixture.h. */
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

const struct store_limits generous = {
	.user_tokens = 1000000,
	.global_tokens = 1000000,
	.lease_ms = LEASE_MS,
	.notice_gap_ms = GAP_MS,
};

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
		require_that(false, why, __FILE__, __LINE__);
	return s;
}

struct store *
fixture_join(const struct fixture *f, struct store_now now)
{
	struct store *s = fixture_open(f, now);
	unsigned slot;

	require(store_join(s, now, &slot) == STORE_OK);
	return s;
}

void
fixture_reopen(struct fixture *f, struct store_now now)
{
	store_close(&f->store);
	f->store = fixture_join(f, now);
}

struct store_now
at(int64_t ms)
{
	struct store_now now = {
		.wall_ms = 1790000000000 + ms,
		.boot_ms = 50000000 + ms,
		.boot_id = "the first boot.",
	};

	return now;
}

struct store_now
after_boot(int64_t ms)
{
	struct store_now now = {
		.wall_ms = at(HOUR_MS).wall_ms + ms,
		.boot_ms = 7000 + ms,
		.boot_id = "the second one.",
	};

	return now;
}

struct store_event
message(const char *id, const char *chat)
{
	struct store_event e = {
		.id = id,
		.chat = chat,
		.to = chat,
		.reply_token = "token",
		.text = "question",
		.line_ms = at(0).wall_ms,
		.direct = true,
	};

	return e;
}

struct store_verdict
admit(struct store *s, const char *id, const char *chat, struct store_now now)
{
	struct store_event e = message(id, chat);
	struct store_verdict v;

	require(store_admit(s, &e, 1, &generous, now, &v) == STORE_OK);
	return v;
}

struct store_lease
claim_one(struct store *s, struct store_now now)
{
	struct store_lease lease;
	size_t n;
	bool alone;

	require(store_claim(s, 1, 0, LEASE_MS, now, &lease, &n, &alone) ==
	    STORE_OK);
	require(n == 1);
	return lease;
}

enum store_rc
step(struct store *s, const struct store_lease *lease,
    enum store_step_kind kind, struct store_now now)
{
	struct store_step step = {
		.lease = *lease,
		.kind = kind,
		.lease_ms = LEASE_MS,
		.wait_ms = 5000,
		.reply = "reply",
		.reply_len = 5,
		.reason = "a test",
	};

	require(store_steps(s, &step, 1, now) == STORE_OK);
	return step.rc;
}

void
require_that(bool so, const char *what, const char *file, int line)
{
	if (so)
		return;
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	_exit(1);
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

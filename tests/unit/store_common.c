/* store_common - what the tests say to either store, see store_fixture.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/store_fixture.h"

const struct store_limits generous = {
	.user_tokens = 1000000,
	.global_tokens = 1000000,
	.lease_ms = LEASE_MS,
	.notice_gap_ms = GAP_MS,
};

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
require_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	_exit(1);
}

struct joining {
	struct store_now now;
	enum store_rc rc;
};

static void
join(struct store *s, void *arg)
{
	struct joining *j = arg;
	unsigned slot;

	j->rc = store_join(s, j->now, &slot);
}

enum store_rc
peer_join(struct peer *peer, struct store_now now)
{
	struct joining j;

	memset(&j, 0, sizeof(j)); /* the holes, too: it goes through a pipe */
	j.now = now;
	peer_do(peer, join, &j, sizeof(j));
	return j.rc;
}

/*
 * f_record - records that were not written by us.
 *
 * The first byte chooses the decoder, the rest is the record.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_priv.h"

enum { PAIRS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Reads every byte that a text has, so that one too many is noticed. */
static void
touch(const char *text)
{
	if (strlen(text) == SIZE_MAX)
		abort();
}

static void
try_payload(struct bytes b)
{
	struct payload p;

	if (!payload_decode(b, &p))
		return;
	touch(p.to);
	touch(p.reply_token);
	touch(p.quote_token);
	touch(p.text);
}

static void
try_turns(struct bytes b)
{
	struct store_turn turns[2 * PAIRS_MAX];
	uint16_t pairs, i;

	if (b.len == 0)
		return;
	pairs = b.at[0] % (PAIRS_MAX + 1);
	b.at++;
	b.len--;
	if (!session_turns(b, pairs, turns))
		return;
	for (i = 0; i < 2 * pairs; i++)
		touch(turns[i].text);
}

/* What is known of a job is known to everybody who switches over it. */
static void
try_job(struct bytes b)
{
	struct job job;

	if (job_decode(b, &job) && (unsigned)job.role >= JOB_ROLE__MAX)
		abort();
}

/* Whatever its version, all of it is set and what is sealed is inside. */
static void
try_session(struct bytes b)
{
	struct session session;
	const uint8_t *end = b.at + b.len;

	memset(&session, 0x5a, sizeof(session));
	if (!session_decode(b, &session))
		return;
	if (session.sealed.at + session.sealed.len != end)
		abort();
	if (b.at[0] < 3 && session.prefs[0] != 0)
		abort();
}

/* A key and its value: the first byte says how long the key is. */
static void
try_due(struct bytes b)
{
	struct bytes key = b;
	struct due due;

	if (b.len == 0 || b.at[0] > b.len - 1)
		return;
	key.at++;
	key.len = b.at[0];
	b.at = key.at + key.len;
	b.len -= 1 + key.len;
	due_decode(key, b, &due);
}

static void
try_keys(struct bytes b)
{
	struct store_job_id id;
	uint8_t user[USER];
	enum key_kind kind;
	int64_t ms;

	key_parse_user(b, user, &kind);
	key_parse_due(b, &ms, &id);
	key_parse_dead(b, &ms);
	key_copy(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { .at = data + 1, .len = size - 1 };
	struct seen seen;
	struct global global;
	struct lane lane;
	struct worker worker;
	struct dead dead;

	if (size == 0)
		return 0;
	switch (data[0] % 11) {
	case 0:
		seen_decode(b, &seen);
		break;
	case 1:
		global_decode(b, &global);
		break;
	case 2:
		lane_decode(b, &lane);
		break;
	case 3:
		try_session(b);
		break;
	case 4:
		try_job(b);
		break;
	case 5:
		worker_decode(b, &worker);
		break;
	case 6:
		dead_decode(b, &dead);
		break;
	case 7:
		try_payload(b);
		break;
	case 8:
		try_turns(b);
		break;
	case 9:
		try_due(b);
		break;
	case 10:
		try_keys(b);
		break;
	}
	return 0;
}

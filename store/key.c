/*
 * key - the keys of the tree, see FORMAT.md.
 *
 * Numbers are big-endian, so that the order of the bytes is the order of the
 * numbers.  Times in keys are never negative.
 */
#include <endian.h>
#include <string.h>

#include "store/store_priv.h"

static void
key_add(struct key *k, const void *from, size_t len)
{
	memcpy(k->at + k->len, from, len);
	k->len += len;
}

static void
key_add_number(struct key *k, uint64_t number, size_t bytes)
{
	uint64_t be = htobe64(number << (64 - 8 * bytes));

	key_add(k, &be, bytes);
}

static struct key
key_of(enum key_table table)
{
	struct key k;

	k.at[0] = (uint8_t)table;
	k.len = 1;
	return k;
}

struct key
key_event(const char *id)
{
	struct key k = key_of(TABLE_EVENT);

	key_add(&k, id, strnlen(id, STORE_ID_MAX));
	return k;
}

struct key
key_global(void)
{
	return key_of(TABLE_GLOBAL);
}

static struct key
key_user(const uint8_t user[USER], enum key_kind kind)
{
	struct key k = key_of(TABLE_USER);

	key_add(&k, user, USER);
	key_add_number(&k, kind, 1);
	return k;
}

struct key
key_lane(const uint8_t user[USER])
{
	return key_user(user, KEY_LANE);
}

struct key
key_session(const uint8_t user[USER])
{
	return key_user(user, KEY_SESSION);
}

struct key
key_job(const struct store_job_id *id, enum key_part part)
{
	struct key k = key_user(id->user, KEY_JOB);

	key_add_number(&k, id->seq, 4);
	key_add_number(&k, part, 1);
	return k;
}

/* Table, time and job: the order of waiting things. */
static struct key
key_timed(enum key_table table, int64_t ms, const struct store_job_id *id)
{
	struct key k = key_of(table);

	key_add_number(&k, ms > 0 ? (uint64_t)ms : 0, 8);
	key_add(&k, id->user, USER);
	key_add_number(&k, id->seq, 4);
	return k;
}

struct key
key_due(int64_t visible_ms, const struct store_job_id *id)
{
	return key_timed(TABLE_DUE, visible_ms, id);
}

struct key
key_worker(unsigned slot)
{
	struct key k = key_of(TABLE_WORKER);

	key_add_number(&k, slot, 2);
	return k;
}

struct key
key_dead(int64_t wall_ms, const struct store_job_id *id)
{
	return key_timed(TABLE_DEAD, wall_ms, id);
}

struct key
key_copy(struct bytes b)
{
	struct key k = { .len = 0 };

	key_add(&k, b.at, b.len < KEY_MAX ? b.len : KEY_MAX);
	return k;
}

bool
key_parse_user(struct bytes b, uint8_t user[USER], enum key_kind *kind)
{
	struct rec_reader r = rec_reader(b);

	rec_get_version(&r, TABLE_USER);
	rec_get_bytes(&r, user, USER);
	*kind = rec_get_u8(&r);
	return !r.bad && *kind <= KEY_JOB;
}

static bool
parse_timed(struct bytes b, enum key_table table, int64_t *ms,
    struct store_job_id *id)
{
	struct rec_reader r = rec_reader(b);

	rec_get_version(&r, (uint8_t)table);
	*ms = rec_get_i64(&r);
	rec_get_bytes(&r, id->user, USER);
	id->seq = rec_get_u32(&r);
	return rec_is_whole(&r);
}

bool
key_parse_due(struct bytes b, int64_t *visible_ms, struct store_job_id *id)
{
	return parse_timed(b, TABLE_DUE, visible_ms, id);
}

bool
key_parse_dead(struct bytes b, int64_t *wall_ms)
{
	struct store_job_id id;

	return parse_timed(b, TABLE_DEAD, wall_ms, &id);
}

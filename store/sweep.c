/*
 * sweep - removing what expired.
 *
 * Each table is walked in snapshots that collect keys of expired records;
 * the removing transaction then asks of each again, because the user may have
 * come back meanwhile.  Records that do not decode are never removed; lanes
 * that are damaged are made anew.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/store_priv.h"

enum {
	BATCH = 500,   /* records removed in one transaction */
	STRIDE = 5000, /* records looked at in one snapshot */
	DAY_MS = 24 * 3600 * 1000,
	STRAY_MS = 5 * 60 * 1000,
	SEEN_MS = 26 * 3600 * 1000 /* longer than events are admitted */
};

struct sweep {
	const struct store_sweep_rules *rules;
	const struct expiry *table;
	struct key keys[BATCH];
	size_t n, removed;
	struct key from; /* where the next snapshot starts */
	bool at_end;
	bool jumped;
};

/*
 * One table's expiry: which records, what is done about them (NULL: they are
 * removed), and which counter has them.
 */
struct expiry {
	enum key_table table;
	enum store_rc (*act)(struct tx *, struct key);
	bool (*is_expired)(struct tx *, const struct store_sweep_rules *,
	    struct bytes key, struct bytes value);
	size_t counter; /* offset in struct store_swept */
};

/* Has this user nothing unfinished?  In doubt: no. */
static bool
user_rests(struct tx *tx, const uint8_t user[USER], struct lane *lane)
{
	enum store_rc rc = lane_get(tx, user, lane);

	return rc == STORE_NONE || (rc == STORE_OK && lane->unfinished == 0);
}

static bool
session_is_expired(struct tx *tx, const struct store_sweep_rules *rules,
    struct bytes key, struct bytes value)
{
	struct session session;
	uint8_t user[USER];
	enum key_kind kind;
	struct lane lane;

	return key_parse_user(key, user, &kind) && kind == KEY_SESSION &&
	    session_decode(value, &session) &&
	    session_is_idle(tx, &session, rules->session_ttl_ms) &&
	    user_rests(tx, user, &lane);
}

/* Not before the events that name its jobs: the numbers start again. */
static bool
lane_is_expired(struct tx *tx, const struct store_sweep_rules *rules,
    struct bytes key, struct bytes value)
{
	struct session session;
	uint8_t user[USER];
	enum key_kind kind;
	struct lane lane;

	(void)value;
	return key_parse_user(key, user, &kind) && kind == KEY_LANE &&
	    user_rests(tx, user, &lane) &&
	    tx->now.wall_ms - lane.used_ms > rules->session_ttl_ms &&
	    tx->now.wall_ms - lane.used_ms > SEEN_MS &&
	    session_get(tx, user, &session) == STORE_NONE;
}

/* By LINE's clock, like admission: our own could be wrong. */
static bool
event_is_expired(struct tx *tx, const struct store_sweep_rules *rules,
    struct bytes key, struct bytes value)
{
	struct seen seen;

	(void)rules;
	(void)key;
	return seen_decode(value, &seen) &&
	    seen.line_ms < tx->global.newest_ms - SEEN_MS;
}

static bool
dead_is_expired(struct tx *tx, const struct store_sweep_rules *rules,
    struct bytes key, struct bytes value)
{
	int64_t wall_ms;

	(void)value;
	return key_parse_dead(key, &wall_ms) &&
	    tx->now.wall_ms - wall_ms > rules->dead_ttl_ms;
}

/* Damaged, or not what its user's jobs say: he may be locked. */
static bool
lane_is_wrong(struct tx *tx, const struct store_sweep_rules *rules,
    struct bytes key, struct bytes value)
{
	uint8_t user[USER];
	enum key_kind kind;

	(void)rules;
	(void)value;
	return key_parse_user(key, user, &kind) && kind == KEY_LANE &&
	    !mend_lane_agrees(tx, user);
}

static enum store_rc
mend_one(struct tx *tx, struct key key)
{
	struct bytes b = { .at = key.at, .len = key.len };
	uint8_t user[USER];
	enum key_kind kind;
	struct lane lane;

	key_parse_user(b, user, &kind);
	return mend_lane(tx, user, &lane);
}

#define SWEPT(member) offsetof(struct store_swept, member)

/* Sessions go before lanes, because a lane stays with its session. */
static const struct expiry expiries[] = {
	{ TABLE_USER, NULL, session_is_expired, SWEPT(sessions) },
	{ TABLE_USER, NULL, lane_is_expired, SWEPT(lanes) },
	{ TABLE_USER, mend_one, lane_is_wrong, SWEPT(mended) },
	{ TABLE_EVENT, NULL, event_is_expired, SWEPT(events) },
	{ TABLE_DEAD, NULL, dead_is_expired, SWEPT(dead) },
};

static enum store_rc
collect(struct tx *tx, void *arg)
{
	struct sweep *sw = arg;
	struct key table = { .at = { (uint8_t)sw->table->table }, .len = 1 };
	struct bytes key, value;
	struct scan scan;
	size_t seen;
	enum store_rc rc = scan_open(&scan, tx, table, sw->from);

	sw->n = 0;
	if (rc != STORE_OK)
		return rc;
	for (seen = 0; (rc = scan_next(&scan, &key, &value)) == STORE_OK;
	     seen++) {
		sw->from = key_copy(key);
		if (sw->n == BATCH || seen == STRIDE)
			break; /* the next snapshot starts with this one */
		if (sw->table->is_expired(tx, sw->rules, key, value))
			sw->keys[sw->n++] = sw->from;
	}
	scan_close(&scan);
	sw->at_end = rc == STORE_NONE;
	return rc == STORE_NONE ? STORE_OK : rc;
}

static enum store_rc
remove_collected(struct tx *tx, void *arg)
{
	struct sweep *sw = arg;
	struct bytes key, value;
	enum store_rc rc = STORE_OK;
	size_t i;

	sw->removed = 0;
	for (i = 0; rc == STORE_OK && i < sw->n; i++) {
		key.at = sw->keys[i].at;
		key.len = sw->keys[i].len;
		rc = db_get(tx, sw->keys[i], &value);
		if (rc == STORE_OK &&
		    sw->table->is_expired(tx, sw->rules, key, value)) {
			rc = sw->table->act != NULL
			    ? sw->table->act(tx, sw->keys[i])
			    : db_del(tx, sw->keys[i]);
			sw->removed++;
		}
		if (rc == STORE_NONE)
			rc = STORE_OK;
	}
	return rc;
}

static enum store_rc
sweep_table(struct store *s, struct sweep *sw, const struct store_now *now,
    struct store_swept *swept)
{
	size_t *counter = (size_t *)((char *)swept + sw->table->counter);
	enum store_rc rc;

	sw->from.at[0] = (uint8_t)sw->table->table;
	sw->from.len = 1;
	do {
		rc = tx_read(s, now, collect, sw);
		if (rc == STORE_OK && sw->n > 0) {
			rc = tx_write(s, now, STEP_WAIT_MS, remove_collected,
			    sw);
			if (rc == STORE_OK)
				*counter += sw->removed;
		}
	} while (rc == STORE_OK && !sw->at_end);
	return rc;
}

/*
 * Compares how far both clocks came since the last sweep.  A boot in between
 * leaves the boot clock nothing to say, which counts as no time: then only
 * more than a day off looks like a jump, once.
 */
static enum store_rc
check_clocks(struct tx *tx, void *arg)
{
	struct sweep *sw = arg;
	struct global *g = &tx->global;
	int64_t wall = tx->now.wall_ms - g->swept_wall_ms;
	int64_t boot = 0, ahead = DAY_MS;

	if (g->swept_boot == g->boot) {
		boot = tx->now.boot_ms - g->swept_boot_ms;
		ahead = STRAY_MS;
	}
	sw->jumped = wall - boot > ahead || wall - boot < -STRAY_MS;
	g->swept_wall_ms = tx->now.wall_ms;
	g->swept_boot_ms = tx->now.boot_ms;
	g->swept_boot = g->boot;
	tx->global_dirty = true;
	return STORE_OK;
}

static enum store_rc
sweep_all(struct store *s, struct sweep *sw, const struct store_now *now,
    struct store_swept *swept)
{
	enum store_rc rc = tx_write(s, now, STEP_WAIT_MS, check_clocks, sw);
	size_t i;

	if (rc == STORE_OK && sw->jumped && !sw->rules->force)
		rc = STORE_CLOCK;
	if (rc == STORE_OK)
		rc = store_fail(s, mdb_reader_check(s->env, &swept->readers));
	for (i = 0;
	     rc == STORE_OK && i < sizeof(expiries) / sizeof(expiries[0]);
	     i++) {
		sw->table = &expiries[i];
		rc = sweep_table(s, sw, now, swept);
	}
	return rc;
}

enum store_rc
store_sweep(struct store *s, const struct store_sweep_rules *rules,
    struct store_now now, struct store_swept *swept)
{
	char why[STORE_WHY_MAX];
	struct sweep *sw;
	enum store_rc rc = store_check(s);
	int fd;

	memset(swept, 0, sizeof(*swept));
	if (rc != STORE_OK)
		return rc;
	if (place_open_file(s->dir_fd, "cleanup.lock", 0, &fd, why) != STORE_OK)
		return STORE_ERR;
	rc = STORE_BUSY;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		sw = calloc(1, sizeof(*sw));
		rc = STORE_ERR;
		if (sw != NULL) {
			sw->rules = rules;
			rc = sweep_all(s, sw, &now, swept);
		}
		free(sw);
	}
	close(fd);
	return rc;
}

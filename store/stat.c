/* stat - counts for operators, and who is at work. */
#include <stdio.h>
#include <string.h>

#include "store/store_priv.h"

struct counting {
	struct store_stat *stat;
	struct store_session_info *infos;
	size_t max, n, n_working;
};

/* A user, put together from the records that lie side by side. */
struct person {
	uint8_t user[USER];
	bool known; /* user is set */
	bool has_session;
	bool has_voice; /* a message that is not heard yet */
	struct lane lane;
	int64_t changed_ms;
	uint32_t first_job; /* unfinished; 0: none */
};

/* Those at work come first: an idle one makes room for them at the end. */
static struct store_session_info *
info_place(struct counting *c, bool working)
{
	struct store_session_info *info;

	if (!working)
		return c->n < c->max ? &c->infos[c->n++] : NULL;
	if (c->n_working == c->max)
		return NULL;
	info = &c->infos[c->n_working++];
	if (c->n < c->max)
		c->infos[c->n++] = *info;
	return info;
}

static void
info_fill(const struct person *p, bool working, const struct store_now *now,
    struct store_session_info *info)
{
	int64_t since = p->has_session ? p->changed_ms : p->lane.used_ms;
	size_t i;

	for (i = 0; i < sizeof(info->user) / 2; i++)
		snprintf(info->user + 2 * i, 3, "%02x", p->user[i]);
	info->state = working ? STORE_WORKING
	    : p->has_voice    ? STORE_HEARING
			      : STORE_IDLE;
	info->age_ms = now->wall_ms > since ? now->wall_ms - since : 0;
	info->job = working ? p->lane.busy_seq : p->first_job;
}

static void
count_person(struct counting *c, const struct person *p,
    const struct store_now *now)
{
	bool working = p->lane.busy_seq != 0;
	struct store_session_info *info;

	if (!p->known || (!p->has_session && p->lane.unfinished == 0))
		return;
	c->stat->total++;
	c->stat->active += working;
	info = info_place(c, working);
	if (info != NULL)
		info_fill(p, working, now, info);
}

static void
note_record(struct person *p, enum key_kind kind, struct bytes key,
    struct bytes value)
{
	struct session session;
	struct rec_reader r;
	uint32_t seq;
	struct job job;

	switch (kind) {
	case KEY_LANE:
		if (!lane_decode(value, &p->lane))
			memset(&p->lane, 0, sizeof(p->lane));
		break;
	case KEY_SESSION:
		p->has_session = session_decode(value, &session);
		if (p->has_session)
			p->changed_ms = session.changed_ms;
		break;
	case KEY_JOB:
		r = rec_reader(key);
		r.at += 1 + USER + 1;
		seq = rec_get_u32(&r);
		if (p->first_job == 0)
			p->first_job = seq;
		p->has_voice |= rec_get_u8(&r) == PART_STATE &&
		    job_decode(value, &job) && job.role == JOB_VOICE;
		break;
	}
}

static enum store_rc
count_people(struct tx *tx, struct counting *c)
{
	struct key table = { .at = { TABLE_USER }, .len = 1 };
	struct person p = { .known = false };
	struct bytes key, value;
	uint8_t user[USER];
	enum key_kind kind;
	struct scan scan;
	enum store_rc rc = scan_open(&scan, tx, table, table);

	if (rc != STORE_OK)
		return rc;
	while ((rc = scan_next(&scan, &key, &value)) == STORE_OK) {
		if (!key_parse_user(key, user, &kind))
			continue;
		if (!p.known || memcmp(user, p.user, USER) != 0) {
			count_person(c, &p, &tx->now);
			memset(&p, 0, sizeof(p));
			memcpy(p.user, user, USER);
			p.known = true;
		}
		note_record(&p, kind, key, value);
	}
	count_person(c, &p, &tx->now);
	scan_close(&scan);
	return rc == STORE_NONE ? STORE_OK : rc;
}

static enum store_rc
count_table(struct tx *tx, enum key_table which, size_t *n)
{
	struct key table = { .at = { (uint8_t)which }, .len = 1 };
	struct bytes key, value;
	struct scan scan;
	enum store_rc rc = scan_open(&scan, tx, table, table);

	if (rc != STORE_OK)
		return rc;
	while ((rc = scan_next(&scan, &key, &value)) == STORE_OK)
		(*n)++;
	scan_close(&scan);
	return rc == STORE_NONE ? STORE_OK : rc;
}

static enum store_rc
count_all(struct tx *tx, void *arg)
{
	struct counting *c = arg;
	enum store_rc rc = count_people(tx, c);

	if (rc == STORE_OK)
		rc = count_table(tx, TABLE_DUE, &c->stat->unfinished);
	if (rc == STORE_OK)
		rc = count_table(tx, TABLE_DEAD, &c->stat->dead);
	return rc;
}

enum store_rc
stat_count(struct tx *tx, struct store_stat *stat)
{
	struct counting c = { .stat = stat };

	return count_all(tx, &c);
}

enum store_rc
store_stat(struct store *s, struct store_now now, struct store_stat *stat,
    struct store_session_info *infos, size_t max, size_t *n)
{
	struct counting c = { .stat = stat, .infos = infos, .max = max };
	enum store_rc rc;

	memset(stat, 0, sizeof(*stat));
	*n = 0;
	rc = tx_read(s, &now, count_all, &c);
	if (rc == STORE_OK)
		rc = room_used(s, &now, &stat->used_pages);
	if (rc != STORE_OK)
		return rc;
	stat->map_pages = s->map_pages;
	*n = c.n;
	return STORE_OK;
}

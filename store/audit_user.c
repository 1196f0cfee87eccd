/*
 * audit_user - what must hold about a user, see FORMAT.md.
 *
 * A user's records come side by side: lane, session, then each job's message,
 * reply and state.  A job is judged when its last record came, a user when the
 * next one begins.
 */
#include <stdlib.h>
#include <string.h>

#include "store/audit.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static void
fault(struct audit *a, enum fault which, const char *table)
{
	audit_fault(a, which, table, a->subject.user, NULL);
}

static void
job_fault(struct audit *a, enum fault which)
{
	audit_fault(a, which, "job", a->subject.user, &a->subject.at.id.seq);
}

/* ----------------------------------------------------------------- job -- */

/* Its wake-up, which is there once: audit.c finds a second one. */
static enum store_rc
check_due(struct audit *a, struct tx *tx)
{
	struct due due = { .visible_ms = a->subject.at.job.visible_ms,
		.id = a->subject.at.id };
	enum store_rc rc = due_get(tx, &due);

	if (rc == STORE_NONE)
		job_fault(a, FAULT_NO_DUE);
	return rc == STORE_NONE || rc == STORE_CORRUPT ? STORE_OK : rc;
}

/* Is the time further away than any lease or pause is long? */
static bool
is_far(const struct tx *tx, const struct job *job)
{
	return global_boot(&tx->global, &tx->now) == tx->global.boot &&
	    job->visible_ms - tx->now.boot_ms > DAY_MS;
}

/* Do the job, its answer and its user's lane say the same of it? */
static void
check_role(struct audit *a)
{
	const struct subject *s = &a->subject;
	bool busy = s->lane_is_good && s->lane.busy_seq == s->at.id.seq;
	bool idle = s->lane_is_good && !busy, reply = s->at.reply;

	switch (s->at.job.role) {
	case JOB_QUESTION:
		if (idle && !reply)
			job_fault(a, FAULT_NO_REPLY);
		if (busy && reply)
			job_fault(a, FAULT_STAYS);
		break;
	case JOB_STAYS:
		if (idle)
			job_fault(a, FAULT_STAYS);
		if (!reply)
			job_fault(a, FAULT_LOST_REPLY);
		break;
	case JOB_VOICE:
	case JOB_FOLLOW:
		if (busy || reply)
			job_fault(a, FAULT_BESIDE);
		break;
	case JOB_ROLE__MAX:
		break;
	}
}

static enum store_rc
check_state(struct audit *a, struct tx *tx)
{
	const struct subject *s = &a->subject;
	const struct job *job = &s->at.job;

	if (job->fence > tx->global.serial)
		job_fault(a, FAULT_SERIAL);
	if (job->received_boot > tx->global.boot)
		job_fault(a, FAULT_BOOT);
	if (is_far(tx, job))
		job_fault(a, FAULT_FAR_DUE);
	if (job->progress.crashes > 0)
		job_fault(a, NOTE_SUSPECT);
	check_role(a);
	return check_due(a, tx);
}

static enum store_rc
end_job(struct audit *a, struct tx *tx)
{
	struct subject *s = &a->subject;
	enum store_rc rc = STORE_OK;

	if (!s->at.known)
		return STORE_OK;
	if (!s->at.state)
		job_fault(a, FAULT_NO_STATE);
	if (!s->at.payload)
		job_fault(a, FAULT_NO_PAYLOAD);
	if (s->lane_is_good && s->at.id.seq >= s->lane.next_seq)
		job_fault(a, FAULT_SEQ);
	if (s->at.state_is_good)
		rc = check_state(a, tx);
	s->jobs += s->at.state;
	s->busy_is_there |= s->at.state && s->at.id.seq == s->lane.busy_seq;
	memset(&s->at, 0, sizeof(s->at));
	return rc;
}

static enum store_rc
check_sealed(struct audit *a, struct tx *tx, enum seal_use use,
    struct bytes sealed)
{
	struct payload payload;
	struct bytes plain;
	enum store_rc rc =
	    audit_open(a, tx, use, a->subject.user, sealed, &plain);

	if (rc == STORE_CORRUPT)
		job_fault(a, FAULT_SEALED);
	else if (rc == STORE_OK && use == SEAL_PAYLOAD &&
	    !payload_decode(plain, &payload))
		job_fault(a, FAULT_RECORD);
	return rc == STORE_CORRUPT ? STORE_OK : rc;
}

static enum store_rc
note_part(struct audit *a, struct tx *tx, uint8_t part, struct bytes value)
{
	struct subject *s = &a->subject;

	switch (part) {
	case PART_PAYLOAD:
		s->at.payload = true;
		return check_sealed(a, tx, SEAL_PAYLOAD, value);
	case PART_REPLY:
		s->at.reply = true;
		return check_sealed(a, tx, SEAL_REPLY, value);
	case PART_STATE:
		s->at.state = true;
		s->at.state_is_good = job_decode(value, &s->at.job);
		if (!s->at.state_is_good)
			job_fault(a, FAULT_RECORD);
		return STORE_OK;
	default:
		job_fault(a, FAULT_KEY);
		return STORE_OK;
	}
}

static enum store_rc
check_job(struct audit *a, struct tx *tx, struct bytes key, struct bytes value)
{
	struct subject *s = &a->subject;
	struct rec_reader r = rec_reader(key);
	struct store_job_id id;
	enum store_rc rc = STORE_OK;
	uint8_t part;

	r.at += 1 + USER + 1;
	memcpy(id.user, s->user, USER);
	id.seq = rec_get_u32(&r);
	part = rec_get_u8(&r);
	if (!rec_is_whole(&r)) {
		fault(a, FAULT_KEY, "job");
		return STORE_OK;
	}
	if (s->at.known && s->at.id.seq != id.seq)
		rc = end_job(a, tx);
	s->at.known = true;
	s->at.id = id;
	return rc == STORE_OK ? note_part(a, tx, part, value) : rc;
}

/* ---------------------------------------------------------------- user -- */

static void
check_lane(struct audit *a, struct tx *tx, struct bytes value)
{
	struct subject *s = &a->subject;
	const struct lane *lane = &s->lane;

	s->has_lane = true;
	s->lane_is_good = lane_decode(value, &s->lane);
	if (!s->lane_is_good) {
		fault(a, FAULT_RECORD, "lane");
		return;
	}
	if (lane->busy_seq >= lane->next_seq)
		fault(a, FAULT_SEQ, "lane");
	if (lane->bucket.boot > tx->global.boot ||
	    lane->notice_boot > tx->global.boot)
		fault(a, FAULT_BOOT, "lane");
}

static enum store_rc
check_turns(struct audit *a, const struct session *session, struct bytes plain)
{
	struct store_turn *turns =
	    calloc(2 * (size_t)session->pairs + 1, sizeof(*turns));

	if (turns == NULL)
		return STORE_ERR;
	if (!session_turns(plain, session->pairs, turns))
		fault(a, FAULT_RECORD, "session");
	free(turns);
	return STORE_OK;
}

static enum store_rc
check_session(struct audit *a, struct tx *tx, struct bytes value)
{
	struct session session;
	struct bytes plain;
	enum store_rc rc;

	a->totals->sessions++;
	if (!session_decode(value, &session)) {
		fault(a, FAULT_RECORD, "session");
		return STORE_OK;
	}
	if (session.serial > tx->global.serial)
		fault(a, FAULT_SERIAL, "session");
	if (session.changed_boot > tx->global.boot)
		fault(a, FAULT_BOOT, "session");
	rc = audit_open(a, tx, SEAL_SESSION, a->subject.user, session.sealed,
	    &plain);
	if (rc == STORE_OK)
		return check_turns(a, &session, plain);
	if (rc == STORE_CORRUPT)
		fault(a, FAULT_SEALED, "session");
	return rc == STORE_CORRUPT ? STORE_OK : rc;
}

enum store_rc
audit_user_end(struct audit *a, struct tx *tx)
{
	struct subject *s = &a->subject;
	enum store_rc rc;

	if (!s->known)
		return STORE_OK;
	rc = end_job(a, tx);
	a->totals->users++;
	a->totals->jobs += s->jobs;
	if (!s->has_lane)
		fault(a, FAULT_NO_LANE, "user");
	if (s->lane_is_good && s->lane.unfinished != s->jobs)
		fault(a, FAULT_UNFINISHED, "lane");
	if (s->lane_is_good && s->lane.busy_seq != 0 && !s->busy_is_there)
		fault(a, FAULT_BUSY, "lane");
	memset(s, 0, sizeof(*s));
	return rc;
}

enum store_rc
audit_user(struct audit *a, struct tx *tx, struct bytes key, struct bytes value)
{
	struct subject *s = &a->subject;
	enum store_rc rc = STORE_OK;
	uint8_t user[USER];
	enum key_kind kind;

	if (!key_parse_user(key, user, &kind) ||
	    (kind != KEY_JOB && key.len != 1 + USER + 1)) {
		audit_fault(a, FAULT_KEY, "user", NULL, NULL);
		return STORE_OK;
	}
	if (s->known && memcmp(s->user, user, USER) != 0)
		rc = audit_user_end(a, tx);
	s->known = true;
	memcpy(s->user, user, USER);
	if (rc != STORE_OK)
		return rc;
	switch (kind) {
	case KEY_LANE:
		check_lane(a, tx, value);
		break;
	case KEY_SESSION:
		rc = check_session(a, tx, value);
		break;
	case KEY_JOB:
		rc = check_job(a, tx, key, value);
		break;
	}
	return rc;
}

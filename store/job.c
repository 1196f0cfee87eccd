/* job - a job's state and its place in the index, see FORMAT.md. */
#include "store/store_priv.h"

/* In version 1 there were no voice messages, in 2 there was nothing else. */
enum { SIZE = 63 };

bool
job_decode(struct bytes b, struct job *job)
{
	struct rec_reader r = rec_reader(b);
	struct store_progress *p = &job->progress;
	uint8_t version = rec_get_u8(&r), role;

	p->stage = rec_get_u8(&r);
	p->tries = rec_get_u8(&r);
	p->crashes = rec_get_u8(&r);
	p->interrupted = rec_get_u8(&r);
	p->intent = rec_get_u8(&r);
	p->flags = rec_get_u8(&r);
	p->outcome = rec_get_u8(&r);
	p->sends = rec_get_u16(&r);
	p->deadline_ms = rec_get_i64(&r);
	p->first_push_ms = rec_get_i64(&r);
	job->fence = rec_get_u64(&r);
	job->visible_ms = rec_get_i64(&r);
	job->received_ms = rec_get_i64(&r);
	job->received_boot = rec_get_u32(&r);
	job->created_ms = rec_get_i64(&r);
	role = version > 1 ? rec_get_u8(&r) : JOB_QUESTION;
	job->role = (enum job_role)role;
	return version >= 1 && version <= STATE_VERSION &&
	    role < (version > 2 ? JOB_ROLE__MAX : JOB_FOLLOW) &&
	    rec_is_whole(&r);
}

bool
job_is_beside(const struct job *job)
{
	return job->role == JOB_VOICE || job->role == JOB_FOLLOW;
}

enum store_rc
job_get(struct tx *tx, const struct store_job_id *id, struct job *job)
{
	struct bytes b;
	enum store_rc rc = db_get(tx, key_job(id, PART_STATE), &b);

	if (rc == STORE_OK && !job_decode(b, job))
		rc = STORE_CORRUPT;
	return rc;
}

enum store_rc
job_put(struct tx *tx, const struct store_job_id *id, const struct job *job)
{
	uint8_t record[SIZE];
	struct rec_writer w = rec_writer(record, sizeof(record));
	const struct store_progress *p = &job->progress;

	rec_put_u8(&w, STATE_VERSION);
	rec_put_u8(&w, p->stage);
	rec_put_u8(&w, p->tries);
	rec_put_u8(&w, p->crashes);
	rec_put_u8(&w, p->interrupted);
	rec_put_u8(&w, p->intent);
	rec_put_u8(&w, p->flags);
	rec_put_u8(&w, p->outcome);
	rec_put_u16(&w, p->sends);
	rec_put_i64(&w, p->deadline_ms);
	rec_put_i64(&w, p->first_push_ms);
	rec_put_u64(&w, job->fence);
	rec_put_i64(&w, job->visible_ms);
	rec_put_i64(&w, job->received_ms);
	rec_put_u32(&w, job->received_boot);
	rec_put_i64(&w, job->created_ms);
	rec_put_u8(&w, (uint8_t)job->role);
	return db_put(tx, key_job(id, PART_STATE), record, sizeof(record));
}

enum store_rc
job_move(struct tx *tx, const struct store_job_id *id, struct job *job,
    int64_t visible_ms, struct owner owner)
{
	struct due due = {
		.visible_ms = visible_ms, .id = *id, .owner = owner
	};
	enum store_rc rc = due_del(tx, job->visible_ms, id);

	job->visible_ms = visible_ms;
	return rc == STORE_OK ? due_put(tx, &due) : rc;
}

/*
 * session - the turns of a user's conversation, see FORMAT.md.
 *
 * A record is a short head in clear, for the sweep, with what the user chose,
 * and the sealed turns.  The next record is drafted before the write turn is
 * taken; the serial in the head tells whether the session is still the one it
 * was drafted from.
 */
#include <stdlib.h>
#include <string.h>

#include "store/store_priv.h"

/* Version 1 knew the wall clock only, 2 had no prefs. */
enum { VERSION = 3, HEAD = 1 + 8 + 8 + 4 + 8 + 2 + STORE_PREFS };

bool
session_decode(struct bytes b, struct session *session)
{
	struct rec_reader r = rec_reader(b);
	uint8_t version = rec_get_u8(&r);

	session->serial = rec_get_u64(&r);
	session->changed_ms = rec_get_i64(&r);
	session->changed_boot = version > 1 ? rec_get_u32(&r) : 0;
	session->changed_boot_ms = version > 1 ? rec_get_i64(&r) : 0;
	session->pairs = rec_get_u16(&r);
	memset(session->prefs, 0, STORE_PREFS);
	if (version > 2)
		rec_get_bytes(&r, session->prefs, STORE_PREFS);
	session->sealed.at = r.at;
	session->sealed.len = (size_t)(r.end - r.at);
	return !r.bad && session->serial > 0 && version >= 1 &&
	    version <= VERSION;
}

/*
 * The wall clock may jump, so it is asked only about what was before the
 * machine was booted.
 */
bool
session_is_idle(const struct tx *tx, const struct session *session,
    int64_t longer_ms)
{
	uint32_t boot = global_boot(&tx->global, &tx->now);

	if (session->changed_boot == boot)
		return tx->now.boot_ms - session->changed_boot_ms > longer_ms;
	return tx->now.wall_ms - session->changed_ms > longer_ms;
}

/* The sweep comes every few hours; what is too old must not wait for it. */
static bool
is_stale(const struct tx *tx, const struct session *session)
{
	int64_t ttl_ms = tx->store->session_ttl_ms;

	return ttl_ms > 0 && session_is_idle(tx, session, ttl_ms);
}

enum store_rc
session_get(struct tx *tx, const uint8_t user[USER], struct session *session)
{
	struct bytes b;
	enum store_rc rc = db_get(tx, key_session(user), &b);

	memset(session, 0, sizeof(*session));
	if (rc == STORE_OK && !session_decode(b, session))
		rc = STORE_CORRUPT;
	if (rc == STORE_OK && is_stale(tx, session)) {
		memset(session, 0, sizeof(*session));
		rc = STORE_NONE;
	}
	return rc;
}

bool
session_turns(struct bytes plain, uint16_t pairs, struct store_turn *turns)
{
	struct rec_reader r = rec_reader(plain);
	size_t i, len;

	for (i = 0; i < 2 * (size_t)pairs; i++) {
		turns[i].from_user = i % 2 == 0;
		turns[i].text = rec_get_text(&r, &len);
	}
	return rec_is_whole(&r);
}

static size_t
pair_bytes(struct rec_reader *r)
{
	size_t question, answer;

	rec_get_text(r, &question);
	rec_get_text(r, &answer);
	return question + answer;
}

/*
 * How many of the oldest bytes of the plain text must go, so that one more
 * pair of that many bytes of text keeps within the step's limits; *pairs is
 * set to what stays, the new one included.  -1: it does not decode.
 */
static ptrdiff_t
trim(struct bytes plain, const struct store_step *step, size_t new_bytes,
    uint16_t *pairs)
{
	struct rec_reader r = rec_reader(plain);
	size_t kept = (size_t)*pairs + 1, bytes = new_bytes;
	uint16_t i;

	for (i = 0; i < *pairs; i++)
		bytes += pair_bytes(&r);
	if (!rec_is_whole(&r))
		return -1;
	r = rec_reader(plain);
	while (kept > 0 &&
	    (kept > step->history_turns || bytes > step->history_bytes ||
		kept > UINT16_MAX)) {
		bytes -= kept > 1 ? pair_bytes(&r) : new_bytes;
		kept--;
	}
	*pairs = (uint16_t)kept;
	return r.at - plain.at;
}

/* A question and its answer, as much of them as is remembered. */
struct pair {
	const char *question, *answer;
	size_t question_len, answer_len;
};

static bool
is_inside_character(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/*
 * The newest pair always stays: of one that is too large by itself the
 * question's beginning and the answer's end, which is where "go on" goes on.
 */
static struct pair
pair_of(const struct store_step *step)
{
	struct pair p = {
		.question = step->question,
		.answer = step->answer,
		.question_len = strlen(step->question),
		.answer_len = strlen(step->answer),
	};
	size_t max = step->history_bytes, room;

	room = p.answer_len < max / 2 ? max - p.answer_len : max - max / 2;
	if (p.question_len + p.answer_len > max && p.question_len > room) {
		p.question_len = room;
		while (p.question_len > 0 &&
		    is_inside_character(p.question[p.question_len]))
			p.question_len--;
	}
	while (p.answer_len > max - p.question_len ||
	    (p.answer_len > 0 && is_inside_character(*p.answer))) {
		p.answer++;
		p.answer_len--;
	}
	return p;
}

static bool
has_prefs(const struct session_draft *draft)
{
	static const uint8_t none[STORE_PREFS];

	return memcmp(draft->prefs, none, STORE_PREFS) != 0;
}

/* What the turns come to; a session that holds nothing is none. */
static enum store_rc
draft_close(struct tx *tx, const uint8_t user[USER],
    struct session_draft *draft, size_t len)
{
	if (draft->pairs == 0 && !has_prefs(draft))
		return STORE_OK;
	if (!seal_close(tx->store->seal, SEAL_SESSION, user,
		draft->record + HEAD, len))
		return STORE_ERR;
	draft->len = HEAD + SEAL_HEAD + len;
	return STORE_OK;
}

/* Replaces the oldest pairs of the plain text by the new one at its end. */
static enum store_rc
draft_append(const struct store_step *step, struct session_draft *draft,
    size_t *plain_len)
{
	struct pair pair = pair_of(step);
	size_t question = pair.question_len, answer = pair.answer_len;
	uint8_t *plain = draft->record + HEAD + SEAL_HEAD;
	struct bytes old = { .at = plain, .len = *plain_len };
	ptrdiff_t cut = trim(old, step, question + answer, &draft->pairs);
	struct rec_writer w;
	size_t kept;

	if (cut < 0)
		return STORE_CORRUPT;
	*plain_len = 0;
	if (step->history_bytes == 0)
		draft->pairs = 0;
	if (draft->pairs == 0)
		return STORE_OK; /* nothing is to be remembered */
	kept = old.len - (size_t)cut;
	memmove(plain, plain + cut, kept);
	*plain_len = kept + rec_text_size(question) + rec_text_size(answer);
	w = rec_writer(plain + kept, *plain_len - kept);
	rec_put_text(&w, pair.question, question);
	rec_put_text(&w, pair.answer, answer);
	return w.bad ? STORE_ERR : STORE_OK;
}

/* Copies a session's turns into the draft and opens them there. */
static enum store_rc
draft_copy(struct tx *tx, const uint8_t user[USER],
    const struct session *session, struct session_draft *draft,
    size_t *plain_len)
{
	uint8_t *sealed = draft->record + HEAD, *plain;

	memcpy(sealed, session->sealed.at, session->sealed.len);
	switch (seal_open(tx->store->seal, SEAL_SESSION, user, sealed,
	    session->sealed.len, &plain, plain_len)) {
	case SEAL_OK:
		return STORE_OK;
	case SEAL_BAD:
		return STORE_CORRUPT;
	case SEAL_FAILED:
		break;
	}
	return STORE_ERR;
}

static bool
talks(const struct store_step *step)
{
	return step->question != NULL && step->answer != NULL;
}

bool
session_is_touched(const struct store_step *step)
{
	return talks(step) || step->prefs != NULL;
}

static size_t
text_room(const struct store_step *step)
{
	if (!talks(step))
		return 0;
	return rec_text_size(strlen(step->question)) +
	    rec_text_size(strlen(step->answer));
}

enum store_rc
session_draft_make(struct tx *tx, const struct store_step *step,
    struct session_draft *draft)
{
	const uint8_t *user = step->lease.id.user;
	struct session session;
	size_t plain_len = 0;
	enum store_rc rc = session_get(tx, user, &session);

	memset(draft, 0, sizeof(*draft));
	if (rc != STORE_OK && rc != STORE_NONE)
		return rc;
	draft->base = session.serial;
	draft->pairs = session.pairs;
	memcpy(draft->prefs, step->prefs ? step->prefs : session.prefs,
	    STORE_PREFS);
	draft->record =
	    malloc(HEAD + SEAL_HEAD + session.sealed.len + text_room(step));
	if (draft->record == NULL)
		return STORE_ERR;
	if (rc == STORE_OK)
		rc = draft_copy(tx, user, &session, draft, &plain_len);
	else
		rc = STORE_OK;
	if (rc == STORE_OK && talks(step))
		rc = draft_append(step, draft, &plain_len);
	return rc == STORE_OK ? draft_close(tx, user, draft, plain_len) : rc;
}

enum store_rc
session_draft_put(struct tx *tx, const uint8_t user[USER],
    const struct session_draft *draft)
{
	struct rec_writer w = rec_writer(draft->record, HEAD);

	if (draft->len == 0)
		return db_del(tx, key_session(user));
	rec_put_u8(&w, VERSION);
	rec_put_u64(&w, tx_serial(tx));
	rec_put_i64(&w, tx->now.wall_ms);
	rec_put_u32(&w, tx->global.boot);
	rec_put_i64(&w, tx->now.boot_ms);
	rec_put_u16(&w, draft->pairs);
	rec_put_bytes(&w, draft->prefs, STORE_PREFS);
	return db_put(tx, key_session(user), draft->record, draft->len);
}

void
session_draft_release(struct session_draft *draft)
{
	free(draft->record);
	memset(draft, 0, sizeof(*draft));
}

/*
 * step_speak.c - the stage that has an answer read aloud.
 *
 * The text is committed and could go at once; it waits for the sound only as
 * long as its reply token leaves time.  When that runs out, or no sound can be
 * had, the text goes alone and says so; the operator may let the sound follow
 * by a push, as a job of its own.
 *
 * A follow-up is such a job (stored.voice): it says nothing but the sound.
 *
 * What the model sends is decoded as it comes (struct speak_reader); encoding
 * and publishing are a chore for the helper's thread.
 */
#include <stdlib.h>
#include <string.h>

#include "audio/voice.h"
#include "base/clock.h"
#include "base/log.h"
#include "bot/prefs.h"
#include "bot/words.h"
#include "jobs/delivery.h"
#include "jobs/engine_priv.h"
#include "jobs/speech.h"
#include "jobs/stage.h"
#include "jobs/utterance.h"
#include "line/message.h"
#include "model/speak.h"

enum {
	CONNECT_MS = 5000,
	SEND_MS = 5000,     /* of the reply window, for the delivery */
	LEAST_MS = 1500,    /* in less than that nothing is spoken */
	BACKOFF_MS = 300,   /* doubled by each attempt */
	SPOKEN_MS = 120000, /* of a long answer the beginning is read */
	SOUND_MAX = 12 * 1024 * 1024,
	ANSWER_MAX = 17 * 1024 * 1024, /* the same as base64, and some more */
	TRIES_MAX = 3                  /* of the model */
};

bool
speak_is_wanted(const struct job *job)
{
	return job->engine->helper != NULL && job->remember &&
	    message_room(job->reply) > 0 &&
	    prefs_want_voice(job->stored.prefs,
		(job->stored.progress.flags & QUESTION_HEARD) != 0);
}

/* ---- how it ends --------------------------------------------------------- */

/*
 * LINE's messages with the sound; what has no answer before it comes alone, or
 * with the note that it is the beginning.
 */
static char *
messages_with(const struct job *job, const struct utterance *u, size_t *len)
{
	const char *messages = job_messages(job);
	const char *note = words_text(WORDS_SPOKEN_IN_PART,
	    job->engine->set->default_language);
	char *sound, *out, *alone = NULL;

	if (messages == NULL && u->cut) {
		alone = message_texts(note, job->stored.quote_token, NULL);
		messages = alone;
	}
	sound = messages == NULL
	    ? message_audio(u->url, u->voice.duration_ms, NULL)
	    : message_with_audio(messages,
		  u->cut && alone == NULL ? note : NULL, u->url,
		  u->voice.duration_ms, NULL);
	free(alone);
	if (sound == NULL)
		return NULL;
	out = job_buttons(job, sound, true, len);
	free(sound);
	return out;
}

static char *
messages_without(const struct job *job, enum words note, size_t *len)
{
	const char *messages = job_messages(job);
	const char *text = words_text(note, job->engine->set->default_language);

	if (messages == NULL)
		return message_texts(text, job->stored.quote_token, len);
	return message_with_note(messages, text, len);
}

static void
leave(struct job *job)
{
	speak_forget(job);
	speech_leave(job);
}

/* The answer's own messages stay where there are no others. */
static enum out
conclude(struct job *job, char *messages, size_t len)
{
	leave(job);
	job->remember = false;
	if (messages == NULL && job->said)
		return OUT_NEXT;
	if (messages == NULL) {
		job->wait_ms = BACKOFF_MS;
		return OUT_RETRY;
	}
	free(job->reply);
	job->reply = messages;
	job->reply_len = len;
	return OUT_NEXT;
}

/* No sound, or not in time: the text goes now. */
static enum out
without_sound(struct job *job, const char *why)
{
	struct utterance *u = job->utterance;
	bool follows = job->engine->set->voice_push == VOICE_PUSH_ON &&
	    !job->stored.voice && u != NULL;
	size_t len = 0;
	char *messages;

	log_warn("job=%s stage=speak spoken=no reason=%s follows=%d", job->name,
	    why, follows);
	if (job->stored.voice) {
		leave(job);
		job->reason = "not spoken";
		return OUT_DEAD;
	}
	if (follows) {
		free(job->follow);
		job->follow = strdup(u->text);
	}
	messages = messages_without(job,
	    follows ? WORDS_VOICE_FOLLOWS : WORDS_NOT_SPOKEN, &len);
	return conclude(job, messages, len);
}

static enum out
with_sound(struct job *job)
{
	struct utterance *u = job->utterance;
	size_t len = 0;
	char *messages = messages_with(job, u, &len);

	log_info("job=%s stage=speak spoken=yes duration_ms=%u cut=%d",
	    job->name, u->voice.duration_ms, u->cut);
	if (messages == NULL)
		return without_sound(job, "messages");
	return conclude(job, messages, len);
}

/* ---- the model ----------------------------------------------------------- */

static uint32_t
time_left(const struct job *job)
{
	int64_t left = job->stored.progress.deadline_ms - clock_boot_ms();

	return left < 0 ? 0 : (uint32_t)left;
}

/* The text must not be late for its sound; a follow-up has all the time. */
static int64_t
deadline(const struct job *job)
{
	const struct settings *set = job->engine->set;
	int64_t tts = (int64_t)set->tts_timeout * 1000;
	int64_t window = (int64_t)set->reply_window * 1000 - SEND_MS;
	int64_t age = job_age_ms(job);

	if (!job->stored.voice && job->stored.reply_token[0] != '\0') {
		window = age > window ? 0 : window - age;
		tts = tts < window ? tts : window;
	}
	return clock_boot_ms() + tts;
}

static void
report(const struct job *job, enum store_report what)
{
	if (store_breaker_report(job->engine->store,
		upstream_breaker(UPSTREAM_TTS), what, engine_now()))
		log_warn("upstream=%s breaker=open",
		    upstream_name(UPSTREAM_TTS));
}

static int
take_piece(void *to, const char *bytes, size_t n)
{
	return speak_feed(to, bytes, n);
}

static enum out
ask(struct job *job)
{
	const struct upstreams *up = &job->engine->up;
	const struct settings *set = job->engine->set;
	struct utterance *u = job->utterance;
	const struct speak_ask say = { u->text, set->tts_voice, NULL };
	const struct net_sink sink = { take_piece, &u->reader };
	struct net_call call = {
		.url = up->tts_url,
		.headers = up->model_headers,
		.timeout_ms = time_left(job),
		.connect_ms = CONNECT_MS,
		.max_bytes = ANSWER_MAX,
		.sink = &sink,
	};
	int rc = -1;
	char *body;

	speak_abort(&u->reader);
	speak_begin(&u->reader, SOUND_MAX);
	body = speak_request(&say, &call.body_len);
	if (body != NULL) {
		call.body = body;
		rc = job_call(job, &call);
	}
	free(body);
	if (rc == -1)
		return without_sound(job, "memory");
	job->stored.progress.sends++;
	return OUT_CALL;
}

/* Once more after a while, which the job spends in the queue. */
static enum out
again(struct job *job, uint32_t asked_ms, const char *why)
{
	unsigned sends = job->stored.progress.sends;
	uint32_t wait = BACKOFF_MS << (sends > 4 ? 4 : sends);

	if (asked_ms > wait)
		wait = asked_ms;
	if (sends >= TRIES_MAX || wait + LEAST_MS >= time_left(job))
		return without_sound(job, why);
	speech_wait(job, clock_boot_ms() + wait);
	return OUT_CALL;
}

/* Who has all the time waits until the model is asked again. */
static enum out
try_model(struct job *job)
{
	uint32_t wait_ms = 0;

	if (time_left(job) < LEAST_MS)
		return without_sound(job, "late");
	if (!store_breaker_pass(job->engine->store,
		upstream_breaker(UPSTREAM_TTS), engine_now(), &wait_ms))
		return job->stored.voice ? again(job, wait_ms, "breaker")
					 : without_sound(job, "breaker");
	return ask(job);
}

struct rule {
	enum store_report report; /* to the model's breaker */
	bool again;
};

static const struct rule rules[GEMINI_OUTCOME__MAX] = {
	/*                      breaker      again */
	[GEMINI_ANSWER] = { STORE_WORKS, false },
	[GEMINI_TRUNCATED] = { STORE_WORKS, true },
	[GEMINI_BLOCKED] = { STORE_WORKS, false },
	[GEMINI_EMPTY] = { STORE_WORKS, true },
	[GEMINI_OVERLOADED] = { STORE_FAILS, true },
	[GEMINI_RATE] = { STORE_FAILS, true },
	[GEMINI_QUOTA] = { STORE_TRIPS, false },
	[GEMINI_REFUSED] = { STORE_FAILS, false },
	[GEMINI_NO_MODEL] = { STORE_FAILS, false },
	[GEMINI_MEMORY] = { STORE_WORKS, false },
};

static enum out
judge(struct job *job, struct speak_reply *reply)
{
	const struct rule *rule = &rules[reply->outcome];
	const char *why = gemini_outcome_name(reply->outcome);

	report(job, rule->report);
	if (reply->outcome == GEMINI_ANSWER) {
		utterance_encode(job, reply);
		return OUT_CALL;
	}
	if (reply->outcome == GEMINI_REFUSED ||
	    reply->outcome == GEMINI_NO_MODEL)
		log_error("job=%s upstream=%s refused=%s error=\"%s\"",
		    job->name, upstream_name(UPSTREAM_TTS), reply->finish,
		    "check GEMINI_API_KEY, TTS_MODEL and TTS_VOICE");
	return rule->again ? again(job, reply->retry_ms, why)
			   : without_sound(job, why);
}

enum out
speak_finish(struct job *job, const struct net_reply *net)
{
	struct speak_reply reply;
	enum out out;

	if (net->end != NET_ANSWERED) {
		report(job,
		    net->end == NET_TOO_BIG ? STORE_WORKS : STORE_FAILS);
		log_warn("job=%s upstream=%s error=\"%s\"", job->name,
		    upstream_name(UPSTREAM_TTS), net->error);
		return net->timed_out || net->end == NET_TOO_BIG
		    ? without_sound(job, net->timed_out ? "timeout" : "size")
		    : again(job, 0, "network");
	}
	speak_end(&job->utterance->reader, net->status, &reply);
	out = judge(job, &reply);
	speak_reply_release(&reply);
	return out;
}

/* ---- the stage ----------------------------------------------------------- */

/* The helper is done with it. */
static enum out
encoded(struct job *job)
{
	const struct utterance *u = job->utterance;

	if (u->rc == VOICE_OK)
		return with_sound(job);
	if (u->voice.error != 0)
		log_error("AUDIO_DIR path=\"%s\" error=\"%s\" remedy=\"%s\"",
		    u->order.folder, strerror(u->voice.error),
		    shelf_remedy(u->voice.error));
	log_warn("job=%s stage=speak voice=%s why=\"%s\" duration_ms=%u",
	    job->name, voice_rc_name(u->rc), u->voice.why,
	    u->voice.duration_ms);
	return u->rc == VOICE_IMPLAUSIBLE || u->rc == VOICE_NO_SOUND
	    ? again(job, 0, voice_rc_name(u->rc))
	    : without_sound(job, voice_rc_name(u->rc));
}

/* Text and deadline: once in each process that has the job. */
static enum out
prepare(struct job *job)
{
	struct store_progress *p = &job->stored.progress;

	if (utterance_new(job, SPOKEN_MS) == -1)
		return without_sound(job, "text");
	if (p->deadline_ms == 0 || p->interrupted != 0 || job->stored.aged)
		p->deadline_ms = deadline(job);
	return OUT_CALL;
}

enum out
speak_start(struct job *job)
{
	enum out out = OUT_CALL;

	speech_wake(job);
	if (job->engine->helper == NULL)
		return without_sound(job, "off");
	if (job->utterance == NULL)
		out = prepare(job);
	if (out != OUT_CALL)
		return out;
	if (job->utterance->made) {
		job->utterance->made = false;
		return encoded(job);
	}
	if (time_left(job) <= LEAST_MS) /* or it would wait for this moment */
		return without_sound(job, "late");
	if (!speech_take(job, job->stored.progress.deadline_ms - LEAST_MS))
		return OUT_CALL;
	return try_model(job);
}

enum out
speak_give_up(struct job *job)
{
	return without_sound(job, "poison");
}

/*
 * step_hear.c - the stage that fetches a voice message and has it written down.
 *
 * Both are one stage with one deadline (STT_TIMEOUT), because the recording is
 * nowhere but in memory: who takes over fetches it again, which costs nothing.
 * So does a retry.  What was heard is committed before anything else is done,
 * and nobody has it written down twice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "jobs/delivery.h"
#include "jobs/engine_priv.h"
#include "jobs/speech.h"
#include "jobs/stage.h"
#include "model/gemini.h"
#include "model/hear.h"

enum {
	CONNECT_MS = 5000,
	BACKOFF_MS = 300, /* doubled by each claim */
	MARGIN_MS = 5000, /* of a lease that ends while it waits */
	SPARE_MS = 500,   /* a wait must leave this much of the deadline */
	URL_MAX = 1024,
	WORDS_MAX = 16000 /* bytes of a transcript: a quarter of an hour */
};

/* A recording in memory, on its way to the model. */
struct recording {
	char *audio;
	struct hear_body body;
};

void
hear_forget(struct job *job)
{
	struct recording *recording = job->recording;

	job->recording = NULL;
	if (recording == NULL)
		return;
	hear_body_release(&recording->body);
	free(recording->audio);
	free(recording);
}

static uint32_t
time_left(const struct job *job)
{
	int64_t left = job->stored.progress.deadline_ms - clock_boot_ms();

	return left < 1 ? 1 : (uint32_t)left;
}

/* Not yet: once more after a while, or outcome where the time is too short. */
static enum out
again(struct job *job, uint32_t asked_ms, enum outcome outcome)
{
	unsigned claims = job->stored.progress.tries;
	uint32_t wait = BACKOFF_MS << (claims > 4 ? 3
				: claims > 0      ? claims - 1
						  : 0);

	wait += engine_random() % (wait / 4);
	if (asked_ms > wait)
		wait = asked_ms;
	if (wait + SPARE_MS >= time_left(job))
		return job_conclude(job, outcome, NULL);
	job->wait_ms = wait;
	return OUT_RETRY;
}

/* ---- the recording ------------------------------------------------------ */

static enum out
fetch(struct job *job)
{
	const struct upstreams *up = &job->engine->up;
	struct net_call call = {
		.headers = up->content_headers,
		.timeout_ms = time_left(job),
		.connect_ms = CONNECT_MS,
		.max_bytes = RECORDING_MAX,
	};
	struct buf url;
	int rc = -1;

	buf_init(&url, URL_MAX);
	if (buf_printf(&url, "%s%s/content", up->content_url,
		job->stored.text) == 0) {
		call.url = url.data;
		rc = job_call(job, &call);
	}
	buf_release(&url);
	return rc == -1 ? again(job, 0, OUTCOME_BUSY) : OUT_CALL;
}

/* LINE's answers that are no recording. */
static const struct {
	int status;
	enum outcome outcome;
	bool again;
} refusals[] = {
	{ 202, OUTCOME_TIMEOUT, true }, /* not ready yet */
	{ 404, OUTCOME_NO_RECORDING, false },
	{ 410, OUTCOME_NO_RECORDING, false }, { 401, OUTCOME_ERROR, false },
	{ 403, OUTCOME_ERROR, false },
	{ 0, OUTCOME_NO_RECORDING, true }, /* all others */
};

static enum out
refused(struct job *job, const struct net_reply *net)
{
	size_t i = 0;

	while (refusals[i].status != 0 && refusals[i].status != net->status)
		i++;
	if (net->status == 401 || net->status == 403)
		log_error("job=%s stage=hear status=%d remedy=\"%s\"",
		    job->name, net->status, "renew LINE_CHANNEL_ACCESS_TOKEN");
	else if (net->status != 202)
		log_warn("job=%s stage=hear status=%d error=\"%s\"", job->name,
		    net->status, net->error);
	if (refusals[i].again)
		return again(job, 0, refusals[i].outcome);
	return job_conclude(job, refusals[i].outcome, NULL);
}

/* Keeps a copy; what the call had goes when its answer was read. */
static struct recording *
recording_new(const struct job *job, const char *mime,
    const struct net_reply *net)
{
	struct recording *recording = calloc(1, sizeof(*recording));

	if (recording == NULL)
		return NULL;
	recording->audio = malloc(net->len);
	if (recording->audio != NULL &&
	    hear_body_init(&recording->body, job->engine->set->stt_model, mime,
		recording->audio, net->len) == 0) {
		memcpy(recording->audio, net->body, net->len);
		return recording;
	}
	free(recording->audio);
	free(recording);
	return NULL;
}

/* ---- the words ---------------------------------------------------------- */

static enum out
ask(struct job *job)
{
	struct engine *engine = job->engine;
	const struct net_source source = { hear_body_read,
		&job->recording->body };
	struct net_call call = {
		.url = engine->up.stt_url,
		.headers = engine->up.model_headers,
		.source = &source,
		.body_len = hear_body_len(&job->recording->body),
		.timeout_ms = time_left(job),
		.connect_ms = CONNECT_MS,
		.max_bytes = MODEL_REPLY_MAX,
	};

	if (!store_breaker_pass(engine->store, upstream_breaker(UPSTREAM_STT),
		engine_now(), NULL))
		return job_conclude(job, OUTCOME_BUSY, NULL);
	if (job_call(job, &call) == -1)
		return again(job, 0, OUTCOME_BUSY);
	job->stored.progress.sends++;
	return OUT_CALL;
}

static enum out
fetched(struct job *job, const struct net_reply *net)
{
	const char *mime;

	if (net->end == NET_TOO_BIG)
		return job_conclude(job, OUTCOME_TOO_LONG, NULL);
	if (net->timed_out)
		return again(job, 0, OUTCOME_TIMEOUT);
	if (net->end != NET_ANSWERED || net->status != 200)
		return refused(job, net);
	mime = hear_mime(net->body, net->len, job->engine->set->audio_mime);
	if (mime == NULL) {
		log_warn("job=%s stage=hear bytes=%zu error=\"no recording\"",
		    job->name, net->len);
		return job_conclude(job, OUTCOME_UNHEARD, NULL);
	}
	job->recording = recording_new(job, mime, net);
	return job->recording == NULL ? again(job, 0, OUTCOME_BUSY) : ask(job);
}

struct rule {
	enum store_report report; /* to the model's breaker */
	unsigned tries;           /* of the model, in all */
	enum outcome outcome;     /* without words */
};

enum { MANY = 100 };

static const struct rule rules[GEMINI_OUTCOME__MAX] = {
	/*                     breaker      tries outcome */
	[GEMINI_ANSWER] = { STORE_WORKS, 1, OUTCOME_UNHEARD },
	[GEMINI_TRUNCATED] = { STORE_WORKS, 1, OUTCOME_UNHEARD },
	[GEMINI_BLOCKED] = { STORE_WORKS, 1, OUTCOME_BLOCKED },
	[GEMINI_EMPTY] = { STORE_WORKS, 2, OUTCOME_UNHEARD },
	[GEMINI_OVERLOADED] = { STORE_FAILS, MANY, OUTCOME_ERROR },
	[GEMINI_RATE] = { STORE_FAILS, MANY, OUTCOME_BUSY },
	[GEMINI_QUOTA] = { STORE_TRIPS, 1, OUTCOME_BUSY },
	[GEMINI_REFUSED] = { STORE_FAILS, 1, OUTCOME_ERROR },
	[GEMINI_NO_MODEL] = { STORE_FAILS, 1, OUTCOME_ERROR },
	[GEMINI_MEMORY] = { STORE_WORKS, MANY, OUTCOME_ERROR },
};

static void
report(const struct job *job, enum store_report what)
{
	if (store_breaker_report(job->engine->store,
		upstream_breaker(UPSTREAM_STT), what, engine_now()))
		log_warn("upstream=%s breaker=open",
		    upstream_name(UPSTREAM_STT));
}

/* Takes the words, no more of them than a question may have. */
static enum out
keep_words(struct job *job, char *text)
{
	size_t len = strlen(text);

	if (len > WORDS_MAX)
		for (len = WORDS_MAX;
		     len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
	text[len] = '\0';
	job->heard = text;
	return OUT_NEXT;
}

static enum out
judge(struct job *job, struct gemini_reply *reply)
{
	const struct rule *rule = &rules[reply->outcome];
	char *text = reply->text;

	report(job, rule->report);
	if (text != NULL && !hear_is_silence(text)) {
		reply->text = NULL;
		return keep_words(job, text);
	}
	if (reply->outcome == GEMINI_REFUSED ||
	    reply->outcome == GEMINI_NO_MODEL)
		log_error("job=%s upstream=%s refused=%s error=\"%s\"",
		    job->name, upstream_name(UPSTREAM_STT), reply->finish,
		    "check GEMINI_API_KEY, STT_MODEL and AUDIO_MIME");
	else
		log_info("job=%s upstream=%s outcome=%s finish=%s", job->name,
		    upstream_name(UPSTREAM_STT),
		    gemini_outcome_name(reply->outcome), reply->finish);
	/* Told to write down silence, a model may well end without a word. */
	if (text != NULL || strcmp(reply->finish, "STOP") == 0 ||
	    job->stored.progress.sends >= rule->tries)
		return job_conclude(job, rule->outcome, NULL);
	return again(job, reply->retry_ms, rule->outcome);
}

static enum out
written(struct job *job, const struct net_reply *net)
{
	struct gemini_reply reply;
	enum out out;

	if (net->end != NET_ANSWERED) {
		report(job, STORE_FAILS);
		log_warn("job=%s upstream=%s error=\"%s\"", job->name,
		    upstream_name(UPSTREAM_STT), net->error);
		return again(job, 0,
		    net->timed_out ? OUTCOME_TIMEOUT : OUTCOME_ERROR);
	}
	gemini_parse(net->status, net->body, net->len, &reply);
	out = judge(job, &reply);
	gemini_reply_release(&reply);
	return out;
}

/* ---- the stage ---------------------------------------------------------- */

/* Without a call there is no recording, and no place for one is needed. */
static enum out
leave_unless_called(struct job *job, enum out out)
{
	if (out != OUT_CALL) {
		hear_forget(job);
		speech_leave(job);
	}
	return out;
}

/* When its lease leaves no more time than the work takes. */
static int64_t
late_ms(const struct job *job)
{
	return job->lease_until_ms - MARGIN_MS -
	    (int64_t)job->engine->set->stt_timeout * 1000;
}

static enum out
begin(struct job *job)
{
	struct store_progress *p = &job->stored.progress;
	bool fresh =
	    p->deadline_ms == 0 || p->interrupted != 0 || job->stored.aged;

	if (!job->place.has && clock_boot_ms() >= late_ms(job))
		return job_conclude(job, OUTCOME_BUSY, NULL);
	if (!fresh && clock_boot_ms() >= p->deadline_ms)
		return job_conclude(job, OUTCOME_TIMEOUT, NULL);
	if (!speech_take(job, late_ms(job)))
		return OUT_CALL;
	if (fresh) {
		p->deadline_ms = clock_boot_ms() +
		    (int64_t)job->engine->set->stt_timeout * 1000;
		notice_loading(job->engine, job);
	}
	return fetch(job);
}

enum out
hear_start(struct job *job)
{
	return leave_unless_called(job, begin(job));
}

enum out
hear_finish(struct job *job, const struct net_reply *net)
{
	return leave_unless_called(job,
	    job->recording == NULL ? fetched(job, net) : written(job, net));
}

enum out
hear_give_up(struct job *job)
{
	return job_conclude(job, OUTCOME_POISON, NULL);
}

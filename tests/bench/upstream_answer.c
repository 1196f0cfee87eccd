/*
 * upstream_answer.c - what the stand-in says, when, and what it counts.
 *
 * A reply token "stamp-" and 16 hex digits names the microsecond, on the
 * monotonic clock, in which its conversation was due to begin.  What has
 * passed since then, less the time that the model's answer was held back, is
 * the latency that everything else has added.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upstream.h"

#define LINE_ANSWER                                          \
	"{\"sentMessages\":[{\"id\":\"461230966842064897\"," \
	"\"quoteToken\":\"IStG5h1Tz7b\"}]}"
#define STAMP "{\"replyToken\":\"stamp-"

struct told {
	uint64_t stamp;
	uint32_t added_us;
};

/* What is answered only after a while, in the order of its coming. */
struct kind {
	const char *part; /* of the path */
	int64_t hold_us;
	struct body body;
	unsigned long asked, answered;
	TAILQ_HEAD(exchanges, exchange) held;
};

enum { FETCH = 0, HEAR, SPEAK_WAV, SPEAK_BARE, THINK, KINDS };

/* The first that fits. */
static struct kind kinds[KINDS] = {
	[FETCH] = { .part = "/content" },
	[HEAR] = { .part = "transcribe" },
	[SPEAK_BARE] = { .part = "preview-tts" },
	[SPEAK_WAV] = { .part = "-tts" },
	[THINK] = { .part = "/v1beta/models/" },
};
static unsigned long delivered, others;
static unsigned long most; /* recordings and speeches at once */
static struct told *told;
static size_t n_told, told_room;

void
exchanges_init(const struct holds *holds)
{
	size_t i;

	kinds[THINK].hold_us = holds->think * 1000;
	kinds[THINK].body = voice_text(holds->speech);
	kinds[FETCH].hold_us = holds->fetch * 1000;
	kinds[FETCH].body = voice_recording(holds->recording);
	kinds[HEAR].hold_us = holds->hear * 1000;
	kinds[HEAR].body = voice_transcript();
	kinds[SPEAK_WAV].hold_us = holds->speak * 1000;
	kinds[SPEAK_WAV].body = voice_speech(holds->speech, true);
	kinds[SPEAK_BARE].hold_us = holds->speak * 1000;
	kinds[SPEAK_BARE].body = voice_speech(holds->speech, false);
	for (i = 0; i < KINDS; i++)
		TAILQ_INIT(&kinds[i].held);
}

static void
say(struct exchange *exchange, int status, const char *text)
{
	const struct body body = { "application/json", text, strlen(text),
		false };

	exchange->answer(exchange, status, &body);
}

/* ---- latencies ----------------------------------------------------------- */

static void
tell(const char *body)
{
	int64_t added;

	if (strncmp(body, STAMP, strlen(STAMP)) != 0)
		return;
	if (n_told == told_room) {
		told_room = told_room == 0 ? 4096 : told_room * 2;
		told = realloc(told, told_room * sizeof(*told));
		if (told == NULL)
			die("upstream: memory");
	}
	told[n_told].stamp = strtoull(body + strlen(STAMP), NULL, 16);
	added = now_us() - kinds[THINK].hold_us - (int64_t)told[n_told].stamp;
	told[n_told++].added_us = added < 0 ? 0 : (uint32_t)added;
}

static int
by_stamp(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	return (x->stamp > y->stamp) - (x->stamp < y->stamp);
}

static int
by_latency(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	return (x->added_us > y->added_us) - (x->added_us < y->added_us);
}

/* Each conversation once, however often it was answered. */
static size_t
count_distinct(void)
{
	size_t i, n = 0;

	qsort(told, n_told, sizeof(*told), by_stamp);
	for (i = 0; i < n_told; i++)
		n += i == 0 || told[i].stamp != told[i - 1].stamp;
	return n;
}

static unsigned
percentile_us(unsigned per_mille)
{
	return n_told == 0 ? 0 : told[(n_told - 1) * per_mille / 1000].added_us;
}

static void
answer_latency(struct exchange *exchange)
{
	size_t distinct = count_distinct();
	char body[192];

	qsort(told, n_told, sizeof(*told), by_latency);
	snprintf(body, sizeof(body),
	    "{\"replies\":%zu,\"conversations\":%zu,\"p50_us\":%u,"
	    "\"p99_us\":%u,\"max_us\":%u}",
	    n_told, distinct, percentile_us(500), percentile_us(990),
	    percentile_us(1000));
	say(exchange, 200, body);
}

/* ---- answers ------------------------------------------------------------- */

/*
 * Jobs that have a sound in memory, as far as it can be seen from here: from
 * the question for a recording to its transcript, and while speech is made.
 */
static unsigned long
sounds(void)
{
	return kinds[FETCH].asked - kinds[HEAR].answered +
	    kinds[SPEAK_WAV].asked - kinds[SPEAK_WAV].answered +
	    kinds[SPEAK_BARE].asked - kinds[SPEAK_BARE].answered;
}

static void
answer_counts(struct exchange *exchange)
{
	const struct kind *wav = &kinds[SPEAK_WAV], *bare = &kinds[SPEAK_BARE];
	char body[256];

	snprintf(body, sizeof(body),
	    "{\"asked\":%lu,\"answered\":%lu,\"delivered\":%lu,"
	    "\"others\":%lu,\"fetched\":%lu,\"heard\":%lu,"
	    "\"spoken\":%lu,\"most_sounds\":%lu}",
	    kinds[THINK].asked, kinds[THINK].answered, delivered, others,
	    kinds[FETCH].answered, kinds[HEAR].answered,
	    wav->answered + bare->answered, most);
	say(exchange, 200, body);
}

static void
answer_kind(struct exchange *exchange, struct kind *kind)
{
	kind->answered++;
	exchange->answer(exchange, 200, &kind->body);
}

static void
hold(struct exchange *exchange, struct kind *kind)
{
	kind->asked++;
	if (sounds() > most)
		most = sounds();
	if (kind->hold_us == 0) {
		answer_kind(exchange, kind);
		return;
	}
	exchange->held = kind;
	exchange->due_us = now_us() + kind->hold_us;
	TAILQ_INSERT_TAIL(&kind->held, exchange, link);
}

/* A path ends with its string, or at a space. */
static struct kind *
kind_of(const char *path)
{
	size_t len = strcspn(path, " "), i;

	for (i = 0; i < KINDS; i++)
		if (memmem(path, len, kinds[i].part, strlen(kinds[i].part)))
			return &kinds[i];
	return NULL;
}

void
exchange_request(struct exchange *exchange, const char *path, const char *body)
{
	struct kind *kind = kind_of(path);

	if (kind != NULL) {
		hold(exchange, kind);
	} else if (strncmp(path, "/v2/bot/message/", 16) == 0) {
		delivered++;
		tell(body);
		say(exchange, 200, LINE_ANSWER);
	} else if (strncmp(path, "/counts", 7) == 0) {
		answer_counts(exchange);
	} else if (strncmp(path, "/latency", 8) == 0) {
		answer_latency(exchange);
	} else {
		others++;
		say(exchange, 202, "{}");
	}
}

void
exchange_drop(struct exchange *exchange)
{
	if (exchange->held != NULL)
		TAILQ_REMOVE(&exchange->held->held, exchange, link);
	exchange->held = NULL;
}

/* The first of its kind that is still held back, when others were let go. */
static const struct exchange *
release(struct kind *kind, int64_t now)
{
	struct exchange *exchange;

	while ((exchange = TAILQ_FIRST(&kind->held)) != NULL &&
	    exchange->due_us <= now) {
		exchange_drop(exchange);
		answer_kind(exchange, kind);
	}
	return exchange;
}

int
exchanges_release(void)
{
	int64_t now = now_us(), due = INT64_MAX;
	const struct exchange *next;
	size_t i;

	for (i = 0; i < KINDS; i++) {
		next = release(&kinds[i], now);
		if (next != NULL && next->due_us < due)
			due = next->due_us;
	}
	if (due == INT64_MAX)
		return -1;
	/* Rather late by less than 1 ms than awake all the time. */
	return (int)((due - now) / 1000) + 1;
}

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

#define GEMINI_ANSWER                                                        \
	"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Drink water " \
	"and rest.\"}],\"role\":\"model\"},\"finishReason\":\"STOP\","       \
	"\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":42,"          \
	"\"candidatesTokenCount\":5,\"totalTokenCount\":47},"                \
	"\"modelVersion\":\"bench\",\"responseId\":\"bench\"}"
#define LINE_ANSWER                                          \
	"{\"sentMessages\":[{\"id\":\"461230966842064897\"," \
	"\"quoteToken\":\"IStG5h1Tz7b\"}]}"
#define STAMP "{\"replyToken\":\"stamp-"

struct told {
	uint64_t stamp;
	uint32_t added_us;
};

static TAILQ_HEAD(exchanges, exchange) held = TAILQ_HEAD_INITIALIZER(held);
static int64_t hold_us;
static unsigned long asked, answered, delivered, others;
static struct told *told;
static size_t n_told, told_room;

void
exchanges_hold(int64_t hold_ms)
{
	hold_us = hold_ms * 1000;
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
	added = now_us() - hold_us - (int64_t)told[n_told].stamp;
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
	exchange->answer(exchange, 200, body);
}

/* ---- answers ------------------------------------------------------------- */

static void
answer_counts(struct exchange *exchange)
{
	char body[128];

	snprintf(body, sizeof(body),
	    "{\"asked\":%lu,\"answered\":%lu,\"delivered\":%lu,"
	    "\"others\":%lu}",
	    asked, answered, delivered, others);
	exchange->answer(exchange, 200, body);
}

static void
answer_model(struct exchange *exchange)
{
	answered++;
	exchange->answer(exchange, 200, GEMINI_ANSWER);
}

static void
hold(struct exchange *exchange)
{
	asked++;
	if (hold_us == 0) {
		answer_model(exchange);
		return;
	}
	exchange->held = true;
	exchange->due_us = now_us() + hold_us;
	TAILQ_INSERT_TAIL(&held, exchange, link);
}

void
exchange_request(struct exchange *exchange, const char *path, const char *body)
{
	if (strncmp(path, "/v1beta/models/", 15) == 0) {
		hold(exchange);
	} else if (strncmp(path, "/v2/bot/message/", 16) == 0) {
		delivered++;
		tell(body);
		exchange->answer(exchange, 200, LINE_ANSWER);
	} else if (strncmp(path, "/counts", 7) == 0) {
		answer_counts(exchange);
	} else if (strncmp(path, "/latency", 8) == 0) {
		answer_latency(exchange);
	} else {
		others++;
		exchange->answer(exchange, 202, "{}");
	}
}

void
exchange_drop(struct exchange *exchange)
{
	if (exchange->held)
		TAILQ_REMOVE(&held, exchange, link);
	exchange->held = false;
}

int
exchanges_release(void)
{
	int64_t now = now_us();
	struct exchange *exchange;

	while ((exchange = TAILQ_FIRST(&held)) != NULL &&
	    exchange->due_us <= now) {
		exchange_drop(exchange);
		answer_model(exchange);
	}
	if (exchange == NULL)
		return -1;
	/* Rather late by less than 1 ms than awake all the time. */
	return (int)((exchange->due_us - now) / 1000) + 1;
}

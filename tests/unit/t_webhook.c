/*
 * A webhook is answered by what it is: nothing forged reaches the store, and
 * 200 means that every event of it is written down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "web/routes.h"

enum { ANSWER_MAX = 65536 };

struct fixture {
	struct routes routes;
	struct signature *signature;
	struct store *store;
	unsigned jobs, notices, rings;
	size_t in_hand;
	enum words notice;
	char dir[64];
};

static int
on_job(void *arg, const struct store_lease *lease)
{
	struct fixture *f = arg;

	(void)lease;
	f->jobs++;
	return 0;
}

static int
on_notice(void *arg, enum words words, const char *token)
{
	struct fixture *f = arg;

	assert_string_not_equal(token, "");
	f->notices++;
	f->notice = words;
	return 0;
}

static void
on_ring(void *arg)
{
	struct fixture *f = arg;

	f->rings++;
}

static size_t
in_hand(const void *arg)
{
	const struct fixture *f = arg;

	return f->in_hand;
}

static struct store_now
now(void)
{
	struct store_now now = { clock_wall_ms(), clock_boot_ms(), { 0 } };

	(void)clock_boot_id(now.boot_id);
	return now;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char data[96], key[96], why[STORE_WHY_MAX];
	struct store_place place = { data, key, 16, 0 };
	unsigned slot;

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/t_webhook.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(data, sizeof(data), "%s/data", f->dir);
	(void)snprintf(key, sizeof(key), "%s/key", f->dir);
	if (store_open(&f->store, &place, now(), why) != STORE_OK)
		fail_msg("%s", why);
	assert_int_equal(store_join(f->store, now(), &slot), STORE_OK);
	f->signature = signature_new("secret");
	f->routes.webhook = (struct webhook){
		.store = f->store,
		.signature = f->signature,
		.limits = { 2, 0, 3, 0, 10000, 10000 },
		.sink = { on_job, on_notice, on_ring, in_hand, f },
	};
	f->routes.status =
	    (struct status){ .store = f->store, .admin_token = "admin" };
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[96];

	store_close(&f->store);
	signature_free(f->signature);
	(void)snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	(void)!system(command);
	free(f);
	return 0;
}

static void
sign(const char *body, char out[64])
{
	unsigned char mac[32];
	unsigned len = sizeof(mac);

	assert_non_null(HMAC(EVP_sha256(), "secret", 6,
	    (const unsigned char *)body, strlen(body), mac, &len));
	(void)EVP_EncodeBlock((unsigned char *)out, mac, (int)len);
}

/* The requests that wait for a commit, and what was answered without one. */
struct waiting {
	struct web_request *requests[8];
	size_t n;
};

static size_t
gather(void *drain, struct web_request **out, size_t max)
{
	struct waiting *w = drain;
	size_t n = w->n, i;

	assert_true(n <= max);
	for (i = 0; i < n; i++)
		out[i] = w->requests[i];
	w->n = 0;
	return n;
}

/* As an accept thread does it. */
static void
serve(struct fixture *f, struct web_request **requests, size_t n)
{
	struct waiting waiting = { .n = 0 };
	size_t before = f->jobs + f->notices, i;

	for (i = 0; i < n; i++)
		switch (routes_sort(&f->routes, requests[i])) {
		case DRAIN_ANSWER:
			assert_int_not_equal(requests[i]->status, 0);
			break;
		case DRAIN_COMMIT:
			assert_int_equal(requests[i]->status, 0);
			waiting.requests[waiting.n++] = requests[i];
			break;
		case DRAIN_SERVE:
			routes_serve(&f->routes, requests[i]);
			break;
		}
	n = waiting.n;
	if (n == 0)
		return;
	routes_commit(&f->routes, gather, &waiting);
	assert_int_equal(f->jobs + f->notices, before); /* answers go first */
	routes_after(&f->routes, waiting.requests, n);
}

/* One request by itself: its status; the answer's text in *text if asked. */
static int
ask(struct fixture *f, struct web_request req, char *text, size_t size)
{
	struct web_request *one = &req;
	struct buf answer;

	buf_init(&answer, ANSWER_MAX);
	req.answer = &answer;
	serve(f, &one, 1);
	if (text != NULL)
		(void)snprintf(text, size, "%s",
		    answer.data == NULL ? "" : answer.data);
	buf_release(&answer);
	return req.status;
}

static int
post(struct fixture *f, const char *body, const char *signature)
{
	struct web_request req = { .method = "POST",
		.path = "/webhook",
		.body = body,
		.body_len = strlen(body),
		.signature = signature };

	return ask(f, req, NULL, 0);
}

static int
post_signed(struct fixture *f, const char *body)
{
	char signature[64];

	sign(body, signature);
	return post(f, body, signature);
}

static int
get(struct fixture *f, const char *path, const char *authorization, char *text,
    size_t size)
{
	struct web_request req = { .method = "GET",
		.path = path,
		.body = "",
		.authorization = authorization };

	return ask(f, req, text, size);
}

static const char *
event(char *out, size_t size, const char *id, const char *user)
{
	(void)snprintf(out, size,
	    "{\"type\":\"message\",\"mode\":\"active\",\"timestamp\":1000,"
	    "\"webhookEventId\":\"%s\",\"replyToken\":\"token-%s\","
	    "\"source\":{\"type\":\"user\",\"userId\":\"%s\"},"
	    "\"message\":{\"type\":\"text\",\"id\":\"1\",\"text\":\"Why?\"}}",
	    id, id, user);
	return out;
}

static int
say(struct fixture *f, const char *id, const char *user)
{
	char one[512], body[640];

	(void)snprintf(body, sizeof(body), "{\"events\":[%s]}",
	    event(one, sizeof(one), id, user));
	return post_signed(f, body);
}

/* -------------------------------------------------------------- scenes -- */

static void
an_event_becomes_a_job(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(say(f, "e1", "U1"), 200);
	assert_int_equal(f->jobs, 1);
	assert_int_equal(f->rings, 1);
}

static void
a_wrong_signature_is_401_and_reaches_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_stat stat;
	size_t n;

	assert_int_equal(post(f, "{\"events\":[]}", NULL), 401);
	assert_int_equal(post(f, "{\"events\":[]}", ""), 401);
	assert_int_equal(post(f, "not even JSON", "AAAA"), 401);
	assert_int_equal(f->rings, 0);
	assert_int_equal(store_stat(f->store, now(), &stat, NULL, 0, &n),
	    STORE_OK);
	assert_int_equal(stat.total, 0);
}

static void
what_is_no_webhook_is_400(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(post_signed(f, ""), 400);
	assert_int_equal(post_signed(f, "{"), 400);
	assert_int_equal(post_signed(f, "[]"), 400);
	assert_int_equal(post_signed(f, "{\"events\":1}"), 400);
	assert_int_equal(post_signed(f, "{\"events\":[],\"events\":[]}"), 400);
}

static void
no_events_and_unknown_events_are_200(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(post_signed(f, "{\"events\":[]}"), 200);
	assert_int_equal(post_signed(f, "{\"events\":[{\"type\":\"x\"}, 1]}"),
	    200);
	assert_int_equal(f->jobs, 0);
}

static void
a_duplicate_and_a_busy_user_make_no_second_job(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(say(f, "e1", "U1"), 200);
	assert_int_equal(say(f, "e1", "U1"), 200);
	assert_int_equal(say(f, "e2", "U1"), 200);
	assert_int_equal(f->jobs, 1);
	assert_int_equal(f->notices, 0);
}

static void
whom_the_system_cannot_serve_is_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(say(f, "e1", "U1"), 200);
	assert_int_equal(say(f, "e2", "U2"), 200);
	assert_int_equal(say(f, "e3", "U3"), 200);
	assert_int_equal(say(f, "e4", "U4"), 200);
	assert_int_equal(f->jobs, 3);
	assert_int_equal(f->notices, 1);
	assert_int_equal(f->notice, WORDS_SYSTEM_BUSY);
}

static void
a_batch_answers_each_by_itself(void **state)
{
	struct fixture *f = *state;
	struct web_request reqs[3] = { 0 }, *list[3];
	char one[512], good[640], signature[64];
	struct buf answers[3];
	size_t i;

	(void)snprintf(good, sizeof(good), "{\"events\":[%s]}",
	    event(one, sizeof(one), "e1", "U1"));
	sign(good, signature);
	for (i = 0; i < 3; i++) {
		buf_init(&answers[i], ANSWER_MAX);
		reqs[i] = (struct web_request){ .method = "POST",
			.path = "/webhook",
			.body = good,
			.body_len = strlen(good),
			.signature = signature,
			.answer = &answers[i] };
		list[i] = &reqs[i];
	}
	reqs[0].signature = "forged";
	reqs[2].path = "/webhook/";
	serve(f, list, 3);
	assert_int_equal(reqs[0].status, 401);
	assert_int_equal(reqs[1].status, 200);
	assert_int_equal(reqs[2].status, 404);
	assert_int_equal(f->jobs, 1);
	for (i = 0; i < 3; i++)
		buf_release(&answers[i]);
}

/* All of one commit, or none of it: here the store has no worker's slot. */
static void
a_commit_that_fails_is_503_for_all_of_it(void **state)
{
	struct fixture *f = *state;
	struct web_request reqs[2] = { 0 }, *list[2];
	char one[512], bodies[2][640], signatures[2][64];
	struct store *joined = f->store, *lone = NULL;
	char why[STORE_WHY_MAX], data[96], key[96];
	struct store_place place = { data, key, 16, 0 };
	size_t i;

	(void)snprintf(data, sizeof(data), "%s/lone", f->dir);
	(void)snprintf(key, sizeof(key), "%s/lone-key", f->dir);
	assert_int_equal(store_open(&lone, &place, now(), why), STORE_OK);
	f->routes.webhook.store = lone;
	for (i = 0; i < 2; i++) {
		(void)snprintf(bodies[i], sizeof(bodies[i]),
		    "{\"events\":[%s]}",
		    event(one, sizeof(one), i == 0 ? "e1" : "e2", "U1"));
		sign(bodies[i], signatures[i]);
		reqs[i] = (struct web_request){ .method = "POST",
			.path = "/webhook",
			.body = bodies[i],
			.body_len = strlen(bodies[i]),
			.signature = signatures[i] };
		list[i] = &reqs[i];
	}
	serve(f, list, 2);
	f->routes.webhook.store = joined;
	store_close(&lone);
	for (i = 0; i < 2; i++) {
		assert_int_equal(reqs[i].status, 503);
		assert_string_equal(reqs[i].header, "Retry-After: 1");
		assert_null(reqs[i].prepared);
	}
	assert_int_equal(f->jobs, 0);
}

static void
only_a_crowd_waits_for_each_other(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(routes_pace_us(&f->routes), 0);
	f->in_hand = 100;
	assert_int_equal(routes_pace_us(&f->routes), 0);
	f->in_hand = 1000;
	assert_in_range(routes_pace_us(&f->routes), 1000, 10000);
}

static void
paths_and_methods_are_exact(void **state)
{
	struct fixture *f = *state;
	struct web_request wrong = {
		.method = "POST", .path = "/livez", .body = ""
	};

	assert_int_equal(get(f, "/webhook", NULL, NULL, 0), 405);
	assert_int_equal(ask(f, wrong, NULL, 0), 405);
	assert_int_equal(get(f, "/livez", NULL, NULL, 0), 200);
	assert_int_equal(get(f, "/readyz", NULL, NULL, 0), 200);
	assert_int_equal(get(f, "/livezz", NULL, NULL, 0), 404);
	assert_int_equal(get(f, "/", NULL, NULL, 0), 404);
}

static void
sessions_are_shown_to_the_admin_alone(void **state)
{
	struct fixture *f = *state;
	char text[1024];

	assert_int_equal(say(f, "e1", "Uvery-secret-id"), 200);
	assert_int_equal(get(f, "/debug/sessions", NULL, NULL, 0), 401);
	assert_int_equal(get(f, "/debug/sessions", "Bearer admi", NULL, 0),
	    401);
	assert_int_equal(get(f, "/debug/sessions", "Bearer admin", text,
			     sizeof(text)),
	    200);
	assert_non_null(strstr(text, "\"active\":1"));
	assert_non_null(strstr(text, "\"state\":\"busy\""));
	assert_null(strstr(text, "secret"));
	f->routes.status.admin_token = "";
	assert_int_equal(get(f, "/debug/sessions", "Bearer ", NULL, 0), 404);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(an_event_becomes_a_job),
		SCENE(a_wrong_signature_is_401_and_reaches_nothing),
		SCENE(what_is_no_webhook_is_400),
		SCENE(no_events_and_unknown_events_are_200),
		SCENE(a_duplicate_and_a_busy_user_make_no_second_job),
		SCENE(whom_the_system_cannot_serve_is_told),
		SCENE(a_batch_answers_each_by_itself),
		SCENE(a_commit_that_fails_is_503_for_all_of_it),
		SCENE(only_a_crowd_waits_for_each_other),
		SCENE(paths_and_methods_are_exact),
		SCENE(sessions_are_shown_to_the_admin_alone),
	};

	(void)log_open("/dev/null", LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

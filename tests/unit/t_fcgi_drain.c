/*
 * Requests that are whole are served together and at once; a slow or broken
 * sender holds nobody and is cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "web/drain.h"

enum { BODY_MAX = 100000, BYTES_MAX = 300000 };

enum { THREADS = 2 };

struct fixture {
	int listen_fd, stop_fd;
	struct sockaddr_un address;
	struct drain *drain;
	pthread_t threads[THREADS];
	bool running;
	atomic_bool hold;       /* commits and slow ones wait until it ends */
	atomic_bool late;       /* gathers only then */
	atomic_size_t held;     /* how many of them do */
	atomic_size_t n_sorted; /* requests that were looked at */
	atomic_uint pace_us;
	atomic_size_t n_after; /* requests that were told afterwards */
	atomic_bool lost;      /* one of them was gone */
	atomic_size_t served, batches, largest;
};

/* GET is what takes time, DELETE what needs nobody. */
static enum drain_way
sort(void *arg, struct web_request *req)
{
	struct fixture *f = arg;

	atomic_fetch_add(&f->n_sorted, 1);
	if (strcmp(req->method, "GET") == 0)
		return DRAIN_SERVE;
	if (strcmp(req->method, "DELETE") != 0)
		return DRAIN_COMMIT;
	req->status = 405;
	return DRAIN_ANSWER;
}

static void
hold(struct fixture *f)
{
	atomic_fetch_add(&f->held, 1);
	while (atomic_load(&f->hold))
		usleep(1000);
	atomic_fetch_sub(&f->held, 1);
}

/* Answers with method, path and the body's length. */
static void
serve(void *arg, struct web_request *req)
{
	struct fixture *f = arg;

	if (strcmp(req->method, "GET") == 0)
		hold(f);
	atomic_fetch_add(&f->served, 1);
	req->status = 200;
	(void)buf_printf(req->answer, "%s %s %zu %s", req->method, req->path,
	    req->body_len, req->signature == NULL ? "-" : req->signature);
}

static void
commit(void *arg, drain_gather_fn *gather, void *drain)
{
	struct web_request *requests[DRAIN_MAX];
	struct fixture *f = arg;
	bool late = atomic_load(&f->late);
	size_t i, n;

	if (late)
		hold(f);
	n = gather(drain, requests, DRAIN_MAX);
	if (!late)
		hold(f);
	atomic_fetch_add(&f->batches, 1);
	if (n > atomic_load(&f->largest))
		atomic_store(&f->largest, n);
	for (i = 0; i < n; i++)
		serve(f, requests[i]);
}

static uint32_t
pace_us(void *arg)
{
	struct fixture *f = arg;

	return atomic_load(&f->pace_us);
}

static void
after(void *arg, struct web_request **requests, size_t n)
{
	struct fixture *f = arg;
	size_t i;

	atomic_fetch_add(&f->n_after, n);
	for (i = 0; i < n; i++)
		if (requests[i]->status != 200 || requests[i]->body_len == 0)
			atomic_store(&f->lost, true);
}

static void *
run(void *arg)
{
	drain_run(arg);
	return NULL;
}

static void
start(struct fixture *f)
{
	size_t i;

	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&f->threads[i], NULL, run,
				     f->drain),
		    0);
	f->running = true;
}

static void
join(struct fixture *f)
{
	size_t i;

	for (i = 0; f->running && i < THREADS; i++)
		pthread_join(f->threads[i], NULL);
	f->running = false;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct drain_config config = {
		.body_max = BODY_MAX,
		.sort = sort,
		.serve = serve,
		.pace_us = pace_us,
		.commit = commit,
		.after = after,
	};

	f->address.sun_family = AF_UNIX;
	(void)snprintf(f->address.sun_path, sizeof(f->address.sun_path),
	    "/tmp/t_fcgi_drain.%d", (int)getpid());
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(f->listen_fd, (struct sockaddr *)&f->address,
		sizeof(f->address)) == -1 ||
	    listen(f->listen_fd, 128) == -1)
		return -1;
	f->stop_fd = eventfd(0, 0);
	config.listen_fd = f->listen_fd;
	config.stop_fd = f->stop_fd;
	config.arg = f;
	f->drain = drain_new(&config);
	*state = f;
	return f->drain == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)eventfd_write(f->stop_fd, 1);
	atomic_store(&f->hold, false);
	join(f);
	drain_free(f->drain);
	close(f->listen_fd);
	close(f->stop_fd);
	unlink(f->address.sun_path);
	free(f);
	return 0;
}

/* ------------------------------------------- a web server, byte by byte -- */

struct bytes {
	unsigned char data[BYTES_MAX];
	size_t len;
};

static void
add(struct bytes *to, const void *data, size_t len)
{
	assert_true(to->len + len <= sizeof(to->data));
	memcpy(to->data + to->len, data, len);
	to->len += len;
}

static void
add_record(struct bytes *to, unsigned char type, const void *data, size_t len)
{
	unsigned char header[8] = { 1, type, 0, 1, (unsigned char)(len >> 8),
		(unsigned char)len, 0, 0 };

	add(to, header, sizeof(header));
	add(to, data, len);
}

static void
add_param(struct bytes *to, const char *name, const char *value)
{
	unsigned char lens[2] = { (unsigned char)strlen(name),
		(unsigned char)strlen(value) };

	add(to, lens, 2);
	add(to, name, strlen(name));
	add(to, value, strlen(value));
}

static void
make(struct bytes *to, const char *method, const char *body, size_t len,
    size_t promised)
{
	static struct bytes params;
	static const unsigned char begin[8] = { 0, 1, 0, 0, 0, 0, 0, 0 };
	char number[24];
	size_t at, n;

	to->len = params.len = 0;
	(void)snprintf(number, sizeof(number), "%zu", promised);
	add_param(&params, "REQUEST_METHOD", method);
	add_param(&params, "REQUEST_URI", "/webhook?a=b");
	add_param(&params, "HTTP_X_LINE_SIGNATURE", "sig");
	add_param(&params, "CONTENT_LENGTH", number);
	add_record(to, 1, begin, sizeof(begin));
	add_record(to, 4, params.data, params.len);
	add_record(to, 4, "", 0);
	for (at = 0; at < len; at += n) {
		n = len - at > 60000 ? 60000 : len - at;
		add_record(to, 5, body + at, n);
	}
	add_record(to, 5, "", 0);
}

static void
make_request(struct bytes *to, const char *body, size_t len, size_t promised)
{
	make(to, "POST", body, len, promised);
}

static int
dial(const struct fixture *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&f->address,
			     sizeof(f->address)),
	    0);
	return fd;
}

static void
give(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* What came until the other side hung up, records and all. */
static size_t
hear(int fd, char *answer, size_t size)
{
	struct pollfd pfd = { fd, POLLIN, 0 };
	size_t len = 0;
	ssize_t n;

	while (poll(&pfd, 1, 4000) == 1) {
		n = recv(fd, answer + len, size - 1 - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	answer[len] = '\0';
	close(fd);
	return len;
}

static void
assert_answered(int fd, const char *want)
{
	char answer[4096];
	size_t len = hear(fd, answer, sizeof(answer));

	if (memmem(answer, len, want, strlen(want)) == NULL)
		fail_msg("%zu bytes without: %s", len, want);
}

/* -------------------------------------------------------------- scenes -- */

static struct bytes request;
static char big[BYTES_MAX];

static void
a_request_is_served_with_its_path_body_and_signature(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	start(f);
	make_request(&request, "hello", 5, 5);
	give(fd, request.data, request.len);
	assert_answered(fd, "POST /webhook 5 sig");
}

/* A number that another thread raises, within a time that nobody needs. */
static void
wait_for(atomic_size_t *number, size_t wanted)
{
	int64_t until = clock_boot_ms() + 5000;

	while (atomic_load(number) < wanted && clock_boot_ms() < until)
		usleep(1000);
	assert_int_equal(atomic_load(number), wanted);
}

static void
a_burst_is_served_in_one_batch(void **state)
{
	struct fixture *f = *state;
	int fds[40];
	size_t i;

	make_request(&request, "hello", 5, 5);
	for (i = 0; i < 40; i++) {
		fds[i] = dial(f);
		give(fds[i], request.data, request.len);
	}
	start(f);
	for (i = 0; i < 40; i++)
		assert_answered(fds[i], "POST /webhook 5 sig");
	assert_int_equal(atomic_load(&f->largest), 40);
	assert_int_equal(atomic_load(&f->batches), 1);
	wait_for(&f->n_after, 40);
	assert_false(atomic_load(&f->lost));
}

static void
dial_with(const struct fixture *f, int *fds, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		fds[i] = dial(f);
		give(fds[i], request.data, request.len);
	}
}

static void
what_comes_during_a_commit_shares_the_next(void **state)
{
	struct fixture *f = *state;
	int fds[21];
	size_t i;

	make_request(&request, "hello", 5, 5);
	atomic_store(&f->hold, true);
	start(f);
	dial_with(f, fds, 1);
	wait_for(&f->held, 1);
	for (i = 0; i < 4; i++)
		dial_with(f, fds + 1 + 5 * i, 5);
	wait_for(&f->n_sorted, 21);
	atomic_store(&f->hold, false);
	for (i = 0; i < 21; i++)
		assert_answered(fds[i], "POST /webhook 5 sig");
	assert_int_equal(atomic_load(&f->batches), 2);
	assert_int_equal(atomic_load(&f->largest), 20);
}

static void
what_comes_while_a_commit_waits_for_its_turn_comes_along(void **state)
{
	struct fixture *f = *state;
	int fds[21];
	size_t i;

	make_request(&request, "hello", 5, 5);
	atomic_store(&f->hold, true);
	atomic_store(&f->late, true);
	start(f);
	dial_with(f, fds, 1);
	wait_for(&f->held, 1);
	dial_with(f, fds + 1, 20);
	wait_for(&f->n_sorted, 21);
	atomic_store(&f->hold, false);
	for (i = 0; i < 21; i++)
		assert_answered(fds[i], "POST /webhook 5 sig");
	assert_int_equal(atomic_load(&f->batches), 1);
}

/* The second waits for its time to come, the others come along. */
static void
commits_keep_their_pace(void **state)
{
	struct fixture *f = *state;
	int fds[12];
	int64_t began;
	size_t i;

	make_request(&request, "hello", 5, 5);
	atomic_store(&f->pace_us, 500000);
	start(f);
	began = clock_boot_ms();
	dial_with(f, fds, 1);
	assert_answered(fds[0], "POST /webhook 5 sig");
	for (i = 1; i < 12; i++)
		dial_with(f, fds + i, 1);
	for (i = 1; i < 12; i++)
		assert_answered(fds[i], "POST /webhook 5 sig");
	assert_true(clock_boot_ms() - began >= 450);
	assert_in_range(atomic_load(&f->batches), 2, 4);
}

static void
what_takes_time_holds_no_webhook(void **state)
{
	struct fixture *f = *state;
	int slow, fast, quick;

	atomic_store(&f->hold, true);
	atomic_store(&f->late, true);
	start(f);
	make(&request, "GET", "", 0, 0);
	dial_with(f, &slow, 1);
	wait_for(&f->held, 1);
	make(&request, "DELETE", "", 0, 0);
	dial_with(f, &quick, 1);
	assert_answered(quick, "Status: 405");
	make_request(&request, "hello", 5, 5);
	dial_with(f, &fast, 1);
	wait_for(&f->held, 2); /* the webhook has a thread */
	atomic_store(&f->hold, false);
	assert_answered(fast, "POST /webhook 5 sig");
	assert_answered(slow, "GET /webhook 0 sig");
}

static void
a_slow_sender_holds_nobody_and_is_cut(void **state)
{
	struct fixture *f = *state;
	int slow = dial(f), fast;
	char answer[64];
	int64_t began = clock_boot_ms(), took;

	start(f);
	make_request(&request, "hello", 5, 5);
	give(slow, request.data, request.len / 2);
	usleep(20000);
	fast = dial(f);
	give(fast, request.data, request.len);
	assert_answered(fast, "POST /webhook 5 sig");
	assert_true(clock_boot_ms() - began < 900);
	assert_int_equal(hear(slow, answer, sizeof(answer)), 0);
	took = clock_boot_ms() - began;
	assert_true(took >= 900 && took < 2000);
	assert_int_equal(atomic_load(&f->served), 1);
}

static void
a_request_that_comes_in_pieces_is_whole_in_the_end(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	size_t i;

	start(f);
	make_request(&request, "hello", 5, 5);
	for (i = 0; i < request.len; i++) {
		give(fd, request.data + i, 1);
		if (i % 16 == 0)
			usleep(1000);
	}
	assert_answered(fd, "POST /webhook 5 sig");
}

static void
a_body_larger_than_a_look_is_read_whole(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	start(f);
	memset(big, 'x', sizeof(big));
	make_request(&request, big, BODY_MAX, BODY_MAX);
	give(fd, request.data, request.len);
	assert_answered(fd, "POST /webhook 100000 sig");
}

static void
whole_requests_go_before_a_large_slow_one(void **state)
{
	struct fixture *f = *state;
	int slow = dial(f), fast = dial(f);
	int64_t began = clock_boot_ms();
	char answer[4096];

	make_request(&request, big, BODY_MAX, BODY_MAX);
	give(slow, request.data, BODY_MAX / 2);
	make_request(&request, "hello", 5, 5);
	give(fast, request.data, request.len);
	start(f);
	assert_answered(fast, "POST /webhook 5 sig");
	assert_true(clock_boot_ms() - began < 500);
	(void)hear(slow, answer, sizeof(answer));
	assert_non_null(strstr(answer + 8, "Status: 400"));
	assert_true(clock_boot_ms() - began < 3500);
}

static bool
is_answered(int fd)
{
	struct pollfd pfd = { fd, POLLIN, 0 };

	return poll(&pfd, 1, 0) == 1;
}

/* As many of them as there are threads: one holds a thread, and is cut. */
static void
large_slow_ones_do_not_hold_all_threads(void **state)
{
	struct fixture *f = *state;
	int slow[THREADS], fast, i;
	char answer[4096];

	make_request(&request, big, BODY_MAX, BODY_MAX);
	for (i = 0; i < THREADS; i++) {
		slow[i] = dial(f);
		give(slow[i], request.data, BODY_MAX / 2);
	}
	start(f);
	usleep(100000);
	make_request(&request, "hello", 5, 5);
	fast = dial(f);
	give(fast, request.data, request.len);
	assert_answered(fast, "POST /webhook 5 sig");
	for (i = 0; i < THREADS; i++)
		assert_false(is_answered(slow[i]));
	for (i = 0; i < THREADS; i++)
		(void)hear(slow[i], answer, sizeof(answer));
	assert_int_equal(atomic_load(&f->served), 1);
}

static void
a_body_over_the_limit_is_413_and_reaches_nobody(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	start(f);
	make_request(&request, big, BODY_MAX + 1, BODY_MAX + 1);
	give(fd, request.data, request.len);
	assert_answered(fd, "Status: 413");
	assert_int_equal(atomic_load(&f->served), 0);
}

static void
a_body_that_is_not_as_long_as_promised_is_400(void **state)
{
	struct fixture *f = *state;
	int shorter = dial(f), longer = dial(f);

	start(f);
	make_request(&request, "hello", 5, 6);
	give(shorter, request.data, request.len);
	make_request(&request, "hello", 5, 4);
	give(longer, request.data, request.len);
	assert_answered(shorter, "Status: 400");
	assert_answered(longer, "Status: 400");
	assert_int_equal(atomic_load(&f->served), 0);
}

static void
garbage_and_silence_are_dropped(void **state)
{
	struct fixture *f = *state;
	int garbage = dial(f), gone = dial(f), good;
	char answer[4096];

	start(f);
	close(gone);
	memset(big, 0xff, 70000);
	give(garbage, big, 70000);
	(void)hear(garbage, answer, sizeof(answer));
	good = dial(f);
	make_request(&request, "hello", 5, 5);
	give(good, request.data, request.len);
	assert_answered(good, "POST /webhook 5 sig");
	assert_int_equal(atomic_load(&f->served), 1);
}

static void
what_was_accepted_is_answered_before_the_end(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	start(f);
	make_request(&request, "hello", 5, 5);
	give(fd, request.data, request.len - 8);
	usleep(30000);
	(void)eventfd_write(f->stop_fd, 1);
	give(fd, request.data + request.len - 8, 8);
	assert_answered(fd, "POST /webhook 5 sig");
	join(f);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_request_is_served_with_its_path_body_and_signature),
		SCENE(a_burst_is_served_in_one_batch),
		SCENE(what_comes_during_a_commit_shares_the_next),
		SCENE(what_comes_while_a_commit_waits_for_its_turn_comes_along),
		SCENE(commits_keep_their_pace),
		SCENE(what_takes_time_holds_no_webhook),
		SCENE(a_slow_sender_holds_nobody_and_is_cut),
		SCENE(a_request_that_comes_in_pieces_is_whole_in_the_end),
		SCENE(a_body_larger_than_a_look_is_read_whole),
		SCENE(whole_requests_go_before_a_large_slow_one),
		SCENE(large_slow_ones_do_not_hold_all_threads),
		SCENE(a_body_over_the_limit_is_413_and_reaches_nobody),
		SCENE(a_body_that_is_not_as_long_as_promised_is_400),
		SCENE(garbage_and_silence_are_dropped),
		SCENE(what_was_accepted_is_answered_before_the_end),
	};

	if (fcgi_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

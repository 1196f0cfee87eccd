/*
 * net.c - net.h on simulated time.  A request leaves, arrives at an upstream
 * and is answered, or any part of that is lost; what a process sent goes on
 * its way although the process may have died meanwhile.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "jobs/job.h"
#include "tests/sim/sim.h"

struct net {
	struct proc *proc;
	void (*ready)(void *arg);
	void *arg;
};

struct net_request {
	TAILQ_ENTRY(net_request) link;
	struct net *net; /* NULL: nobody waits for the answer */
	struct exchange x;
	struct answer answer;
	int64_t arrive_ms; /* INT64_MAX: never, or it has */
	int64_t end_ms;    /* when the process hears how it ended */
	enum net_end end;
	bool timed_out;
	bool held; /* its process is being told */
	char *url, *body;
	struct net_sink sink;
	void (*done)(void *arg, const struct net_reply *);
	void *arg;
};

static TAILQ_HEAD(requests,
    net_request) flying = TAILQ_HEAD_INITIALIZER(flying);

/* ---------------------------------------------------------------- life -- */

int
net_open(struct net **out, const struct net_config *config, char *err,
    size_t err_size)
{
	struct net *net = calloc(1, sizeof(*net));

	(void)config, (void)err, (void)err_size;
	if (net == NULL)
		return -1;
	net->proc = sim.current;
	sim.current->net = net;
	*out = net;
	return 0;
}

static void
request_free(struct net_request *r)
{
	TAILQ_REMOVE(&flying, r, link);
	free(r->url);
	free(r->body);
	free(r);
}

/* What has left is on its way. */
static void
let_go(struct net_request *r)
{
	r->net = NULL;
	if (r->arrive_ms == INT64_MAX)
		request_free(r);
}

void
net_close(struct net **netp)
{
	struct net_request *r, *next;

	for (r = TAILQ_FIRST(&flying); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->net == *netp)
			let_go(r);
	}
	free(*netp);
	*netp = NULL;
}

void
net_cancel(struct net_request *r)
{
	let_go(r);
}

void
net_reset(void)
{
	struct net_request *r, *next;

	for (r = TAILQ_FIRST(&flying); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		request_free(r);
	}
}

int
net_watch(struct net *net, int fd, void (*ready)(void *arg), void *arg)
{
	if (fd == HELPER_FD)
		return 0;
	net->ready = ready;
	net->arg = arg;
	return 0;
}

void
net_wake(struct net *net)
{
	(void)net;
}

void
net_trim(struct net *net)
{
	(void)net;
}

size_t
net_active(const struct net *net)
{
	struct net_request *r;
	size_t n = 0;

	for (r = TAILQ_FIRST(&flying); r != NULL; r = TAILQ_NEXT(r, link))
		n += r->net == net;
	return n;
}

/* --------------------------------------------------------------- start -- */

static bool
is_model(enum target target)
{
	return target == TO_MODEL || target == TO_STT || target == TO_TTS;
}

/* Its fate, as far as the network decides. */
static void
plan(struct net_request *r, const struct net_call *call)
{
	int64_t way_ms = is_model(r->x.target) ? sim_between(100, 2500)
					       : sim_between(10, 150);
	int64_t limit_ms = sim.now_ms + call->timeout_ms;

	r->arrive_ms = sim.now_ms + way_ms;
	if (sim_fault(FAULT_SLOW))
		r->arrive_ms += sim_between(0, 2 * (int64_t)call->timeout_ms);
	r->end_ms = r->arrive_ms + way_ms;
	if (sim_fault(FAULT_NOT_SENT)) {
		r->end = NET_NOT_SENT;
		r->arrive_ms = INT64_MAX;
		r->end_ms = sim.now_ms + sim_between(1, call->connect_ms);
	} else if (sim_fault(FAULT_LOST)) {
		r->end = NET_UNKNOWN;
		r->arrive_ms = INT64_MAX;
		r->end_ms = sim_below(2) == 0 ? limit_ms : r->end_ms;
	} else if (sim_fault(FAULT_ANSWER_LOST)) {
		r->end = NET_UNKNOWN;
		r->end_ms = sim_below(2) == 0 ? limit_ms : r->end_ms;
	}
	if (r->end_ms >= limit_ms) {
		r->end_ms = limit_ms;
		r->end = NET_UNKNOWN;
		r->timed_out = true;
	}
}

static enum target
target_of(const char *url)
{
	static const char *const parts[TARGET__MAX] = {
		[TO_REPLY] = "/message/reply",
		[TO_PUSH] = "/message/push",
		[TO_LOADING] = "/loading/",
		[TO_CONTENT] = "/content",
		[TO_STT] = "/models/stt:",
		[TO_TTS] = "/models/tts:",
	};
	unsigned i;

	for (i = 0; i < TARGET__MAX; i++)
		if (parts[i] != NULL && strstr(url, parts[i]) != NULL)
			return (enum target)i;
	return TO_MODEL;
}

static void
read_headers(struct exchange *x, const char *const *headers)
{
	static const char key[] = "X-Line-Retry-Key: ";
	const char *wanted = is_model(x->target)
	    ? "x-goog-api-key: key"
	    : "Authorization: Bearer token";

	for (; *headers != NULL; headers++) {
		if (strcmp(*headers, wanted) == 0)
			x->authorized = true;
		if (strncmp(*headers, key, sizeof(key) - 1) == 0)
			strncpy(x->key, *headers + sizeof(key) - 1,
			    sizeof(x->key) - 1);
	}
}

/* In odd pieces, as a connection would take it. */
static char *
copy_body(const struct net_call *call)
{
	char *body = calloc(1, call->body_len + 1);
	size_t have = 0, n, want;

	if (body == NULL)
		abort();
	if (call->body != NULL)
		memcpy(body, call->body, call->body_len);
	while (call->source != NULL && have < call->body_len) {
		want = call->body_len - have < 37 ? call->body_len - have : 37;
		n = call->source->read(call->source->from, have, body + have,
		    want);
		if (n == 0 || n > want)
			sim_fail("a body ends early");
		have += n == 0 ? call->body_len : n;
	}
	return body;
}

static struct net_request *
make(struct net *net, const struct net_call *call)
{
	struct net_request *r = calloc(1, sizeof(*r));
	const struct job *job;

	if (r == NULL || (r->url = strdup(call->url)) == NULL)
		abort();
	r->net = net;
	r->body = copy_body(call);
	r->done = call->done;
	r->arg = call->arg;
	r->x.target = target_of(call->url);
	r->x.proc = net->proc->number;
	r->x.url = r->url;
	r->x.body = r->body;
	read_headers(&r->x, call->headers);
	if (call->sink != NULL)
		r->sink = *call->sink;
	if (is_model(r->x.target)) {
		job = call->arg;
		r->x.fence = job->stored.lease.fence;
		r->x.event = ledger_by_job(&job->stored.lease.id);
	}
	TAILQ_INSERT_TAIL(&flying, r, link);
	return r;
}

static const char *
name_of(const struct exchange *x)
{
	static const char *const names[TARGET__MAX] = {
		[TO_MODEL] = "a question",
		[TO_STT] = "a recording",
		[TO_TTS] = "an answer to be read",
	};

	if (x->target == TO_CONTENT)
		return x->url;
	return names[x->target] != NULL ? names[x->target] : x->body;
}

struct net_request *
net_start(struct net *net, const struct net_call *call)
{
	struct net_request *r = make(net, call);

	r->arrive_ms = r->end_ms = INT64_MAX;
	if (is_model(r->x.target))
		ledger_asks(&r->x);
	if (!proc_survives("before sending")) {
		request_free(r);
		return NULL;
	}
	r->x.start_ms = sim.now_ms;
	plan(r, call);
	sim_say("sends %s", name_of(&r->x));
	if (!proc_survives("after sending"))
		return NULL;
	return r;
}

/* ----------------------------------------------------------------- run -- */

int64_t
net_due_ms(const struct net *net)
{
	int64_t due_ms = INT64_MAX;
	struct net_request *r;

	for (r = TAILQ_FIRST(&flying); r != NULL; r = TAILQ_NEXT(r, link))
		if (r->net == net && r->end_ms < due_ms)
			due_ms = r->end_ms;
	return due_ms;
}

int64_t
net_arrival_ms(void)
{
	int64_t due_ms = INT64_MAX;
	struct net_request *r;

	for (r = TAILQ_FIRST(&flying); r != NULL; r = TAILQ_NEXT(r, link))
		if (r->arrive_ms < due_ms)
			due_ms = r->arrive_ms;
	return due_ms;
}

static void (*const takers[TARGET__MAX])(struct exchange *, struct answer *) = {
	[TO_MODEL] = model_take,
	[TO_REPLY] = line_take,
	[TO_PUSH] = line_take,
	[TO_LOADING] = line_take,
	[TO_CONTENT] = content_take,
	[TO_STT] = stt_take,
	[TO_TTS] = tts_take,
};

void
net_arrive(void)
{
	struct net_request *r, *next;

	for (r = TAILQ_FIRST(&flying); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->arrive_ms > sim.now_ms)
			continue;
		r->arrive_ms = INT64_MAX;
		takers[r->x.target](&r->x, &r->answer);
		if (r->net == NULL && !r->held)
			request_free(r);
	}
}

static struct net_request *
first_ended(const struct net *net)
{
	struct net_request *r, *first = NULL;

	for (r = TAILQ_FIRST(&flying); r != NULL; r = TAILQ_NEXT(r, link))
		if (r->net == net && r->end_ms <= sim.now_ms &&
		    (first == NULL || r->end_ms < first->end_ms))
			first = r;
	return first;
}

/* Into where the body goes instead of the reply, in pieces. */
static bool
pour(struct net_request *r, struct net_reply *reply)
{
	size_t at, n;
	bool good = true;

	if (r->sink.take == NULL)
		return true;
	for (at = 0; good && at < reply->len; at += n) {
		n = reply->len - at < 53 ? reply->len - at : 53;
		good = r->sink.take(r->sink.to, reply->body + at, n) == 0;
	}
	reply->body = "";
	reply->len = 0;
	return good;
}

/* An answer that was not made yet when its time came is a late one. */
static void
finish(struct net_request *r)
{
	bool answered = r->end == NET_ANSWERED && r->answer.status != 0;
	struct net_reply reply = {
		.end =
		    r->end == NET_ANSWERED && !answered ? NET_UNKNOWN : r->end,
		.body = answered ? r->answer.body : "",
		.status = answered ? r->answer.status : 0,
		.timed_out = r->timed_out,
		.total_ms = (uint32_t)(sim.now_ms - r->x.start_ms),
		.error = answered ? "" : "lost",
	};

	reply.len = strlen(reply.body);
	if (answered && (r->answer.too_big || !pour(r, &reply)))
		reply.end = NET_TOO_BIG;
	if (answered && r->answer.words)
		ledger_knows(&r->x);
	else if (answered && r->answer.status == 200 && !is_model(r->x.target))
		ledger_heard(&r->x);
	r->net = NULL; /* it may not be cancelled any more */
	r->held = true;
	r->done(r->arg, &reply);
	r->held = false;
	let_go(r);
}

/* While jobs are handed over time passes here; else the caller lets it. */
static void
wait_for(struct net *net, int timeout_ms)
{
	int64_t until = sim.now_ms + timeout_ms, due = net_due_ms(net);

	if (!net->proc->stopping)
		return;
	if (net->proc->muted) /* it hears nothing, and its turn must end */
		due = INT64_MAX;
	proc_freeze(net->proc, (due < until ? due : until) - sim.now_ms);
}

int
net_run(struct net *net, int timeout_ms)
{
	struct net_request *r;
	int n = 0;

	wait_for(net, timeout_ms);
	if (net->proc->rung && !net->proc->muted) {
		net->proc->rung = false;
		net->ready(net->arg);
	}
	helper_run(net->proc);
	while (!net->proc->muted && (r = first_ended(net)) != NULL) {
		finish(r);
		n++;
	}
	return n;
}

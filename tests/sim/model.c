/*
 * model.c - Gemini's side.  Its n-th answer to event 7 is "a7.n", so whoever
 * gets it knows what it belongs to; what it is shown must be of one user.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static const struct {
	int status;
	const char *body;
} errors[] = {
	{ 500, "{\"error\":{\"code\":500,\"status\":\"INTERNAL\"}}" },
	{ 503, "{\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}" },
	{ 429,
	    "{\"error\":{\"code\":429,\"details\":[{\"retryDelay\":\"3s\"}"
	    "]}}" },
	{ 429,
	    "{\"error\":{\"code\":429,\"details\":[{\"retryDelay\":"
	    "\"3600s\"}]}}" },
	{ 429,
	    "{\"error\":{\"code\":429,\"details\":[{\"violations\":[{"
	    "\"quotaId\":\"RequestsPerDay\"}]}]}}" },
	{ 400, "{\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\"}}" },
	{ 404, "{\"error\":{\"code\":404,\"status\":\"NOT_FOUND\"}}" },
	{ 200, "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}" },
	{ 200, "{\"candidates\":[{\"finishReason\":\"STOP\"}]}" },
	{ 200, "{\"candidates\":[{\"finish" },
	{ 502, "<html>Bad gateway</html>" },
};
enum {
	N_ERRORS = sizeof(errors) / sizeof(errors[0]),
	LONG = 1100, /* bytes: more than the store always has room for */
	LONG_IN = 6
};

/* The event that a text of ours or of the model's is about; NULL: none. */
static struct event *
event_of(const char *text, char kind)
{
	unsigned long number;

	if (text[0] != kind)
		return NULL;
	number = strtoul(text + 1, NULL, 10);
	return number < sim.n_events ? &sim.events[number] : NULL;
}

/*
 * The texts of a request are the prompt, then question and answer in turn; the
 * question is the last.
 */
static struct event *
read_question(const char *body)
{
	static const char name[] = "\"text\":\"";
	const char *contents = strstr(body, "\"contents\"");
	const char *at = contents == NULL ? body : contents;
	struct event *seen[EVENTS_MAX * 2], *ev = NULL;
	size_t n = 0, i;

	while ((at = strstr(at, name)) != NULL && n < EVENTS_MAX * 2) {
		at += sizeof(name) - 1;
		ev = event_of(at, n % 2 == 0 ? 'q' : 'a');
		if (ev == NULL) {
			sim_fail("the model is shown strange words");
			return NULL;
		}
		seen[n++] = ev;
	}
	for (i = 0; i < n; i++) {
		if (seen[i]->user != ev->user)
			sim_fail("%s: the model is shown another user's words",
			    ev->id);
		if (i % 2 == 1 && seen[i] != seen[i - 1])
			sim_fail("%s: an answer to another question", ev->id);
	}
	for (i = 2; i < n; i += 2)
		if (seen[i] == seen[i - 2])
			sim_fail("%s: a question is remembered twice", ev->id);
	return ev;
}

void
model_fail(struct answer *answer)
{
	size_t which = sim_below(N_ERRORS);

	answer->status = errors[which].status;
	answer->body = errors[which].body;
	sim_say("the model fails: %d", answer->status);
}

void
model_take(struct exchange *x, struct answer *answer)
{
	struct event *ev = read_question(x->body);
	const char *finish;
	int width;

	if (!x->authorized)
		sim_fail("the model is asked without a key");
	if (ev == NULL || sim_fault(FAULT_MODEL)) {
		model_fail(answer);
		return;
	}
	ev->answer++;
	width = sim_below(LONG_IN) == 0 ? LONG : 2;
	finish = sim_fault(FAULT_MODEL) ? "MAX_TOKENS" : "STOP";
	answer->status = 200;
	snprintf(answer->memory, sizeof(answer->memory),
	    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
	    "\"a%u.%u%*s\"}]},\"finishReason\":\"%s\"}]}",
	    ev->number, ev->answer, width, ".", finish);
	answer->body = answer->memory;
	sim_say("the model answers a%u.%u", ev->number, ev->answer);
}

/*
 * line.c - LINE's side: reply tokens that work once and not for long, pushes
 * that work once for a retry key, and all the ways it has to say no.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

static void
say(struct answer *answer, int status, const char *message)
{
	answer->status = status;
	snprintf(answer->memory, sizeof(answer->memory),
	    status == 200 ? "{\"sentMessages\":[{\"id\":\"1\"}]}"
			  : "{\"message\":\"%s\"}",
	    message);
	answer->body = answer->memory;
	sim_say("LINE answers %d %s", status, status == 200 ? "" : message);
}

/* The first string of that name: our own bodies are known well enough. */
static bool
field(const char *body, const char *name, char out[TEXT_MAX])
{
	const char *at = strstr(body, name);
	size_t n = 0;

	out[0] = '\0';
	if (at == NULL)
		return false;
	for (at += strlen(name); *at != '"' && *at != '\\' && *at != '\0'; at++)
		if (n < TEXT_MAX - 1)
			out[n++] = *at;
	out[n] = '\0';
	return true;
}

const char *
line_text(const char *body)
{
	static const char name[] = "\"text\":\"", heard[] = "You said: ";
	const char *at = strstr(body, name), *end;

	if (at == NULL)
		return NULL;
	at += sizeof(name) - 1;
	if (strncmp(at, heard, sizeof(heard) - 1) != 0)
		return at;
	end = strstr(at, "\\n\\n");
	return end == NULL ? at : end + 4;
}

static void
read_text(const char *body, char out[TEXT_MAX])
{
	const char *at = line_text(body);

	snprintf(out, TEXT_MAX, "%.*s",
	    at == NULL ? 0 : (int)strcspn(at, "\"\\"), at == NULL ? "" : at);
}

/* An answer to what was heard shows the words, any other text does not. */
static void
check_heard(const struct event *ev, const struct exchange *x, bool is_answer)
{
	const char *shown = strstr(x->body, "You said: \xe2\x80\x9c");
	size_t len = strlen(ev->question);

	if ((shown != NULL) != (ev->voice && is_answer) ||
	    (shown != NULL &&
		(strncmp(shown + 13, ev->question, len) != 0 ||
		    (uint8_t)shown[13 + len] != 0xe2)))
		sim_fail("%s: the words above the answer are wrong", ev->id);
}

/* -------------------------------------------------------------- trouble -- */

/* Answers that say no before anything was looked at. */
static bool
refuses(const struct exchange *x, struct answer *answer)
{
	if (!x->authorized) {
		sim_fail("a request without the access token");
		say(answer, 401, "Authentication failed");
	} else if (sim_fault(FAULT_LINE_AUTH) || sim.now_ms < sim.auth_ms) {
		if (sim.now_ms >= sim.auth_ms)
			sim.auth_ms = sim.now_ms + sim_between(1000, 90000);
		say(answer, 401, "Authentication failed");
	} else if (sim_fault(FAULT_LINE_BEFORE)) {
		if (sim_below(2) == 0)
			say(answer, 429,
			    "The API rate limit has been exceeded");
		else
			say(answer, 503, "Unavailable");
	} else if (x->target != TO_LOADING && sim_fault(FAULT_LINE_REFUSE)) {
		sim.refusals++;
		say(answer, 403, "Access to this API is not available");
	} else {
		return false;
	}
	return true;
}

/* 200, or an error although it was done. */
static void
accept_it(struct answer *answer)
{
	if (sim_fault(FAULT_LINE_AFTER))
		say(answer, 500, "Internal server error");
	else
		say(answer, 200, "");
}

static bool
is_answer(const char *text)
{
	return text[0] == 'a' && text[1] >= '0' && text[1] <= '9';
}

static bool
refuses_content(const struct event *ev, const char *text, struct answer *answer)
{
	if (!ev->refused || !is_answer(text))
		return false;
	sim.refusals++;
	say(answer, 400, "The request body has 1 error(s)");
	return true;
}

/* ---------------------------------------------------------------- reply -- */

static struct event *
by_token(const char *body)
{
	char token[TEXT_MAX];
	struct event *ev;

	field(body, "\"replyToken\":\"", token);
	for (ev = sim.events; ev < sim.events + sim.n_events; ev++)
		if (strcmp(ev->token, token) == 0)
			return ev;
	sim_fail("a reply with a token that LINE never gave: %s", token);
	return NULL;
}

static bool
is_good(const struct event *ev)
{
	if (ev->token_used || ev->token_ms == INT64_MIN ||
	    sim.now_ms - ev->token_ms > TOKEN_MS)
		return false;
	return sim.now_ms - ev->sent_ms <= TOKEN_LATE_MS;
}

static void
check_quote(const struct event *ev, const struct exchange *x, const char *text)
{
	char quote[TEXT_MAX];

	if (!field(x->body, "\"quoteToken\":\"", quote))
		return;
	if (!ev->quotes || strcmp(quote, ev->quote) != 0)
		sim_fail("%s: %s quotes another message", ev->id, text);
}

static void
take_reply(struct exchange *x, struct answer *answer)
{
	struct event *ev = x->event = by_token(x->body);
	char text[TEXT_MAX];

	if (x->key[0] != '\0') {
		sim_fail("a retry key on a reply");
		say(answer, 400, "X-Line-Retry-Key is not supported");
		return;
	}
	read_text(x->body, text);
	if (ev == NULL || !is_good(ev)) {
		say(answer, 400, "Invalid reply token");
	} else if (!refuses_content(ev, text, answer)) {
		check_quote(ev, x, text);
		check_heard(ev, x, is_answer(text));
		ledger_plays(ev, x->body);
		ev->token_used = true;
		ledger_told(ev, x, text);
		accept_it(answer);
	}
}

/* ----------------------------------------------------------------- push -- */

static struct event *
by_key(const char *key, size_t *which)
{
	struct event *ev;

	for (ev = sim.events; ev < sim.events + sim.n_events; ev++)
		for (*which = 0; *which < 2; (*which)++)
			if (strcmp(ev->key[*which], key) == 0)
				return ev;
	sim_fail("a push with an unknown retry key \"%s\"", key);
	return NULL;
}

/* Of an answer's body; 0: it is not one, but the fixed text. */
static uint64_t
hash(const char *body, const char *text)
{
	uint64_t h = 0xcbf29ce484222325;

	if (!is_answer(text))
		return 0;
	for (; *body != '\0'; body++)
		h = (h ^ (uint8_t)*body) * 0x100000001b3;
	return h;
}

/* Under a key that was accepted before? */
static bool
repeats(struct event *ev, size_t which, const struct exchange *x,
    const char *text, struct answer *answer)
{
	int64_t before = ev->pushed_ms[which];
	uint64_t before_hash = ev->push_hash[which];
	uint64_t now_hash = hash(x->body, text);

	if (before == INT64_MIN || sim.now_ms - before > KEY_MS ||
	    sim.control == CONTROL_KEY)
		return false;
	if (before_hash != 0 && now_hash != 0 && before_hash != now_hash)
		sim_fail("%s: another body under the same retry key", ev->id);
	say(answer, 409, "The retry key is already accepted");
	return true;
}

static void
take_push(struct exchange *x, struct answer *answer)
{
	char to[TEXT_MAX], text[TEXT_MAX];
	size_t which = 0;
	struct event *ev = x->event = by_key(x->key, &which);

	field(x->body, "\"to\":\"", to);
	read_text(x->body, text);
	if (ev == NULL) {
		say(answer, 400, "bad request");
	} else if (strcmp(to, sim.users[ev->user].id) != 0) {
		sim_fail("%s: pushed to %s", ev->id, to);
		say(answer, 400, "Failed to send messages");
	} else if (repeats(ev, which, x, text, answer) ||
	    refuses_content(ev, text, answer)) {
		return;
	} else if (sim_fault(FAULT_LINE_QUOTA)) {
		sim.quota++;
		say(answer, 429, "You have reached your monthly limit.");
	} else {
		check_quote(ev, x, text);
		check_heard(ev, x, is_answer(text));
		ledger_plays(ev, x->body);
		ev->pushed_ms[which] = sim.now_ms;
		ev->push_hash[which] = hash(x->body, text);
		ledger_told(ev, x, text);
		accept_it(answer);
	}
}

void
line_take(struct exchange *x, struct answer *answer)
{
	if (refuses(x, answer))
		return;
	switch (x->target) {
	case TO_REPLY:
		take_reply(x, answer);
		break;
	case TO_PUSH:
		take_push(x, answer);
		break;
	case TO_LOADING:
		say(answer, 202, "");
		break;
	case TO_MODEL:
	case TO_CONTENT:
	case TO_STT:
	case TO_TTS:
	case TARGET__MAX:
		break;
	}
}

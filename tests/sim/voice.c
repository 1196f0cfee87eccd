/*
 * voice.c - LINE's host of recordings, and the models that write them down and
 * read answers aloud.  The recording of event 7 says "v7", what is heard in it
 * is "q7", and what is read aloud begins with "a7.".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/unbase64.h"
#include "tests/sim/sim.h"

#define FILE_HEAD "0000ftypM4A "

/* ---------------------------------------------------------- recordings -- */

static const struct {
	int status;
	const char *body;
	bool too_big;
} no_recordings[] = {
	{ 202, "", false },
	{ 404, "{\"message\":\"not found\"}", false },
	{ 410, "{\"message\":\"The content is gone\"}", false },
	{ 401, "{\"message\":\"Authentication failed\"}", false },
	{ 429, "{\"message\":\"The API rate limit has been exceeded\"}",
	    false },
	{ 503, "", false },
	{ 200, "", false },
	{ 200, "<html>a page</html>", false },
	{ 200, FILE_HEAD, true },
};
enum { N_NO_RECORDINGS = sizeof(no_recordings) / sizeof(no_recordings[0]) };

void
content_take(struct exchange *x, struct answer *answer)
{
	const char *id = strstr(x->url, "/message/");
	unsigned long number = EVENTS_MAX;
	size_t which = sim_below(N_NO_RECORDINGS);

	if (!x->authorized)
		sim_fail("a recording is asked for without the access token");
	if (id != NULL && id[9] == 'v')
		number = strtoul(id + 10, NULL, 10);
	if (number >= sim.n_events || !sim.events[number].voice) {
		sim_fail("a recording that LINE does not have");
		number = 0;
	}
	if (sim_fault(FAULT_CONTENT)) {
		answer->status = no_recordings[which].status;
		answer->body = no_recordings[which].body;
		answer->too_big = no_recordings[which].too_big;
	} else {
		answer->status = 200;
		snprintf(answer->memory, sizeof(answer->memory), "%sv%lu.",
		    FILE_HEAD, number);
		answer->body = answer->memory;
	}
	sim_say("LINE gives %d %s", answer->status, answer->body);
}

/* ---------------------------------------------------------- the model -- */

/* What the recording in a request says, as text. */
static bool
read_recording(const char *body, struct buf *file)
{
	static const char name[] = "\"data\":\"";
	const char *data = strstr(body, name);
	struct unbase64 code = { 0 };

	buf_init(file, TEXT_MAX);
	return data != NULL &&
	    unbase64_add(&code, data + sizeof(name) - 1,
		strcspn(data + sizeof(name) - 1, "\""), file) == 0 &&
	    unbase64_end(&code, file) == 0;
}

struct event *
voice_event(const struct exchange *x)
{
	struct event *ev = NULL;
	struct buf file;
	const char *at;
	unsigned long number;

	if (read_recording(x->body, &file) && file.len > 0 &&
	    strncmp(file.data, FILE_HEAD "v", sizeof(FILE_HEAD)) == 0) {
		at = file.data + sizeof(FILE_HEAD);
		number = strtoul(at, NULL, 10);
		if (number < sim.n_events && file.data[file.len - 1] == '.')
			ev = &sim.events[number];
	}
	buf_release(&file);
	if (ev == NULL)
		sim_fail("not the recording is sent to be written down");
	return ev;
}

static void
transcribe(const char *text, struct answer *answer)
{
	answer->status = 200;
	snprintf(answer->memory, sizeof(answer->memory),
	    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}]},"
	    "\"finishReason\":\"STOP\"}]}",
	    text);
	answer->body = answer->memory;
	sim_say("is heard: %s", text);
}

void
stt_take(struct exchange *x, struct answer *answer)
{
	struct event *ev = voice_event(x);

	if (!x->authorized)
		sim_fail("a recording is sent without a key");
	if (ev == NULL || sim_fault(FAULT_STT)) {
		if (sim_below(4) == 0)
			transcribe("[no speech]", answer);
		else
			model_fail(answer);
		return;
	}
	answer->words = true;
	transcribe(ev->question, answer);
}

/* ---------------------------------------------------------- the reader -- */

static const char *const no_sounds[] = {
	"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"No.\"}]},"
	"\"finishReason\":\"STOP\"}]}",
	"{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{"
	"\"mimeType\":\"audio/wav\",\"data\":\"no base64!\"}}]},"
	"\"finishReason\":\"STOP\"}]}",
	"{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{"
	"\"mimeType\":\"audio/wav\",\"data\":\"UklGRg",
};

static void
check_words(const struct event *ev, const char *body)
{
	unsigned number = ev->follows > 0 ? ev->follows - 1 : ev->number;
	char wanted[TEXT_MAX];

	snprintf(wanted, sizeof(wanted), "a%u.", number);
	if (strstr(body, wanted) == NULL)
		sim_fail("%s: other words are read aloud", ev->id);
	if (strstr(body, "You said") != NULL)
		sim_fail("%s: its user is told what he said", ev->id);
}

void
tts_take(struct exchange *x, struct answer *answer)
{
	if (!x->authorized)
		sim_fail("an answer is read aloud without a key");
	if (x->event != NULL)
		check_words(x->event, x->body);
	if (sim_fault(FAULT_TTS)) {
		if (sim_below(2) == 0) {
			model_fail(answer);
			return;
		}
		answer->body = no_sounds[sim_below(3)];
	} else {
		answer->body =
		    "{\"candidates\":[{\"content\":{\"parts\":[{"
		    "\"inlineData\":{\"mimeType\":\"audio/wav\",\"data\":"
		    "\"UklGRg==\"}}]},\"finishReason\":\"STOP\"}]}";
	}
	answer->status = 200;
	sim_say("is read aloud");
}

/*
 * draw.c - what is drawn for a history: which faults it has, the settings,
 * and who asks what when.
 */
#include <stdio.h>
#include <string.h>

#include "line/api.h"
#include "tests/sim/memory.h"
#include "tests/sim/sim.h"

enum { QUIET_IN = 8 }; /* one history in so many has no faults */

const char *const fault_names[FAULT__MAX] = {
	[FAULT_CRASH] = "crashes",
	[FAULT_STALL] = "standstills",
	[FAULT_STORE] = "failures of the store",
	[FAULT_NOT_SENT] = "requests not sent",
	[FAULT_LOST] = "requests lost",
	[FAULT_ANSWER_LOST] = "answers lost",
	[FAULT_SLOW] = "slow requests",
	[FAULT_MODEL] = "errors of the model",
	[FAULT_CONTENT] = "LINE: no recording",
	[FAULT_STT] = "errors in writing down",
	[FAULT_TTS] = "errors in reading aloud",
	[FAULT_ENCODER] = "sounds not encoded",
	[FAULT_LINE_BEFORE] = "LINE: 429 and 503",
	[FAULT_LINE_AFTER] = "LINE: 500, and done",
	[FAULT_LINE_REFUSE] = "LINE: 403",
	[FAULT_LINE_AUTH] = "LINE: 401",
	[FAULT_LINE_QUOTA] = "LINE: no push left",
	[FAULT_WEBHOOK] = "webhooks sent twice",
	[FAULT_STOP] = "orderly ends",
	[FAULT_WALL] = "jumps of the wall clock",
	[FAULT_BOOT] = "boots",
};

/* ---------------------------------------------------------------- draw -- */

/* The usual chances, in a thousand; a history has some of the faults. */
static const unsigned levels[FAULT__MAX][3] = {
	[FAULT_CRASH] = { 2, 10, 60 },
	[FAULT_STALL] = { 2, 10, 40 },
	[FAULT_STORE] = { 5, 40, 200 },
	[FAULT_NOT_SENT] = { 20, 100, 400 },
	[FAULT_LOST] = { 20, 100, 400 },
	[FAULT_ANSWER_LOST] = { 20, 100, 500 },
	[FAULT_SLOW] = { 20, 100, 400 },
	[FAULT_MODEL] = { 50, 200, 700 },
	[FAULT_CONTENT] = { 50, 200, 700 },
	[FAULT_STT] = { 50, 200, 700 },
	[FAULT_TTS] = { 50, 200, 700 },
	[FAULT_ENCODER] = { 50, 200, 700 },
	[FAULT_LINE_BEFORE] = { 20, 100, 400 },
	[FAULT_LINE_AFTER] = { 20, 100, 500 },
	[FAULT_LINE_REFUSE] = { 10, 50, 200 },
	[FAULT_LINE_AUTH] = { 5, 20, 50 },
	[FAULT_LINE_QUOTA] = { 50, 200, 700 },
	[FAULT_WEBHOOK] = { 50, 300, 700 },
	[FAULT_STOP] = { 10, 40, 150 },
	[FAULT_WALL] = { 10, 30, 60 },
	[FAULT_BOOT] = { 5, 10, 20 },
};

static void
draw_chances(void)
{
	unsigned fault;

	memset(sim.chances, 0, sizeof(sim.chances));
	sim.quiet = sim_below(QUIET_IN) == 0;
	if (sim.quiet)
		return;
	for (fault = 0; fault < FAULT__MAX; fault++)
		if (sim_below(3) == 0)
			sim.chances[fault] = levels[fault][sim_below(3)];
}

static void
draw_settings(void)
{
	static char none[] = "", secret[] = "secret", token[] = "token";
	static char key[] = "key", base[] = "http://x", model[] = "m";
	static char fallback[] = "f", language[] = "en", stt[] = "stt";
	static char mime[] = "audio/m4a", tts[] = "tts", voice[] = "Kore";
	static char public[] = "https://x";

	sim.settings = (struct settings){
		.line_channel_secret = secret,
		.line_channel_access_token = token,
		.gemini_api_key = key,
		.admin_token = none,
		.data_dir = none,
		.key_file = none,
		.log_file = none,
		.ca_file = none,
		.line_api_base = base,
		.line_data_base = base,
		.gemini_base = base,
		.gemini_model = model,
		.gemini_timeout = 30,
		.gemini_temperature = none,
		.gemini_top_p = none,
		.gemini_top_k = none,
		.gemini_thinking_level = none,
		.gemini_safety_threshold = none,
		.stt_model = stt,
		.stt_timeout = 10,
		.public_base_url = none,
		.audio_dir = none,
		.tts_model = tts,
		.tts_voice = voice,
		.tts_timeout = 15,
		.audio_mime = mime,
		.session_ttl = 86400,
		.history_turns = 10,
		.history_bytes = 5120,
		.user_rate_refill = 1,
		.reply_window = 50,
		.default_language = language,
	};
	/* One after the other, or the compiler chooses the order of chance. */
	sim.settings.gemini_fallback_model =
	    sim_below(2) == 0 ? none : fallback;
	sim.settings.global_rate_tokens = 4 + sim_below(20);
	sim.settings.global_rate_refill = 1 + sim_below(10);
	sim.settings.user_rate_tokens = 2 + sim_below(20);
	sim.settings.duplicate_policy = sim_below(6) == 0
	    ? DUPLICATE_AT_MOST_ONCE
	    : DUPLICATE_AT_LEAST_ONCE;
	sim.settings.max_inflight = sim_below(4) == 0 ? 1 : 5000;
	sim.settings.speech_jobs = sim.quiet ? 4 : 1 + sim_below(4);
	if (sim_below(2) == 0)
		sim.settings.public_base_url = public;
	if (sim_below(2) == 0)
		sim.settings.voice_push = VOICE_PUSH_ON;
}

void
sim_event(unsigned user, int64_t sent_ms, bool final)
{
	unsigned n = sim.n_events++;
	struct event *ev = &sim.events[n];
	uint8_t key[16];

	memset(ev, 0, sizeof(*ev));
	ev->number = n;
	ev->user = user;
	ev->final = final;
	ev->quotes = n % 2 == 0;
	ev->voice = sim_below(100) < sim.voices;
	snprintf(ev->id, sizeof(ev->id), "e%u", n);
	snprintf(ev->token, sizeof(ev->token), "t%u", n);
	snprintf(ev->quote, sizeof(ev->quote), "k%u", n);
	snprintf(ev->question, sizeof(ev->question), "q%u", n);
	snprintf(ev->recording, sizeof(ev->recording), "v%u", n);
	memory_retry_key(ev->id, key);
	api_retry_key(key, ev->key[0]);
	key[15] ^= 1;
	api_retry_key(key, ev->key[1]);
	ev->sent_ms = sent_ms;
	ev->deliver_ms = sent_ms + sim_between(20, 300);
	ev->tries = sim_below(6);
	ev->committed = -1;
	ev->token_ms = ev->pushed_ms[0] = ev->pushed_ms[1] = INT64_MIN;
	ev->refused = !final && sim_fault(FAULT_LINE_REFUSE);
}

/* What the store made of an answer whose sound is to follow. */
void
sim_follow(struct event *parent, const struct store_job_id *job)
{
	struct event *ev = &sim.events[sim.n_events];
	uint8_t key[16];

	if (sim.n_events == EVENTS_MAX) {
		sim_fail("%s: one more follow-up", parent->id);
		return;
	}
	*ev = (struct event){ .number = sim.n_events++,
		.user = parent->user,
		.sent_ms = parent->sent_ms,
		.deliver_ms = INT64_MAX,
		.known = true,
		.fate = STORE_ACCEPTED,
		.job = *job,
		.received_ms = parent->received_ms,
		.received_boot = parent->received_boot,
		.follows = parent->number + 1,
		.committed = -1,
		.token_ms = INT64_MIN,
		.pushed_ms = { INT64_MIN, INT64_MIN } };
	snprintf(ev->id, sizeof(ev->id), "f%u", ev->number);
	snprintf(ev->token, sizeof(ev->token), "-%u", ev->number);
	memory_retry_key(parent->id, key);
	memory_follow_key(key, key);
	api_retry_key(key, ev->key[0]);
	key[15] ^= 1;
	api_retry_key(key, ev->key[1]);
	sim.totals->followed++;
}

void
sim_draw(uint64_t seed, enum control control, bool trace, struct totals *totals)
{
	unsigned n;
	int64_t sent_ms;

	memset(&sim, 0, sizeof(sim));
	sim.seed = sim.state = seed;
	sim.control = control;
	sim.trace = trace;
	sim.totals = totals;
	sim.boot = 1;
	sim.boot_ms = 5000000;
	sim.wall_ms = 1790000000000;
	draw_chances();
	draw_settings();
	sim.calm_ms = sim_between(20000, 150000);
	sim.n_procs = 1 + sim_below(3);
	sim.n_users = 1 + sim_below(3);
	for (n = 0; n < sim.n_users; n++)
		snprintf(sim.users[n].id, sizeof(sim.users[n].id), "U%u", n);
	sim.voices = sim_below(2) == 0 ? 0 : sim_below(101);
	for (n = 2 + sim_below(10); n > 0; n--) {
		sent_ms = sim_between(0, sim.calm_ms * 3 / 4);
		sim_event(sim_below(sim.n_users), sent_ms, false);
	}
	memory_faults.no_fence = control == CONTROL_FENCE;
	memory_faults.no_takeover = control == CONTROL_TAKEOVER;
	memory_faults.no_interrupt = control == CONTROL_INTERRUPT;
	memory_faults.no_seen = control == CONTROL_SEEN;
	memory_faults.no_words = control == CONTROL_WORDS;
	memory_faults.no_turn = control == CONTROL_OVERTAKE;
	memory_faults.no_stay = control == CONTROL_STAY;
	memory_faults.no_name = control == CONTROL_NAME;
}

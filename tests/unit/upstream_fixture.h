/*
 * upstream_fixture.h - LINE and Gemini in a few threads, as far as the
 * engine's tests need them: one-time reply tokens, retry keys, and faults.
 */
#ifndef UPSTREAM_FIXTURE_H
#define UPSTREAM_FIXTURE_H

#include <stddef.h>

struct upstream_fixture;

/* What the next calls meet; set before the calls, from the test's thread. */
struct upstream_knobs {
	int model_status; /* 200, or an error with an empty body */
	unsigned model_delay_ms;
	unsigned replies_lost;   /* delivered, then hung up without answer */
	unsigned replies_failed; /* 500, not delivered */
	unsigned pushes_failed;  /* 500, not delivered */
	unsigned refuse_content; /* 400 for so many replies */
	unsigned not_ready;      /* 202 for so many recordings */
	int recording_status;    /* of the others; 0: 200 */
	const char *recording;   /* NULL: a good one; static */
	const char *words; /* what it says; NULL: "Hello there."; static */
	unsigned stt_delay_ms;
	int stt_status; /* 0: 200 */
	unsigned tts_delay_ms;
	int tts_status;       /* 0: 200 */
	unsigned tts_ms;      /* how long the sound is; 0: a second */
	const char *tts_type; /* NULL: bare samples; static */
};

/* Serves on a loopback port of its own until the stop. */
struct upstream_fixture *upstream_start(void);
void upstream_stop(struct upstream_fixture *);

int upstream_port(const struct upstream_fixture *);
void upstream_set(struct upstream_fixture *, struct upstream_knobs);

/* How many calls came, and how many messages users saw. */
unsigned upstream_model_calls(struct upstream_fixture *);
unsigned upstream_stt_calls(struct upstream_fixture *);
unsigned upstream_tts_calls(struct upstream_fixture *);
unsigned upstream_fetches(struct upstream_fixture *); /* of recordings */
unsigned upstream_delivered(struct upstream_fixture *);
unsigned upstream_pushed(struct upstream_fixture *);

/* How often a text was part of what users saw. */
unsigned upstream_saw(struct upstream_fixture *, const char *text);

#endif

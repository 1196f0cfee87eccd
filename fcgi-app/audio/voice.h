/*
 * voice.h - from what a speech model sent to a file that LINE can fetch.
 *
 * Takes as long as encoding and the disk do: some 2 ms for a second of sound,
 * and 2 flushes.  Not for the engine's thread.
 */
#ifndef AUDIO_VOICE_H
#define AUDIO_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/shelf.h"

enum voice_rc {
	VOICE_OK = 0,
	VOICE_NO_SOUND,    /* what was sent is none, or none that we know */
	VOICE_IMPLAUSIBLE, /* too long or too short for its text */
	VOICE_NO_ROOM,     /* in the folder or on its disk */
	VOICE_STOPPED,     /* unwanted() said so */
	VOICE_ERR,         /* memory, folder or encoder */
	VOICE_RC__MAX
};

/* Borrowed for the call, with all that it points to. */
struct voice_order {
	const void *sound; /* as it was sent */
	size_t len;
	const char *type; /* its media type, "" if none */
	uint64_t pace_ms; /* of the text, by pace.h */
	const char *folder;
	char name[SHELF_NAME_SIZE]; /* of the file in it, by shelf_name() */
	struct shelf_limits limits;
	int64_t now_ms;
	bool (*unwanted)(void
		*arg); /* asked every few ms; NULL: it is wanted */
	void *arg;
};

struct voice {
	uint32_t duration_ms; /* also when IMPLAUSIBLE */
	const char *why;      /* for the log, static; "" with OK */
	int error;            /* errno of the folder; 0: it is not to blame */
};

/* *voice is set in any case; nothing is published but with VOICE_OK. */
enum voice_rc voice_make(const struct voice_order *, struct voice *);

/* For the log; never NULL. */
const char *voice_rc_name(enum voice_rc);

#endif

/* voice - from what a speech model sent to a file that LINE can fetch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audio/mp3.h"
#include "audio/pace.h"
#include "audio/pcm.h"
#include "audio/voice.h"

/* Ten minutes, which is more than models speak. */
enum { FILE_MAX = 4 * 1024 * 1024 };

const char *
voice_rc_name(enum voice_rc rc)
{
	static const char *const names[VOICE_RC__MAX] = {
		[VOICE_OK] = "ok",
		[VOICE_NO_SOUND] = "no_sound",
		[VOICE_IMPLAUSIBLE] = "implausible",
		[VOICE_NO_ROOM] = "no_room",
		[VOICE_STOPPED] = "stopped",
		[VOICE_ERR] = "error",
	};

	return names[rc];
}

static enum voice_rc
because(struct voice *voice, enum voice_rc rc, const char *why)
{
	voice->why = why;
	return rc;
}

/* All slices, unless nobody wants them any more. */
static enum voice_rc
encode(const struct voice_order *order, struct mp3 *mp3, struct voice *voice)
{
	enum mp3_rc rc;

	do {
		if (order->unwanted != NULL && order->unwanted(order->arg))
			return because(voice, VOICE_STOPPED, "unwanted");
		rc = mp3_step(mp3);
	} while (rc == MP3_MORE);
	if (rc == MP3_TOO_BIG)
		return because(voice, VOICE_IMPLAUSIBLE, "file");
	return rc == MP3_DONE ? VOICE_OK : because(voice, VOICE_ERR, "encoder");
}

static enum voice_rc
publish(const struct voice_order *order, const char *file, size_t len,
    struct voice *voice)
{
	switch (shelf_put(order->folder, file, len, &order->limits,
	    order->now_ms, order->name)) {
	case SHELF_OK:
		return VOICE_OK;
	case SHELF_FULL:
		return because(voice, VOICE_NO_ROOM, "folder");
	case SHELF_NONE:
		voice->error = ENOENT;
		break;
	case SHELF_ERR:
		voice->error = errno;
		break;
	}
	return because(voice, VOICE_ERR, "folder");
}

/* What was encoded goes before the disk is waited for. */
static enum voice_rc
encode_and_publish(const struct voice_order *order, const struct pcm *pcm,
    struct voice *voice)
{
	struct mp3 *mp3 = mp3_new(pcm, FILE_MAX);
	enum voice_rc rc;
	char *file;
	size_t len = 0;

	if (mp3 == NULL)
		return because(voice, VOICE_ERR, "memory");
	rc = encode(order, mp3, voice);
	file = rc == VOICE_OK ? mp3_take(mp3, &len) : NULL;
	mp3_free(&mp3);
	if (rc == VOICE_OK && file == NULL)
		rc = because(voice, VOICE_ERR, "memory");
	if (rc == VOICE_OK)
		rc = publish(order, file, len, voice);
	free(file);
	return rc;
}

enum voice_rc
voice_make(const struct voice_order *order, struct voice *voice)
{
	struct pcm pcm;
	enum pcm_rc found;
	uint64_t ms;

	memset(voice, 0, sizeof(*voice));
	voice->why = "";
	found = pcm_find(&pcm, order->sound, order->len, order->type);
	if (found != PCM_OK)
		return because(voice, VOICE_NO_SOUND, pcm_rc_name(found));
	ms = pcm_duration_ms(&pcm);
	voice->duration_ms = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
	if (!pace_is_plausible(order->pace_ms, ms))
		return because(voice, VOICE_IMPLAUSIBLE, "duration");
	return encode_and_publish(order, &pcm, voice);
}

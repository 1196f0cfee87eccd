/*
 * dies.h - kill -9 at a chosen moment of making a sound.
 *
 * A test lays a file into AUDIO_DIR, and who comes to the moment that its name
 * tells takes it away and dies: ".die-encoding" in the middle of encoding,
 * ".die-publishing" with an unfinished file beside the others,
 * ".die-published" when the file has its name and nobody knows of it.
 *
 * Whole functions, for the one hook that includes it.
 */
#ifndef TORTURE_DIES_H
#define TORTURE_DIES_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/mp3.h"
#include "audio/voice.h"

enum voice_rc __real_voice_make(const struct voice_order *, struct voice *);
enum voice_rc __wrap_voice_make(const struct voice_order *, struct voice *);
enum mp3_rc __real_mp3_step(struct mp3 *);
enum mp3_rc __wrap_mp3_step(struct mp3 *);
int __real_renameat(int, const char *, int, const char *);
int __wrap_renameat(int, const char *, int, const char *);
enum shelf_rc __real_shelf_put(const char *folder, const void *bytes,
    size_t len, const struct shelf_limits *, int64_t now_ms, const char *name);
enum shelf_rc __wrap_shelf_put(const char *folder, const void *bytes,
    size_t len, const struct shelf_limits *, int64_t now_ms, const char *name);

static const char *folder_now = "."; /* of the one helper's thread */

static void
die_if_told(const char *moment)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/.die-%s", folder_now, moment);
	if (unlink(path) == 0)
		(void)kill(getpid(), SIGKILL);
}

enum voice_rc
__wrap_voice_make(const struct voice_order *order, struct voice *voice)
{
	folder_now = order->folder;
	return __real_voice_make(order, voice);
}

enum mp3_rc
__wrap_mp3_step(struct mp3 *mp3)
{
	enum mp3_rc rc = __real_mp3_step(mp3);

	if (rc == MP3_MORE)
		die_if_told("encoding");
	return rc;
}

int
__wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	die_if_told("publishing");
	return __real_renameat(from_fd, from, to_fd, to);
}

enum shelf_rc
__wrap_shelf_put(const char *folder, const void *bytes, size_t len,
    const struct shelf_limits *limits, int64_t now_ms, const char *name)
{
	enum shelf_rc rc =
	    __real_shelf_put(folder, bytes, len, limits, now_ms, name);

	die_if_told("published");
	return rc;
}

#endif

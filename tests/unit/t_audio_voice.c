/*
 * What a speech model sent becomes a file with the duration of its samples, or
 * a reason, and then no file.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/voice.h"

enum { RATE = 24000, SECONDS = 4, LEN = RATE * SECONDS * 2 };

static char folder[64];
static unsigned char sound[LEN];

static int
set_up(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LEN; i++)
		sound[i] = (unsigned char)(i / 100 % 2 == 0 ? 10 : 240);
	snprintf(folder, sizeof(folder), "/tmp/t_voice-XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static const char *
in_folder(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* How many files there are; removes them. */
static size_t
files(void)
{
	const struct dirent *found;
	DIR *list = opendir(folder);
	size_t n = 0;

	assert_non_null(list);
	while ((found = readdir(list)) != NULL)
		n += unlink(in_folder(found->d_name)) == 0;
	closedir(list);
	return n;
}

static int
tear_down(void **state)
{
	(void)state;
	files();
	return rmdir(folder);
}

static struct voice_order
usual(void)
{
	return (struct voice_order){ .sound = sound,
		.len = LEN,
		.type = "audio/L16;rate=24000",
		.pace_ms = 3000,
		.folder = folder,
		.name = "0123456789abcdef0123456789abcdef.mp3",
		.limits = { 3600, 1024 * 1024 },
		.now_ms = (int64_t)time(NULL) * 1000 };
}

static void
refused(const struct voice_order *order, enum voice_rc rc, const char *why)
{
	struct voice voice;

	assert_int_equal(voice_make(order, &voice), rc);
	assert_string_equal(voice.why, why);
	assert_int_equal(files(), 0);
}

static void
a_sound_becomes_a_file(void **state)
{
	struct voice_order order = usual();
	struct voice voice;
	struct stat st;

	(void)state;
	assert_int_equal(voice_make(&order, &voice), VOICE_OK);
	assert_int_equal(voice.duration_ms, SECONDS * 1000);
	assert_string_equal(voice.why, "");
	assert_int_equal(stat(in_folder(order.name), &st), 0);
	assert_in_range(st.st_size, SECONDS * 3000, SECONDS * 9000);
	assert_int_equal(files(), 1);
}

static void
no_sound_is_no_file(void **state)
{
	struct voice_order order = usual();

	(void)state;
	order.len = 0;
	refused(&order, VOICE_NO_SOUND, "empty");
	order = usual();
	order.type = "audio/mpeg";
	refused(&order, VOICE_NO_SOUND, "unknown");
	order.type = "audio/L16;rate=1";
	refused(&order, VOICE_NO_SOUND, "rate");
}

static void
noise_and_half_a_voice_are_no_file(void **state)
{
	struct voice_order order = usual();

	(void)state;
	order.pace_ms = 60 * 1000;
	refused(&order, VOICE_IMPLAUSIBLE, "duration");
	order = usual();
	order.type = "audio/L16;rate=8000";
	order.pace_ms = 500;
	refused(&order, VOICE_IMPLAUSIBLE, "duration");
}

static void
without_room_there_is_no_file(void **state)
{
	struct voice_order order = usual();

	(void)state;
	order.limits.max_bytes = 1000;
	refused(&order, VOICE_NO_ROOM, "folder");
	order = usual();
	order.folder = "/nowhere";
	refused(&order, VOICE_ERR, "folder");
}

static bool
after_three(void *arg)
{
	unsigned *asked = arg;

	return ++*asked > 3;
}

static void
an_unwanted_one_is_no_file(void **state)
{
	struct voice_order order = usual();
	unsigned asked = 0;

	(void)state;
	order.unwanted = after_three;
	order.arg = &asked;
	refused(&order, VOICE_STOPPED, "unwanted");
	assert_int_equal(asked, 4);
}

static void
every_outcome_has_a_name(void **state)
{
	int rc;

	(void)state;
	for (rc = 0; rc < VOICE_RC__MAX; rc++)
		assert_non_null(voice_rc_name((enum voice_rc)rc));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_becomes_a_file),
		cmocka_unit_test(no_sound_is_no_file),
		cmocka_unit_test(noise_and_half_a_voice_are_no_file),
		cmocka_unit_test(without_room_there_is_no_file),
		cmocka_unit_test(an_unwanted_one_is_no_file),
		cmocka_unit_test(every_outcome_has_a_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/*
 * What is encoded can be decoded by others, and lasts as long as its samples:
 * ffprobe and ffmpeg are the judges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/mp3.h"

/* A file may say that the encoder's own samples, up to 3 frames, last, too. */
enum { FILE_MAX = 4 * 1024 * 1024, CLOSE_MS = 50, FRAMES_MS = 72 };

/* A sound of ms, neither silent nor simple; new. */
static unsigned char *
sound(unsigned rate, unsigned channels, unsigned ms, size_t *len)
{
	size_t frames = (size_t)rate * ms / 1000, i;
	unsigned char *bytes;
	uint32_t noise = 1;

	*len = frames * 2 * channels;
	bytes = malloc(*len + 1);
	assert_non_null(bytes);
	for (i = 0; i < *len; i += 2) {
		uint32_t wave = (uint32_t)(i * 440 / rate % 2 ? 6000 : 59536);

		noise = noise * 1664525 + 1013904223;
		wave += noise >> 22;
		bytes[i] = wave & 0xff;
		bytes[i + 1] = wave >> 8 & 0xff;
	}
	return bytes;
}

/* All slices, to the end. */
static enum mp3_rc
run(struct mp3 *mp3, size_t *slices)
{
	enum mp3_rc rc;

	for (*slices = 1; (rc = mp3_step(mp3)) == MP3_MORE; ++*slices)
		;
	return rc;
}

static char *
encode(const struct pcm *pcm, size_t *len)
{
	struct mp3 *mp3 = mp3_new(pcm, FILE_MAX);
	size_t slices;
	char *file;

	assert_non_null(mp3);
	assert_int_equal(run(mp3, &slices), MP3_DONE);
	assert_int_equal(mp3_step(mp3), MP3_DONE);
	file = mp3_take(mp3, len);
	assert_non_null(file);
	mp3_free(&mp3);
	assert_null(mp3);
	return file;
}

/* The first number that a command prints, in thousandths. */
static long
ask(const char *before, const char *path, const char *after)
{
	char command[512], line[64] = "", *end;
	FILE *pipe;
	double value;

	assert_true(snprintf(command, sizeof(command), "%s %s %s", before, path,
			after) < (int)sizeof(command));
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(line, sizeof(line), pipe));
	assert_int_equal(pclose(pipe), 0);
	value = strtod(line, &end);
	assert_true(end != line);
	return (long)(value * 1000 + 0.5);
}

#define PROBE "ffprobe -v error -f mp3 -of csv=p=0 -show_entries "

/* What the judges say of a file of ms. */
static void
judge(const char *file, size_t len, long ms)
{
	char path[] = "/tmp/t_mp3-XXXXXX";
	int fd = mkstemp(path);
	long stated, decoded;

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, file, len), (ssize_t)len);
	close(fd);
	stated = ask(PROBE "format=duration", path, "");
	decoded = ask("ffmpeg -v error -f mp3 -i", path,
		      "-f s16le -ac 1 -ar 24000 - | wc -c") /
	    (24000 * 2);
	assert_int_equal(ask(PROBE "stream=sample_rate", path, ""),
	    24000L * 1000);
	assert_int_equal(ask(PROBE "stream=channels", path, ""), 1000);
	unlink(path);
	print_message("%ld ms: stated %ld, decoded %ld, %zu bytes\n", ms,
	    stated, decoded, len);
	assert_in_range(stated, ms, ms + FRAMES_MS);
	assert_true(labs(decoded - ms) <= CLOSE_MS);
}

static void
it_lasts_as_long_as_its_samples(void **state)
{
	static const struct {
		unsigned rate, channels, ms;
	} rows[] = {
		{ 24000, 1, 1 },
		{ 24000, 1, 250 },
		{ 24000, 1, 30000 },
		{ 24000, 2, 1500 },
		{ 8000, 1, 2000 },
		{ 16000, 1, 2000 },
		{ 22050, 1, 2000 },
		{ 44100, 2, 2000 },
		{ 23999, 1, 2000 },
		{ 192000, 1, 2000 },
	};
	size_t i, len, size;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned char *bytes =
		    sound(rows[i].rate, rows[i].channels, rows[i].ms, &len);
		struct pcm pcm = { bytes, len / 2 / rows[i].channels,
			rows[i].rate, rows[i].channels };
		char *file = encode(&pcm, &size);

		assert_int_equal(pcm_duration_ms(&pcm), rows[i].ms);
		judge(file, size, (long)rows[i].ms);
		free(file);
		free(bytes);
	}
}

static void
its_size_is_about_48_kbit_a_second(void **state)
{
	size_t len, size;
	unsigned char *bytes = sound(24000, 1, 20000, &len);
	struct pcm pcm = { bytes, len / 2, 24000, 1 };
	char *file = encode(&pcm, &size);

	(void)state;
	assert_in_range(size, 20 * 5500, 20 * 6500);
	free(file);
	free(bytes);
}

static void
slices_are_short(void **state)
{
	size_t len, slices;
	unsigned char *bytes = sound(24000, 1, 5000, &len);
	struct pcm pcm = { bytes, len / 2, 24000, 1 };
	struct mp3 *mp3 = mp3_new(&pcm, FILE_MAX);

	(void)state;
	assert_non_null(mp3);
	assert_int_equal(run(mp3, &slices), MP3_DONE);
	assert_int_equal(slices, 51);
	mp3_free(&mp3);
	free(bytes);
}

static void
it_can_be_given_up_between_two_slices(void **state)
{
	size_t len;
	unsigned char *bytes = sound(24000, 1, 5000, &len);
	struct pcm pcm = { bytes, len / 2, 24000, 1 };
	struct mp3 *mp3 = mp3_new(&pcm, FILE_MAX);

	(void)state;
	assert_non_null(mp3);
	assert_int_equal(mp3_step(mp3), MP3_MORE);
	mp3_free(&mp3);
	assert_null(mp3);
	mp3_free(&mp3);
	free(bytes);
}

static void
more_than_allowed_is_refused(void **state)
{
	size_t len, slices;
	unsigned char *bytes = sound(24000, 1, 5000, &len);
	struct pcm pcm = { bytes, len / 2, 24000, 1 };
	struct mp3 *mp3 = mp3_new(&pcm, 20000);

	(void)state;
	assert_non_null(mp3);
	assert_int_equal(run(mp3, &slices), MP3_TOO_BIG);
	assert_true(slices < 51);
	assert_int_equal(mp3_step(mp3), MP3_TOO_BIG);
	mp3_free(&mp3);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_lasts_as_long_as_its_samples),
		cmocka_unit_test(its_size_is_about_48_kbit_a_second),
		cmocka_unit_test(slices_are_short),
		cmocka_unit_test(it_can_be_given_up_between_two_slices),
		cmocka_unit_test(more_than_allowed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

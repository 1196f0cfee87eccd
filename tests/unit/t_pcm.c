/*
 * Samples are found in whatever a speech model sent, and nothing it says about
 * itself reaches beyond its bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/pcm.h"
#include "base/buf.h"

#define L16 "audio/L16;codec=pcm;rate=24000"

static void
put(struct buf *out, uint32_t value, unsigned n)
{
	for (; n > 0; n--, value >>= 8)
		buf_add(out, &(unsigned char){ value & 0xff }, 1);
}

/* What a test changes about a usual WAV. */
struct wav {
	unsigned tag, channels, rate, bits;
	uint32_t data_size;
	const char *before, *after; /* whole chunks */
};
#define USUAL .tag = 1, .channels = 1, .rate = 24000, .bits = 16

static void
make_wav(struct buf *out, const struct wav *wav, const char *samples, size_t n)
{
	buf_init(out, 4096);
	buf_puts(out, "RIFF");
	put(out, 36 + (uint32_t)n, 4);
	buf_puts(out, "WAVE");
	buf_puts(out, "fmt ");
	put(out, 16, 4);
	put(out, wav->tag, 2);
	put(out, wav->channels, 2);
	put(out, wav->rate, 4);
	put(out, wav->rate * wav->channels * wav->bits / 8, 4);
	put(out, wav->channels * wav->bits / 8, 2);
	put(out, wav->bits, 2);
	if (wav->before != NULL)
		buf_add(out, wav->before, 12);
	buf_puts(out, "data");
	put(out, wav->data_size, 4);
	buf_add(out, samples, n);
	if (wav->after != NULL)
		buf_add(out, wav->after, 12);
	assert_false(out->failed);
}

/* Frames found in this WAV, whatever type it was said to be. */
static size_t
frames_of(const struct wav *wav, const char *samples, size_t n)
{
	struct buf file;
	struct pcm pcm;
	size_t frames;

	make_wav(&file, wav, samples, n);
	assert_int_equal(pcm_find(&pcm, file.data, file.len, L16), PCM_OK);
	assert_int_equal(pcm.rate, wav->rate);
	assert_int_equal(pcm.channels, wav->channels);
	frames = pcm.frames;
	assert_true(pcm.bytes + frames * 2 * pcm.channels <=
	    (unsigned char *)file.data + file.len);
	buf_release(&file);
	return frames;
}

static enum pcm_rc
refusal_of(const struct wav *wav, const char *samples, size_t n)
{
	struct buf file;
	struct pcm pcm;
	enum pcm_rc rc;

	make_wav(&file, wav, samples, n);
	rc = pcm_find(&pcm, file.data, file.len, "audio/wav");
	assert_null(pcm.bytes);
	assert_int_equal(pcm.frames, 0);
	buf_release(&file);
	return rc;
}

static void
bare_samples_have_the_rate_of_their_type(void **state)
{
	static const struct {
		const char *type;
		unsigned rate, channels;
	} rows[] = {
		{ L16, 24000, 1 },
		{ "audio/l16; rate=24000; channels=1", 24000, 1 },
		{ "AUDIO/L16 ;\tRATE=16000 ; CHANNELS=2", 16000, 2 },
		{ "audio/L16", 24000, 1 },
		{ "audio/pcm;rate=\"22050\"", 22050, 1 },
		{ "", 24000, 1 },
		{ "audio/L16;bitrate=8;rate=44100", 44100, 1 },
	};
	struct pcm pcm;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(pcm_find(&pcm, "abcdefgh", 8, rows[i].type),
		    PCM_OK);
		assert_int_equal(pcm.rate, rows[i].rate);
		assert_int_equal(pcm.channels, rows[i].channels);
		assert_int_equal(pcm.frames, 4 / rows[i].channels);
	}
}

static void
rates_and_channels_that_cannot_be_are_refused(void **state)
{
	static const char *const types[] = { "audio/L16;rate=0",
		"audio/L16;rate=", "audio/L16;rate=fast", "audio/L16;rate=-1",
		"audio/L16;rate=7999", "audio/L16;rate=192001",
		"audio/L16;rate=4294991296", "audio/L16;rate=1e5",
		"audio/L16;rate=24000;channels=0",
		"audio/L16;rate=24000;channels=3" };
	struct pcm pcm;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_int_equal(pcm_find(&pcm, "abcdefgh", 8, types[i]),
		    PCM_RATE);
	assert_int_equal(refusal_of(&(struct wav){ .tag = 1,
					.channels = 1,
					.rate = 4,
					.bits = 16,
					.data_size = 4 },
			     "abcd", 4),
	    PCM_RATE);
	assert_int_equal(refusal_of(&(struct wav){ .tag = 1,
					.channels = 0,
					.rate = 24000,
					.bits = 16,
					.data_size = 4 },
			     "abcd", 4),
	    PCM_RATE);
}

static void
a_wav_is_a_wav_whatever_its_type_says(void **state)
{
	(void)state;
	assert_int_equal(frames_of(&(struct wav){ USUAL, .data_size = 8 },
			     "abcdefgh", 8),
	    4);
	assert_int_equal(frames_of(&(struct wav){ .tag = 1,
				       .channels = 2,
				       .rate = 11025,
				       .bits = 16,
				       .data_size = 8 },
			     "abcdefgh", 8),
	    2);
}

static void
chunks_around_the_samples_are_not_heard(void **state)
{
	(void)state;
	assert_int_equal(frames_of(&(struct wav){ USUAL, .data_size = 8,
				       .before = "LIST\4\0\0\0data",
				       .after = "LIST\4\0\0\0data" },
			     "abcdefgh", 8),
	    4);
	/* an odd chunk is followed by a byte that belongs to none */
	assert_int_equal(frames_of(&(struct wav){ USUAL, .data_size = 8,
				       .before = "note\3\0\0\0abc\0" },
			     "abcdefgh", 8),
	    4);
}

static void
lying_sizes_end_with_the_file(void **state)
{
	static const uint32_t sizes[] = { 0, 9, 0x7fffffff, 0x80000000,
		0xfffffffe, 0xffffffff };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(frames_of(&(struct wav){ USUAL,
					       .data_size = sizes[i] },
				     "abcdefgh", 8),
		    4);
	/* a chunk that would reach beyond the file hides the samples */
	assert_int_equal(refusal_of(&(struct wav){ USUAL, .data_size = 8,
					.before = "note\xff\xff\xff\xff    " },
			     "abcdefgh", 8),
	    PCM_EMPTY);
}

static void
other_samples_than_16_bits_are_refused(void **state)
{
	(void)state;
	assert_int_equal(refusal_of(&(struct wav){ .tag = 1,
					.channels = 1,
					.rate = 24000,
					.bits = 8,
					.data_size = 8 },
			     "abcdefgh", 8),
	    PCM_FORMAT);
	assert_int_equal(refusal_of(&(struct wav){ .tag = 3,
					.channels = 1,
					.rate = 24000,
					.bits = 32,
					.data_size = 8 },
			     "abcdefgh", 8),
	    PCM_FORMAT);
	assert_int_equal(refusal_of(&(struct wav){ .tag = 7,
					.channels = 1,
					.rate = 24000,
					.bits = 16,
					.data_size = 8 },
			     "abcdefgh", 8),
	    PCM_FORMAT);
}

static void
nothing_is_empty(void **state)
{
	struct pcm pcm;

	(void)state;
	assert_int_equal(pcm_find(&pcm, NULL, 0, L16), PCM_EMPTY);
	assert_int_equal(pcm_find(&pcm, "", 0, "audio/wav"), PCM_EMPTY);
	assert_int_equal(pcm_find(&pcm, "a", 1, L16), PCM_EMPTY);
	assert_int_equal(pcm_find(&pcm, "abc", 3, L16 ";channels=2"),
	    PCM_EMPTY);
	assert_int_equal(refusal_of(&(struct wav){ USUAL }, "", 0), PCM_EMPTY);
	assert_int_equal(refusal_of(&(struct wav){ USUAL, .data_size = 8 }, "a",
			     1),
	    PCM_EMPTY);
}

static void
what_is_neither_is_not_taken_for_samples(void **state)
{
	static const struct {
		const char *bytes, *type;
	} rows[] = {
		{ "OggS....", "audio/L16" },
		{ "fLaC....", "audio/L16" },
		{ "RIFX....WAVE", "audio/L16" },
		{ "RIFF....AVI ", "audio/L16" },
		{ "ID3\4....", "audio/L16" },
		{ "....ftypM4A ", "" },
		{ "\1\2\3\4\5\6\7\10", "audio/wav" },
		{ "\1\2\3\4\5\6\7\10", "audio/mpeg" },
		{ "{\"error\":0}", "application/json" },
	};
	struct pcm pcm;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(pcm_find(&pcm, rows[i].bytes,
				     strlen(rows[i].bytes), rows[i].type),
		    PCM_UNKNOWN);
}

/* A format that never comes, or comes cut, or comes after the samples. */
static void
a_wav_needs_its_format(void **state)
{
	static const char bare[] = "RIFF\20\0\0\0WAVEdata\4\0\0\0abcd";
	static const char cut[] = "RIFF\20\0\0\0WAVEfmt \20\0\0\0\1\0\1\0";
	static const char alone[] = "RIFF\20\0\0\0WAVE";
	struct pcm pcm;

	(void)state;
	assert_int_equal(pcm_find(&pcm, bare, sizeof(bare) - 1, ""),
	    PCM_FORMAT);
	assert_int_equal(pcm_find(&pcm, cut, sizeof(cut) - 1, ""), PCM_FORMAT);
	assert_int_equal(pcm_find(&pcm, alone, sizeof(alone) - 1, ""),
	    PCM_FORMAT);
}

static void
samples_are_little_endian_and_channels_are_mixed(void **state)
{
	static const char bytes[] = "\1\0\377\377\0\200\377\177";
	struct pcm pcm;
	int16_t out[4];

	(void)state;
	assert_int_equal(pcm_find(&pcm, bytes, 8, L16), PCM_OK);
	pcm_read(&pcm, 0, 4, out);
	assert_int_equal(out[0], 1);
	assert_int_equal(out[1], -1);
	assert_int_equal(out[2], -32768);
	assert_int_equal(out[3], 32767);
	pcm_read(&pcm, 3, 1, out);
	assert_int_equal(out[0], 32767);
	assert_int_equal(pcm_find(&pcm, bytes, 8, "audio/L16;channels=2"),
	    PCM_OK);
	pcm_read(&pcm, 0, 2, out);
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 0);
}

static void
duration_is_rounded_and_does_not_overflow(void **state)
{
	struct pcm pcm = { .rate = 22050, .channels = 1 };

	(void)state;
	pcm.frames = 22050;
	assert_int_equal(pcm_duration_ms(&pcm), 1000);
	pcm.frames = 11;
	assert_int_equal(pcm_duration_ms(&pcm), 0);
	pcm.frames = 12;
	assert_int_equal(pcm_duration_ms(&pcm), 1);
	pcm.frames = 22050UL * 86400 * 365;
	assert_int_equal(pcm_duration_ms(&pcm), 86400UL * 365 * 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_samples_have_the_rate_of_their_type),
		cmocka_unit_test(rates_and_channels_that_cannot_be_are_refused),
		cmocka_unit_test(a_wav_is_a_wav_whatever_its_type_says),
		cmocka_unit_test(chunks_around_the_samples_are_not_heard),
		cmocka_unit_test(lying_sizes_end_with_the_file),
		cmocka_unit_test(other_samples_than_16_bits_are_refused),
		cmocka_unit_test(nothing_is_empty),
		cmocka_unit_test(what_is_neither_is_not_taken_for_samples),
		cmocka_unit_test(a_wav_needs_its_format),
		cmocka_unit_test(
		    samples_are_little_endian_and_channels_are_mixed),
		cmocka_unit_test(duration_is_rounded_and_does_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* pcm - finds samples in what a speech model sent. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "audio/pcm.h"

/* What a WAV without numbers of its own, or bare samples, would have. */
enum { USUAL_RATE = 24000, USUAL_CHANNELS = 1, SAMPLE_BYTES = 2 };

const char *
pcm_rc_name(enum pcm_rc rc)
{
	static const char *const names[PCM_RC__MAX] = {
		[PCM_OK] = "ok",
		[PCM_EMPTY] = "empty",
		[PCM_UNKNOWN] = "unknown",
		[PCM_FORMAT] = "format",
		[PCM_RATE] = "rate",
	};

	return names[rc];
}

/* Bytes that are still to be read. */
struct rest {
	const unsigned char *at;
	size_t len;
};

static uint32_t
little(const unsigned char *at, unsigned n)
{
	uint32_t value = 0;

	while (n-- > 0)
		value = value << 8 | at[n];
	return value;
}

static void
skip(struct rest *rest, size_t n)
{
	n = n < rest->len ? n : rest->len;
	rest->at += n;
	rest->len -= n;
}

/* ---- WAV ---------------------------------------------------------------- */

enum { RIFF_HEAD = 12, CHUNK_HEAD = 8, FORMAT_MIN = 16, EXTENSIBLE_MIN = 26 };
enum { WAVE_PCM = 1, WAVE_EXTENSIBLE = 0xfffe };

static bool
is_wav(struct rest rest)
{
	return rest.len >= RIFF_HEAD && memcmp(rest.at, "RIFF", 4) == 0 &&
	    memcmp(rest.at + 8, "WAVE", 4) == 0;
}

/* The "fmt " chunk. */
static enum pcm_rc
read_format(struct pcm *pcm, struct rest chunk)
{
	uint32_t tag;

	if (chunk.len < FORMAT_MIN)
		return PCM_FORMAT;
	tag = little(chunk.at, 2);
	if (tag == WAVE_EXTENSIBLE && chunk.len >= EXTENSIBLE_MIN)
		tag = little(chunk.at + 24, 2);
	if (tag != WAVE_PCM || little(chunk.at + 14, 2) != 8 * SAMPLE_BYTES)
		return PCM_FORMAT;
	pcm->channels = little(chunk.at + 2, 2);
	pcm->rate = little(chunk.at + 4, 4);
	return PCM_OK;
}

/*
 * Walks the chunks up to the samples, which end with the file when their size
 * is 0 or larger than what is there: who streams a WAV does not know it.
 */
static enum pcm_rc
read_wav(struct pcm *pcm, struct rest rest, struct rest *samples)
{
	enum pcm_rc rc = PCM_FORMAT;

	skip(&rest, RIFF_HEAD);
	while (rest.len >= CHUNK_HEAD) {
		const unsigned char *name = rest.at;
		uint32_t size = little(rest.at + 4, 4);
		struct rest chunk;

		skip(&rest, CHUNK_HEAD);
		chunk = rest;
		if (size < chunk.len)
			chunk.len = size;
		if (memcmp(name, "fmt ", 4) == 0)
			rc = read_format(pcm, chunk);
		if (memcmp(name, "data", 4) == 0) {
			*samples = size == 0 ? rest : chunk;
			return rc;
		}
		skip(&rest, (size_t)size + size % 2);
	}
	return rc == PCM_OK ? PCM_EMPTY : rc;
}

/* ---- bare samples ------------------------------------------------------- */

/* How files begin that are surely not samples. */
static const struct magic {
	size_t at;
	const char *bytes; /* 4 of them */
} magics[] = {
	{ 0, "RIFF" },
	{ 0, "RIFX" },
	{ 0, "FORM" },
	{ 0, "OggS" },
	{ 0, "fLaC" },
	{ 0, "ID3\3" },
	{ 0, "ID3\4" },
	{ 4, "ftyp" },
};

static bool
is_other_file(struct rest rest)
{
	size_t i;

	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (rest.len >= magics[i].at + 4 &&
		    memcmp(rest.at + magics[i].at, magics[i].bytes, 4) == 0)
			return true;
	return false;
}

/* Does the type, up to its parameters, name bare samples? */
static bool
is_bare_type(const char *type)
{
	static const char *const types[] = { "", "audio/l16", "audio/pcm",
		"audio/x-pcm", "audio/raw", "application/octet-stream" };
	size_t len = strcspn(type, "; \t"), i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i]) == len &&
		    strncasecmp(types[i], type, len) == 0)
			return true;
	return false;
}

/* A number of up to 9 digits, quoted or not; 0 for anything else. */
static unsigned
read_number(const char *text)
{
	unsigned value = 0, digits = 0;

	text += *text == '"';
	for (; *text >= '0' && *text <= '9' && digits < 10; text++, digits++)
		value = value * 10 + (unsigned)(*text - '0');
	return digits == 0 || digits > 9 ? 0 : value;
}

/* The number in "; name=number", in any case; usual when it is not there. */
static unsigned
read_parameter(const char *type, const char *name, unsigned usual)
{
	size_t len = strlen(name);

	while ((type = strchr(type, ';')) != NULL) {
		type += 1 + strspn(type + 1, " \t");
		if (strncasecmp(type, name, len) == 0 && type[len] == '=')
			return read_number(type + len + 1);
	}
	return usual;
}

static enum pcm_rc
read_bare(struct pcm *pcm, struct rest rest, const char *type,
    struct rest *samples)
{
	if (is_other_file(rest) || !is_bare_type(type))
		return PCM_UNKNOWN;
	pcm->rate = read_parameter(type, "rate", USUAL_RATE);
	pcm->channels = read_parameter(type, "channels", USUAL_CHANNELS);
	*samples = rest;
	return PCM_OK;
}

/* ---- both --------------------------------------------------------------- */

/* What was read so far, when it can be. */
static enum pcm_rc
judge(struct pcm *pcm, struct rest samples)
{
	if (pcm->rate < PCM_RATE_MIN || pcm->rate > PCM_RATE_MAX ||
	    pcm->channels < 1 || pcm->channels > PCM_CHANNELS_MAX)
		return PCM_RATE;
	pcm->bytes = samples.at;
	pcm->frames = samples.len / (SAMPLE_BYTES * pcm->channels);
	return pcm->frames == 0 ? PCM_EMPTY : PCM_OK;
}

enum pcm_rc
pcm_find(struct pcm *pcm, const void *bytes, size_t len, const char *type)
{
	struct rest rest = { bytes, len }, samples = { bytes, 0 };
	enum pcm_rc rc = PCM_EMPTY;

	memset(pcm, 0, sizeof(*pcm));
	if (is_wav(rest))
		rc = read_wav(pcm, rest, &samples);
	else if (len > 0)
		rc = read_bare(pcm, rest, type, &samples);
	if (rc == PCM_OK)
		rc = judge(pcm, samples);
	if (rc != PCM_OK)
		memset(pcm, 0, sizeof(*pcm));
	return rc;
}

uint64_t
pcm_duration_ms(const struct pcm *pcm)
{
	return ((uint64_t)pcm->frames * 1000 + pcm->rate / 2) / pcm->rate;
}

/* The conversion is the compiler's: what is above 32767 is negative. */
static int
sample(const unsigned char *at)
{
	return (int16_t)little(at, SAMPLE_BYTES);
}

void
pcm_read(const struct pcm *pcm, size_t at, size_t n, int16_t *out)
{
	const unsigned char *in =
	    pcm->bytes + at * SAMPLE_BYTES * pcm->channels;
	size_t i;

	for (i = 0; i < n; i++, in += SAMPLE_BYTES * pcm->channels) {
		if (pcm->channels == 1)
			out[i] = (int16_t)sample(in);
		else
			out[i] =
			    (int16_t)((sample(in) + sample(in + SAMPLE_BYTES)) /
				2);
	}
}

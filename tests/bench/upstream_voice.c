/*
 * upstream_voice.c - a recording, its transcript, and a spoken answer.
 *
 * Sizes are what matters: a recording is an M4A's head and noise, as hard to
 * compress as a real one; speech is a melody, as long as was asked for, in
 * base64 in JSON, a WAV or bare samples, as the newer and older models answer.
 */
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upstream.h"

enum { RATE = 24000, WAV_HEAD = 44, CHARS_A_SECOND = 15 };

static void *
take(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL)
		die("upstream: memory");
	return memory;
}

static struct body
json(char *text)
{
	return (struct body){ "application/json", text, strlen(text), true };
}

struct body
voice_recording(size_t bytes)
{
	static const char head[] = "\0\0\0\x1c"
				   "ftypM4A \0\0\2\0M4A isomiso2";
	size_t i, n = bytes < sizeof(head) ? sizeof(head) : bytes;
	char *file = take(n);
	uint32_t noise = 1;

	for (i = 0; i < n; i++) {
		noise = noise * 1664525 + 1013904223;
		file[i] = (char)(noise >> 24);
	}
	memcpy(file, head, sizeof(head) - 1);
	return (struct body){ "audio/x-m4a", file, n, true };
}

/* A model's answer of one part, which is printed in front of tail. */
static struct body
candidate(const char *head, const char *inner, size_t len, const char *tail)
{
	static const char begin[] =
	    "{\"candidates\":[{\"content\":{\"parts\":[";
	static const char end[] = "],\"role\":\"model\"},\"finishReason\":"
				  "\"STOP\",\"index\":0}],\"modelVersion\":"
				  "\"bench\",\"responseId\":\"bench\"}";
	size_t room =
	    sizeof(begin) + strlen(head) + len + strlen(tail) + sizeof(end);
	char *text = take(room);

	snprintf(text, room, "%s%s%.*s%s%s", begin, head, (int)len, inner, tail,
	    end);
	return json(text);
}

struct body
voice_transcript(void)
{
	static const char words[] =
	    "I have had a fever of 38.5 since last night. What should I do?";

	return candidate("{\"text\":\"", words, sizeof(words) - 1, "\"}");
}

struct body
voice_text(unsigned seconds)
{
	static const char sentence[] =
	    "Drink water, and rest for a day or two. ";
	size_t len = (size_t)seconds * CHARS_A_SECOND, i;
	char *words;

	if (len < sizeof(sentence) - 2)
		len = sizeof(sentence) - 2;
	words = take(len);
	for (i = 0; i < len; i++)
		words[i] = sentence[i % (sizeof(sentence) - 1)];
	return candidate("{\"text\":\"", words, len, "\"}");
}

/* ---- speech -------------------------------------------------------------- */

static void
put(char *to, uint32_t value, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		to[i] = (char)(value >> 8 * i);
}

static void
put_head(char *to, uint32_t samples_len)
{
	static const char head[WAV_HEAD + 1] = "RIFF....WAVEfmt "
					       "................"
					       "....data....";

	memcpy(to, head, WAV_HEAD);
	put(to + 4, samples_len + WAV_HEAD - 8, 4);
	put(to + 16, 16, 4);
	put(to + 20, 1, 2); /* PCM */
	put(to + 22, 1, 2); /* one channel */
	put(to + 24, RATE, 4);
	put(to + 28, RATE * 2, 4);
	put(to + 32, 2, 2);
	put(to + 34, 16, 2);
	put(to + 40, samples_len, 4);
}

/* Another tone every fifth of a second. */
static void
put_melody(char *to, size_t samples)
{
	size_t i;
	double tone;

	for (i = 0; i < samples; i++) {
		tone = 220 + 40.0 * (double)(i / (RATE / 5) % 7);
		put(to + 2 * i,
		    (uint32_t)(int)(8000 *
			sin(2 * M_PI * tone * (double)i / RATE)),
		    2);
	}
}

struct body
voice_speech(unsigned seconds, bool wav)
{
	size_t samples = (size_t)seconds * RATE, head = wav ? WAV_HEAD : 0;
	size_t len = head + 2 * samples;
	char *sound = take(len), *code = take(len / 3 * 4 + 8);
	struct body body;
	int n;

	if (wav)
		put_head(sound, (uint32_t)(2 * samples));
	put_melody(sound + head, samples);
	n = EVP_EncodeBlock((unsigned char *)code, (unsigned char *)sound,
	    (int)len);
	body = candidate(wav ? "{\"inlineData\":{\"mimeType\":\"audio/wav\","
			       "\"data\":\""
			     : "{\"inlineData\":{\"mimeType\":"
			       "\"audio/L16;codec=pcm;rate=24000\",\"data\":\"",
	    code, (size_t)n, "\"}}");
	free(sound);
	free(code);
	return body;
}

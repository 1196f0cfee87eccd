/*
 * settings.h - what the operator decides: one file of KEY=value lines.
 *
 * Environment variables of the same name win, except over secrets, which come
 * from the file alone.  A file that others may read, an unknown or repeated
 * key and a bad value are refused; nothing is guessed.  The table of keys with
 * their ranges, defaults and explanations is in settings_table.c.
 *
 * Members are the keys in lower case.  Strings are never NULL: "" is none.
 * Paths are absolute; URLs have no slash at their end.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Sizes that bound memory, together in one place; in bytes. */
enum {
	SETTINGS_FILE_MAX = 64 * 1024,
	SETTINGS_ERROR_MAX = 512,
	WEBHOOK_BODY_MAX = 1024 * 1024,
	MODEL_REPLY_MAX = 2 * 1024 * 1024,
	LINE_REPLY_MAX = 64 * 1024,
	RECORDING_MAX = 10 * 1024 * 1024
};

enum busy_policy { BUSY_DROP = 0 };
enum duplicate_policy { DUPLICATE_AT_LEAST_ONCE = 0, DUPLICATE_AT_MOST_ONCE };

enum voice_push { VOICE_PUSH_OFF = 0, VOICE_PUSH_ON };

struct settings {
	/* secrets */
	char *line_channel_secret;
	char *line_channel_access_token;
	char *gemini_api_key;
	char *admin_token; /* "": /debug does not exist */

	/* places */
	char *data_dir;
	char *key_file;
	char *log_file; /* "": stderr */
	char *ca_file;  /* "": the system's */
	char *audio_dir;
	char *line_api_base;
	char *line_data_base;
	char *gemini_base;

	/* the model; "" or 0 where it says so: left out of the request */
	char *gemini_model;
	char *gemini_fallback_model;       /* "": none */
	uint32_t gemini_timeout;           /* s */
	uint32_t gemini_max_output_tokens; /* 0: left out */
	char *gemini_temperature;          /* "": left out, as the next four */
	char *gemini_top_p;
	char *gemini_top_k;
	char *gemini_thinking_level;
	char *gemini_safety_threshold;

	/* what is said to it */
	char *stt_model;
	uint32_t stt_timeout; /* s */
	char *audio_mime;
	uint32_t speech_jobs;

	/* conversations */
	uint32_t session_ttl; /* s */
	uint32_t history_turns;
	uint32_t history_bytes;
	uint32_t global_rate_tokens, global_rate_refill; /* refill: per s */
	uint32_t user_rate_tokens, user_rate_refill;
	uint32_t busy_policy;      /* enum busy_policy */
	uint32_t duplicate_policy; /* enum duplicate_policy */
	uint32_t reply_window;     /* s */
	char *default_language;

	/* voice answers */
	char *public_base_url; /* "": there are none */
	char *tts_model;
	char *tts_voice;
	uint32_t tts_timeout;     /* s */
	uint32_t voice_push;      /* enum voice_push */
	uint32_t audio_ttl;       /* s */
	uint32_t audio_max_bytes; /* of all files together */

	/* the process */
	uint32_t store_map_mb;
	uint32_t accept_threads;
	uint32_t max_inflight;
	uint32_t log_level; /* enum log_level */
};

/*
 * The file to read: the --config option if not NULL, else MEDEDBOT_CONFIG,
 * else ./.env.  Borrowed: the option's or the environment's memory.
 */
const char *settings_file(const char *option);

/*
 * Fills the struct, which settings_release() then frees.  -1 when anything is
 * refused: the struct is empty and err holds one line with place, key, what
 * is wrong, the value (never a secret's), what is allowed and the remedy.
 */
int settings_load(struct settings *, const char *path, char *err,
    size_t err_size);

/* The same for bytes already read; path is where they came from. */
int settings_parse(struct settings *, const char *path, const char *bytes,
    size_t len, char *err, size_t err_size);

void settings_release(struct settings *);

/* The effective settings as KEY=value lines; a secret shows as (set). */
void settings_print(const struct settings *, FILE *);

#endif

/*
 * Settings are taken as they are written or refused with a line that helps;
 * secrets never show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/settings.h"
#include "tests/unit/fail_alloc.h"

#define SECRETS                                \
	"LINE_CHANNEL_SECRET=s3cret\n"         \
	"LINE_CHANNEL_ACCESS_TOKEN=to/k+en=\n" \
	"GEMINI_API_KEY=AIza-key\n"

static char dir[] = "/tmp/t_settings.XXXXXX", file[64];
static char err[SETTINGS_ERROR_MAX];

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/env", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(dir);
}

static int
parse(struct settings *s, const char *text)
{
	err[0] = '\0';
	return settings_parse(s, file, text, strlen(text), err, sizeof(err));
}

static char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
defaults_are_as_documented(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s, SECRETS), 0);
	assert_string_equal(s.line_channel_secret, "s3cret");
	assert_string_equal(s.line_channel_access_token, "to/k+en=");
	assert_string_equal(s.gemini_api_key, "AIza-key");
	assert_string_equal(s.admin_token, "");
	assert_string_equal(s.data_dir, in_dir("var/data"));
	assert_string_equal(s.key_file, in_dir("var/key"));
	assert_string_equal(s.log_file, "");
	assert_string_equal(s.ca_file, "");
	assert_string_equal(s.line_api_base, "https://api.line.me");
	assert_string_equal(s.gemini_base,
	    "https://generativelanguage.googleapis.com");
	assert_string_equal(s.gemini_model, "gemini-3.5-flash-lite");
	assert_string_equal(s.gemini_fallback_model, "gemini-3.8-flash");
	assert_int_equal(s.gemini_timeout, 30);
	assert_int_equal(s.gemini_max_output_tokens, 2048);
	assert_string_equal(s.gemini_temperature, "");
	assert_string_equal(s.gemini_thinking_level, "");
	assert_string_equal(s.gemini_safety_threshold, "BLOCK_ONLY_HIGH");
	assert_int_equal(s.session_ttl, 86400);
	assert_int_equal(s.history_turns, 10);
	assert_int_equal(s.history_bytes, 5120);
	assert_int_equal(s.global_rate_tokens, 100);
	assert_int_equal(s.global_rate_refill, 10);
	assert_int_equal(s.user_rate_tokens, 20);
	assert_int_equal(s.user_rate_refill, 1);
	assert_int_equal(s.busy_policy, BUSY_DROP);
	assert_int_equal(s.duplicate_policy, DUPLICATE_AT_LEAST_ONCE);
	assert_int_equal(s.reply_window, 50);
	assert_string_equal(s.public_base_url, "");
	assert_string_equal(s.tts_model, "gemini-3.8-flash-tts");
	assert_string_equal(s.tts_voice, "Kore");
	assert_int_equal(s.tts_timeout, 15);
	assert_int_equal(s.voice_push, VOICE_PUSH_OFF);
	assert_string_equal(s.audio_dir, in_dir("var/audio"));
	assert_int_equal(s.audio_ttl, 86400);
	assert_int_equal(s.audio_max_bytes, 1024 * 1024 * 1024);
	assert_string_equal(s.default_language, "en");
	assert_int_equal(s.store_map_mb, 128);
	assert_int_equal(s.accept_threads, 2);
	assert_int_equal(s.max_inflight, 5000);
	assert_int_equal(s.log_level, LOG_INFO);
	settings_release(&s);
}

static void
form_of_the_file_is_forgiving(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s,
			     "\xef\xbb\xbf# comment\r\n"
			     "\r\n"
			     "   \t# another\n"
			     "  LINE_CHANNEL_SECRET = 'a#b\"c'  # why\r\n"
			     "LINE_CHANNEL_ACCESS_TOKEN=\"x=y\"\n"
			     "GEMINI_API_KEY=k#1 # not a part of it\n"
			     "GEMINI_FALLBACK_MODEL=\n"
			     "LOG_FILE=#nothing\n"
			     "GLOBAL_RATE_REFILL=25/s\n"
			     "DUPLICATE_POLICY=at-most-once\n"
			     "LOG_LEVEL=debug\n"
			     "LINE_API_BASE=http://[::1]:8081/line/\n"
			     "GEMINI_TEMPERATURE=0.7\n"
			     "KEY_FILE=../k e y"),
	    0);
	assert_string_equal(s.line_channel_secret, "a#b\"c");
	assert_string_equal(s.line_channel_access_token, "x=y");
	assert_string_equal(s.gemini_api_key, "k#1");
	assert_string_equal(s.gemini_fallback_model, "");
	assert_string_equal(s.log_file, "");
	assert_int_equal(s.global_rate_refill, 25);
	assert_int_equal(s.duplicate_policy, DUPLICATE_AT_MOST_ONCE);
	assert_int_equal(s.log_level, LOG_DEBUG);
	assert_string_equal(s.line_api_base, "http://[::1]:8081/line");
	assert_string_equal(s.gemini_temperature, "0.7");
	assert_string_equal(s.key_file, "/tmp/k e y");
	settings_release(&s);
}

struct refused {
	const char *line; /* the fourth of the file */
	const char *says; /* the complaint, behind the file's name */
};

static void
check_refused(const struct refused *c)
{
	char text[2048];
	struct settings s;

	snprintf(text, sizeof(text), "%s%s\n", SECRETS, c->line);
	if (parse(&s, text) != -1)
		fail_msg("accepted: %s", c->line);
	if (strncmp(err, file, strlen(file)) != 0 ||
	    strstr(err, c->says) == NULL)
		fail_msg("%s: %s", c->line, err);
	assert_null(strchr(err, '\n'));
	assert_null(s.data_dir);
}

static void
bad_lines_are_refused_with_help(void **state)
{
	static const struct refused cases[] = {
		{ "nonsense", ":4: the line is not KEY=value" },
		{ "=x", ":4: the line is not KEY=value" },
		{ "LOG_FILE=\"x",
		    ":4: the closing quote is missing; "
		    "add the closing quote" },
		{ "export LOG_LEVEL=info",
		    ":4: the line begins with export; "
		    "write it without export" },
		{ "LOG_FILE='x'y", ":4: there is text behind" },
		{ "LOG_FILE=a\x01", ":4: there is a control character" },
		{ "GEMINI_TIMOUT=3",
		    ":4: GEMINI_TIMOUT: there is no such "
		    "key; did you mean GEMINI_TIMEOUT?" },
		{ "FAVOURITE_COLOUR=red", "no such key; remove the line" },
		{ "gemini_timeout=3", "no such key" },
		{ "GEMINI_API_KEY=again",
		    ":4: GEMINI_API_KEY: is in line 3 as well" },
		{ "GEMINI_TIMEOUT=0",
		    ":4: GEMINI_TIMEOUT: \"0\" is not a whole number from "
		    "1 to 120 (seconds for an answer, retries included); "
		    "correct it or remove it for 30" },
		{ "GEMINI_TIMEOUT=121", "from 1 to 120" },
		{ "GEMINI_TIMEOUT=", "\"\" is not" },
		{ "GEMINI_TIMEOUT=30s", "\"30s\" is not" },
		{ "GEMINI_TIMEOUT=-1", "\"-1\" is not" },
		{ "GEMINI_TIMEOUT=1.5", "\"1.5\" is not" },
		{ "SESSION_TTL=99999999999999999999", "is not a whole" },
		{ "GLOBAL_RATE_REFILL=/s", "\"/s\" is not" },
		{ "USER_RATE_TOKENS=5/s", "\"5/s\" is not" },
		{ "HISTORY_TURNS=51", "from 0 to 50" },
		{ "REPLY_WINDOW=56", "from 1 to 55" },
		{ "ACCEPT_THREADS=17", "from 1 to 16" },
		{ "STORE_MAP_MB=3", "from 4 to 65536" },
		{ "BUSY_POLICY=queue", "is not one of drop" },
		{ "DUPLICATE_POLICY=at", "at-least-once|at-most-once" },
		{ "LOG_LEVEL=loud", "one of error|warn|info|debug" },
		{ "DEFAULT_LANGUAGE=xx", "is not one of en|zh-Hant|ja|" },
		{ "DEFAULT_LANGUAGE=zh", "\"zh\" is not one of en" },
		{ "GEMINI_TEMPERATURE=2.1", "a number from 0 to 2" },
		{ "GEMINI_TEMPERATURE=.5", "a number from 0 to 2" },
		{ "GEMINI_TEMPERATURE=1.", "a number from 0 to 2" },
		{ "GEMINI_TEMPERATURE=nan", "a number from 0 to 2" },
		{ "GEMINI_TEMPERATURE=1e0", "a number from 0 to 2" },
		{ "GEMINI_TOP_K=0.5", "whole number from 1 to 1000" },
		{ "GEMINI_THINKING_LEVEL=low", "MINIMAL|LOW|MEDIUM|HIGH" },
		{ "GEMINI_MODEL=", "1 to 64 of the characters" },
		{ "GEMINI_MODEL=a/b", "1 to 64 of the characters" },
		{ "GEMINI_MODEL=../x", "1 to 64 of the characters" },
		{ "DATA_DIR=", "is not a path" },
		{ "ADMIN_TOKEN=two words", "ASCII characters without blanks" },
		{ "ADMIN_TOKEN=\xc3\xa9", "ASCII characters without blanks" },
		{ "CA_FILE=/nowhere/ca.pem",
		    ": CA_FILE /nowhere/ca.pem: No such file or directory; "
		    "correct it, or remove it for the system's" },
		{ "LOG_FILE=var/key", "is the same as KEY_FILE" },
		{ "LOG_FILE=var/data/log", "is inside of DATA_DIR" },
		{ "KEY_FILE=var/data/key", "is inside of DATA_DIR" },
		{ "KEY_FILE=./x/../var//data/./key", "inside of DATA_DIR" },
		{ "AUDIO_DIR=var/data", "is the same as DATA_DIR" },
		{ "AUDIO_DIR=var/data/audio", "is inside of DATA_DIR" },
		{ "AUDIO_DIR=var", "DATA_DIR" },
		{ "KEY_FILE=var/audio/key", "is inside of AUDIO_DIR" },
		{ "LOG_FILE=var/audio/log", "is inside of AUDIO_DIR" },
		{ "AUDIO_DIR=", "is not a path" },
		{ "PUBLIC_BASE_URL=http://bot.example",
		    "an https:// address without a path" },
		{ "PUBLIC_BASE_URL=http://127.0.0.1",
		    "an https:// address without a path" },
		{ "PUBLIC_BASE_URL=https://bot.example/sub",
		    "an https:// address without a path" },
		{ "VOICE_PUSH=yes", "one of off|on" },
		{ "AUDIO_TTL=59", "from 60 to 31536000" },
		{ "AUDIO_MAX_BYTES=4294967296", "to 4294967295" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refused(&cases[i]);
}

static void
addresses_are_https_or_loopback(void **state)
{
	static const char *const good[] = {
		"https://api.line.me",
		"https://api.line.me/",
		"https://api.line.me:8443/v2/x",
		"http://127.0.0.1:1",
		"http://localhost",
		"http://[::1]:65535/a/b//",
		"https://[2001:db8::1]/",
	};
	static const char *const bad[] = {
		"",
		"api.line.me",
		"http://api.line.me",
		"ftp://127.0.0.1",
		"http://127.0.0.1.evil.org",
		"http://localhost.evil.org",
		"http://127.0.0.1@evil.org",
		"https://a@b",
		"https://",
		"https:///x",
		"https://host:0",
		"https://host:65536",
		"https://host:",
		"https://host:80x",
		"https://[::1",
		"https://host/?q",
		"https://host/#f",
		"https://ho st",
		"httpshttps://host",
		"HTTPS://host",
	};
	char text[512];
	struct settings s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "%sGEMINI_BASE=%s\n", SECRETS,
		    good[i]);
		if (parse(&s, text) == -1)
			fail_msg("%s", err);
		assert_int_not_equal(s.gemini_base[strlen(s.gemini_base) - 1],
		    '/');
		settings_release(&s);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "GEMINI_BASE='%s'", bad[i]);
		check_refused(&(struct refused){ text, "an https:// address" });
	}
}

static void
missing_secrets_are_asked_for(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s, ""), -1);
	assert_non_null(strstr(err, "LINE_CHANNEL_SECRET: is missing; add"));
	assert_int_equal(parse(&s, "LINE_CHANNEL_SECRET=\n"), -1);
	assert_non_null(strstr(err, ":1: LINE_CHANNEL_SECRET: is missing"));
	assert_int_equal(parse(&s,
			     "LINE_CHANNEL_SECRET=a\n"
			     "LINE_CHANNEL_ACCESS_TOKEN=b\n"),
	    -1);
	assert_non_null(strstr(err, "GEMINI_API_KEY: is missing"));
}

static void
secrets_never_show(void **state)
{
	static const char *const texts[] = {
		"LINE_CHANNEL_SECRET=hush hush\n",
		"LINE_CHANNEL_SECRET='hush\n",
		"LINE_CHANNEL_SECRET='hush'hush\n",
		"LINE_CHANNEL_SECRET=hush\x01\n",
		"hush\n",
		"LINE_CHANNEL_SECRET=hush\nLINE_CHANNEL_SECRET=hush\n",
		"ADMIN_TOKEN=hush hush\n",
	};
	struct settings s;
	char *printed;
	size_t i, size;
	FILE *out;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(parse(&s, texts[i]), -1);
		assert_null(strstr(err, "hush"));
	}
	assert_int_equal(parse(&s, SECRETS), 0);
	out = open_memstream(&printed, &size);
	settings_print(&s, out);
	fclose(out);
	settings_release(&s);
	assert_non_null(strstr(printed, "LINE_CHANNEL_SECRET=(set)\n"));
	assert_non_null(strstr(printed, "ADMIN_TOKEN=\n"));
	assert_non_null(strstr(printed, "LOG_LEVEL=info\n"));
	assert_non_null(strstr(printed, "GEMINI_TIMEOUT=30\n"));
	assert_non_null(strstr(printed, "DUPLICATE_POLICY=at-least-once\n"));
	assert_null(strstr(printed, "s3cret"));
	assert_null(strstr(printed, "AIza"));
	assert_null(strstr(printed, "to/k+en"));
	free(printed);
}

static void
environment_wins_but_not_over_secrets(void **state)
{
	struct settings s;

	(void)state;
	setenv("GEMINI_TIMEOUT", "7", 1);
	setenv("LINE_CHANNEL_SECRET", "from-environment", 1);
	assert_int_equal(parse(&s, SECRETS "GEMINI_TIMEOUT=9\n"), 0);
	assert_int_equal(s.gemini_timeout, 7);
	assert_string_equal(s.line_channel_secret, "s3cret");
	settings_release(&s);

	setenv("GEMINI_TIMEOUT", "soon", 1);
	assert_int_equal(parse(&s, SECRETS), -1);
	assert_non_null(strstr(err, "environment: GEMINI_TIMEOUT: \"soon\""));
	unsetenv("GEMINI_TIMEOUT");
	unsetenv("LINE_CHANNEL_SECRET");
}

static void
nothing_private_is_under_the_document_root(void **state)
{
	struct settings s;

	(void)state;
	setenv("DOCUMENT_ROOT", in_dir("www/"), 1);
	assert_int_equal(parse(&s, SECRETS), 0);
	settings_release(&s);
	assert_int_equal(parse(&s, SECRETS "DATA_DIR=www/data\n"), -1);
	assert_non_null(strstr(err, "DATA_DIR: "));
	assert_non_null(strstr(err, "is inside of the web server's"));
	assert_int_equal(parse(&s, SECRETS "KEY_FILE=www/key\n"), -1);
	assert_non_null(strstr(err, "KEY_FILE: "));
	assert_int_equal(parse(&s, SECRETS "KEY_FILE=www2/key\n"), 0);
	settings_release(&s);

	/* through a link */
	assert_int_equal(symlink("www", in_dir("link")), 0);
	assert_int_equal(mkdir(in_dir("www"), 0700), 0);
	assert_int_equal(parse(&s, SECRETS "KEY_FILE=link/a/key\n"), -1);
	assert_non_null(strstr(err, "KEY_FILE: "));
	unlink(in_dir("link"));
	rmdir(in_dir("www"));

	setenv("DOCUMENT_ROOT", "/", 1);
	assert_int_equal(parse(&s, SECRETS), -1);
	unsetenv("DOCUMENT_ROOT");
}

static void
write_file(const char *text, mode_t mode)
{
	FILE *out = fopen(file, "wb");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(file, mode), 0);
}

static void
only_a_private_file_is_read(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0644, 0601 };
	struct settings s;
	size_t i;

	(void)state;
	write_file(SECRETS, 0600);
	assert_int_equal(settings_load(&s, file, err, sizeof(err)), 0);
	settings_release(&s);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		write_file(SECRETS, modes[i]);
		assert_int_equal(settings_load(&s, file, err, sizeof(err)), -1);
		assert_non_null(strstr(err, "chmod 600"));
	}
	assert_int_equal(settings_load(&s, dir, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "is not a file"));
	assert_int_equal(settings_load(&s, "/nowhere", err, sizeof(err)), -1);
	assert_non_null(strstr(err, "No such file"));
	assert_non_null(strstr(err, "make it from .env.example"));
	assert_null(s.data_dir);
}

static void
somebody_elses_file_is_for_its_owner(void **state)
{
	struct settings s;
	int rc;

	(void)state;
	write_file(SECRETS, 0000);
	if (geteuid() == 0 && (chmod(dir, 0755) || seteuid(1234)))
		fail();
	rc = settings_load(&s, file, err, sizeof(err));
	if (getuid() == 0 && (seteuid(0) || chmod(dir, 0700)))
		fail();
	assert_int_equal(rc, -1);
	assert_non_null(strstr(err, "run it as the owner of the file"));
}

static void
huge_file_is_refused(void **state)
{
	char *text = malloc(SETTINGS_FILE_MAX + 2);
	struct settings s;

	(void)state;
	memset(text, '#', SETTINGS_FILE_MAX + 1);
	text[SETTINGS_FILE_MAX + 1] = '\0';
	write_file(text, 0600);
	assert_int_equal(settings_load(&s, file, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "is larger than"));
	free(text);
}

static void
file_is_named_by_option_environment_or_default(void **state)
{
	(void)state;
	unsetenv("MEDEDBOT_CONFIG");
	assert_string_equal(settings_file(NULL), "./.env");
	setenv("MEDEDBOT_CONFIG", "/etc/mededbot.env", 1);
	assert_string_equal(settings_file(NULL), "/etc/mededbot.env");
	assert_string_equal(settings_file("x"), "x");
	unsetenv("MEDEDBOT_CONFIG");
}

static void
short_room_for_the_error_is_enough(void **state)
{
	char tiny[8];
	struct settings s;

	(void)state;
	assert_int_equal(settings_parse(&s, file, "x", 1, tiny, sizeof(tiny)),
	    -1);
	assert_true(strlen(tiny) < sizeof(tiny));
}

static bool
parse_or_run_short(void *unused)
{
	struct settings s;
	int rc = parse(&s, SECRETS);

	(void)unused;
	if (rc == -1)
		assert_int_not_equal(err[0], '\0');
	settings_release(&s);
	return rc == 0;
}

static void
every_allocation_may_fail(void **state)
{
	(void)state;
	assert_true(fail_alloc_each(parse_or_run_short, NULL) >= 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_as_documented),
		cmocka_unit_test(form_of_the_file_is_forgiving),
		cmocka_unit_test(bad_lines_are_refused_with_help),
		cmocka_unit_test(addresses_are_https_or_loopback),
		cmocka_unit_test(missing_secrets_are_asked_for),
		cmocka_unit_test(secrets_never_show),
		cmocka_unit_test(environment_wins_but_not_over_secrets),
		cmocka_unit_test(nothing_private_is_under_the_document_root),
		cmocka_unit_test(only_a_private_file_is_read),
		cmocka_unit_test(somebody_elses_file_is_for_its_owner),
		cmocka_unit_test(huge_file_is_refused),
		cmocka_unit_test(
		    file_is_named_by_option_environment_or_default),
		cmocka_unit_test(short_room_for_the_error_is_enough),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/*
 * engine_fixture.c - an engine that runs, and users who ask it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/engine_fixture.h"

static const char question[] = "What is diabetes?";

struct store_now
now(void)
{
	struct store_now now = { clock_wall_ms(), clock_boot_ms(), { 0 } };

	(void)clock_boot_id(now.boot_id);
	return now;
}

static void *
run(void *arg)
{
	engine_run(arg);
	return NULL;
}

void
start(struct fixture *f)
{
	struct engine_config config = { .settings = &f->settings,
		.store = f->store,
		.mailbox = f->mailbox };
	char err[256];

	if (engine_open(&f->engine, &config, err, sizeof(err)) == -1)
		fail_msg("%s", err);
	assert_int_equal(pthread_create(&f->thread, NULL, run, f->engine), 0);
}

void
stop(struct fixture *f)
{
	engine_stop(f->engine);
	pthread_join(f->thread, NULL);
	engine_close(&f->engine);
}

static void
write_settings(const struct fixture *f, const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	(void)fprintf(file,
	    "LINE_CHANNEL_SECRET=secret\nLINE_CHANNEL_ACCESS_TOKEN=token\n"
	    "GEMINI_API_KEY=key\nGEMINI_TIMEOUT=5\nSTORE_MAP_MB=16\n"
	    "DATA_DIR=data\nKEY_FILE=key\nREPLY_WINDOW=10\nAUDIO_DIR=audio\n"
	    "STT_TIMEOUT=5\nLINE_API_BASE=http://127.0.0.1:%d\n"
	    "LINE_DATA_BASE=http://127.0.0.1:%d\n"
	    "GEMINI_BASE=http://127.0.0.1:%d\n",
	    upstream_port(f->up), upstream_port(f->up), upstream_port(f->up));
	(void)fchmod(fileno(file), 0600);
	(void)fclose(file);
}

int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_place place = { .map_mb = 16 };
	char path[128], err[SETTINGS_ERROR_MAX], why[STORE_WHY_MAX];
	unsigned slot;

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/t_engine.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->up = upstream_start();
	(void)snprintf(path, sizeof(path), "%s/env", f->dir);
	write_settings(f, path);
	if (settings_load(&f->settings, path, err, sizeof(err)) == -1)
		fail_msg("%s", err);
	place.dir = f->settings.data_dir;
	place.key_file = f->settings.key_file;
	if (store_open(&f->store, &place, now(), why) != STORE_OK)
		fail_msg("%s", why);
	assert_int_equal(store_join(f->store, now(), &slot), STORE_OK);
	f->mailbox = mailbox_new();
	*state = f;
	return 0;
}

int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	if (f->engine != NULL)
		stop(f);
	upstream_stop(f->up);
	mailbox_free(&f->mailbox);
	store_close(&f->store);
	settings_release(&f->settings);
	(void)snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	(void)!system(command);
	free(f);
	return 0;
}

static enum store_fate
admit_event(struct fixture *f, unsigned user, unsigned event, unsigned token_of,
    const char *text, struct store_lease *lease)
{
	char id[32], chat[40], token[40];
	struct store_event e = { .id = id,
		.chat = chat,
		.to = chat,
		.reply_token = token,
		.text = text != NULL ? text : "325708",
		.voice = text == NULL,
		.direct = true,
		.line_ms = clock_wall_ms() };
	struct store_limits limits = { 1000, 0, 100000, 0, 20000, 10000 };
	struct store_verdict verdict;

	(void)snprintf(id, sizeof(id), "event-%u-%u", user, event);
	(void)snprintf(chat, sizeof(chat), "U%032u", user);
	(void)snprintf(token, sizeof(token), "token-%u-%u", user, token_of);
	assert_int_equal(store_admit(f->store, &e, 1, &limits, now(), &verdict),
	    STORE_OK);
	*lease = verdict.lease;
	return verdict.fate;
}

enum store_fate
admit_token(struct fixture *f, unsigned user, unsigned event, unsigned token_of,
    struct store_lease *lease)
{
	return admit_event(f, user, event, token_of, question, lease);
}

/* What the webhook does: admits, posts, rings. */
static enum store_fate
send_event(struct fixture *f, unsigned user, unsigned event, const char *text)
{
	struct store_lease lease;
	enum store_fate fate = admit_event(f, user, event, event, text, &lease);

	if (fate == STORE_ACCEPTED)
		assert_int_equal(mailbox_job(f->mailbox, &lease), 0);
	mailbox_ring(f->mailbox);
	return fate;
}

enum store_fate
say(struct fixture *f, unsigned user, unsigned event)
{
	return send_event(f, user, event, question);
}

enum store_fate
say_text(struct fixture *f, unsigned user, unsigned event, const char *text)
{
	return send_event(f, user, event, text);
}

enum store_fate
speak(struct fixture *f, unsigned user, unsigned event)
{
	return send_event(f, user, event, NULL);
}

struct store_stat
stat_of(struct fixture *f)
{
	struct store_stat stat;
	size_t n;

	assert_int_equal(store_stat(f->store, now(), &stat, NULL, 0, &n),
	    STORE_OK);
	return stat;
}

void
wait_until_finished(struct fixture *f)
{
	int64_t until = clock_boot_ms() + WAIT_MS;

	while (stat_of(f).unfinished > 0 && clock_boot_ms() < until)
		usleep(5000);
	assert_int_equal(stat_of(f).unfinished, 0);
}

/*
 * Long answers to those take what is left for long answers.  One of less than
 * a page takes no more than was owed to its job: of those any number may fit.
 */
static void
answer_until_full(struct fixture *f, const struct store_verdict *verdicts,
    size_t n)
{
	static const char text[60000] = "";
	struct store_step step = { .kind = STORE_ANSWER,
		.lease_ms = 60000,
		.reply = text,
		.reply_len = sizeof(text) };
	size_t i;

	for (i = 0; i < n && step.reply_len > 4096; i++) {
		step.lease = verdicts[i].lease;
		assert_int_equal(store_steps(f->store, &step, 1, now()),
		    STORE_OK);
		if (step.rc == STORE_FULL)
			step.reply_len /= 2;
	}
	assert_int_equal(step.rc, STORE_FULL);
}

void
fill_store(struct fixture *f)
{
	enum { AT_ONCE = 64 };
	static char ids[AT_ONCE][32];
	struct store_limits limits = { 1000, 0, 100000, 0, 60000, 10000 };
	struct store_verdict verdicts[AT_ONCE], first[AT_ONCE];
	struct store_event events[AT_ONCE];
	unsigned next = 0;
	size_t n = AT_ONCE, i;

	while (n > 0) {
		for (i = 0; i < n; i++) {
			(void)snprintf(ids[i], sizeof(ids[i]), "f%u", next++);
			events[i] = (struct store_event){ .id = ids[i],
				.chat = ids[i],
				.to = ids[i],
				.text = "?",
				.line_ms = clock_wall_ms() };
		}
		if (store_admit(f->store, events, n, &limits, now(),
			verdicts) == STORE_FULL)
			n /= 2;
		else if (next == AT_ONCE)
			memcpy(first, verdicts, sizeof(first));
	}
	answer_until_full(f, first, AT_ONCE);
}

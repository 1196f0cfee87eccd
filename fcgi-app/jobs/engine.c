/*
 * engine.c - the loop of the engine's thread.
 */
#include "jobs/engine.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/shelf.h"
#include "base/clock.h"
#include "base/log.h"
#include "jobs/delivery.h"
#include "jobs/engine_priv.h"
#include "jobs/stage.h"

enum {
	CLAIM_EVERY_MS = 250, /* how soon a dead process is noticed */
	CLAIM_BATCH = 256,
	STOOD_MS = 5000, /* so late is nobody who was not stopped */
	LEASE_MARGIN_S = 15,
	SEND_S = 10,      /* the longest delivery call */
	GRACE_MS = 400,   /* for deliveries under way, at the end */
	DRAIN_MS = 50000, /* --drain is run every minute */
	SHARDS = 32,
	PEAK_LEAST = 512 /* jobs whose memory is worth the trouble */
};

struct store_now
engine_now(void)
{
	struct store_now now = {
		.wall_ms = clock_wall_ms(),
		.boot_ms = clock_boot_ms(),
	};

	(void)clock_boot_id(now.boot_id);
	return now;
}

uint32_t
engine_lease_ms(const struct settings *set)
{
	uint32_t longest =
	    set->gemini_timeout > SEND_S ? set->gemini_timeout : SEND_S;

	if (set->stt_timeout > longest)
		longest = set->stt_timeout;
	if (set->tts_timeout > longest)
		longest = set->tts_timeout;
	return (longest + LEASE_MARGIN_S) * 1000;
}

/* xorshift: jitter wants no secrecy, only that processes differ. */
uint32_t
engine_random(void)
{
	static uint32_t state;

	if (state == 0)
		state = (uint32_t)clock_boot_us() | 1;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

void
engine_claim_within(struct engine *engine, uint32_t wait_ms)
{
	int64_t at = clock_boot_ms() + wait_ms;

	if (at < engine->claim_ms)
		engine->claim_ms = at;
}

/* ------------------------------------------------------------- intake -- */

static size_t
room(const struct engine *engine)
{
	size_t held = atomic_load(&engine->n_jobs);
	size_t max = engine->set->max_inflight;

	return held < max ? max - held : 0;
}

/* Jobs that were admitted here and never begun. */
static void
give_back_waiting(struct engine *engine)
{
	static struct store_step steps[COMMIT_BATCH];
	struct mail *mail;
	size_t n;

	while (engine->waiting != NULL) {
		for (n = 0; n < COMMIT_BATCH && engine->waiting != NULL; n++) {
			mail = engine->waiting;
			engine->waiting = mail->next;
			steps[n] = (struct store_step){ .kind = STORE_WAIT,
				.lease = mail->lease };
			free(mail);
		}
		(void)store_steps(engine->store, steps, n, engine_now());
	}
	engine->waiting_last = &engine->waiting;
}

/*
 * Jobs beyond MAX_INFLIGHT wait here, oldest first.  Beside a suspect nothing
 * is begun: what is admitted here meanwhile goes to whoever looks next.
 */
static void
begin_waiting(struct engine *engine)
{
	struct mail *mail;

	if (engine->calm) {
		give_back_waiting(engine);
		return;
	}
	while (engine->waiting != NULL && room(engine) > 0) {
		mail = engine->waiting;
		engine->waiting = mail->next;
		if (engine->waiting == NULL)
			engine->waiting_last = &engine->waiting;
		if (job_begin(engine, &mail->lease) == -1)
			log_warn("job outcome=left reason=load");
		free(mail);
	}
}

static void
read_mail(void *arg)
{
	struct engine *engine = arg;
	struct mail *mail = mailbox_take(engine->mailbox), *next;

	for (; mail != NULL; mail = next) {
		next = mail->next;
		mail->next = NULL;
		if (mail->kind == MAIL_NOTICE) {
			notice_send(engine, mail);
			free(mail);
			continue;
		}
		*engine->waiting_last = mail;
		engine->waiting_last = &mail->next;
	}
	begin_waiting(engine);
}

/* --drain leaves the rest to the next minute's run. */
static bool
is_over(const struct engine *engine)
{
	return engine->drain && clock_boot_ms() >= engine->drain_until_ms;
}

/* Takes what is due or was left by the dead; looks again in a moment. */
static void
claim_jobs(struct engine *engine)
{
	struct store_lease leases[CLAIM_BATCH];
	size_t i, n = 0, max = room(engine);
	size_t held = atomic_load(&engine->n_jobs);
	enum store_rc rc;

	engine->claim_ms = clock_boot_ms() + CLAIM_EVERY_MS;
	if (engine->has_suspect && held > 0)
		return;
	engine->has_suspect = engine->calm = false;
	if (max == 0 || is_over(engine))
		return;
	rc = store_claim(engine->store, max < CLAIM_BATCH ? max : CLAIM_BATCH,
	    held, engine->lease_ms, engine_now(), leases, &n, &engine->calm);
	engine_die_if_fatal(rc);
	if (rc != STORE_OK)
		return;
	engine->has_suspect = engine->calm;
	if (engine->calm)
		give_back_waiting(engine);
	if (n == CLAIM_BATCH)
		engine->claim_ms = clock_boot_ms();
	for (i = 0; i < n; i++)
		(void)job_begin(engine, &leases[i]);
}

/* --------------------------------------------------------------- loop -- */

int
engine_wait_ms(const struct engine *engine)
{
	int64_t now = clock_boot_ms();
	int64_t until = engine->claim_ms;

	if (engine->to_commit != NULL && engine->commit_ms < until)
		until = engine->commit_ms;
	if (engine->speech.next_ms < until)
		until = engine->speech.next_ms;
	return until <= now ? 0 : (int)(until - now);
}

/*
 * When a peak is over its memory goes back to the system, which free() alone
 * does not do for what lies between pieces still in use; so once more when
 * nothing is in use.
 */
static void
give_back_memory(struct engine *engine)
{
	size_t now = atomic_load(&engine->n_jobs);

	if (now > engine->peak)
		engine->peak = now;
	if (engine->peak < PEAK_LEAST ||
	    (now > 0 && (now > engine->peak / 4 || engine->peak == PEAK_LEAST)))
		return;
	net_trim(engine->net);
	(void)malloc_trim(0);
	engine->peak = now == 0 ? 0 : now < PEAK_LEAST ? PEAK_LEAST : now;
}

/*
 * A process that was stopped and wakes late finds its own jobs due: what it
 * has just heard of them is written down first, however often that fails.
 */
static bool
may_claim(struct engine *engine)
{
	int64_t late_ms = clock_boot_ms() - engine->claim_ms;

	if (late_ms >= STOOD_MS && engine->to_commit != NULL)
		engine->stood = true;
	if (engine->to_commit == NULL)
		engine->stood = false;
	if (late_ms >= 0 && engine->stood)
		engine->claim_ms = engine->commit_ms;
	return late_ms >= 0 && !engine->stood;
}

void
engine_turn(struct engine *engine)
{
	if (net_run(engine->net, engine_wait_ms(engine)) == -1)
		log_die("engine error=\"cannot wait for sockets\"");
	begin_waiting(engine);
	speech_run(engine);
	engine_commit(engine);
	if (may_claim(engine)) {
		claim_jobs(engine);
		engine_commit(engine);
	}
	give_back_memory(engine);
}

static bool
is_drained(const struct engine *engine)
{
	size_t orphans = 0;

	if (!engine->drain || atomic_load(&engine->n_jobs) > 0)
		return false;
	return is_over(engine) ||
	    (store_orphans(engine->store, engine_now(), &orphans) == STORE_OK &&
		orphans == 0);
}

/* Deliveries under way get a moment to end, everything else goes back. */
static void
give_back(struct engine *engine, bool deliveries)
{
	struct job *job;

	for (job = engine->jobs; job != NULL; job = job->next)
		if ((job->call != NULL || job->place.waits != SPEECH_NOT) &&
		    (deliveries || job->stored.progress.stage != STAGE_DELIVER))
			job_give_back(job);
	engine_commit(engine);
}

void
engine_hand_over(struct engine *engine)
{
	int64_t until = clock_boot_ms() + GRACE_MS;

	engine->stopping = true;
	engine->commit_ms = 0;
	read_mail(engine);
	give_back(engine, false);
	give_back_waiting(engine);
	while (atomic_load(&engine->n_jobs) > 0 && clock_boot_ms() < until) {
		(void)net_run(engine->net, 20);
		engine_commit(engine);
	}
	give_back(engine, true);
}

void
engine_run(struct engine *engine)
{
	engine->drain_until_ms = clock_boot_ms() + DRAIN_MS;
	while (!atomic_load(&engine->stop)) {
		engine_turn(engine);
		if (is_drained(engine))
			break;
	}
	engine_hand_over(engine);
}

void
engine_stop(struct engine *engine)
{
	atomic_store(&engine->stop, true);
	net_wake(engine->net);
}

size_t
engine_jobs(const struct engine *engine)
{
	return atomic_load(&engine->n_jobs);
}

/* --------------------------------------------------------------- life -- */

static void
collect_chores(void *arg)
{
	struct engine *engine = arg;

	(void)helper_collect(engine->helper);
}

/* Without voice answers nothing here would block. */
static int
open_helper(struct engine *engine, char *err, size_t err_size)
{
	if (*engine->set->public_base_url == '\0')
		return 0;
	if (shelf_open(engine->set->audio_dir) != SHELF_OK) {
		(void)snprintf(err, err_size,
		    "AUDIO_DIR %s: %s; make it, or let us write to it",
		    engine->set->audio_dir, strerror(errno));
		return -1;
	}
	engine->helper = helper_new();
	if (engine->helper == NULL)
		return -1;
	return net_watch(engine->net, helper_fd(engine->helper), collect_chores,
	    engine);
}

int
engine_open(struct engine **out, const struct engine_config *config, char *err,
    size_t err_size)
{
	struct net_config net = {
		.ca_file = config->settings->ca_file,
		.shards_http1 = SHARDS,
		.user_agent = "MedEdBot/1",
	};
	struct engine *engine = calloc(1, sizeof(*engine));

	(void)snprintf(err, err_size, "memory or descriptors are short");
	if (engine == NULL)
		return -1;
	engine->set = config->settings;
	engine->store = config->store;
	engine->mailbox = config->mailbox;
	engine->drain = config->drain;
	engine->lease_ms = engine_lease_ms(config->settings);
	engine->to_commit_last = &engine->to_commit;
	speech_init(&engine->speech);
	engine->batch_max = COMMIT_BATCH;
	engine->waiting_last = &engine->waiting;
	if (upstreams_init(&engine->up, config->settings) == -1 ||
	    net_open(&engine->net, &net, err, err_size) == -1 ||
	    net_watch(engine->net, mailbox_fd(engine->mailbox), read_mail,
		engine) == -1 ||
	    open_helper(engine, err, err_size) == -1) {
		engine_close(&engine);
		return -1;
	}
	*out = engine;
	return 0;
}

void
engine_close(struct engine **enginep)
{
	struct engine *engine = *enginep;
	struct mail *mail;

	*enginep = NULL;
	if (engine == NULL)
		return;
	while (engine->jobs != NULL)
		job_free(engine->jobs);
	while ((mail = engine->waiting) != NULL) {
		engine->waiting = mail->next;
		free(mail);
	}
	net_close(&engine->net);
	helper_free(&engine->helper);
	upstreams_release(&engine->up);
	free(engine);
}

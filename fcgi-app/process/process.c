/*
 * process.c - starts and ends the threads of one process.
 *
 * All signals are blocked in the threads that work, since a signal in a
 * thread of libfcgi can damage a request.
 */
#include "process/process.h"

#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/engine.h"
#include "jobs/mailbox.h"
#include "line/signature.h"
#include "process/limits.h"
#include "store/store.h"
#include "web/drain.h"
#include "web/routes.h"

enum {
	ACCEPT_MAX = 16,
	LOOK_EVERY_S = 5, /* was the program replaced? */
	STOP_MS = 1000,   /* until the process is gone, whatever happens */
	ACCEPT_END_MS = 400,
	ECHO_MS = 300,
	NOTICE_GAP_MS = 10000
};

struct process {
	const struct settings *settings;
	struct store *store;
	struct mailbox *mailbox;
	struct engine *engine;
	struct signature *signature;
	struct routes routes;
	int listen_fd, stop_fd;
	atomic_bool engine_ended;
	pthread_t engine_thread, accept_threads[ACCEPT_MAX];
	unsigned n_accept;
	struct drain *drain; /* theirs */
};

/* ------------------------------------------------------------ threads -- */

static void *
engine_thread(void *arg)
{
	struct process *self = arg;

	engine_run(self->engine);
	atomic_store(&self->engine_ended, true);
	/* With --drain the end of the engine is the end of the process. */
	(void)kill(getpid(), SIGTERM);
	return NULL;
}

static void *
accept_thread(void *arg)
{
	drain_run(arg);
	return NULL;
}

static int
sink_job(void *arg, const struct store_lease *lease)
{
	const struct process *self = arg;

	return mailbox_job(self->mailbox, lease);
}

static int
sink_notice(void *arg, enum words words, const char *token)
{
	const struct process *self = arg;

	return mailbox_notice(self->mailbox, words, token);
}

static void
sink_ring(void *arg)
{
	const struct process *self = arg;

	mailbox_ring(self->mailbox);
}

static size_t
sink_in_hand(const void *arg)
{
	const struct process *self = arg;

	return engine_jobs(self->engine);
}

static void
fill_routes(struct process *self)
{
	const struct settings *set = self->settings;

	self->routes.webhook = (struct webhook){
		.store = self->store,
		.signature = self->signature,
		.limits = {
			.user_tokens = set->user_rate_tokens,
			.user_refill = set->user_rate_refill,
			.global_tokens = set->global_rate_tokens,
			.global_refill = set->global_rate_refill,
			.lease_ms = engine_lease_ms(set),
			.notice_gap_ms = NOTICE_GAP_MS,
		},
		.sink = {
			.job = sink_job,
			.notice = sink_notice,
			.ring = sink_ring,
			.in_hand = sink_in_hand,
			.arg = self,
		},
	};
	self->routes.status = (struct status){
		.store = self->store,
		.admin_token = set->admin_token,
	};
}

static void
start_thread(pthread_t *thread, void *(*body)(void *), void *arg)
{
	int rc = pthread_create(thread, NULL, body, arg);

	if (rc != 0)
		log_die("start error=\"no thread: %s\" remedy=\"raise the "
			"limit of processes, or ACCEPT_THREADS=1\"",
		    strerror(rc));
}

static void
start_accepting(struct process *self)
{
	struct drain_config config = {
		.listen_fd = self->listen_fd,
		.stop_fd = self->stop_fd,
		.body_max = WEBHOOK_BODY_MAX,
		.sort = routes_sort,
		.serve = routes_serve,
		.pace_us = routes_pace_us,
		.commit = routes_commit,
		.after = routes_after,
		.arg = &self->routes,
	};

	self->drain = drain_new(&config);
	if (self->drain == NULL)
		log_die("start error=\"memory is short\"");
	while (self->n_accept < self->settings->accept_threads &&
	    self->n_accept < ACCEPT_MAX)
		start_thread(&self->accept_threads[self->n_accept++],
		    accept_thread, self->drain);
}

/* -------------------------------------------------------------- start -- */

static void
block_signals(sigset_t *waited)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(waited);
	sigaddset(waited, SIGTERM);
	sigaddset(waited, SIGINT);
	sigaddset(waited, SIGUSR1);
	sigaddset(waited, SIGHUP);
}

/* Under a web server's process a worker must not outlive it. */
static void
follow_parent(void)
{
	const char *wish = getenv("MEDEDBOT_PDEATHSIG");

	if (wish == NULL || strcmp(wish, "1") != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGUSR1);
	if (getppid() == 1)
		(void)kill(getpid(), SIGUSR1);
}

/* A run from cron says nothing unless there is something to say. */
#define log_life(self, ...)                               \
	((self)->listen_fd == -1 ? log_debug(__VA_ARGS__) \
				 : log_info(__VA_ARGS__))

static void
open_store(struct process *self)
{
	struct store_place place = {
		.dir = self->settings->data_dir,
		.key_file = self->settings->key_file,
		.map_mb = self->settings->store_map_mb,
		.session_ttl_ms = (int64_t)self->settings->session_ttl * 1000,
	};
	struct store_now now = { clock_wall_ms(), clock_boot_ms(), { 0 } };
	char why[STORE_WHY_MAX];
	unsigned slot = 0;
	enum store_rc rc;

	if (clock_boot_id(now.boot_id) == -1)
		log_die("start error=\"no boot id in /proc\"");
	if (store_open(&self->store, &place, now, why) != STORE_OK)
		log_die("start error=\"%s\"", why);
	rc = store_join(self->store, now, &slot);
	if (rc == STORE_FULL)
		log_die("start error=\"no worker slot\" remedy=\"at most %d "
			"processes may share a DATA_DIR\"",
		    STORE_SLOTS);
	if (rc != STORE_OK)
		log_die("start error=\"the store gives no slot\" code=%d "
			"remedy=\"is a process stopped, or the disk full?\"",
		    (int)rc);
	log_life(self, "start slot=%u", slot);
}

static void
open_engine(struct process *self, bool drain)
{
	struct engine_config config = {
		.settings = self->settings,
		.drain = drain,
	};
	char err[256];

	self->mailbox = mailbox_new();
	self->signature = signature_new(self->settings->line_channel_secret);
	if (self->mailbox == NULL || self->signature == NULL)
		log_die("start error=\"memory is short\"");
	config.store = self->store;
	config.mailbox = self->mailbox;
	if (engine_open(&self->engine, &config, err, sizeof(err)) == -1)
		log_die("start error=\"%s\"", err);
}

/* ---------------------------------------------------------------- end -- */

/* A new program was installed under our name: make room for it when idle. */
static bool
is_replaced(void)
{
	struct stat st;

	return stat("/proc/self/exe", &st) == 0 && st.st_nlink == 0;
}

static void
wait_for_end(struct process *self, const sigset_t *waited)
{
	const struct timespec look = { .tv_sec = LOOK_EVERY_S };

	while (!atomic_load(&self->engine_ended)) {
		switch (sigtimedwait(waited, NULL, &look)) {
		case -1:
			if (is_replaced() && engine_jobs(self->engine) == 0)
				return;
			break;
		case SIGHUP:
			(void)log_reopen();
			break;
		default:
			return;
		}
	}
}

/* False when one hangs in a store that gives no turn. */
static bool
join_accepting(struct process *self)
{
	struct timespec until;
	bool all = true;
	unsigned i;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ACCEPT_END_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	for (i = 0; i < self->n_accept; i++)
		if (pthread_timedjoin_np(self->accept_threads[i], NULL,
			&until) != 0)
			all = false;
	return all;
}

/*
 * False when it did not end in time, or a second TERM or INT came.  One that
 * comes at once is the first one's echo: a terminal signals a whole group, and
 * a web server signals its workers as well.
 */
static bool
join_engine(struct process *self, const sigset_t *waited, int64_t until)
{
	const struct timespec tick = { .tv_nsec = 5 * 1000 * 1000 };
	int64_t echo = clock_boot_ms() + ECHO_MS;
	int sig;

	while (!atomic_load(&self->engine_ended) && clock_boot_ms() < until) {
		sig = sigtimedwait(waited, NULL, &tick);
		if ((sig == SIGTERM || sig == SIGINT) && clock_boot_ms() > echo)
			break;
	}
	if (!atomic_load(&self->engine_ended))
		return false;
	(void)pthread_join(self->engine_thread, NULL);
	return true;
}

/* Accept threads first, so that what they admit still reaches the engine. */
static void
end_threads(struct process *self, const sigset_t *waited)
{
	int64_t until = clock_boot_ms() + STOP_MS;
	bool accepting_ended, engine_ended;

	(void)eventfd_write(self->stop_fd, 1);
	accepting_ended = join_accepting(self);
	engine_stop(self->engine);
	engine_ended = join_engine(self, waited, until);
	if (accepting_ended && engine_ended)
		return;
	log_warn("stop late=1 jobs=%zu", engine_jobs(self->engine));
	_exit(0);
}

static void
close_all(struct process *self)
{
	drain_free(self->drain);
	engine_close(&self->engine);
	mailbox_free(&self->mailbox);
	signature_free(self->signature);
	store_close(&self->store);
	close(self->stop_fd);
	log_life(self, "stop");
	log_close();
}

int
process_serve(const struct settings *settings, int listen_fd)
{
	struct process self = { .settings = settings, .listen_fd = listen_fd };
	bool drain = listen_fd == -1;
	sigset_t waited;

	block_signals(&waited);
	follow_parent();
	limits_set();
	self.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (self.stop_fd == -1 || (!drain && fcgi_init() == -1))
		log_die("start error=\"descriptors are short\"");
	open_store(&self);
	open_engine(&self, drain);
	fill_routes(&self);
	start_thread(&self.engine_thread, engine_thread, &self);
	if (!drain)
		start_accepting(&self);
	wait_for_end(&self, &waited);
	end_threads(&self, &waited);
	close_all(&self);
	return 0;
}

/*
 * cleanup - mededbot-cleanup, the cron program: removes what expired from the
 * store and the folder of voice answers, or says whether all that is kept in
 * the store is as it must be.
 *
 * A removal is silent when all went well, because cron mails what is printed.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "audio/shelf.h"
#include "base/clock.h"
#include "base/core.h"
#include "base/settings.h"
#include "store/store.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, DEAD_DAYS = 7 };

static const char help[] =
    "Usage: mededbot-cleanup [--config FILE] [--force] [--verbose]\n"
    "       mededbot-cleanup [--config FILE] --check\n"
    "\n"
    "Removes expired sessions, event ids and dead letters from DATA_DIR, and\n"
    "from AUDIO_DIR voice answers that are too old or too big\n"
    "together.\n"
    "Run it from cron, as the user whom DATA_DIR belongs to.\n"
    "\n"
    "  --config FILE  settings (default: $MEDEDBOT_CONFIG, then ./.env)\n"
    "  --check        remove nothing; say what in DATA_DIR is wrong\n"
    "  --force        remove although the clock jumped since the last run\n"
    "  --verbose      say what was removed\n"
    "  --help         this text\n"
    "  --version      the version\n"
    "\n"
    "Exit status: 0 done, no fault, or another cleanup runs; 1 refused,\n"
    "failed or faults; 2 wrong use.  See mededbot-cleanup(8).\n";

struct options {
	const char *config; /* NULL: the default */
	bool check, force, verbose;
};

static int
usage(void)
{
	(void)fputs(help, stderr);
	return EXIT_USAGE;
}

/* -1 to go on, otherwise the exit status. */
static int
options_read(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "force", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 'c':
			options->config = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'f':
			options->force = true;
			break;
		case 'b':
			options->verbose = true;
			break;
		case 'h':
			return fputs(help, stdout) == EOF;
		case 'v':
			return puts("mededbot 1.0") == EOF;
		default:
			return usage();
		}
	return optind == argc ? -1 : usage();
}

static int
complain(const char *what)
{
	(void)fprintf(stderr, "mededbot-cleanup: %s\n", what);
	return EXIT_REFUSED;
}

static void
summarize(const struct store_swept *swept)
{
	(void)printf("mededbot-cleanup: removed sessions=%zu lanes=%zu "
		     "events=%zu dead=%zu readers=%d mended=%zu\n",
	    swept->sessions, swept->lanes, swept->events, swept->dead,
	    swept->readers, swept->mended);
}

/*
 * The folder of voice answers, by the clock that the store did not doubt; it
 * need not be there.
 */
static int
sweep_audio(const struct settings *settings, const struct options *options,
    int64_t wall_ms)
{
	const struct shelf_limits limits = {
		.ttl_s = settings->audio_ttl,
		.max_bytes = settings->audio_max_bytes,
	};
	struct shelf_swept swept;
	enum shelf_rc rc =
	    shelf_sweep(settings->audio_dir, &limits, wall_ms, &swept);

	if (rc == SHELF_NONE)
		return 0;
	if (rc != SHELF_OK) {
		(void)fprintf(stderr,
		    "mededbot-cleanup: AUDIO_DIR %s: %s; %s\n",
		    settings->audio_dir, strerror(errno), shelf_remedy(errno));
		return EXIT_REFUSED;
	}
	if (options->verbose)
		(void)printf("mededbot-cleanup: removed voices=%zu "
			     "oldest=%zu unfinished=%zu, bytes left %" PRIu64
			     "\n",
		    swept.expired, swept.evicted, swept.unfinished,
		    swept.bytes);
	return 0;
}

/* What a sweep came to, as an exit status; says what people must know. */
static int
report(enum store_rc rc, const struct options *options,
    const struct store_swept *swept)
{
	switch (rc) {
	case STORE_OK:
		if (options->verbose || swept->mended > 0)
			summarize(swept);
		return 0;
	case STORE_BUSY: /* another one is at it */
		return 0;
	case STORE_CLOCK:
		return complain("the clock jumped since the last run, so "
				"nothing was removed; the next run goes on "
				"if the clock is right now, or use --force");
	case STORE_FULL:
		return complain("data.mdb is so full that nothing can be "
				"removed: raise STORE_MAP_MB");
	case STORE_CORRUPT:
		return complain("a record does not decode: restore a backup");
	case STORE_FATAL:
		return complain("the disk under DATA_DIR fails: check it");
	case STORE_NONE:
	case STORE_FENCED:
	case STORE_REFUSED:
	case STORE_ERR:
		break;
	}
	return complain("out of memory, or a system error; try again");
}

static int
sweep(struct store *store, const struct settings *settings,
    const struct options *options, struct store_now now)
{
	const struct store_sweep_rules rules = {
		.session_ttl_ms = (int64_t)settings->session_ttl * 1000,
		.dead_ttl_ms = (int64_t)DEAD_DAYS * 24 * 3600 * 1000,
		.force = options->force,
	};
	struct store_swept swept;
	enum store_rc rc = store_sweep(store, &rules, now, &swept);
	int status = report(rc, options, &swept);

	/* another one is at it, or nobody knows what time it is */
	if (rc == STORE_BUSY || rc == STORE_CLOCK)
		return status;
	return sweep_audio(settings, options, now.wall_ms) == 0 ? status
								: EXIT_REFUSED;
}

static void
print_fault(void *arg, const struct store_fault *fault)
{
	(void)arg;
	(void)printf("%s: %s: %s%s%s\n", fault->note ? "note" : "fault",
	    fault->where, fault->what, fault->remedy != NULL ? "; " : "",
	    fault->remedy != NULL ? fault->remedy : "");
}

static int
audit(struct store *store, struct store_now now)
{
	struct store_swept none = { .readers = 0 };
	struct store_totals t;
	enum store_rc rc = store_audit(store, now, print_fault, NULL, &t);

	if (rc != STORE_OK)
		return report(rc, NULL, &none);
	(void)printf("%zu users, %zu jobs, %zu sessions, %zu dead letters, "
		     "%zu event ids, %zu workers, %" PRIu64 " of %" PRIu64
		     " pages, %zu notes: ",
	    t.users, t.jobs, t.sessions, t.dead, t.events, t.workers,
	    t.used_pages, t.map_pages, t.notes);
	if (t.faults == 0)
		return puts("no fault") == EOF;
	(void)printf("%zu faults\n", t.faults);
	return EXIT_REFUSED;
}

static int
run(const struct settings *settings, const struct options *options)
{
	const struct store_place place = {
		.dir = settings->data_dir,
		.key_file = settings->key_file,
		.map_mb = settings->store_map_mb,
	};
	struct store_now now = { .wall_ms = clock_wall_ms(),
		.boot_ms = clock_boot_ms() };
	struct store *store;
	char why[STORE_WHY_MAX];
	int status;

	if (clock_boot_id(now.boot_id) == -1)
		return complain("/proc/sys/kernel/random/boot_id: unreadable");
	if (store_open(&store, &place, now, why) != STORE_OK)
		return complain(why);
	status = options->check ? audit(store, now)
				: sweep(store, settings, options, now);
	store_close(&store);
	return status;
}

int
main(int argc, char **argv)
{
	struct options options = { .config = NULL };
	struct settings settings;
	char err[SETTINGS_ERROR_MAX];
	int rc = options_read(argc, argv, &options);

	if (rc != -1)
		return rc;
	core_forbid();
	if (settings_load(&settings, settings_file(options.config), err,
		sizeof(err)) == -1)
		return complain(err);
	rc = run(&settings, &options);
	settings_release(&settings);
	return rc;
}

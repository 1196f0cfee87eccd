/*
 * txn - does to a store what webhooks do to it, without a web server.
 *
 *   txn --dir DIR --key FILE --map-mb N --seed USERS
 *   txn --dir DIR --key FILE --map-mb N --admit EVENTS --batch B --first USER
 *
 * --seed makes users that were answered before: of each one a question was
 * admitted, answered and delivered, so that a lane and a conversation are left
 * of it.  They are the users that `load --first N` asks for.
 *
 * --admit admits one event of each of EVENTS users, B in a transaction, from
 * user number USER on, and prints how many bytes that wrote, and in how many
 * system calls.  The instructions are for callgrind to count; see cost.py.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/store.h"

enum { BATCH_MAX = 512, USER_MAX = 40, ANSWER = 600 };

static struct {
	const char *dir, *key;
	size_t map_mb, seed, admit, batch, first;
} options = { .batch = 1 };

static const struct store_limits limits = {
	.user_tokens = 1000,
	.user_refill = 1000,
	.global_tokens = 100000,
	.global_refill = 100000,
	.lease_ms = 60000,
	.notice_gap_ms = 10000,
};

/* The strings that a batch's events borrow. */
static char ids[BATCH_MAX][STORE_ID_MAX];
static char users[BATCH_MAX][USER_MAX];
static struct store_event events[BATCH_MAX];
static struct store_verdict verdicts[BATCH_MAX];

static void
need(bool so, const char *what)
{
	if (so)
		return;
	(void)fprintf(stderr, "txn: %s\n", what);
	exit(1);
}

static struct store_now
now(void)
{
	struct store_now now = {
		.wall_ms = clock_wall_ms(),
		.boot_ms = clock_boot_ms(),
	};

	(void)clock_boot_id(now.boot_id);
	return now;
}

static struct store *
open_store(void)
{
	struct store_place place = {
		.dir = options.dir,
		.key_file = options.key,
		.map_mb = (unsigned)options.map_mb,
	};
	char why[STORE_WHY_MAX];
	struct store *store;
	unsigned slot;

	need(store_open(&store, &place, now(), why) == STORE_OK, why);
	need(store_join(store, now(), &slot) == STORE_OK, "cannot join");
	return store;
}

/* Ids rise with time, as LINE's do. */
static void
admit(struct store *store, size_t user, size_t n)
{
	struct store_now at = now();

	for (size_t i = 0; i < n; i++) {
		snprintf(ids[i], sizeof(ids[i]), "01%013llX%011zu",
		    (unsigned long long)at.wall_ms * 1000, user + i);
		snprintf(users[i], sizeof(users[i]), "U%032zx", user + i);
		events[i] = (struct store_event){
			.id = ids[i],
			.chat = users[i],
			.to = users[i],
			.reply_token = "0f3779fba3b349968c5d07db31eab56f",
			.quote_token = "q3Plxr4AgKd_0123456789abcdef",
			.text = "I have had a fever of 38.5 since last night. "
				"What should I do now?",
			.line_ms = at.wall_ms,
			.direct = true,
		};
	}
	need(store_admit(store, events, n, &limits, at, verdicts) == STORE_OK,
	    "store_admit failed");
	for (size_t i = 0; i < n; i++)
		need(verdicts[i].fate == STORE_ACCEPTED,
		    "an event was not "
		    "accepted");
}

/* The jobs of the last batch are answered and delivered. */
static void
finish(struct store *store, size_t n)
{
	static struct store_step steps[2 * BATCH_MAX];
	static char answer[ANSWER + 1];

	memset(answer, 'a', ANSWER);
	for (size_t i = 0; i < n; i++) {
		steps[2 * i] = (struct store_step){
			.lease = verdicts[i].lease,
			.kind = STORE_ANSWER,
			.lease_ms = 60000,
			.reply = "{}",
			.reply_len = 2,
			.question = events[i].text,
			.answer = answer,
			.history_turns = 10,
			.history_bytes = 5120,
		};
		steps[2 * i + 1] = (struct store_step){
			.lease = verdicts[i].lease,
			.kind = STORE_DONE,
		};
	}
	need(store_steps(store, steps, 2 * n, now()) == STORE_OK,
	    "store_steps failed");
	for (size_t i = 0; i < 2 * n; i++)
		need(steps[i].rc == STORE_OK, "a step was refused");
}

static void
seed(struct store *store)
{
	size_t done, n;

	for (done = 0; done < options.seed; done += n) {
		n = options.seed - done;
		n = n < BATCH_MAX ? n : BATCH_MAX;
		admit(store, done, n);
		finish(store, n);
	}
}

static void
admit_all(struct store *store)
{
	size_t done, n;

	for (done = 0; done < options.admit; done += n) {
		n = options.admit - done;
		n = n < options.batch ? n : options.batch;
		admit(store, options.first + done, n);
	}
}

/* A line of what the kernel counts of this process. */
static unsigned long long
count_of(const char *name)
{
	FILE *io = fopen("/proc/self/io", "re");
	char line[64];
	unsigned long long count = 0;
	size_t n = strlen(name);

	need(io != NULL, "/proc/self/io cannot be read");
	while (fgets(line, sizeof(line), io) != NULL)
		if (strncmp(line, name, n) == 0)
			count = strtoull(line + n, NULL, 10);
	(void)fclose(io);
	return count;
}

static void
admit_counted(struct store *store)
{
	unsigned long long bytes = count_of("wchar:");
	unsigned long long calls = count_of("syscw:");

	admit_all(store);
	printf("%llu %llu\n", count_of("wchar:") - bytes,
	    count_of("syscw:") - calls);
}

static size_t *
number_of(int option)
{
	switch (option) {
	case 'm':
		return &options.map_mb;
	case 's':
		return &options.seed;
	case 'a':
		return &options.admit;
	case 'b':
		return &options.batch;
	case 'f':
		return &options.first;
	default:
		return NULL;
	}
}

static void
read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "key", required_argument, NULL, 'k' },
		{ "map-mb", required_argument, NULL, 'm' },
		{ "seed", required_argument, NULL, 's' },
		{ "admit", required_argument, NULL, 'a' },
		{ "batch", required_argument, NULL, 'b' },
		{ "first", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		size_t *number = number_of(option);

		if (number != NULL)
			*number = strtoul(optarg, NULL, 10);
		else if (option == 'd')
			options.dir = optarg;
		else if (option == 'k')
			options.key = optarg;
		else
			exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct store *store;

	read_options(argc, argv);
	if (options.dir == NULL || options.key == NULL || options.map_mb == 0 ||
	    options.batch < 1 || options.batch > BATCH_MAX) {
		(void)fprintf(stderr, "txn: see the top of txn.c\n");
		return 2;
	}
	store = open_store();
	seed(store);
	if (options.admit > 0)
		admit_counted(store);
	store_close(&store);
	return 0;
}

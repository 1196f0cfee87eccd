/*
 * threads - conversations as most would write them: a thread for each.
 *
 *   threads --model URL --line URL --rate R --seconds S --prompt FILE
 *           [--ca FILE]
 *
 * R times a second a new thread asks the model and then replies to LINE, with
 * libcurl's blocking calls and the same bytes as the app's, and ends.  There
 * is no webhook, no store and no JSON: what is left is the price of a thread.
 * Its stack is as small as libcurl allows, which most would not care for.
 *
 * Prints "ready", waits for a line, begins, and when all have ended prints one
 * line of JSON: how many threads began, how many could not, how many calls
 * failed, the most at once.  Then it waits for the end of its input.
 */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STACK_BYTES = 256 * 1024, CALL_S = 60, BODY_MAX = 65536 };

static struct {
	const char *model, *line, *ca;
	double rate, seconds;
} options;

static char prompt[BODY_MAX];
static atomic_uint at_once, failed;
static unsigned most;

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- one conversation ---------------------------------------------------- */

static size_t
ignore(char *bytes, size_t one, size_t n, void *arg)
{
	(void)bytes, (void)one, (void)arg;
	return n;
}

static void
post(CURL *curl, struct curl_slist *headers, const char *url, const char *body)
{
	long status = 0;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	if (curl_easy_perform(curl) != CURLE_OK ||
	    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) !=
		CURLE_OK ||
	    status != 200)
		atomic_fetch_add(&failed, 1);
}

static void
talk(int64_t stamp_us)
{
	struct curl_slist *headers =
	    curl_slist_append(NULL, "Content-Type: application/json");
	CURL *curl = curl_easy_init();
	char reply[512];

	if (headers == NULL || curl == NULL)
		die("threads: memory");
	snprintf(reply, sizeof(reply),
	    "{\"replyToken\":\"stamp-%016llx\",\"messages\":[{\"type\":"
	    "\"text\",\"text\":\"Drink water and rest.\",\"quoteToken\":"
	    "\"q3Plxr4AgKd_\"}]}",
	    (unsigned long long)stamp_us);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)CALL_S);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca);
	post(curl, headers, options.model, prompt);
	post(curl, headers, options.line, reply);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
}

static void *
run(void *arg)
{
	talk((int64_t)(intptr_t)arg);
	atomic_fetch_sub(&at_once, 1);
	return NULL;
}

/* ---- all of them --------------------------------------------------------- */

static void
sleep_until(int64_t at_us)
{
	struct timespec at = { .tv_sec = at_us / 1000000,
		.tv_nsec = at_us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) ==
	    EINTR)
		;
}

static bool
begin(const pthread_attr_t *attr, int64_t due_us)
{
	unsigned now = atomic_fetch_add(&at_once, 1) + 1;
	pthread_t thread;

	if (pthread_create(&thread, attr, run, (void *)(intptr_t)due_us) != 0) {
		atomic_fetch_sub(&at_once, 1);
		return false;
	}
	if (now > most)
		most = now;
	return true;
}

/* How many there was no thread for. */
static unsigned
begin_all(unsigned n)
{
	int64_t start_us = now_us(), due_us;
	unsigned i, refused = 0;
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, STACK_BYTES) != 0 ||
	    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) != 0)
		die("threads: attributes");
	for (i = 0; i < n; i++) {
		due_us = start_us + (int64_t)(i * 1e6 / options.rate);
		sleep_until(due_us);
		refused += !begin(&attr, due_us);
	}
	return refused;
}

static void
read_prompt(const char *path)
{
	FILE *file = fopen(path, "r");

	if (file == NULL || fread(prompt, 1, BODY_MAX - 1, file) == 0)
		die("threads: prompt");
	(void)fclose(file);
}

static void
read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "model", required_argument, NULL, 'm' },
		{ "line", required_argument, NULL, 'l' },
		{ "ca", required_argument, NULL, 'c' },
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "prompt", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'm':
			options.model = optarg;
			break;
		case 'l':
			options.line = optarg;
			break;
		case 'c':
			options.ca = optarg;
			break;
		case 'r':
			options.rate = strtod(optarg, NULL);
			break;
		case 's':
			options.seconds = strtod(optarg, NULL);
			break;
		case 'p':
			read_prompt(optarg);
			break;
		default:
			exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	unsigned n, refused;
	char go[8];

	read_options(argc, argv);
	if (options.model == NULL || options.line == NULL ||
	    options.rate <= 0 || prompt[0] == '\0') {
		(void)fprintf(stderr, "threads: see the top of threads.c\n");
		return 2;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		die("threads: libcurl");
	n = (unsigned)(options.rate * options.seconds);
	printf("ready\n");
	fflush(stdout);
	if (fgets(go, sizeof(go), stdin) == NULL)
		return 2;
	refused = begin_all(n);
	while (atomic_load(&at_once) > 0)
		sleep_until(now_us() + 10000);
	printf("{\"began\":%u,\"refused\":%u,\"failed\":%u,\"at_once\":%u}\n",
	    n - refused, refused, atomic_load(&failed), most);
	fflush(stdout);
	while (fgets(go, sizeof(go), stdin) != NULL)
		;
	return 0;
}

/*
 * load - sends signed webhooks as fast as they are answered.
 *
 *   load --port N --path /webhook --connections C --seconds S --secret TEXT
 *        [--users N | --first N] [--requests N] [--forged] [--rate R]
 *        [--voice]
 *
 * Each of C keep-alive connections sends its next webhook when the answer to
 * the last one is there.  Every webhook is another one: event id, reply token
 * and message of its own, and a user of its own; or, with --users, one of N in
 * turn; or, with --first, one of those that txn.c made, from number N on.
 * Event ids rise with time, as LINE's do.  Forged ones are signed with another
 * secret.  All are made and signed before the clock runs, 25,000 a second
 * unless --requests says otherwise; when they are used up, the run ends early.
 * At its end what is still unanswered is waited for, 5 s at most.
 *
 * With --rate the webhooks come at R a second, whether answers are there or
 * not, as long as there is a free connection.  Each reply token is then a
 * stamp of the time in which its webhook was due (see upstream_answer.c).
 * With --voice they are voice messages of 30 s.
 *
 * Prints one line of JSON.  "ok" are answers of status 200, or of 401 when all
 * are forged; "other" is everything else, connections that broke and answers
 * that never came included, and "first_other" the status of the first such (0:
 * none came, -1: there is no other).  Latencies are of all answers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUEST_MAX = 2048,
	USER_MAX = 40,
	MESSAGE_MAX = 512,
	ANSWER_MAX = 4096,
	CONNECTIONS_MAX = 4096,
	PER_SECOND = 25000,
	EVENTS = 128,
	GRACE_US = 5000000
};

static struct {
	uint16_t port;
	const char *path, *secret;
	size_t connections, users, first, requests;
	double seconds, rate;
	int known, forged, voice;
} options;

struct request {
	const char *bytes;
	size_t len;
};

struct conn {
	int fd;
	bool asks;              /* waits for an answer */
	struct conn *next_free; /* --rate: of those that do not */
	int64_t sent_us;
	size_t len;
	char in[ANSWER_MAX];
};

static struct request *requests;
static size_t next_request; /* those before were sent */
static int64_t start_us, end_us;
static struct conn *free_conns;
static uint32_t *latencies_us;
static size_t n_answers, n_ok, n_other;
static int first_other = -1;
static int epoll;

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

/* ---- webhooks ------------------------------------------------------------ */

/* When request i is due, with --rate. */
static int64_t
due_us(size_t i)
{
	return start_us + (int64_t)((double)i * 1e6 / options.rate);
}

static void
print_token(char *to, size_t size, unsigned run, size_t i)
{
	if (options.rate > 0)
		snprintf(to, size, "stamp-%016llx",
		    (unsigned long long)due_us(i));
	else
		snprintf(to, size, "%08x%08x0f3779fba3b349968c5d07db", run,
		    (unsigned)i);
}

static void
print_user(char to[USER_MAX], unsigned run, size_t i)
{
	size_t user = options.users == 0 ? i : i % options.users;

	if (options.known) /* as txn.c names them; nobody else has run 0 */
		snprintf(to, USER_MAX, "U%032zx", options.first + i);
	else
		snprintf(to, USER_MAX, "U%08x%024zx", run | 1, user);
}

static void
print_message(char *to, size_t size, unsigned run, size_t i)
{
	if (options.voice)
		snprintf(to, size,
		    "{\"type\":\"audio\",\"id\":\"%018zu\","
		    "\"duration\":30000,\"contentProvider\":{\"type\":"
		    "\"line\"}}",
		    i + 1);
	else
		snprintf(to, size,
		    "{\"type\":\"text\",\"id\":\"%018zu\","
		    "\"quoteToken\":\"q3Plxr4AgKd_%08x%08x\",\"text\":\"I "
		    "have had a fever of 38.5 since last night. What should "
		    "I do now? (%zu)\"}",
		    i, run, (unsigned)i, i);
}

static int
print_body(char *to, size_t size, unsigned run, size_t i)
{
	static int64_t began_us; /* wall clock of this program: names events */
	char user[USER_MAX], token[64], message[MESSAGE_MAX];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (began_us == 0)
		began_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	print_user(user, run, i);
	print_token(token, sizeof(token), run, i);
	print_message(message, sizeof(message), run, i);
	return snprintf(to, size,
	    "{\"destination\":\"U00000000000000000000000000000000\","
	    "\"events\":[{\"type\":\"message\",\"message\":%s,"
	    "\"webhookEventId\":\"01%013llX%011zu\","
	    "\"deliveryContext\":{\"isRedelivery\":false},"
	    "\"timestamp\":%lld%03ld,\"source\":{\"type\":\"user\","
	    "\"userId\":\"%s\"},\"replyToken\":\"%s\","
	    "\"mode\":\"active\"}]}",
	    message, (unsigned long long)began_us, i, (long long)now.tv_sec,
	    now.tv_nsec / 1000000, user, token);
}

static void
sign(const char *body, size_t len, char signature[64])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	const char *secret = options.forged ? "another" : options.secret;
	unsigned n;

	if (HMAC(EVP_sha256(), secret, (int)strlen(secret),
		(const unsigned char *)body, len, mac, &n) == NULL)
		die("load: HMAC");
	EVP_EncodeBlock((unsigned char *)signature, mac, (int)n);
}

static void
make_request(struct request *request, unsigned run, size_t i)
{
	char body[REQUEST_MAX], all[REQUEST_MAX], signature[64];
	int n = print_body(body, sizeof(body), run, i);

	sign(body, (size_t)n, signature);
	n = snprintf(all, sizeof(all),
	    "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: "
	    "application/json; charset=utf-8\r\nUser-Agent: "
	    "LineBotWebhook/2.0\r\nX-Line-Signature: %s\r\n"
	    "Content-Length: %d\r\n\r\n%s",
	    options.path, signature, n, body);
	request->bytes = strndup(all, (size_t)n);
	request->len = (size_t)n;
	if (request->bytes == NULL)
		die("load: memory");
}

static void
make_requests(void)
{
	unsigned run;

	requests = calloc(options.requests, sizeof(*requests));
	latencies_us = calloc(options.requests, sizeof(*latencies_us));
	if (requests == NULL || latencies_us == NULL ||
	    getrandom(&run, sizeof(run), 0) != sizeof(run))
		die("load: memory");
	for (size_t i = 0; i < options.requests; i++)
		make_request(&requests[i], run, i);
}

/* ---- connections --------------------------------------------------------- */

static void
conn_open(struct conn *conn)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };
	int one = 1;

	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	conn->len = 0;
	if (conn->fd == -1 ||
	    connect(conn->fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		die("load: connect");
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, conn->fd, &event) == -1)
		die("load: epoll_ctl");
}

static void
conn_send(struct conn *conn)
{
	const struct request *request = &requests[next_request];

	if (next_request == options.requests ||
	    (options.rate == 0 && now_us() >= end_us))
		return;
	next_request++;
	conn->asks = true;
	conn->sent_us = now_us();
	/* Smaller than a socket's buffer; what fails is found by the read. */
	if (send(conn->fd, request->bytes, request->len, MSG_NOSIGNAL) == -1)
		shutdown(conn->fd, SHUT_RDWR);
}

/* The next one at once, or when it is due. */
static void
conn_next(struct conn *conn)
{
	if (options.rate == 0) {
		conn_send(conn);
		return;
	}
	conn->next_free = free_conns;
	free_conns = conn;
}

static void
count(struct conn *conn, int status)
{
	conn->asks = false;
	if (status == (options.forged ? 401 : 200))
		n_ok++;
	else if (n_other++ == 0)
		first_other = status;
	latencies_us[n_answers++] = (uint32_t)(now_us() - conn->sent_us);
}

/* A server may close one that it has not heard of for a while. */
static void
conn_broke(struct conn *conn)
{
	bool asked = conn->asks;

	close(conn->fd);
	conn_open(conn);
	if (!asked)
		return;
	count(conn, 0);
	conn_next(conn);
}

/* Is there a whole answer?  Its body has a length or is chunked. */
static bool
is_whole(const struct conn *conn)
{
	const char *end = strstr(conn->in, "\r\n\r\n");
	const char *field = strcasestr(conn->in, "\r\nContent-Length:");

	if (end == NULL)
		return false;
	end += 4;
	if (field != NULL && field < end)
		return conn->in + conn->len >=
		    end + strtoul(field + 17, NULL, 10);
	return strcmp(conn->in + conn->len - 5, "0\r\n\r\n") == 0;
}

static void
conn_read(struct conn *conn)
{
	ssize_t n = recv(conn->fd, conn->in + conn->len,
	    sizeof(conn->in) - 1 - conn->len, 0);

	if (n <= 0) {
		conn_broke(conn);
		return;
	}
	conn->len += (size_t)n;
	conn->in[conn->len] = '\0';
	if (!is_whole(conn))
		return;
	count(conn, (int)strtol(conn->in + strlen("HTTP/1.1 "), NULL, 10));
	conn->len = 0;
	conn_next(conn);
}

/* Sends what is due; how many ms until the next, or -1 when none is left. */
static int
send_due(void)
{
	int64_t now = now_us(), due;
	struct conn *conn;

	while (options.rate > 0 && next_request < options.requests) {
		due = due_us(next_request);
		if (due > now)
			return (int)((due - now) / 1000) + 1;
		conn = free_conns;
		if (conn == NULL)
			return -1;
		free_conns = conn->next_free;
		conn_send(conn);
	}
	return -1;
}

static bool
is_over(void)
{
	return n_answers == next_request &&
	    (options.rate == 0 || next_request == options.requests);
}

/* Until all that was sent is answered. */
static void
run(void)
{
	struct epoll_event events[EVENTS];

	while (!is_over()) {
		int64_t left_us = end_us + GRACE_US - now_us();
		int n, wait_ms = send_due();

		if (left_us <= 0)
			break;
		if (wait_ms == -1)
			wait_ms = (int)(left_us / 1000) + 1;
		n = epoll_wait(epoll, events, EVENTS, wait_ms);
		for (int i = 0; i < n; i++)
			conn_read(events[i].data.ptr);
	}
}

/* ---- report -------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static unsigned
percentile_us(unsigned percent)
{
	return n_answers == 0 ? 0
			      : latencies_us[(n_answers - 1) * percent / 100];
}

static void
report(double seconds)
{
	if (n_answers < next_request && n_other == 0)
		first_other = 0;
	n_other += next_request - n_answers;
	qsort(latencies_us, n_answers, sizeof(*latencies_us), compare);
	printf("{\"requests\":%zu,\"ok\":%zu,\"other\":%zu,"
	       "\"first_other\":%d,\"seconds\":%.3f,\"rps\":%.1f,"
	       "\"p50_us\":%u,\"p99_us\":%u}\n",
	    next_request, n_ok, n_other, first_other, seconds,
	    (double)n_answers / seconds, percentile_us(50), percentile_us(99));
}

static void
read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "secret", required_argument, NULL, 'k' },
		{ "users", required_argument, NULL, 'n' },
		{ "first", required_argument, NULL, 'f' },
		{ "requests", required_argument, NULL, 'r' },
		{ "forged", no_argument, &options.forged, 1 },
		{ "voice", no_argument, &options.voice, 1 },
		{ "rate", required_argument, NULL, 'R' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 0: /* a flag, which is set */
			break;
		case 'p':
			options.port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'u':
			options.path = optarg;
			break;
		case 'c':
			options.connections = strtoul(optarg, NULL, 10);
			break;
		case 's':
			options.seconds = strtod(optarg, NULL);
			break;
		case 'k':
			options.secret = optarg;
			break;
		case 'n':
			options.users = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			options.first = strtoul(optarg, NULL, 10);
			options.known = 1;
			break;
		case 'r':
			options.requests = strtoul(optarg, NULL, 10);
			break;
		case 'R':
			options.rate = strtod(optarg, NULL);
			break;
		default:
			exit(2);
		}
	}
	if (options.rate > 0)
		options.requests = (size_t)(options.seconds * options.rate);
	if (options.requests == 0)
		options.requests = (size_t)(options.seconds * PER_SECOND);
}

int
main(int argc, char **argv)
{
	static struct conn conns[CONNECTIONS_MAX];

	read_options(argc, argv);
	if (options.port == 0 || options.path == NULL ||
	    options.secret == NULL || options.requests == 0 ||
	    options.connections < 1 || options.connections > CONNECTIONS_MAX) {
		(void)fprintf(stderr, "load: see the top of load.c\n");
		return 2;
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	/* Stamps are made before it begins: a moment and 20 us each. */
	start_us = now_us() + 100000 + (int64_t)options.requests * 20;
	make_requests();
	for (size_t i = 0; i < options.connections; i++)
		conn_open(&conns[i]);
	if (options.rate == 0)
		start_us = now_us();
	end_us = start_us + (int64_t)(options.seconds * 1e6);
	for (size_t i = 0; i < options.connections; i++)
		conn_next(&conns[i]);
	run();
	report((double)(now_us() - start_us) / 1e6);
	return 0;
}

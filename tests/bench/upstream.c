/*
 * upstream - stands in for Gemini and LINE on loopback, as fast as it can.
 *
 *   upstream [--fetch MS] [--hear MS] [--speak MS] [--recording BYTES]
 *            [--speech SECONDS] HOLD_MS [CERTIFICATE KEY]
 *
 * Prints two ports of HTTP/1.1, so that the two can be two hosts, and, with a
 * certificate, two of HTTP/2 over TLS, one a line.  Each of them serves: POST
 * /v1beta/models/... is answered with a model's answer, HOLD_MS after it came;
 * POST /v2/bot/message/... with LINE's; GET /counts with what was counted, as
 * JSON; GET /latency with what upstream_answer.c says of it; anything else
 * with {}.  Recordings, their transcripts and spoken answers come so many ms
 * after they were asked for, see upstream_voice.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "upstream.h"

enum { EVENTS = 128 };

struct listener {
	struct source source;
	void (*open)(int fd);
};

static int epoll;

int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
die(const char *what)
{
	perror(what);
	exit(1);
}

void
source_watch(struct source *source, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(epoll, operation, source->fd, &event) == -1)
		die("upstream: epoll_ctl");
}

static void
listener_ready(struct source *source, uint32_t events)
{
	const struct listener *listener = (const struct listener *)source;
	int fd, one = 1;

	(void)events;
	while ((fd = accept4(source->fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		listener->open(fd);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		die("upstream: accept");
}

static void
listen_somewhere(struct listener *listener, void (*open)(int))
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(fd, 4096) == -1 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) == -1)
		die("upstream: listen");
	listener->source = (struct source){ listener_ready, fd };
	listener->open = open;
	source_watch(&listener->source, EPOLL_CTL_ADD, EPOLLIN);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
}

/* The number behind each option. */
static void
read_options(int argc, char **argv, struct holds *holds)
{
	static const struct option known[] = {
		{ "fetch", required_argument, NULL, 'f' },
		{ "hear", required_argument, NULL, 'h' },
		{ "speak", required_argument, NULL, 's' },
		{ "recording", required_argument, NULL, 'r' },
		{ "speech", required_argument, NULL, 'S' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		unsigned long n =
		    optarg == NULL ? 0 : strtoul(optarg, NULL, 10);

		if (option == 'f')
			holds->fetch = (int64_t)n;
		else if (option == 'h')
			holds->hear = (int64_t)n;
		else if (option == 's')
			holds->speak = (int64_t)n;
		else if (option == 'r')
			holds->recording = n;
		else if (option == 'S')
			holds->speech = (unsigned)n;
		else
			exit(2);
	}
	if (optind < argc)
		holds->think = strtol(argv[optind], NULL, 10);
}

int
main(int argc, char **argv)
{
	static struct listener listeners[4];
	struct epoll_event events[EVENTS];
	struct holds holds = { 0 };
	bool secure;
	int i, n;

	signal(SIGPIPE, SIG_IGN);
	read_options(argc, argv, &holds);
	exchanges_init(&holds);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	secure = argc - optind > 2;
	if (secure)
		h2_init(argv[optind + 1], argv[optind + 2]);
	for (i = 0; i < (secure ? 4 : 2); i++)
		listen_somewhere(&listeners[i], i < 2 ? h1_open : h2_open);
	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, exchanges_release());
		for (i = 0; i < n; i++) {
			struct source *source = events[i].data.ptr;

			source->ready(source, events[i].events);
		}
	}
}

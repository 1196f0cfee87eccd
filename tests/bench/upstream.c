/*
 * upstream - stands in for Gemini and LINE on loopback, as fast as it can.
 *
 *   upstream HOLD_MS
 *
 * Prints its port, then serves: POST .../models/... is answered with a model's
 * answer, HOLD_MS after it came; POST /v2/bot/message/... with LINE's; GET
 * /counts with {"asked":n,"answered":n,"delivered":n}; anything else with {}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GEMINI_ANSWER                                                        \
	"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Drink water " \
	"and rest.\"}],\"role\":\"model\"},\"finishReason\":\"STOP\","       \
	"\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":42,"          \
	"\"candidatesTokenCount\":5,\"totalTokenCount\":47},"                \
	"\"modelVersion\":\"bench\",\"responseId\":\"bench\"}"
#define LINE_ANSWER                                          \
	"{\"sentMessages\":[{\"id\":\"461230966842064897\"," \
	"\"quoteToken\":\"IStG5h1Tz7b\"}]}"

enum { REQUEST_MAX = 65536, EVENTS = 128 };

struct conn {
	TAILQ_ENTRY(conn) link; /* while its answer is held back */
	int fd;
	bool held;
	int64_t due_ms;
	size_t len;
	char in[REQUEST_MAX]; /* untouched pages cost nothing */
};

static TAILQ_HEAD(conns, conn) held = TAILQ_HEAD_INITIALIZER(held);
static int64_t hold_ms;
static unsigned long asked, answered, delivered;

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* Answers are far smaller than a socket's buffer. */
static void
answer(const struct conn *conn, int status, const char *body)
{
	char out[1024];
	int n = snprintf(out, sizeof(out),
	    "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
	    "X-Line-Request-Id: bench\r\nContent-Length: %zu\r\n\r\n%s",
	    status, strlen(body), body);

	if (send(conn->fd, out, (size_t)n, MSG_NOSIGNAL) != n)
		shutdown(conn->fd, SHUT_RDWR);
}

static void
answer_counts(const struct conn *conn)
{
	char body[128];

	snprintf(body, sizeof(body),
	    "{\"asked\":%lu,\"answered\":%lu,\"delivered\":%lu}", asked,
	    answered, delivered);
	answer(conn, 200, body);
}

static void
answer_model(struct conn *conn)
{
	answered++;
	answer(conn, 200, GEMINI_ANSWER);
}

static void
hold(struct conn *conn)
{
	asked++;
	if (hold_ms == 0) {
		answer_model(conn);
		return;
	}
	conn->held = true;
	conn->due_ms = now_ms() + hold_ms;
	TAILQ_INSERT_TAIL(&held, conn, link);
}

static void
route(struct conn *conn)
{
	const char *line = conn->in;
	const char *end = strchr(line, '\r');
	size_t n = (size_t)(end - line);

	if (memmem(line, n, "/models/", 8) != NULL) {
		hold(conn);
	} else if (strncmp(line, "POST /v2/bot/message/", 21) == 0) {
		delivered++;
		answer(conn, 200, LINE_ANSWER);
	} else if (strncmp(line, "GET /counts", 11) == 0) {
		answer_counts(conn);
	} else {
		answer(conn, 202, "{}");
	}
}

/* The length of a whole request at the start of what came, or 0. */
static size_t
request_length(const struct conn *conn)
{
	const char *end = strstr(conn->in, "\r\n\r\n");
	const char *field = strcasestr(conn->in, "\r\nContent-Length:");
	size_t length;

	if (end == NULL)
		return 0;
	length = (size_t)(end + 4 - conn->in);
	if (field != NULL && field < end)
		length += strtoul(field + 17, NULL, 10);
	return length <= conn->len ? length : 0;
}

static void
conn_close(struct conn *conn)
{
	if (conn->held)
		TAILQ_REMOVE(&held, conn, link);
	close(conn->fd);
	free(conn);
}

static void
conn_read(struct conn *conn)
{
	size_t used;
	ssize_t n = recv(conn->fd, conn->in + conn->len,
	    sizeof(conn->in) - 1 - conn->len, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(conn);
		return;
	}
	conn->len += (size_t)n;
	conn->in[conn->len] = '\0';
	while ((used = request_length(conn)) > 0) {
		route(conn);
		conn->len -= used;
		memmove(conn->in, conn->in + used, conn->len + 1);
	}
}

static void
conn_open(int epoll, int listener)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct conn *conn;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1)
		return;
	conn = malloc(sizeof(*conn));
	if (conn == NULL)
		die("upstream: memory");
	conn->fd = fd;
	conn->held = false;
	conn->len = 0;
	event.data.ptr = conn;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		die("upstream: epoll_ctl");
}

/* Lets go of what is due; how long until the next, for epoll. */
static int
release_due(void)
{
	int64_t now = now_ms();
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&held)) != NULL && conn->due_ms <= now) {
		TAILQ_REMOVE(&held, conn, link);
		conn->held = false;
		answer_model(conn);
	}
	return conn == NULL ? -1 : (int)(conn->due_ms - now);
}

static int
listen_somewhere(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(fd, 4096) == -1 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) == -1)
		die("upstream: listen");
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS], event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener;

	hold_ms = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	listener = listen_somewhere();
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == -1)
		die("upstream: epoll_ctl");
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, release_due());

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				conn_open(epoll, listener);
			else
				conn_read(events[i].data.ptr);
		}
	}
}

/*
 * upstream_h1.c - HTTP/1.1: one request at a time on a connection.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "upstream.h"

enum { REQUEST_MAX = 65536 };

struct conn {
	struct source source;
	struct exchange exchange;
	size_t len;
	char in[REQUEST_MAX]; /* untouched pages cost nothing */
};

/* Answers are far smaller than a socket's buffer. */
static void
conn_answer(struct exchange *exchange, int status, const char *body)
{
	struct conn *conn =
	    (void *)((char *)exchange - offsetof(struct conn, exchange));
	char out[1024];
	int n = snprintf(out, sizeof(out),
	    "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
	    "X-Line-Request-Id: bench\r\nContent-Length: %zu\r\n\r\n%s",
	    status, strlen(body), body);

	if (send(conn->source.fd, out, (size_t)n, MSG_NOSIGNAL) != n)
		shutdown(conn->source.fd, SHUT_RDWR);
}

/* The end of the headers of a whole request at the start of what came. */
static const char *
whole_request(const struct conn *conn, size_t *length)
{
	const char *end = strstr(conn->in, "\r\n\r\n");
	const char *field = strcasestr(conn->in, "\r\nContent-Length:");

	if (end == NULL)
		return NULL;
	end += 4;
	*length = (size_t)(end - conn->in);
	if (field != NULL && field < end)
		*length += strtoul(field + 17, NULL, 10);
	return *length <= conn->len ? end : NULL;
}

static void
take_requests(struct conn *conn)
{
	const char *body, *path;
	size_t used;

	while ((body = whole_request(conn, &used)) != NULL) {
		path = strchr(conn->in, ' ');
		if (path != NULL)
			exchange_request(&conn->exchange, path + 1, body);
		conn->len -= used;
		memmove(conn->in, conn->in + used, conn->len + 1);
	}
}

static void
conn_ready(struct source *source, uint32_t events)
{
	struct conn *conn = (struct conn *)source;
	ssize_t n = recv(source->fd, conn->in + conn->len,
	    sizeof(conn->in) - 1 - conn->len, 0);

	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		exchange_drop(&conn->exchange);
		close(source->fd);
		free(conn);
		return;
	}
	conn->len += (size_t)n;
	conn->in[conn->len] = '\0';
	take_requests(conn);
}

void
h1_open(int fd)
{
	struct conn *conn = malloc(sizeof(*conn));

	if (conn == NULL)
		die("upstream: memory");
	conn->source = (struct source){ conn_ready, fd };
	conn->exchange = (struct exchange){ .answer = conn_answer };
	conn->len = 0;
	source_watch(&conn->source, EPOLL_CTL_ADD, EPOLLIN);
}

/*
 * upstream_h1.c - HTTP/1.1: one request at a time on a connection.
 *
 * A request is a recording, at its largest, of which only the beginning is
 * kept; an answer goes out as the socket takes it.
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

enum { REQUEST_MAX = 65536, HEAD_MAX = 256 };

struct conn {
	struct source source;
	struct exchange exchange;
	char head[HEAD_MAX]; /* of the answer */
	const char *body;
	char *copy; /* of the body; NULL: it stays by itself */
	size_t head_len, head_sent, body_len, body_sent;
	size_t len, skipped;  /* of what came: kept, and thrown away */
	char in[REQUEST_MAX]; /* untouched pages cost nothing */
};

/* ---- sending ------------------------------------------------------------- */

/* True when all was sent; a broken connection is found by the next read. */
static bool
send_piece(int fd, const char *bytes, size_t len, size_t *sent, int more)
{
	ssize_t n;

	while (*sent < len) {
		n = send(fd, bytes + *sent, len - *sent, MSG_NOSIGNAL | more);
		if (n == -1 && errno != EAGAIN)
			shutdown(fd, SHUT_RDWR);
		if (n == -1)
			return false;
		*sent += (size_t)n;
	}
	return true;
}

static bool
conn_send(struct conn *conn)
{
	int fd = conn->source.fd;

	return send_piece(fd, conn->head, conn->head_len, &conn->head_sent,
		   conn->body_len > 0 ? MSG_MORE : 0) &&
	    send_piece(fd, conn->body, conn->body_len, &conn->body_sent, 0);
}

static void
conn_answer(struct exchange *exchange, int status, const struct body *body)
{
	struct conn *conn =
	    (void *)((char *)exchange - offsetof(struct conn, exchange));

	free(conn->copy);
	conn->copy = body->stays ? NULL : strdup(body->bytes);
	conn->body = body->stays ? body->bytes : conn->copy;
	if (conn->body == NULL)
		die("upstream: memory");
	conn->body_len = body->len;
	conn->head_len = (size_t)snprintf(conn->head, sizeof(conn->head),
	    "HTTP/1.1 %d X\r\nContent-Type: %s\r\n"
	    "X-Line-Request-Id: bench\r\nContent-Length: %zu\r\n\r\n",
	    status, body->type, body->len);
	conn->head_sent = conn->body_sent = 0;
	if (!conn_send(conn))
		source_watch(&conn->source, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

/* ---- receiving ----------------------------------------------------------- */

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
	return *length <= conn->len + conn->skipped ? end : NULL;
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
		used = used < conn->len ? used : conn->len;
		conn->len -= used;
		conn->skipped = 0;
		memmove(conn->in, conn->in + used, conn->len + 1);
	}
}

static void
conn_close(struct conn *conn)
{
	exchange_drop(&conn->exchange);
	close(conn->source.fd);
	free(conn->copy);
	free(conn);
}

/* -1 when the connection has ended; what does not fit is thrown away. */
static int
conn_receive(struct conn *conn)
{
	static char rest[REQUEST_MAX];
	size_t room = sizeof(conn->in) - 1 - conn->len;
	ssize_t n =
	    recv(conn->source.fd, room > 0 ? conn->in + conn->len : rest,
		room > 0 ? room : sizeof(rest), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	if (room > 0)
		conn->len += (size_t)n;
	else
		conn->skipped += (size_t)n;
	conn->in[conn->len] = '\0';
	take_requests(conn);
	return 0;
}

static void
conn_ready(struct source *source, uint32_t events)
{
	struct conn *conn = (struct conn *)source;

	if ((events & EPOLLOUT) != 0 && conn_send(conn))
		source_watch(source, EPOLL_CTL_MOD, EPOLLIN);
	if ((events & ~(uint32_t)EPOLLOUT) != 0 && conn_receive(conn) == -1)
		conn_close(conn);
}

void
h1_open(int fd)
{
	struct conn *conn = malloc(sizeof(*conn));

	if (conn == NULL)
		die("upstream: memory");
	memset(conn, 0, offsetof(struct conn, in));
	conn->source = (struct source){ conn_ready, fd };
	conn->exchange.answer = conn_answer;
	source_watch(&conn->source, EPOLL_CTL_ADD, EPOLLIN);
}

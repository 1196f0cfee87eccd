/*
 * upstream_fixture.c - a thread per connection, one lock around all state.
 */
#include "tests/unit/upstream_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_MAX = 65536, KEYS_MAX = 4096, THREADS_MAX = 1024 };

struct upstream_fixture {
	pthread_mutex_t lock;
	int fd, port;
	pthread_t acceptor;
	pthread_t threads[THREADS_MAX];
	int fds[THREADS_MAX];
	size_t n_threads;
	struct upstream_knobs knobs;
	unsigned model_calls, stt_calls, tts_calls, fetches, delivered, pushed;
	char *used[KEYS_MAX]; /* reply tokens and retry keys */
	size_t n_used;
	char *seen[KEYS_MAX]; /* bodies that users saw */
	size_t n_seen;
};

struct request {
	struct upstream_fixture *up;
	int fd;
	char head[4096], path[256], body[BODY_MAX], answer[512];
	char *sound; /* the last one, ours */
	size_t len;
};

/* ---------------------------------------------------------- behaviour -- */

/* True if key was used before; uses it. */
static bool
use(struct upstream_fixture *up, const char *key)
{
	size_t i;

	for (i = 0; i < up->n_used; i++)
		if (strcmp(up->used[i], key) == 0)
			return true;
	if (up->n_used < KEYS_MAX)
		up->used[up->n_used++] = strdup(key);
	return false;
}

static void
see(struct upstream_fixture *up, const char *body)
{
	up->delivered++;
	if (up->n_seen < KEYS_MAX)
		up->seen[up->n_seen++] = strdup(body);
}

/* The text after name, up to the given end. */
static void
field(const char *in, const char *name, const char *end, char *out, size_t size)
{
	const char *at = strstr(in, name);
	size_t len;

	out[0] = '\0';
	if (at == NULL)
		return;
	at += strlen(name);
	len = strcspn(at, end);
	(void)snprintf(out, size, "%.*s", (int)len, at);
}

/* The status to answer, or 0 to hang up. */
static int
reply(struct upstream_fixture *up, const struct request *req,
    const char **answer)
{
	char token[300];

	if (up->knobs.replies_failed > 0) {
		up->knobs.replies_failed--;
		return 500;
	}
	if (up->knobs.refuse_content > 0) {
		up->knobs.refuse_content--;
		*answer = "{\"message\":\"The request body has 1 error(s)\"}";
		return 400;
	}
	field(req->body, "\"replyToken\":\"", "\"", token, sizeof(token));
	if (use(up, token)) {
		*answer = "{\"message\":\"Invalid reply token\"}";
		return 400;
	}
	see(up, req->body);
	if (up->knobs.replies_lost > 0) {
		up->knobs.replies_lost--;
		return 0;
	}
	return 200;
}

static int
push(struct upstream_fixture *up, const struct request *req)
{
	char key[64];

	if (up->knobs.pushes_failed > 0) {
		up->knobs.pushes_failed--;
		return 500;
	}
	field(req->head, "X-Line-Retry-Key: ", "\r", key, sizeof(key));
	if (key[0] == '\0')
		return 400;
	if (use(up, key))
		return 409;
	up->pushed++;
	see(up, req->body);
	return 200;
}

static int
recording(struct upstream_fixture *up, const char **answer)
{
	up->fetches++;
	if (up->knobs.not_ready > 0) {
		up->knobs.not_ready--;
		return 202;
	}
	*answer = up->knobs.recording != NULL ? up->knobs.recording
					      : "size"
						"ftypM4A and sound";
	return up->knobs.recording_status == 0 ? 200
					       : up->knobs.recording_status;
}

static int
write_down(struct request *req, const char **answer, unsigned *delay_ms)
{
	struct upstream_fixture *up = req->up;

	up->stt_calls++;
	*delay_ms = up->knobs.stt_delay_ms;
	if (strstr(req->body, "c2l6ZWZ0eXBNNEE") == NULL) /* as above */
		return 400;
	(void)snprintf(req->answer, sizeof(req->answer),
	    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
	    "\"%s\"}],\"role\":\"model\"},\"finishReason\":\"STOP\"}]}",
	    up->knobs.words != NULL ? up->knobs.words : "Hello there.");
	*answer = req->answer;
	return up->knobs.stt_status == 0 ? 200 : up->knobs.stt_status;
}

/* Silence of 24 kHz, as long as it is asked for. */
static int
read_aloud(struct request *req, const char **answer, unsigned *delay_ms)
{
	static const char head[] =
	    "{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":"
	    "{\"mimeType\":\"";
	static const char tail[] =
	    "\"}}],\"role\":\"model\"},\"finishReason\":\"STOP\"}]}";
	const struct upstream_knobs *knobs = &req->up->knobs;
	const char *type = knobs->tts_type;
	size_t ms = knobs->tts_ms == 0 ? 1000 : knobs->tts_ms;
	size_t base64 = ms * 48 / 3 * 4, size = base64 + 512;
	int n;

	req->up->tts_calls++;
	*delay_ms = knobs->tts_delay_ms;
	free(req->sound);
	req->sound = malloc(size);
	n = snprintf(req->sound, size, "%s%s\",\"data\":\"", head,
	    type != NULL ? type : "audio/L16;codec=pcm;rate=24000");
	memset(req->sound + n, 'A', base64);
	(void)snprintf(req->sound + (size_t)n + base64,
	    size - (size_t)n - base64, "%s", tail);
	*answer = req->sound;
	return knobs->tts_status == 0 ? 200 : knobs->tts_status;
}

static int
decide(struct request *req, const char **answer, unsigned *delay_ms)
{
	struct upstream_fixture *up = req->up;

	*answer = "{}";
	if (strstr(req->path, "/content") != NULL)
		return recording(up, answer);
	if (strstr(req->path, "transcribe") != NULL)
		return write_down(req, answer, delay_ms);
	if (strstr(req->path, "tts") != NULL)
		return read_aloud(req, answer, delay_ms);
	if (strstr(req->path, "/reply") != NULL)
		return reply(up, req, answer);
	if (strstr(req->path, "/push") != NULL)
		return push(up, req);
	if (strstr(req->path, "/loading") != NULL)
		return 202;
	up->model_calls++;
	*delay_ms = up->knobs.model_delay_ms;
	*answer = "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
		  "\"An answer.\"}],\"role\":\"model\"},"
		  "\"finishReason\":\"STOP\"}]}";
	return up->knobs.model_status;
}

/* ------------------------------------------------------------- serving -- */

static bool
read_request(struct request *req)
{
	size_t len = 0, want;
	char number[16];
	char *end;
	ssize_t n;

	for (;;) {
		req->head[len] = '\0';
		end = strstr(req->head, "\r\n\r\n");
		if (end != NULL)
			break;
		if (len + 1 >= sizeof(req->head))
			return false;
		n = recv(req->fd, req->head + len, 1, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	field(req->head, " ", " ", req->path, sizeof(req->path));
	field(req->head, "Content-Length: ", "\r", number, sizeof(number));
	want = (size_t)strtoul(number, NULL, 10);
	for (req->len = 0; req->len < want; req->len += (size_t)n) {
		if (want >= sizeof(req->body))
			return false;
		n = recv(req->fd, req->body + req->len, want - req->len, 0);
		if (n <= 0)
			return false;
	}
	req->body[req->len] = '\0';
	return true;
}

static bool
send_all(int fd, const char *bytes, size_t len)
{
	ssize_t n = 1;

	for (; len > 0 && n > 0; len -= (size_t)n, bytes += n) {
		n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
	}
	return true;
}

static void *
serve(void *arg)
{
	struct request *req = arg;
	struct pollfd hup = { req->fd, POLLIN, 0 };
	const char *answer;
	unsigned delay_ms;
	char out[128];
	int status, n;

	while (read_request(req)) {
		delay_ms = 0;
		pthread_mutex_lock(&req->up->lock);
		status = decide(req, &answer, &delay_ms);
		pthread_mutex_unlock(&req->up->lock);
		if (status == 0)
			break;
		/* Ends early when the other side hangs up. */
		if (poll(&hup, 1, (int)delay_ms) != 0)
			break;
		n = snprintf(out, sizeof(out),
		    "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n", status,
		    strlen(answer));
		if (!send_all(req->fd, out, (size_t)n) ||
		    !send_all(req->fd, answer, strlen(answer)))
			break;
	}
	shutdown(req->fd, SHUT_RDWR);
	free(req->sound);
	free(req);
	return NULL;
}

static void *
accept_all(void *arg)
{
	struct upstream_fixture *up = arg;
	struct request *req;
	int fd;

	while ((fd = accept(up->fd, NULL, NULL)) != -1) {
		req = calloc(1, sizeof(*req));
		req->up = up;
		req->fd = fd;
		if (up->n_threads == THREADS_MAX ||
		    pthread_create(&up->threads[up->n_threads], NULL, serve,
			req) != 0)
			abort();
		up->fds[up->n_threads++] = fd;
	}
	return NULL;
}

struct upstream_fixture *
upstream_start(void)
{
	struct upstream_fixture *up = calloc(1, sizeof(*up));
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pthread_mutex_init(&up->lock, NULL);
	up->knobs.model_status = 200;
	up->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(up->fd, (struct sockaddr *)&address, len) == -1 ||
	    listen(up->fd, 1024) == -1 ||
	    getsockname(up->fd, (struct sockaddr *)&address, &len) == -1)
		abort();
	up->port = ntohs(address.sin_port);
	if (pthread_create(&up->acceptor, NULL, accept_all, up) != 0)
		abort();
	return up;
}

void
upstream_stop(struct upstream_fixture *up)
{
	size_t i;

	shutdown(up->fd, SHUT_RDWR);
	pthread_join(up->acceptor, NULL);
	close(up->fd);
	for (i = 0; i < up->n_threads; i++) {
		shutdown(up->fds[i], SHUT_RDWR);
		pthread_join(up->threads[i], NULL);
		close(up->fds[i]);
	}
	for (i = 0; i < up->n_used; i++)
		free(up->used[i]);
	for (i = 0; i < up->n_seen; i++)
		free(up->seen[i]);
	pthread_mutex_destroy(&up->lock);
	free(up);
}

int
upstream_port(const struct upstream_fixture *up)
{
	return up->port;
}

void
upstream_set(struct upstream_fixture *up, struct upstream_knobs knobs)
{
	pthread_mutex_lock(&up->lock);
	up->knobs = knobs;
	pthread_mutex_unlock(&up->lock);
}

static unsigned
read_count(struct upstream_fixture *up, const unsigned *count)
{
	unsigned n;

	pthread_mutex_lock(&up->lock);
	n = *count;
	pthread_mutex_unlock(&up->lock);
	return n;
}

unsigned
upstream_model_calls(struct upstream_fixture *up)
{
	return read_count(up, &up->model_calls);
}

unsigned
upstream_stt_calls(struct upstream_fixture *up)
{
	return read_count(up, &up->stt_calls);
}

unsigned
upstream_tts_calls(struct upstream_fixture *up)
{
	return read_count(up, &up->tts_calls);
}

unsigned
upstream_fetches(struct upstream_fixture *up)
{
	return read_count(up, &up->fetches);
}

unsigned
upstream_delivered(struct upstream_fixture *up)
{
	return read_count(up, &up->delivered);
}

unsigned
upstream_pushed(struct upstream_fixture *up)
{
	return read_count(up, &up->pushed);
}

unsigned
upstream_saw(struct upstream_fixture *up, const char *text)
{
	unsigned n = 0;
	size_t i;

	pthread_mutex_lock(&up->lock);
	for (i = 0; i < up->n_seen; i++)
		if (strstr(up->seen[i], text) != NULL)
			n++;
	pthread_mutex_unlock(&up->lock);
	return n;
}

/*
 * fcgi.c - FastCGI through libfcgi; the only file that knows fcgiapp.h.
 *
 * We accept ourselves and hand the connection over in FCGX_Request.ipcFd.
 */
#include "web/fcgi.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { ANSWER_MAX = 1024 * 1024 };

struct fcgi {
	FCGX_Request lib;
	struct web_request web;
	struct buf body, answer;
	char *path;
	size_t body_max;
	bool is_read; /* to its very end */
};

int
fcgi_take_socket(void)
{
	int fd, null, listens = 0;
	socklen_t len = sizeof(listens);

	if (getsockopt(0, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1 ||
	    !listens)
		return -1;
	fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd == -1 || null == -1 || dup2(null, 0) == -1 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == -1)
		return -1;
	close(null);
	return fd;
}

int
fcgi_init(void)
{
	/* How long libfcgi waits for the server to hang up, in ms. */
	if (setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "50", 0) == -1)
		return -1;
	return FCGX_Init() == 0 ? 0 : -1;
}

struct fcgi *
fcgi_new(size_t body_max)
{
	struct fcgi *fcgi = calloc(1, sizeof(*fcgi));

	if (fcgi == NULL)
		return NULL;
	/* No socket: libfcgi must never accept by itself. */
	FCGX_InitRequest(&fcgi->lib, -1, 0);
	fcgi->body_max = body_max;
	buf_init(&fcgi->body, body_max + 1);
	buf_init(&fcgi->answer, ANSWER_MAX);
	return fcgi;
}

static void
let_go(struct fcgi *fcgi)
{
	FCGX_Free(&fcgi->lib, 1);
	fcgi->lib.ipcFd = -1;
	buf_release(&fcgi->body);
	buf_release(&fcgi->answer);
	free(fcgi->path);
	fcgi->path = NULL;
}

void
fcgi_free(struct fcgi *fcgi)
{
	if (fcgi == NULL)
		return;
	let_go(fcgi);
	free(fcgi);
}

/* ------------------------------------------------------------ reading -- */

/*
 * One byte may need a read, what then lies in libfcgi's buffer does not: the
 * clock is looked at between reads.  False when the body is not as promised.
 */
static bool
read_body(struct fcgi *fcgi, size_t want, int64_t until_ms)
{
	FCGX_Stream *in = fcgi->lib.in;
	struct buf *body = &fcgi->body;
	char byte;
	int c;

	while (body->len <= want && clock_boot_ms() <= until_ms) {
		c = FCGX_GetChar(in);
		if (c == -1)
			break;
		byte = (char)c;
		if (buf_add(body, &byte, 1) == -1)
			return false;
		if (in->stop <= in->rdNext)
			continue;
		if (buf_add(body, in->rdNext,
			(size_t)(in->stop - in->rdNext)) == -1)
			return false;
		in->rdNext = in->stop;
	}
	return FCGX_GetError(in) == 0 && body->len == want;
}

/* What is no number is too large. */
static size_t
content_length(char **env)
{
	const char *text = FCGX_GetParam("CONTENT_LENGTH", env);
	unsigned long long n;
	char *end;

	if (text == NULL || *text == '\0')
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || *text == '-' || n > SIZE_MAX)
		return SIZE_MAX;
	return (size_t)n;
}

/* REQUEST_URI is what the client asked for, whatever the server rewrote. */
static char *
request_path(char **env)
{
	const char *uri = FCGX_GetParam("REQUEST_URI", env);

	if (uri == NULL)
		uri = FCGX_GetParam("SCRIPT_NAME", env);
	if (uri == NULL)
		uri = "";
	return strndup(uri, strcspn(uri, "?"));
}

static bool
read_request(struct fcgi *fcgi, int64_t until_ms)
{
	char **env = fcgi->lib.envp;
	size_t want = content_length(env);
	const char *method = FCGX_GetParam("REQUEST_METHOD", env);

	fcgi->path = request_path(env);
	if (fcgi->path == NULL)
		return false;
	fcgi->web = (struct web_request){
		.method = method == NULL ? "" : method,
		.path = fcgi->path,
		.signature = FCGX_GetParam("HTTP_X_LINE_SIGNATURE", env),
		.authorization = FCGX_GetParam("HTTP_AUTHORIZATION", env),
		.type = "text/plain; charset=utf-8",
		.answer = &fcgi->answer,
	};
	if (want > fcgi->body_max)
		fcgi->web.status = 413;
	else if (!read_body(fcgi, want, until_ms))
		fcgi->web.status = 400;
	fcgi->is_read = fcgi->web.status == 0;
	fcgi->web.body = fcgi->body.data == NULL ? "" : fcgi->body.data;
	fcgi->web.body_len = fcgi->body.len;
	return true;
}

struct web_request *
fcgi_take(struct fcgi *fcgi, int fd, int64_t until_ms)
{
	fcgi->lib.ipcFd = fd;
	/* Or it would hang up first; the request's own wish follows. */
	fcgi->lib.keepConnection = 1;
	if (FCGX_Accept_r(&fcgi->lib) >= 0 && read_request(fcgi, until_ms))
		return &fcgi->web;
	let_go(fcgi);
	return NULL;
}

/* ---------------------------------------------------------- answering -- */

static const char *
status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Content Too Large" },
		{ 503, "Service Unavailable" },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Internal Server Error";
}

/*
 * libfcgi hangs up by waiting until the other side did, so that what nobody
 * read does not turn into a reset that destroys the answer.  A request that
 * was read to its end is in no such danger; "detached" means a plain close.
 */
static void
end_request(struct fcgi *fcgi)
{
	if (fcgi->is_read)
		(void)FCGX_Detach(&fcgi->lib);
	FCGX_Finish_r(&fcgi->lib);
	(void)FCGX_Attach(&fcgi->lib);
}

void
fcgi_answer(struct fcgi *fcgi)
{
	const struct web_request *web = &fcgi->web;
	struct buf *answer = &fcgi->answer;
	FCGX_Stream *out = fcgi->lib.out;

	if (answer->len == 0)
		(void)buf_printf(answer, "%s\n", status_text(web->status));
	FCGX_FPrintF(out,
	    "Status: %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
	    "Cache-Control: no-store\r\n%s%s\r\n",
	    web->status, status_text(web->status), web->type, (int)answer->len,
	    web->header == NULL ? "" : web->header,
	    web->header == NULL ? "" : "\r\n");
	if (answer->len > 0 && strcmp(web->method, "HEAD") != 0)
		FCGX_PutStr(answer->data, (int)answer->len, out);
	end_request(fcgi);
}

void
fcgi_leave(struct fcgi *fcgi)
{
	let_go(fcgi);
}

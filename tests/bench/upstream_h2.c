/*
 * upstream_h2.c - HTTP/2 over TLS: OpenSSL below, nghttp2 above.
 *
 * What nghttp2 wants to send is gathered for each connection and handed to
 * TLS in one piece at the end of a turn, as a real server would do.
 */
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "upstream.h"

enum { OUT_MAX = 65536, PATH_LOOK = 64, STREAMS_MAX = 128 };

struct stream {
	struct exchange exchange;
	struct h2 *h2;
	int32_t id;
	char path[PATH_LOOK];
	char body[REQUEST_LOOK];
	size_t body_len;
	const char *text; /* the answer */
	char *copy;       /* of it; NULL: it stays by itself */
	size_t text_len, text_sent;
};

struct h2 {
	struct source source;
	SSL *ssl;
	nghttp2_session *session;
	bool in_event; /* what is to be sent goes out at its end */
	size_t out_len;
	char out[OUT_MAX];
};

static SSL_CTX *tls;
static nghttp2_session_callbacks *callbacks;

/* ---- sending ------------------------------------------------------------- */

/* 0, also when the socket is full; -1 when the connection is broken. */
static int
write_out(struct h2 *h2)
{
	size_t sent = 0;
	int n = 1;

	ERR_clear_error();
	while (n > 0 && sent < h2->out_len) {
		n = SSL_write(h2->ssl, h2->out + sent,
		    (int)(h2->out_len - sent));
		sent += n > 0 ? (size_t)n : 0;
	}
	h2->out_len -= sent;
	memmove(h2->out, h2->out + sent, h2->out_len);
	return n > 0 || SSL_get_error(h2->ssl, n) == SSL_ERROR_WANT_WRITE ? 0
									  : -1;
}

/* nghttp2 asks for one frame after the other, as long as there is room. */
static ssize_t
gather(nghttp2_session *session, const uint8_t *bytes, size_t n, int flags,
    void *arg)
{
	struct h2 *h2 = arg;

	(void)session, (void)flags;
	if (n > OUT_MAX - h2->out_len)
		return NGHTTP2_ERR_WOULDBLOCK;
	memcpy(h2->out + h2->out_len, bytes, n);
	h2->out_len += n;
	return (ssize_t)n;
}

static int
h2_send(struct h2 *h2)
{
	bool filled;

	do {
		if (nghttp2_session_send(h2->session) != 0)
			return -1;
		filled = h2->out_len > OUT_MAX / 2; /* there may be more */
		if (write_out(h2) == -1)
			return -1;
	} while (filled && h2->out_len == 0);
	if (h2->out_len > 0)
		source_watch(&h2->source, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	return 0;
}

static ssize_t
give_text(nghttp2_session *session, int32_t id, uint8_t *to, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct stream *stream = source->ptr;
	size_t n = stream->text_len - stream->text_sent;

	(void)session, (void)id, (void)arg;
	if (n > size)
		n = size;
	memcpy(to, stream->text + stream->text_sent, n);
	stream->text_sent += n;
	if (stream->text_sent == stream->text_len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static nghttp2_nv
header(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name,
		(uint8_t *)(uintptr_t)value, strlen(name), strlen(value), 0 };
}

static void
stream_answer(struct exchange *exchange, int status, const struct body *body)
{
	struct stream *stream = (struct stream *)exchange;
	char code[16] = "", length[24] = "";
	nghttp2_nv headers[] = { header(":status", code),
		header("content-type", body->type),
		header("x-line-request-id", "bench"),
		header("content-length", length) };
	nghttp2_data_provider provider = { .source.ptr = stream,
		.read_callback = give_text };

	headers[0].valuelen =
	    (size_t)snprintf(code, sizeof(code), "%d", status);
	headers[3].valuelen =
	    (size_t)snprintf(length, sizeof(length), "%zu", body->len);
	if (!body->stays && (stream->copy = strdup(body->bytes)) == NULL)
		die("upstream: memory");
	stream->text = body->stays ? body->bytes : stream->copy;
	stream->text_len = body->len;
	nghttp2_submit_response(stream->h2->session, stream->id, headers, 4,
	    &provider);
	/* What fails is found when the connection is read. */
	if (!stream->h2->in_event)
		(void)h2_send(stream->h2);
}

/* ---- receiving ----------------------------------------------------------- */

static int
on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		die("upstream: memory");
	stream->exchange.answer = stream_answer;
	stream->h2 = arg;
	stream->id = frame->hd.stream_id;
	return nghttp2_session_set_stream_user_data(session, stream->id,
	    stream);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len, uint8_t flags, void *arg)
{
	struct stream *stream =
	    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	(void)flags, (void)arg;
	if (stream == NULL || name_len != 5 || memcmp(name, ":path", 5) != 0)
		return 0;
	if (value_len >= PATH_LOOK)
		value_len = PATH_LOOK - 1;
	memcpy(stream->path, value, value_len);
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *bytes, size_t n, void *arg)
{
	struct stream *stream =
	    nghttp2_session_get_stream_user_data(session, id);

	(void)flags, (void)arg;
	if (stream == NULL)
		return 0;
	if (n > REQUEST_LOOK - 1 - stream->body_len)
		n = REQUEST_LOOK - 1 - stream->body_len;
	memcpy(stream->body + stream->body_len, bytes, n);
	stream->body_len += n;
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct stream *stream =
	    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	(void)arg;
	if (stream != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		exchange_request(&stream->exchange, stream->path, stream->body);
	return 0;
}

static void
stream_free(struct stream *stream)
{
	exchange_drop(&stream->exchange);
	free(stream->copy);
	free(stream);
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct stream *stream =
	    nghttp2_session_get_stream_user_data(session, id);

	(void)code, (void)arg;
	if (stream != NULL)
		stream_free(stream);
	return 0;
}

/* ---- connections --------------------------------------------------------- */

/* -1 when the connection has ended. */
static int
h2_receive(struct h2 *h2)
{
	uint8_t in[16384];
	int n;

	ERR_clear_error();
	while ((n = SSL_read(h2->ssl, in, sizeof(in))) > 0)
		if (nghttp2_session_mem_recv(h2->session, in, (size_t)n) < 0)
			return -1;
	switch (SSL_get_error(h2->ssl, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return SSL_is_init_finished(h2->ssl) ? h2_send(h2) : 0;
	default:
		return -1;
	}
}

/* Streams that are open do not end one by one when the session does. */
static void
h2_close(struct h2 *h2)
{
	struct stream *stream;
	int32_t id, last;

	last = nghttp2_session_get_last_proc_stream_id(h2->session);
	for (id = 1; id <= last; id += 2) {
		stream = nghttp2_session_get_stream_user_data(h2->session, id);
		if (stream != NULL)
			stream_free(stream);
	}
	nghttp2_session_del(h2->session);
	SSL_free(h2->ssl);
	close(h2->source.fd);
	free(h2);
}

static void
h2_ready(struct source *source, uint32_t events)
{
	struct h2 *h2 = (struct h2 *)source;
	int rc = 0;

	h2->in_event = true;
	if ((events & EPOLLOUT) != 0) {
		source_watch(source, EPOLL_CTL_MOD, EPOLLIN);
		rc = h2_send(h2);
	}
	if (rc == 0 && (events & ~(uint32_t)EPOLLOUT) != 0)
		rc = h2_receive(h2);
	h2->in_event = false;
	if (rc == -1)
		h2_close(h2);
}

void
h2_open(int fd)
{
	nghttp2_settings_entry entry = {
		NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX
	};
	struct h2 *h2 = calloc(1, sizeof(*h2));

	if (h2 == NULL || (h2->ssl = SSL_new(tls)) == NULL ||
	    SSL_set_fd(h2->ssl, fd) != 1 ||
	    nghttp2_session_server_new(&h2->session, callbacks, h2) != 0)
		die("upstream: memory");
	SSL_set_accept_state(h2->ssl);
	h2->source = (struct source){ h2_ready, fd };
	nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, &entry, 1);
	source_watch(&h2->source, EPOLL_CTL_ADD, EPOLLIN);
}

/* HTTP/2 or nothing. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	(void)ssl, (void)arg;
	return nghttp2_select_next_protocol((unsigned char **)(uintptr_t)out,
		   out_len, in, in_len) == 1
	    ? SSL_TLSEXT_ERR_OK
	    : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void
h2_init(const char *cert, const char *key)
{
	tls = SSL_CTX_new(TLS_server_method());
	if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		die("upstream: certificate or key");
	SSL_CTX_set_alpn_select_cb(tls, choose_protocol, NULL);
	SSL_CTX_set_mode(tls,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		die("upstream: memory");
	nghttp2_session_callbacks_set_send_callback(callbacks, gather);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
	    on_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
	    on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
	    on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
	    on_close);
}

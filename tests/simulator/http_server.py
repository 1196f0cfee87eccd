"""http_server - HTTP/1.1 with keep-alive, one thread per connection.

An Exchange is one request and the means to answer it, well or badly: in
full, cut short, byte by byte, never, or by closing the connection.

Shortcuts against the real thing: HTTP/1.1 only (LINE and Google also speak
HTTP/2), request bodies need a Content-Length, answers are never compressed
and never chunked, idle connections are kept for ever, and all hosts are one:
that a request went to the wrong host is not noticed.
"""

import json
import select
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from simulator.records import Record

BODY_MAX = 64 * 1024 * 1024


class Exchange:
    """One request and its answer; handlers call exactly one answer method."""

    def __init__(self, handler, body):
        parts = urlsplit(handler.path)
        self.handler = handler
        self.sock = handler.connection
        self.method = handler.command
        self.path = parts.path
        self.query = {k: v[-1] for k, v in parse_qs(parts.query).items()}
        self.headers = {k.lower(): v for k, v in handler.headers.items()}
        self.body = body
        self.record = Record(method=self.method, path=self.path,
                             query=self.query, headers=self.headers, body=body,
                             status=None, at=time.monotonic())
        self.records = [self.record]

    def parsed(self):
        """The body as JSON; raises ValueError."""
        return json.loads(self.body.decode("utf-8"))

    def answer(self, status, body, content_type, headers=None, length=None):
        """Sends head and body; length may lie about the body's size."""
        self.begin(status, content_type, headers,
                   len(body) if length is None else length)
        self.write(body)

    def json(self, status, value, headers=None):
        """Answers with a JSON value."""
        body = json.dumps(value, ensure_ascii=False).encode()
        self.answer(status, body, "application/json", headers)

    def begin(self, status, content_type, headers, length):
        """Sends the status line and the headers."""
        self.set_status(status)
        handler = self.handler
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()

    def set_status(self, status):
        """Writes down how this ends, before the app can know it."""
        for record in self.records:
            record.status = status

    def write(self, data):
        """Sends a piece of the body at once."""
        self.handler.wfile.write(data)
        self.handler.wfile.flush()

    def close(self):
        """Closes the connection, after or instead of an answer."""
        self.handler.close_connection = True
        try:
            self.handler.wfile.flush()
            self.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass

    def gone(self, seconds):
        """Waits that long (None: for ever); True as soon as the peer closed.

        POLLRDHUP tells a close even when unread bytes stand before it, as
        the close-notify of TLS does.
        """
        poller = select.poll()
        poller.register(self.sock, select.POLLRDHUP)
        return bool(poller.poll(None if seconds is None else seconds * 1000))


class Handler(BaseHTTPRequestHandler):
    """Reads a request in full and hands it to the server's route()."""

    protocol_version = "HTTP/1.1"
    server_version = "simulator"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 65536

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError, ssl.SSLError, ValueError):
            self.close_connection = True  # the peer left; nothing to tell

    def do_any(self):
        body = self.read_body()
        if body is None:
            return
        exchange = Exchange(self, body)
        try:
            self.server.route(exchange)
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_any

    def read_body(self):
        """The whole body, or None: refused, or its sender left in between."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.send_error(411)
            self.close_connection = True
            return None
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_MAX:
            self.send_error(400)
            self.close_connection = True
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def log_message(self, format, *args):
        """Says nothing: the records tell it all."""


class Server(ThreadingHTTPServer):
    """The listening socket; route(exchange) answers each request."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, port, route, tls=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.route = route
        self.tls = None
        self.open = set()
        self.open_lock = threading.Lock()
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)

    def get_request(self):
        sock, address = super().get_request()
        if self.tls:  # the handshake happens in the connection's own thread
            sock = self.tls.wrap_socket(sock, server_side=True,
                                        do_handshake_on_connect=False)
        with self.open_lock:
            self.open.add(sock)
        return sock, address

    def shutdown_request(self, request):
        with self.open_lock:
            self.open.discard(request)
        super().shutdown_request(request)

    def stop(self):
        """Stops listening and closes every connection, waiting ones too."""
        self.shutdown()
        self.server_close()
        with self.open_lock:
            left = list(self.open)
        for sock in left:
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass

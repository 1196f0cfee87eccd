"""wire - one kept connection to the app, cheaper than http.client.

    wire = Wire(port)
    status = wire.post("/webhook", body, headers)

The status is 0 when no answer came: the connection was refused, broke, or
nothing came in time.  The next post then makes a new one.
"""

import re
import socket

ANSWER_S = 10.0  # LINE grants 2 s; a slow 200 is still an acknowledgement
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.I)


class Wire:
    """A connection, made when it is needed."""

    def __init__(self, port):
        self.port = port
        self.sock = None

    def post(self, path, body, headers):
        """Posts a body; returns the status, or 0."""
        lines = "".join(f"{name}: {value}\r\n"
                        for name, value in headers.items())
        head = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}"
                f"Content-Length: {len(body)}\r\n\r\n").encode()
        try:
            return self.exchange(head + body)
        except (OSError, ValueError):
            self.close()
            return 0

    def exchange(self, request):
        if self.sock is None:
            self.sock = socket.create_connection(("127.0.0.1", self.port),
                                                 ANSWER_S)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.receive()
        head, _, rest = got.partition(b"\r\n\r\n")
        self.read_body(head, rest)
        return int(STATUS.match(head)[1])

    def receive(self):
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionResetError
        return data

    def read_body(self, head, rest):
        """Reads the body to its end, which its length or a chunk tells."""
        length = LENGTH.search(head)
        while (len(rest) < int(length[1]) if length
               else not rest.endswith(b"0\r\n\r\n")):
            rest += self.receive()
        if b"onnection: close" in head:
            self.close()

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

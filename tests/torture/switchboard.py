"""switchboard - the simulator's services for thousands of open calls.

One thread and epoll instead of a thread for each connection.  What LINE and
Gemini say, check and record is the simulator's; only the waiting is ours:

    board = Switchboard(sim)
    board.start()                 # board.url is the base of all APIs
    board.hold = 3.0              # seconds until the model answers, or a
                                  # function of the call's number
    board.hear_hold = 3.0         # the same, until a recording is written
                                  # down
    board.asked                   # when each model call came
    board.heard                   # the same, of recordings
    board.stop()

Shortcuts: HTTP/1.1 over TCP only, requests with a Content-Length, and no
faults that hang.
"""

import heapq
import itertools
import re
import select
import socket
import threading
import time

from simulator.http_server import Exchange

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.I)
MODEL = b" /v1beta/"
HEAR = b"transcribe"


class Call:
    """What http_server's handler is to an Exchange, without a thread."""

    def __init__(self, sock, head):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.command, self.path, _ = first.split(" ")
        self.headers = dict(line.split(": ", 1) for line in lines)
        self.connection = sock
        self.close_connection = False
        self.wfile = self
        self.out = []

    def send_response(self, status):
        self.out.append(f"HTTP/1.1 {status} Simulated\r\n")

    def send_header(self, name, value):
        self.out.append(f"{name}: {value}\r\n")

    def end_headers(self):
        self.out.append("\r\n")

    def write(self, data):
        """Answers are far smaller than a socket's buffer."""
        head, self.out = "".join(self.out).encode(), []
        self.connection.sendall(head + data)

    def flush(self):
        """Nothing is kept back."""


class Switchboard(threading.Thread):
    """All connections of the app."""

    def __init__(self, sim):
        super().__init__(daemon=True)
        self.sim = sim
        self.hold = self.hear_hold = 0.0
        self.asked, self.heard = [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.poller = select.epoll()
        self.poller.register(self.listener, select.EPOLLIN)
        self.conns = {}  # descriptor -> (socket, what came)
        self.due = []  # (when, number, descriptor, socket, exchange)
        self.numbers = itertools.count()
        self.ending = False

    def run(self):
        while not self.ending:
            wait = 0.1
            if self.due:
                wait = min(wait, max(0, self.due[0][0] - time.monotonic()))
            for fd, _ in self.poller.poll(wait):
                if fd == self.listener.fileno():
                    self.open()
                else:
                    self.read(fd)
            self.answer_due()

    def stop(self):
        self.ending = True
        self.join()
        for fd in list(self.conns):
            self.close(fd)
        self.poller.close()
        self.listener.close()

    def open(self):
        sock, _ = self.listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.conns[sock.fileno()] = (sock, bytearray())
        self.poller.register(sock, select.EPOLLIN)

    def close(self, fd):
        sock, _ = self.conns.pop(fd)
        self.poller.unregister(fd)
        sock.close()

    def read(self, fd):
        sock, got = self.conns[fd]
        try:
            data = sock.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.close(fd)
            return
        got += data
        while (request := take_request(got)) is not None:
            self.route(fd, sock, *request)

    def route(self, fd, sock, head, body):
        exchange = Exchange(Call(sock, head), body)
        line = head.split(b"\r\n", 1)[0]
        if MODEL not in line:
            self.serve(exchange)
            return
        asked, hold = (self.heard, self.hear_hold) if HEAR in line \
            else (self.asked, self.hold)
        number = next(self.numbers)
        now = time.monotonic()
        hold = hold(number) if callable(hold) else hold
        asked.append(now)
        heapq.heappush(self.due, (now + hold, number, fd, sock, exchange))

    def answer_due(self):
        while self.due and self.due[0][0] <= time.monotonic():
            _, _, fd, sock, exchange = heapq.heappop(self.due)
            if self.conns.get(fd, (None,))[0] is sock:
                self.serve(exchange)

    def serve(self, exchange):
        try:
            self.sim.route(exchange)
        except OSError:
            pass  # the app has gone; read() will notice


def take_request(got):
    """Takes one whole request off the front: (head, body), or None."""
    end = got.find(HEAD_END)
    if end == -1:
        return None
    length = LENGTH.search(got, 0, end)
    whole = end + 4 + (int(length[1]) if length else 0)
    if len(got) < whole:
        return None
    request = bytes(got[:end]), bytes(got[end + 4:whole])
    del got[:whole]
    return request

"""net_server.py DIR - the bad other side of t_net*.c, on loopback.

Makes a CA and certificates in DIR, opens a port of each kind, prints one line
"KIND=PORT ..." and then serves until its standard input is closed.

    http       HTTP/1.1, the path says how to behave (see PATHS)
    https      the same over TLS
    host       TLS with a certificate for another host name
    expired    TLS with a certificate of yesterday
    unknown    TLS with a certificate of a CA that nobody knows
    h2         HTTP/2 over TLS; the body of a request says how to behave
    mute       accepts connections and never says a word
    closed     nobody listens
"""
import collections
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

folder = pathlib.Path(sys.argv[1])
seen = collections.Counter()  # path -> how often, "gone" + path as well


# ---- certificates ----------------------------------------------------------

def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, cwd=folder,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_key(name):
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout",
            "-out", name + ".key")


def make_ca(name):
    make_key(name)
    openssl("req", "-x509", "-new", "-key", name + ".key", "-days", "2",
            "-subj", "/CN=" + name, "-out", name + ".pem")


def make_certificate(name, host="localhost", ca="ca", days="2"):
    make_key(name)
    openssl("req", "-new", "-key", name + ".key", "-subj", "/CN=" + host,
            "-out", name + ".csr")
    (folder / "names").write_text(f"subjectAltName=DNS:{host}\n")
    openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem",
            "-CAkey", ca + ".key", "-days", days, "-extfile", "names",
            "-out", name + ".pem")


def context(name, alpn="http/1.1"):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / (name + ".pem"), folder / (name + ".key"))
    tls.set_alpn_protocols([alpn])
    return tls


# ---- HTTP/1.1 --------------------------------------------------------------

def answer(conn, body, status="200 OK", headers="", length=None):
    length = len(body) if length is None else length
    conn.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n"
                 f"{headers}\r\n".encode() + body)
    return True


def hang(conn, path):
    conn.recv(1)
    seen["gone" + path] += 1


def drip(conn, _path):
    answer(conn, b"", length=1000)
    while True:
        time.sleep(0.05)
        conn.sendall(b".")


def endless_headers(conn, _path):
    conn.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        conn.sendall(b"X-More: " + b"m" * 1000 + b"\r\n")


def endless_body(conn, _path):
    conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        conn.sendall(b"400\r\n" + b"b" * 1024 + b"\r\n")


# Each returns whether the connection lives on.
PATHS = {
    "/ok": lambda c, p: answer(c, b"ok", headers="X-Line-Request-Id: id-1\r\n"),
    "/busy": lambda c, p: answer(c, b"", "429 Too Many", "Retry-After: 7\r\n"),
    "/redirect": lambda c, p: answer(c, b"", "302 Found", "Location: /ok\r\n"),
    "/cut": lambda c, p: answer(c, b"half", length=100) and False,
    "/long": lambda c, p: answer(c, b"", length=10 ** 9) and False,
    "/drop": lambda c, p: False,
    "/garbage": lambda c, p: c.sendall(b"what?\r\n\r\n"),
    "/hang": hang,
    "/drip": drip,
    "/headers": endless_headers,
    "/body": endless_body,
}


def read_request(stream):
    line = stream.readline().decode()
    if not line:
        return None
    length = 0
    headers = iter(stream.readline, b"\r\n")
    for name, _, value in (h.decode().partition(":") for h in headers):
        if name.lower() == "content-length":
            length = int(value)
        seen[name.lower() + "=" + value.strip()] += 1
    return line.split()[:2] + [stream.read(length)]


def http1(conn):
    stream = conn.makefile("rb")
    seen["http1-connections"] += 1
    alive = True
    while alive:
        request = read_request(stream)
        if request is None:
            return
        method, path, body = request
        seen[path] += 1
        if path.startswith("/seen/"):
            answer(conn, b"%d" % seen[path[len("/seen/"):]])
        elif path == "/echo":
            answer(conn, method.encode() + b" " + body)
        else:
            alive = PATHS[path](conn, path)


# ---- HTTP/2 ----------------------------------------------------------------

DATA, HEADERS, RST_STREAM, SETTINGS, PING = 0, 1, 3, 4, 6
WINDOW_UPDATE = 8
END_STREAM = ACK = 1
END_HEADERS = 4
STATUS_200 = b"\x88"  # HPACK's static table


def frame(kind, flags, stream, payload=b""):
    return (struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
            + struct.pack(">I", stream) + payload)


def http2_answer(conn, stream, body):
    seen["h2"] += 1
    if body == b"drop":
        seen["h2-drop"] += 1
        return False
    if body == b"hang":
        return True
    conn.sendall(frame(HEADERS, END_HEADERS, stream, STATUS_200)
                 + frame(DATA, END_STREAM, stream, b"%d" % len(body)))
    return True


def http2(conn):
    stream = conn.makefile("rb")
    stream.read(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    seen["h2-connections"] += 1
    conn.sendall(frame(SETTINGS, 0, 0))
    bodies = collections.defaultdict(bytes)
    alive = True
    while alive:
        head = stream.read(9)
        if len(head) < 9:
            return
        kind, flags, number = struct.unpack(">BBI", head[3:])
        payload = stream.read(int.from_bytes(head[:3], "big"))
        if kind == SETTINGS and not flags & ACK:
            conn.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            conn.sendall(frame(PING, ACK, 0, payload))
        elif kind == RST_STREAM:
            seen["h2-reset"] += 1
        elif kind == DATA and payload:
            bodies[number] += payload
            more = struct.pack(">I", len(payload))
            conn.sendall(frame(WINDOW_UPDATE, 0, 0, more)
                         + frame(WINDOW_UPDATE, 0, number, more))
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            alive = http2_answer(conn, number, bodies.pop(number, b""))


# ---- ports -----------------------------------------------------------------

def serve(conn, protocol, tls):
    try:
        if tls:
            conn = tls.wrap_socket(conn, server_side=True)
        protocol(conn)
    except OSError:
        pass
    finally:
        conn.close()


def accept(listener, protocol, tls):
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, protocol, tls),
                         daemon=True).start()


def port(protocol=None, tls=None, listen=True):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    if listen:
        listener.listen(512)
    if protocol:
        threading.Thread(target=accept, args=(listener, protocol, tls),
                         daemon=True).start()
    open_ports.append(listener)
    return listener.getsockname()[1]


open_ports = []
make_ca("ca")
make_ca("stranger")
make_certificate("good")
make_certificate("host", host="elsewhere.test")
make_certificate("expired", days="-1")
make_certificate("unknown", ca="stranger")
ports = {
    "http": port(http1),
    "https": port(http1, context("good")),
    "host": port(http1, context("host")),
    "expired": port(http1, context("expired")),
    "unknown": port(http1, context("unknown")),
    "h2": port(http2, context("good", "h2")),
    "mute": port(),
    "closed": port(listen=False),
}
print(*(f"{kind}={number}" for kind, number in ports.items()), flush=True)
sys.stdin.read()

"""Fixtures of the simulator's own tests: it, and a webhook that listens."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from simulator import Simulator

SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"


class Webhook(BaseHTTPRequestHandler):
    """Says 200 and remembers headers and body."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        sound = self.server.sounds.get(self.path)
        self.send_response(206 if sound and self.headers["Range"] else
                           200 if sound else 404)
        self.send_header("Content-Type", "audio/mpeg")
        self.send_header("Accept-Ranges", "bytes")
        if self.headers["Range"]:
            self.send_header("Content-Range", "bytes 0-3/4")
        self.end_headers()
        self.wfile.write(sound or b"")

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def running():
    webhook = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    webhook.heard = []
    webhook.sounds = {}
    threading.Thread(target=webhook.serve_forever, args=(0.05,),
                     daemon=True).start()
    sim = Simulator(channel_secret=SECRET, access_token="token",
                    gemini_key="key")
    sim.start()
    sim.webhook_url = f"http://127.0.0.1:{webhook.server_port}/webhook"
    yield sim, webhook
    sim.stop()
    webhook.shutdown()
    webhook.server_close()


@pytest.fixture
def sim(running):
    running[0].reset()
    running[1].heard.clear()
    return running[0]


@pytest.fixture
def sounds(running):
    """What the app's web server has, by path."""
    running[1].sounds.clear()
    return running[1].sounds


@pytest.fixture
def heard(running):
    return running[1].heard

#!/usr/bin/env python3
"""simulator - LINE and Gemini in one process, for tests and for people.

As a program it also shows a chat page:

    python3 tests/simulator/simulator.py --port 8081 \\
        --webhook http://127.0.0.1:8080/webhook \\
        --channel-secret S --access-token T --gemini-key K

In tests (with tests/ on sys.path):

    from simulator import Simulator

    sim = Simulator(port=0, channel_secret="s", access_token="t",
                    gemini_key="k")
    sim.start()                          # sim.url is the base of all APIs
    sim.webhook_url = "http://127.0.0.1:8080/webhook"
    status, seconds = sim.say("mei", "What helps against fever?")
    assert status == 200
    (answer,) = sim.wait_answers("mei", 1, timeout=5)
    assert "fever" in answer and sim.violations == []
    sim.stop()

Users.  A user is a LINE id ("U" + 32 hex) or any short name; sim.user(name)
gives the id of a name, sim.group(name) that of a group.

Webhooks.  sim.text_event(user, text, **overrides) and
sim.group_text_event(group, user, text, mention_self=True) build events;
sim.event(kind, user, **fields) builds any other kind ("follow", "unsend",
"postback", ...).  Overrides replace properties of the event, None leaves one
out.  sim.send(events, signature=, secret=, headers=) posts one signed body
and returns (status, seconds), status 0 when no answer came;
sim.say(user, text) = sim.send([sim.text_event(user, text)]);
sim.voice_event(user, audio, words) builds a voice message, puts its bytes
where LINE keeps them and notes what they say; sim.speak() sends it;
sim.redeliver(event) sends the same event again with isRedelivery true;
sim.post_raw(body, headers) posts any bytes and returns (status, body);
sim.signature(body) signs them.

Records, all lists of records whose keys are attributes too (r["at"] = r.at):
  sim.deliveries   what users saw: kind 'reply'|'push', user, chat, token,
                   event_id (None for a push), messages, at, retry_key, status
  sim.requests     every call of the app: method, path, query, headers (lower
                   case names), body, json (of LINE calls), status, at;
                   status 0: the connection was closed without an answer
  sim.model_calls  model, contents, question, system, body, at, ended, status,
                   aborted (the app closed the connection first), fault
  sim.hearings     the same for recordings, with type and audio
  sim.loadings     typing animations: user, seconds, at
  sim.violations   strings: all that the real services would refuse with 400,
                   401, 404, 413 or 415, and properties nobody knows.  A
                   reply token that is used up or too old is not among them.
All times are time.monotonic().

Waiting.  sim.answers(user) lists the texts a user saw, oldest first;
sim.wait_answers(user, n, timeout) waits until there are n and returns what
there is; sim.wait_for(predicate, timeout) waits for anything and returns the
predicate's last value.

Behaviour.  sim.model.latency = seconds or function(call) -> seconds;
sim.model.answer = function(question, contents) -> text;
sim.model.hear_latency and .hear = function(call) -> text for recordings;
sim.line.token_life
(60 s), .monthly_quota (None), .block(user), .unblock(user), .friend(user),
.content[message id] = (type, bytes); sim.faults.add(target, name, times=1,
match=None) with the names of faults.py.  sim.reset() forgets the records and
sets all behaviour back; reply tokens, retry keys and known users stay.

sim.voice is the speech models, with .calls, .latency, .sound and .fail(); see
speech.py.

Shortcuts against the real thing: loopback only; each part lists its own.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path

if not __package__:  # run as a program: the package is the folder we are in
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from simulator.chat_api import Chat
from simulator.faults import Faults
from simulator.gemini_api import Model
from simulator.http_server import Server
from simulator.line_api import Line, shown
from simulator.line_sender import Sender, chat_id
from simulator.records import Book
from simulator.speech import Voice


class Simulator:
    """LINE, Gemini and the chat page behind one port."""

    def __init__(self, port=0, *, channel_secret, access_token, gemini_key,
                 tls=None):
        self.book = Book()
        self.faults = Faults()
        self.sender = Sender(self.book, channel_secret)
        self.line = Line(self.book, self.sender, self.faults, access_token)
        self.model = Model(self.book, self.faults, gemini_key)
        self.voice = Voice(self.book, self.model)
        self.chat = Chat(self)
        self.server = Server(port, self.route, tls)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"

    def start(self):
        """Answers from now on, in threads of its own."""
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def stop(self):
        """Ends all connections, hanging ones too, and frees the port."""
        self.model.stopping = True
        self.server.stop()

    def reset(self):
        """Forgets the records, sets behaviour back to the default."""
        self.faults.clear()
        self.model.reset()
        self.line.reset()
        self.voice.reset()
        self.book.clear()

    def route(self, exchange):
        """Hands a request to the service that it is for."""
        path = exchange.path
        if self.voice.owns(path):
            self.voice.serve(exchange)
        elif path.startswith("/v1beta/"):
            self.model.serve(exchange)
        elif self.chat.owns(path):
            self.chat.serve(exchange)
        else:
            self.line.serve(exchange)

    # what the app did

    @property
    def deliveries(self):
        return self.book.deliveries

    @property
    def requests(self):
        return self.book.requests

    @property
    def model_calls(self):
        return self.book.model_calls

    @property
    def hearings(self):
        return self.book.hearings

    @property
    def loadings(self):
        return self.book.loadings

    @property
    def violations(self):
        return self.book.violations

    def answers(self, user):
        """The texts that a user, or a group, saw so far."""
        who = self.user(user)
        return [shown(message) for delivery in list(self.deliveries)
                if who in (delivery.user, delivery.chat)
                for message in delivery.messages]

    def wait_answers(self, user, n, timeout):
        """Waits for n texts; returns those that came."""
        self.wait_for(lambda: len(self.answers(user)) >= n, timeout)
        return self.answers(user)

    def wait_for(self, predicate, timeout):
        """Waits until predicate() is true; returns its last value."""
        return self.book.wait_for(predicate, timeout)

    # what LINE does

    @property
    def webhook_url(self):
        return self.sender.webhook_url

    @webhook_url.setter
    def webhook_url(self, url):
        self.sender.webhook_url = url

    def user(self, name):
        return self.sender.user(name)

    def group(self, name):
        return chat_id("C", name)

    def event(self, kind, user, **fields):
        source = {"type": "user", "userId": self.user(user)}
        return self.sender.event(kind, fields.pop("source", source), **fields)

    def text_event(self, user, text, **overrides):
        return self.sender.text_event(user, text, **overrides)

    def group_text_event(self, group, user, text, mention_self=True,
                         **overrides):
        return self.sender.group_text_event(group, user, text, mention_self,
                                            **overrides)

    def send(self, events, *, signature=None, secret=None, headers=None):
        return self.sender.send(events, signature=signature, secret=secret,
                                headers=headers)

    def say(self, user, text):
        return self.send([self.text_event(user, text)])

    def voice_event(self, user, audio, words="", seconds=1.0, **overrides):
        """An event whose recording LINE has, and what it says."""
        event = self.sender.voice_event(user, seconds, **overrides)
        self.line.content[event["message"]["id"]] = ("audio/x-m4a", audio)
        self.model.words[audio] = words
        return event

    def speak(self, user, audio, words=""):
        return self.send([self.voice_event(user, audio, words)])

    def redeliver(self, event):
        return self.sender.redeliver(event)

    def signature(self, body, secret=None):
        return self.sender.sign(body, secret)

    def post_raw(self, body, headers, method="POST", url=None):
        return self.sender.post(body, headers, method, url)


def options(argv):
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Simulates LINE and Gemini on 127.0.0.1 and shows a chat "
                    "page. Prints 'ready URL' and runs until TERM or INT.")
    parser.add_argument("--port", type=int, default=8081,
                        help="port of all APIs and of the page (%(default)s, "
                             "0: any free one)")
    parser.add_argument("--webhook", required=True, metavar="URL",
                        help="where the app hears LINE's webhooks")
    parser.add_argument("--channel-secret", required=True, metavar="S",
                        help="key of the signatures on webhooks")
    parser.add_argument("--access-token", required=True, metavar="T",
                        help="what the app must show to call LINE")
    parser.add_argument("--gemini-key", required=True, metavar="K",
                        help="what the app must show to call Gemini")
    parser.add_argument("--debug-url", metavar="URL",
                        help="the app's /debug/sessions, for the status strip")
    parser.add_argument("--admin-token", metavar="A",
                        help="bearer token for --debug-url")
    parser.add_argument("--latency-ms", type=int, default=1200, metavar="MS",
                        help="how long the model thinks (%(default)s)")
    parser.add_argument("--tls-cert", metavar="FILE",
                        help="serve https with this certificate chain")
    parser.add_argument("--tls-key", metavar="FILE",
                        help="private key of the certificate")
    given = parser.parse_args(argv)
    if bool(given.tls_cert) != bool(given.tls_key):
        parser.error("--tls-cert and --tls-key go together")
    return given


def main(argv=None):
    """Runs as a program until a signal comes."""
    given = options(argv)
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # for all threads to come
    tls = (given.tls_cert, given.tls_key) if given.tls_cert else None
    try:
        sim = Simulator(given.port, channel_secret=given.channel_secret,
                        access_token=given.access_token,
                        gemini_key=given.gemini_key, tls=tls)
    except OSError as error:
        print(f"simulator: cannot serve port {given.port}: {error}",
              file=sys.stderr)
        return 1
    sim.webhook_url = given.webhook
    sim.model.latency = given.latency_ms / 1000
    sim.chat.debug_url = given.debug_url
    sim.chat.admin_token = given.admin_token
    sim.start()
    print(f"ready {sim.url}/", flush=True)
    signal.sigwait(ends)
    sim.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""ledger - what was acknowledged, and what became of it.

    ledger = Ledger(sim, bot, rng, users=300)
    ledger.start(threads=8)       # many users ask, until
    ...                           # something terrible happens, and
    ledger.stop()                 # all that was sent is acknowledged
    verdict = ledger.settle(60)   # no job is left, or a minute is over
    assert verdict.clean, verdict.explain()
    assert ledger.faults() == ""  # the store is whole

or ledger.ask(user) for a single question.  What is not answered 200 is
delivered again, as LINE does: same webhookEventId, isRedelivery true.  Of the
questions, voices (a share) are spoken, each in a recording of its own.

What becomes of each event is told by verdict.py.
"""

import json
import random
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import deployment
import sound
from simulator.line_sender import chat_id
from verdict import Entry, Judge
from wire import Wire

FATES = deployment.BUILD / "tests" / "torture" / "tools" / "fates"
AGAIN_S = 0.2  # until a redelivery; LINE takes longer
AT_ONCE = 0.05  # how often a user asks again at once, mostly to be dropped


class Ledger:
    """Asks, and remembers."""

    def __init__(self, sim, bot, rng=None, users=300, window=50.0,
                 patience=60.0, keep_requests=True, voices=0.0):
        self.sim = sim
        self.bot = bot
        self.rng = rng or random.Random()
        self.users = [chat_id("U", f"ledger {self.rng.random()} {i}")
                      for i in range(users)]
        self.window = window  # REPLY_WINDOW
        self.patience = patience  # how long one event is redelivered
        self.keep_requests = keep_requests
        self.voices = voices
        self.entries = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.threads = []
        self.boots = []  # when the machine came back

    # asking

    def start(self, threads=8, pace=0.0, after=None):
        """Threads that ask, each pace seconds after its last answer.

        after(entry) is called in the thread after each entry.
        """
        self.stopping.clear()
        for i in range(threads):
            thread = threading.Thread(
                target=self.ask_on, daemon=True,
                args=(self.users[i::threads], pace, after,
                      random.Random(self.rng.random())))
            self.threads.append(thread)
            thread.start()

    def ask_all(self, threads=8):
        """Every user asks once; returns when all are acknowledged."""
        asked = {entry.user for entry in self.entries}
        left = [user for user in self.users if user not in asked]

        def ask(users):
            wire = Wire(self.bot.port)
            for user in users:
                self.ask(user, wire=wire)
            wire.close()

        with ThreadPoolExecutor(threads) as executor:
            list(executor.map(ask, (left[i::threads]
                                    for i in range(threads))))

    def ask_on(self, users, pace, after, rng):
        wire = Wire(self.bot.port)
        turn = 0
        while not self.stopping.is_set():
            if turn == 0 or rng.random() > AT_ONCE:
                turn += 1
            entry = self.ask(users[turn % len(users)], wire=wire)
            if after is not None:
                after(entry)
            if pace:
                time.sleep(rng.uniform(0, 2 * pace))
        wire.close()

    def ask(self, user, text=None, wire=None, voice=None):
        """One question, delivered until it is acknowledged; the entry."""
        with self.lock:
            if voice is None:
                voice = self.rng.random() < self.voices
            text = text or f"Question {len(self.entries)}: what helps?"
            event = self.say(user, text) if voice \
                else self.sim.text_event(user, text)
            entry = Entry(event, user, text)
            self.entries.append(entry)
        own = wire or Wire(self.bot.port)
        end = time.monotonic() + self.patience
        while not self.post(entry, own) and time.monotonic() < end:
            time.sleep(AGAIN_S)
        if wire is None:
            own.close()
        if not self.keep_requests and len(self.entries) % 1000 == 0:
            self.forget()
        return entry

    def say(self, user, text):
        """A voice message with these words."""
        number = struct.pack(">I4sQ", 16, b"free", len(self.entries))
        return self.sim.voice_event(user, sound.m4a(1) + number, text)

    def post(self, entry, wire):
        """Delivers the event, or delivers it again; True when answered 200."""
        event = dict(entry.event)
        if entry.posts:
            event["deliveryContext"] = {"isRedelivery": True}
        body = json.dumps({"destination": self.sim.sender.destination,
                           "events": [event]}, ensure_ascii=False,
                          separators=(",", ":")).encode()
        self.sim.sender.note(event)
        at = time.monotonic()
        status = wire.post("/webhook", body, {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "LineBotWebhook/2.0",
            "x-line-signature": self.sim.signature(body)})
        entry.posts.append((at, status))
        entry.acked = entry.acked or status == 200
        return status == 200

    def forget(self):
        """Frees the records that nobody will ask for."""
        book = self.sim.book
        with book.changed:
            book.requests, book.model_calls, book.loadings = [], [], []
            book.hearings = []

    def acked(self):
        """How many are acknowledged by now."""
        with self.lock:
            return sum(entry.acked for entry in self.entries)

    def wait_acked(self, n, timeout):
        end = time.monotonic() + timeout
        while self.acked() < n and time.monotonic() < end:
            time.sleep(0.1)
        return self.acked() >= n

    def stop(self):
        """No more questions; returns when all are acknowledged or given up."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.threads = []

    # judging

    def settle(self, timeout=60):
        """Waits until no job is left, then judges."""
        end = time.monotonic() + timeout
        while not self.is_idle() and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.3)  # what comes after the end would be a duplicate
        return self.judge()

    def is_idle(self):
        try:
            return self.bot.sessions()["unfinished"] == 0
        except (OSError, AssertionError, ValueError):
            return False  # the server is down: not yet

    def judge(self):
        """Every entry's fate as things stand."""
        self.ask_store()
        return Judge(self.entries, set(self.users), self.window,
                     self.boots).judge(list(self.sim.deliveries))

    def faults(self, cleanup=None):
        """What mededbot-cleanup --check finds wrong in the store; "" is good.

        cleanup(bot, option) runs it otherwise than cron would.
        """
        bot = self.bot
        done = cleanup(bot, "--check") if cleanup else bot.run_as_owner(
            deployment.CLEANUP, "--check", "--config", bot.live_config)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def ask_store(self):
        """What the store recorded of each entry."""
        bot = self.bot
        asked = subprocess.run(
            deployment.as_owner([
                FATES, bot.folder / bot.settings["DATA_DIR"],
                bot.folder / bot.settings["KEY_FILE"],
                str(bot.settings["STORE_MAP_MB"])]),
            input="".join(f"{e.id} {e.user}\n" for e in self.entries),
            capture_output=True, text=True, timeout=60, cwd="/")
        assert asked.returncode == 0, asked.stderr
        answers = asked.stdout.splitlines()
        for entry, line in zip(self.entries, answers, strict=True):
            _, entry.key, entry.fate, entry.job, entry.end = line.split(" ",
                                                                        4)

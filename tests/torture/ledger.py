"""ledger - what was acknowledged, and what became of it.

    ledger = Ledger(sim, bot, rng, users=300)
    ledger.start(threads=8)       # many users ask, until
    ...                           # something terrible happens, and
    ledger.stop()                 # all that was sent is acknowledged
    verdict = ledger.settle(60)   # no job is left, or a minute is over
    assert verdict.clean, verdict.explain()

or ledger.ask(user) for a single question.  What is not answered 200 is
delivered again, as LINE does: same webhookEventId, isRedelivery true.

Each acknowledged event ends in exactly one answer, apology or recorded drop.
The simulator's records say what the user saw, the store (tools/fates.c) what
was recorded:

    answered     the user saw the answer to this question, once
    apologised   one of our fixed sentences instead, once
    dropped ...  the store's word: dropped, slow_down, system_busy, old
    dead ...     a dead letter, and nothing that the user could be told
    undecidable  a reply whose outcome nobody knows, and a push after the
                 token's time, or after a boot, which hides its age: the one
                 duplicate that cannot be avoided
    LOST         acknowledged, and nothing of the above
    DUPLICATE    seen twice otherwise
    STUCK        the job is still open when all should be over
    WRONG        somebody else's answer, one to an event that the store does
                 not know, or a drop that had no reason

An event that was never acknowledged (refused) may be seen once at most.
"""

import collections
import json
import random
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import deployment
from simulator.line_sender import chat_id
from wire import Wire

FATES = deployment.BUILD / "tests" / "torture" / "tools" / "fates"
BAD = ("LOST", "DUPLICATE", "STUCK", "WRONG")
DROPS = ("dropped", "slow_down", "system_busy", "old")
SORRY = {
    "System busy, try again",
    "Slow down please",
    "Request timed out, please try again",
    "I cannot answer this. Please ask a doctor.",
    "I have no answer. Please ask in other words.",
    "Something went wrong. Please try again later.",
    "I could not send my answer. Please retry.",
}
AGAIN_S = 0.2  # until a redelivery; LINE takes longer
AT_ONCE = 0.05  # how often a user asks again at once, mostly to be dropped


class Entry:
    """One event: when it was posted and what came of it."""

    __slots__ = ("event", "user", "question", "posts", "acked", "seen",
                 "fate", "job", "end")

    def __init__(self, event, user, question):
        self.event = event
        self.user = user
        self.question = question
        self.posts = []  # (when, status); 0: no answer
        self.acked = False
        self.seen = []  # deliveries
        self.fate = self.job = self.end = None

    @property
    def id(self):
        return self.event["webhookEventId"]

    def waited_s(self):
        """From the acknowledgement to what the user saw first."""
        return self.seen[0].at - self.posts[-1][0]

    def __repr__(self):
        start = self.posts[0][0] if self.posts else 0
        posts = [f"{at - start:.3f}:{status}" for at, status in self.posts]
        seen = [f"{d.at - start:.3f}:{d.kind}:{texts_of(d)[0][:40]!r}"
                for d in self.seen]
        return (f"{self.id} {self.question!r} posts={posts} seen={seen} "
                f"fate={self.fate} job={self.job} end={self.end}")


def texts_of(delivery):
    return [message["text"] for message in delivery.messages]


def summary_of(counts):
    """One line: what there should be first, what there should not be last."""
    first = ("posted", "acknowledged", "redelivered", "refused",
             "answered", "apologised", "undecidable")
    rest = sorted(set(counts) - set(first) - set(BAD))
    return " ".join(f"{name.replace(' ', '-')}={counts[name]}"
                    for name in (*first, *rest, *BAD))


class Verdict:
    """Every entry's fate."""

    def __init__(self):
        self.counts = collections.Counter()
        self.sorry = collections.Counter()  # which apologies
        self.entries = {}

    def add(self, name, entry):
        self.counts[name] += 1
        self.entries.setdefault(name, []).append(entry)

    def of(self, entry):
        """The fate of one entry."""
        return next(name for name, entries in self.entries.items()
                    if entry in entries)

    def __getitem__(self, name):
        """The entries of that fate."""
        return self.entries.get(name, [])

    @property
    def bad(self):
        return sum(self.counts[name] for name in BAD)

    @property
    def clean(self):
        return self.bad == 0

    def summary(self):
        return summary_of(self.counts)

    def explain(self):
        lines = [self.summary(), f"apologies: {dict(self.sorry)}"]
        for name in (*BAD, "undecidable"):
            lines += [f"{name} {entry}" for entry in self[name][:5]]
        return "\n".join(lines)

    def slowest(self, n=1):
        """The entries that were answered last, the slowest first."""
        seen = [entry for entries in self.entries.values()
                for entry in entries if entry.acked and entry.seen]
        return sorted(seen, key=Entry.waited_s, reverse=True)[:n]


class Ledger:
    """Asks, and remembers."""

    def __init__(self, sim, bot, rng=None, users=300, window=50.0,
                 patience=60.0, keep_requests=True):
        self.sim = sim
        self.bot = bot
        self.rng = rng or random.Random()
        self.users = [chat_id("U", f"ledger {self.rng.random()} {i}")
                      for i in range(users)]
        self.window = window  # REPLY_WINDOW
        self.patience = patience  # how long one event is redelivered
        self.keep_requests = keep_requests
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
        def ask(users):
            wire = Wire(self.bot.port)
            for user in users:
                self.ask(user, wire=wire)
            wire.close()

        with ThreadPoolExecutor(threads) as executor:
            list(executor.map(ask, (self.users[i::threads]
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

    def ask(self, user, text=None, wire=None):
        """One question, delivered until it is acknowledged; the entry."""
        with self.lock:
            text = text or f"Question {len(self.entries)}: what helps?"
            event = self.sim.text_event(user, text)
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
        verdict = Verdict()
        self.sorry = verdict.sorry
        self.match_deliveries()
        self.ask_store()
        accepted = collections.defaultdict(list)
        for entry in self.entries:
            if entry.fate == "accepted":
                accepted[entry.user].append(entry)
        for entry in self.entries:
            verdict.counts["posted"] += 1
            verdict.counts["acknowledged"] += entry.acked
            verdict.counts["redelivered"] += len(entry.posts) > 1
            verdict.add(self.fate_of(entry, accepted[entry.user]), entry)
        return verdict

    def match_deliveries(self):
        """Finds the event of each delivery; a push names it by its quote."""
        by_id = {entry.id: entry for entry in self.entries}
        by_quote = {entry.event["message"]["quoteToken"]: entry
                    for entry in self.entries}
        by_user = collections.defaultdict(list)
        for entry in self.entries:
            entry.seen = []
            by_user[entry.user].append(entry)
        for delivery in list(self.sim.deliveries):
            entry = by_id.get(delivery.event_id) or by_quote.get(
                delivery.messages[0].get("quoteToken"))
            if entry is None and by_user[delivery.user]:
                unseen = [e for e in by_user[delivery.user] if not e.seen]
                entry = (unseen or by_user[delivery.user])[0]
            if entry is not None:
                entry.seen.append(delivery)

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
            _, entry.fate, entry.job, entry.end = line.split(" ", 3)

    def fate_of(self, entry, accepted):
        """accepted: what the store took of the same user."""
        if len(entry.seen) > 1:
            return "undecidable" if self.is_undecidable(entry) \
                else "DUPLICATE"
        if entry.end == "open":
            return "STUCK"
        if entry.seen:
            return self.what_was_seen(entry)
        if not entry.acked:
            return "refused"
        if entry.fate in DROPS:
            return self.why_dropped(entry, accepted)
        if entry.fate == "accepted" and entry.end not in ("gone", "corrupt"):
            return f"dead {entry.end}"
        return "LOST"

    def is_undecidable(self, entry):
        """Was the second one a push, after the token's time?"""
        if [d.kind for d in entry.seen] != ["reply", "push"]:
            return False
        reply, push = (delivery.at for delivery in entry.seen)
        if any(reply < boot < push for boot in self.boots):
            return True
        return push - entry.posts[-1][0] >= self.window

    def what_was_seen(self, entry):
        text = "\n".join(texts_of(entry.seen[0]))
        if f"“{entry.question}”" in text:
            return "answered" if entry.fate == "accepted" else "WRONG"
        if text not in SORRY:
            return "WRONG"
        if entry.fate != "accepted":
            return f"dropped {entry.fate}"
        self.sorry[text] += 1
        return "apologised"

    def why_dropped(self, entry, accepted):
        """Dropped means that another question of the user's was open."""
        if entry.fate == "dropped" and not any(
                other.posts[0][0] <= entry.posts[-1][0]
                for other in accepted):
            return "WRONG"
        return f"dropped {entry.fate}"

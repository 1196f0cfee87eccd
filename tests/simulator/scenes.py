"""scenes - prepared situations for the chat page, and how they went.

A scene speaks for some users at once, and counts what came back for each of
its messages: an answer, "busy", "slow down", another word of the bot, or
nothing.

Shortcuts against the real thing: the kind of an answer is told by the
question it quotes, or by a few English words; a push is counted for the
oldest open message of its user.
"""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, NamedTuple

from simulator.line_api import shown

FLOOD_USERS = 130
FAULT_SECONDS = 60
SLOW = re.compile(r"slow|too (fast|quick|many)|one at a time", re.I)
BUSY = re.compile(r"busy|many (people|users|requests)|overload", re.I)


class Kind(NamedTuple):
    """A scene: its name on the button, what to expect, its lines."""

    title: str
    expect: str
    lines: Callable
    fault: str = None
    times: int = None


def three_users(run):
    return [("user-1", "I have a fever of 38.5. What should I do?"),
            ("user-2", "Which blood pressure is too high for a patient?"),
            ("user-3", "Can I eat fruit with diabetes?")]


def one_user(run):
    return [("user-1", "How much water should I drink a day?"),
            ("user-1", "And is tea all right?"),
            ("user-1", "Hello? Are you there?")]


def flood(run):
    return [(f"flood-{run}-{i}", f"Question {i}: how do I sleep better?")
            for i in range(1, FLOOD_USERS + 1)]


def hanging(run):
    return [("user-2", "Which vaccines does a nurse need every year?")]


def blocked(run):
    return [("user-3", "A question that the model refuses to answer")]


def overloaded(run):
    return [("user-1", "I forgot to take my pill. What now?")]


SCENES = {
    "three": Kind(
        "Three users at once",
        "All three are answered side by side, each with their own answer.",
        three_users),
    "one-three": Kind(
        "One user three times",
        "The first message is answered. The other two come while the bot is "
        "busy with it and are dropped without a word.", one_user),
    "flood": Kind(
        f"Flood ({FLOOD_USERS} users)",
        "About 100 users are answered; the rest hear at once that the system "
        "is busy. Nobody waits for nothing.", flood),
    "hang": Kind(
        "Hanging model",
        "The model never answers Kenji. After the time limit (30 s) the bot "
        "apologises and he may ask again.", hanging, "hang"),
    "safety": Kind(
        "Model blocks (safety)",
        "The model refuses. The bot says so at once and does not retry.",
        blocked, "safety_prompt"),
    "overloaded": Kind(
        "Model overloaded once",
        "The first call fails with 503. The bot tries again and Mei gets her "
        "answer, a little later.", overloaded, "503", 1),
}


class Scene:
    """One performance of a scene."""

    count = 0

    def __init__(self, sim, name):
        Scene.count += 1
        self.sim = sim
        self.id = Scene.count
        self.name = name
        self.kind = SCENES[name]
        self.start = time.monotonic()
        self.lines = self.kind.lines(f"{int(time.time())}")
        self.lock = threading.Lock()
        self.sent = {}

    def play(self):
        """Sends all lines: at once, but one user's in order."""
        texts = {text for _, text in self.lines}
        end = self.start + FAULT_SECONDS
        if self.kind.fault:
            self.sim.faults.add(
                "gemini", self.kind.fault, self.kind.times,
                lambda call: call.question in texts
                and time.monotonic() < end)
        by_user = {}
        for user, text in self.lines:
            by_user.setdefault(user, []).append(text)
        with ThreadPoolExecutor(32) as pool:
            for user, texts in by_user.items():
                pool.submit(self.speak, user, texts)

    def speak(self, user, texts):
        for text in texts:
            event = self.sim.text_event(user, text)
            entry = {"user": event["source"]["userId"], "text": text,
                     "at": time.monotonic(), "status": None}
            with self.lock:
                self.sent[event["webhookEventId"]] = entry
            entry["status"], _ = self.sim.send([event])

    def outcomes(self):
        """event id -> what came back for it."""
        with self.lock:
            sent = dict(self.sent)
        result = dict.fromkeys(sent, "nothing")
        for delivery in list(self.sim.deliveries):
            event = delivery.event_id or next(
                (key for key, entry in sent.items()
                 if entry["user"] == delivery.user
                 and entry["at"] <= delivery.at
                 and result[key] == "nothing"), None)
            if event in sent:
                text = "\n".join(map(shown, delivery.messages))
                result[event] = outcome(sent[event]["text"], text)
        return result

    def state(self):
        """What the page shows of it."""
        counts = dict.fromkeys(
            ("answered", "busy", "slow", "other", "nothing"), 0)
        for value in self.outcomes().values():
            counts[value] += 1
        statuses = [entry["status"] for entry in list(self.sent.values())]
        return {"id": self.id, "name": self.name, "title": self.kind.title,
                "expect": self.kind.expect, "total": len(self.lines),
                "sent": len(statuses), "counts": counts,
                "refused": sum(s not in (None, 200) for s in statuses),
                "seconds": round(time.monotonic() - self.start, 1)}


def outcome(question, text):
    """The kind of an answer."""
    if question in text:
        return "answered"
    if SLOW.search(text):
        return "slow"
    return "busy" if BUSY.search(text) else "other"

"""Each way in which LINE and Gemini fail, in each step, alone and in random
sequences: every acknowledged event ends as it should.

Two rules keep answers from coming twice, and each is taken out once: a reply
whose outcome is unknown is tried with the same token, and a push with the
same retry key.
"""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import deployment
from conftest import LONG, SEED
from ledger import Ledger
from simulator import Simulator, faults
from verdict import summary_of

LATE = "This comes late: "  # such a question's answer has to be pushed
LATE_S = 1.3
SETTLE_S = 60
ANSWERED, SORRY, UNDECIDABLE = "answered", "apologised", "undecidable"
REFUSED, QUOTA = "dead refused", "dead quota"


class Group:
    """Faults that may share a deployment: none of them closes a step to all.

    rows: (step, fault, times) -> fate; times None: each time.
    """

    def __init__(self, rows, late=False, good_between=False, long=False,
                 **settings):
        self.rows = rows
        self.long = long  # takes half a minute
        self.late = late
        self.good_between = good_between
        self.settings = settings


def rows(step, times, fate, names):
    return {(step, name, times): fate for name in names.split()}


RETRIED = ("cut truncated_json drop garbage garbage_502 empty_body 429_minute "
           "error_array 500 503 504")
SILENT = "recitation empty_parts max_tokens_empty no_candidates thinking_only"
UNSAFE = "safety_prompt safety_candidate"
REFUSING = "403 404_model 400_key"
SLOW = "hang drip"

ALL_GROUPS = {
    "the model, once": Group({
        **rows("gemini", 1, ANSWERED, RETRIED),
        **rows("gemini", 1, ANSWERED, SILENT),
        **rows("gemini", 1, ANSWERED, REFUSING),
        **rows("gemini", 1, ANSWERED, "max_tokens_partial"),
        **rows("gemini", 1, SORRY, UNSAFE),
        **rows("gemini", 1, SORRY, SLOW),
    }, good_between=True, GEMINI_TIMEOUT=4),
    "the model, each time": Group({
        **rows("gemini", None, SORRY, RETRIED),
        **rows("gemini", None, SORRY, SILENT),
        **rows("gemini", None, SORRY, REFUSING),
        **rows("gemini", None, ANSWERED, "max_tokens_partial"),
        **rows("gemini", None, SORRY, UNSAFE),
        **rows("gemini", None, SORRY, SLOW),
    }, good_between=True, GEMINI_TIMEOUT=4),
    "the day's calls are used up": Group(
        rows("gemini", 1, ANSWERED, "429_day")),
    "the account is empty": Group(
        rows("gemini", 1, ANSWERED, "402")),
    "the reply, once": Group({
        **rows("reply", 1, ANSWERED, "500 503 429_rate 429_monthly drop lost "
               "500_accepted hang hang_accepted 403 404 invalid_token"),
        **rows("reply", 1, SORRY, "400_content"),
    }),
    "the reply, each time": Group({
        **rows("reply", None, ANSWERED, "500 503 429_rate 429_monthly drop "
               "lost 500_accepted 403 404 invalid_token"),
        **rows("reply", None, REFUSED, "400_content"),
        # Accepted, and nothing said until the token's time is over.
        **rows("reply", None, UNDECIDABLE, "hang_accepted"),
    }, REPLY_WINDOW=2),
    "the push, once": Group({
        **rows("push", 1, ANSWERED, "500 503 429_rate drop lost 500_accepted "
               "hang hang_accepted"),
        **rows("push", 1, SORRY, "400_content"),
        **rows("push", 1, REFUSED, "403 404 invalid_token"),
    }, late=True, REPLY_WINDOW=1),
    "the push, each time": Group({
        **rows("push", 3, ANSWERED, "lost 500_accepted"),
        **rows("push", None, REFUSED, "400_content 403 404 invalid_token"),
    }, late=True, REPLY_WINDOW=1),
    "the month's pushes are used up": Group(
        rows("push", 1, QUOTA, "429_monthly"), late=True, REPLY_WINDOW=1),
    "the reply, never answered": Group(
        rows("reply", None, ANSWERED, "hang"), long=True, REPLY_WINDOW=2),
    "the token is refused to a reply": Group(
        rows("reply", 1, ANSWERED, "401"), long=True),
    "the token is refused to a push": Group(
        rows("push", 1, ANSWERED, "401"), late=True, long=True,
        REPLY_WINDOW=1),
}
GROUPS = {name: group for name, group in ALL_GROUPS.items()
          if LONG or not group.long}
# Faults that would stop all of a step for long, left out of the sequences.
STOPPING = {"gemini": {"429_day", "402"}, "reply": {"401"},
            "push": {"401", "429_monthly"}}


def late_ones_wait(sim):
    sim.model.latency = lambda call: \
        LATE_S if call.question.startswith(LATE) else 0.05


def order(sim, entry_user, text, row):
    """The fault of this row, for this user's event alone."""
    step, name, times = row
    wants = {
        "gemini": lambda call: call.question == text,
        "reply": lambda call: sim.sender.tokens[
            call.json["replyToken"]].user == entry_user,
        "push": lambda call: call.json["to"] == entry_user,
    }
    return sim.faults.add(step, name, times=times, match=wants[step])


def ask_for(sim, ledger, group, row):
    """An event that meets the fault, and one that keeps breakers closed."""
    user = ledger.users[len(ledger.entries)]
    text = f"{LATE if group.late else ''}{row[0]} {row[1]} {row[2]}?"
    fault = order(sim, user, text, row)
    entry = ledger.ask(user, text)
    if group.good_between:
        assert sim.wait_for(lambda: fault.fired > 0, 10)
        good = ledger.ask(ledger.users[len(ledger.entries)])
        assert sim.wait_answers(good.user, 1, 10)
    return entry


def play(sim, bot, rng, group):
    """Runs a group; returns its entries by row, and the verdict."""
    ledger = Ledger(sim, bot, rng, users=2 * len(group.rows),
                    window=float(group.settings.get("REPLY_WINDOW", 50)))
    entries = {row: ask_for(sim, ledger, group, row) for row in group.rows}
    return entries, ledger.settle(SETTLE_S)


@pytest.fixture(scope="module", autouse=True)
def alone():
    """All groups side by side, on a simulator of their own.

    Some wait for long, so they begin before the other tests of this file and
    are looked at after them.  name -> what play() will return.
    """
    sim = Simulator(channel_secret=deployment.CHANNEL_SECRET,
                    access_token=deployment.ACCESS_TOKEN,
                    gemini_key=deployment.GEMINI_KEY)
    sim.start()
    late_ones_wait(sim)
    bots = {name: deployment.Deployment("lighttpd", sim, 1, **group.settings)
            for name, group in GROUPS.items()}

    def run(name):
        bots[name].start()
        rng = random.Random(f"{SEED} {name}")
        return play(sim, bots[name], rng, GROUPS[name])

    with ThreadPoolExecutor(len(GROUPS)) as executor:
        yield sim, {name: executor.submit(run, name) for name in GROUPS}
    for bot in bots.values():
        bot.stop()
        bot.remove()
    sim.stop()


class Script:
    """The faults of each event: its questions, replies and pushes by number.

    The same seed gives the same faults to the same question.
    """

    HIT = 0.35  # of the first three calls of each step
    SLOW = {"hang", "drip", "hang_accepted"}

    def __init__(self, sim, seed, slow_share):
        """slow_share: of the hits, those that cost ten seconds."""
        self.sim = sim
        self.seed = seed
        self.slow_share = slow_share
        self.lock = threading.Lock()
        self.counts = {}
        self.played = 0
        sim.line.faults = sim.model.faults = self

    def take(self, step, call):
        """In the place of Faults.take()."""
        key = (step, self.question(step, call))
        with self.lock:
            number = self.counts[key] = self.counts.get(key, 0) + 1
        rng = random.Random(f"{self.seed} {key} {number}")
        if step not in STOPPING or number > 3 or rng.random() > self.HIT:
            return None
        table = faults.GEMINI if step == "gemini" else faults.LINE
        names = set(table) - STOPPING[step] - self.SLOW
        if number > 1:
            # Lies, after an attempt that may have arrived: a token is valid
            # while it is young, or was used; content is good, or is not.
            names -= {"invalid_token", "400_content"}
        names = sorted(names)
        if rng.random() < self.slow_share:
            names = sorted(self.SLOW & set(table))
        self.played += 1
        return faults.Fault(step, rng.choice(names), 1, None, {})

    def question(self, step, call):
        if step == "gemini":
            return call.question
        if step == "reply":
            token = self.sim.sender.tokens[call.json["replyToken"]]
            return self.sim.sender.said[token.event_id].text
        return call.json.get("to") or call.json.get("chatId")


def sequences(deploy, sim, rng, seconds, slow_share):
    """Many users, and a script of faults; the script and the ledger."""
    bot = deploy(workers=2, GEMINI_TIMEOUT=4, REPLY_WINDOW=5,
                 HISTORY_TURNS=2, STORE_MAP_MB=64)
    script = Script(sim, rng.random(), slow_share)
    sim.model.latency = lambda call: random.uniform(0, 0.3)
    ledger = Ledger(sim, bot, rng, users=1000, window=5.0)
    ledger.start(threads=6, pace=0.05)
    time.sleep(seconds)
    ledger.stop()
    return script, ledger


def test_random_sequences_of_faults(deploy, sim, rng, measure, long):
    script, ledger = sequences(deploy, sim, rng, 240 if long else 4,
                                slow_share=0.1 if long else 0.0)
    verdict = ledger.settle(SETTLE_S)
    measure("faults", script.played)
    measure("fates", verdict.summary())
    measure("apologies", dict(verdict.sorry))
    assert verdict.clean, verdict.explain()
    assert sim.violations == []
    assert ledger.faults() == ""
    assert script.played > 0


@pytest.mark.parametrize("hook, step, window", [
    ("push_at_once", "reply", 50), ("other_retry_key", "push", 1)])
def test_control_an_answer_sent_twice_is_caught(deploy, sim, rng, measure,
                                                hook, step, window):
    late_ones_wait(sim)
    group = Group(rows(step, 1, ANSWERED, "lost 500_accepted"),
                  late=step == "push", REPLY_WINDOW=window)
    bot = deploy(workers=1, hook=hook, **group.settings)
    _, verdict = play(sim, bot, rng, group)
    measure("fates", verdict.summary())
    assert len(verdict["DUPLICATE"]) == 2, verdict.explain()


def test_each_fault_alone(alone, measure):
    sim, played = alone
    unlike = []
    counts = Counter()
    for name, group in GROUPS.items():
        entries, verdict = played[name].result()
        counts += verdict.counts
        assert verdict.clean, f"{name}: {verdict.explain()}"
        unlike += [f"{name}: {row}: {verdict.of(entries[row])}, not {fate}"
                   for row, fate in group.rows.items()
                   if verdict.of(entries[row]) != fate]
    assert unlike == []
    assert sim.violations == []
    measure("faults", sum(len(group.rows) for group in GROUPS.values()))
    measure("fates", summary_of(counts))

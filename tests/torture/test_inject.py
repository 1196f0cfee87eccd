"""Each write of a commit, in turn, ends the worker or fails.

A commit writes pages, flushes them, and writes the page that makes them count.
strace ends the worker before the n-th of these calls, or makes it fail, in an
admission and in the steps of the engine.
"""

import itertools
import os
import signal

import pytest

import faults
import wire
from ledger import Ledger

CALLS = ("lseek", "writev", "pwrite64", "fdatasync")
EFFECTS = ("signal=KILL", "error=EIO", "error=ENOSPC")
THREADS = {"admission": faults.acceptors_of,
           "step": lambda pid: [faults.engine_of(pid)]}
# One commit admits a question, two answer it; and that for two questions.
MOST = {"admission": 2, "step": 4}
SHORT = 3  # places in the short form
ROUNDS = 10  # through all places in the long form
PATIENCE_S = 15
SETTLE_S = 30
MAYBE_S = 0.5  # within this a claim meets the broken environment


@pytest.fixture
def ledger(sim, rng, monkeypatch):
    monkeypatch.setattr(wire, "ANSWER_S", 5.0)

    def ledger(bot):
        return Ledger(sim, bot, rng, users=2000, patience=PATIENCE_S)
    return ledger


def points(where, effect):
    """(call, n): every place where a commit can be hit."""
    calls = [c for c in CALLS if c != "lseek" or effect == "signal=KILL"]
    return list(itertools.product(calls, range(1, MOST[where] + 1)))


def hit(ledger, where, effect, call, n):
    """One question to a worker that is hit there; was it hit?

    The other worker is untouched, and the traced one is let go before LINE
    delivers again.
    """
    bot = ledger.bot
    pids = bot.wait_workers(2)
    target = ledger.rng.choice(pids)
    entries = len(ledger.entries)
    with faults.strace(THREADS[where](target),
                       f"inject={call}:{effect}:when={n}", call) as traced:
        ledger.patience = 0
        for _ in range(4):  # the server takes the workers in turn
            entry = ledger.ask(ledger.users[len(ledger.entries)])
            if where == "step":
                faults.wait_until(lambda: traced.hits() or
                                  ledger.sim.answers(entry.user), PATIENCE_S)
            if traced.hits():
                break
    for entry in ledger.entries[entries:]:
        deliver_again(ledger, entry)
    if traced.hits():
        survives = effect == "error=ENOSPC"  # unless it hit the last page
        ended = faults.wait_until(lambda: target not in bot.worker_pids(),
                                  MAYBE_S if survives else PATIENCE_S)
        assert ended or survives
    return traced.hits()


def deliver_again(ledger, entry):
    """Delivers what was not acknowledged until it is."""
    line = wire.Wire(ledger.bot.port)
    faults.wait_until(lambda: entry.acked or ledger.post(entry, line),
                      PATIENCE_S)
    line.close()


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("where", THREADS)
def test_every_write_of_a_commit(deploy, ledger, rng, long, measure, where,
                                 effect):
    ledger = ledger(deploy(ACCEPT_THREADS=1))
    places = points(where, effect) * ROUNDS
    if not long:
        places = rng.sample(points(where, effect), SHORT)
    hits = [place for place in places if hit(ledger, where, effect, *place)]
    measure(f"{len(hits)} hits",
            " ".join(f"{call}:{n}" for call, n in sorted(set(hits))))
    assert hits
    verdict = ledger.settle(SETTLE_S)
    measure("verdict", verdict.summary())
    assert verdict.clean, verdict.explain()
    assert verdict.counts["refused"] == 0
    assert verdict.counts["answered"] == len(ledger.entries)


def is_damaged(ledger):
    """Did an acknowledged question get lost, or even the store?"""
    try:
        verdict = ledger.settle(PATIENCE_S)
    except AssertionError:
        return True  # nobody can read the store any more
    return not verdict.clean


def test_control_acknowledged_before_the_commit(deploy, ledger):
    """What dies in the commit is lost then."""
    ledger = ledger(deploy(hook="early_ack", workers=1, ACCEPT_THREADS=1))
    pid, = ledger.bot.wait_workers(1)
    with faults.strace([pid], "inject=fdatasync:signal=KILL:when=1",
                       "fdatasync", "-f") as traced:
        assert ledger.ask(ledger.users[0]).acked
        assert faults.wait_until(traced.hits, PATIENCE_S)
    ledger.bot.wait_workers(1)
    verdict = ledger.settle(SETTLE_S)
    assert verdict["LOST"], verdict.explain()


def test_control_deaf_to_a_failed_write(deploy, ledger, preload):
    """Pages that never came to the file are missing, one by one."""
    app = preload("deaf")
    ledger = ledger(deploy(app=app.path, workers=1, ACCEPT_THREADS=1))
    pid, = ledger.bot.wait_workers(1)
    with faults.strace([pid], "inject=writev,pwrite64:error=EIO:when=1+2",
                       "writev,pwrite64", "-f") as traced:
        ledger.patience = 0
        acked = [ledger.ask(user).acked for user in ledger.users[:10]]
        assert traced.hits() and any(acked)
    assert is_damaged(ledger)

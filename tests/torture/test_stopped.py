"""A worker that is stopped, not dead: its locks stay, its leases stay, and one
day it goes on where it was.  The others must not wait for that day, and must
not let it undo what they did meanwhile."""

import os
import re
import signal
import threading
import time

import pytest

import faults
import wire
from conftest import LONG
from ledger import Ledger

PATIENCE_S = 12
SETTLE_S = 30
MANY = 800
GRACE_S = 3  # in which what nobody frees stays full


@pytest.fixture
def stopped():
    """stopped.append(pid): will be killed at the end, if it still is there."""
    pids = []
    yield pids
    for pid in pids:
        if faults.is_stopped(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def ledger(sim, rng, monkeypatch):
    monkeypatch.setattr(wire, "ANSWER_S", 2.0)  # as long as LINE waits

    def ledger(bot):
        return Ledger(sim, bot, rng, users=50, patience=PATIENCE_S)
    return ledger


def replies(sim):
    return [r for r in list(sim.requests)
            if r.path.endswith("/message/reply")]


# Holding leases.

def late_worker(ledger, jump, stopped):
    """The history of a worker that is stopped while it waits for the model,
    and goes on when its successor has stored the answer and waits for LINE.
    Returns what the late one says about the job."""
    bot, sim = ledger.bot, ledger.sim
    sim.model.latency = 2.5  # it is stopped by then, on a slow machine too
    assert ledger.ask(ledger.users[0]).acked
    assert sim.wait_for(lambda: sim.model_calls, PATIENCE_S)
    late = bot.connected_worker(sim.server.server_port)
    os.kill(late, signal.SIGSTOP)
    stopped.append(late)
    sim.model.latency = 0.1
    sim.faults.add("reply", "hang_accepted")
    jump.set(boot=30)  # its lease runs out
    assert sim.wait_for(lambda: replies(sim), PATIENCE_S)
    os.kill(late, signal.SIGCONT)
    faults.wait_until(lambda: last_word(bot, late), PATIENCE_S)
    for pid in bot.worker_pids():
        if pid != late:
            os.kill(pid, signal.SIGKILL)
    bot.wait_workers(2)
    return last_word(bot, late)


def last_word(bot, pid):
    found = re.search(rf"pid={pid} job=\S+ (?:outcome=left reason=(\w+)|"
                      r"end=(\w+))", bot.log_text())
    return found and (found[1] or found[2])


def turns_shown(ledger):
    """How many earlier questions the model is shown with the next one."""
    ledger.sim.model.latency = 0
    entry = ledger.ask(ledger.users[0])
    assert faults.wait_until(ledger.is_idle, SETTLE_S)
    call = [c for c in list(ledger.sim.model_calls)
            if c.question == entry.question][-1]
    return sum(turn["role"] == "user" for turn in call.contents) - 1


def test_a_late_worker_is_refused_by_the_fence(deploy, ledger, preload,
                                               stopped):
    app = preload("jump")
    ledger = ledger(deploy(app=app.path))
    assert late_worker(ledger, app.jump, stopped) == "fenced"
    verdict = ledger.settle(SETTLE_S)
    assert verdict.clean, verdict.explain()
    assert turns_shown(ledger) == 1


def test_control_without_a_fence_the_late_worker_does_damage(
        deploy, ledger, preload, stopped, measure):
    app = preload("jump", hook="no_fence")
    ledger = ledger(deploy(app=app.path))
    assert late_worker(ledger, app.jump, stopped) != "fenced"
    verdict = ledger.settle(SETTLE_S)
    duplicates, turns = verdict.counts["DUPLICATE"], turns_shown(ledger)
    measure("seen twice, remembered", f"{duplicates}, {turns}")
    assert duplicates > 0 or turns > 1, verdict.explain()


@pytest.mark.skipif(not LONG, reason="25 s: in the long form only")
def test_the_lease_of_a_stopped_worker_ends_by_itself(deploy, ledger, stopped,
                                                      measure):
    """With nobody's clock touched; the shortest lease lasts 25 s."""
    ledger = ledger(deploy())
    ledger.sim.model.latency = 1.0
    assert ledger.ask(ledger.users[0]).acked
    assert ledger.sim.wait_for(lambda: ledger.sim.model_calls, PATIENCE_S)
    late = ledger.bot.connected_worker(ledger.sim.server.server_port)
    began = time.monotonic()
    os.kill(late, signal.SIGSTOP)
    stopped.append(late)
    assert ledger.sim.wait_for(lambda: ledger.sim.deliveries, 60)
    measure("answered after", time.monotonic() - began, "s")
    os.kill(late, signal.SIGCONT)
    verdict = ledger.settle(SETTLE_S)
    assert verdict.clean, verdict.explain()


# Holding the turn to write.

def stop_at(ledger, nth, name, n, stopped):
    """One question; a worker stops at the n-th call.  Returns its pid."""
    nth.set(name, n, -signal.SIGSTOP)
    asking = threading.Thread(target=ledger.ask, args=(ledger.users[0],))
    asking.start()
    assert faults.wait_until(lambda: nth[name].fired, PATIENCE_S)
    pid = nth[name].pid
    stopped.append(pid)
    assert faults.wait_until(lambda: faults.is_stopped(pid), PATIENCE_S)
    return pid, asking


@pytest.mark.parametrize("nth", [1, 2], ids=["admission", "step"])
def test_who_stops_in_the_write_turn_is_killed(deploy, ledger, preload,
                                               stopped, measure, nth):
    app = preload("nth")
    ledger = ledger(deploy(app=app.path))
    holder, asking = stop_at(ledger, app.nth, "flush", nth, stopped)
    began = time.monotonic()
    assert ledger.ask(ledger.users[1]).acked
    measure("the next question was taken after", time.monotonic() - began, "s")
    asking.join()
    verdict = ledger.settle(SETTLE_S)
    assert verdict.clean, verdict.explain()
    assert not faults.is_stopped(holder)


def test_control_without_the_kill_nobody_writes(deploy, ledger, preload,
                                                stopped):
    app = preload("nth", hook="no_stall_kill")
    ledger = ledger(deploy(app=app.path))
    ledger.patience = 4  # twice the time in which it would be killed
    _, asking = stop_at(ledger, app.nth, "flush", 1, stopped)
    assert not ledger.ask(ledger.users[1]).acked
    asking.join()


# Holding a snapshot.

@pytest.fixture
def impatient(monkeypatch):
    """What was given to the stopped worker goes to another one soon."""
    monkeypatch.setattr(wire, "ANSWER_S", 0.3)


def talk_beside_a_reader(deploy, ledger, app, stopped, patience):
    """A worker stops while it reads; how much the others do then would fill
    the map several times, if nothing that they freed could be used again."""
    ledger = ledger(deploy(app=app.path, workers=3, STORE_MAP_MB=4))
    ledger.patience = patience
    app.nth.set("snapshot", 1, -signal.SIGSTOP)
    assert faults.wait_until(lambda: app.nth["snapshot"].fired, PATIENCE_S)
    stopped.append(app.nth["snapshot"].pid)
    began = time.monotonic()
    ledger.start(threads=4)
    faults.wait_until(lambda: ledger.acked() >= MANY
                      or "reason=full" in ledger.bot.log_text(), patience)
    taken = ledger.wait_acked(MANY, GRACE_S)
    ledger.stopping.set()
    seconds = time.monotonic() - began
    ledger.stop()
    return ledger, taken, seconds


def test_who_stops_with_a_snapshot_does_not_fill_the_map(
        deploy, ledger, preload, stopped, measure, impatient):
    ledger, taken, seconds = talk_beside_a_reader(
        deploy, ledger, preload("nth"), stopped, SETTLE_S)
    measure(f"{ledger.acked()} questions taken in", seconds, "s")
    assert taken
    verdict = ledger.settle(SETTLE_S)
    assert verdict.clean, verdict.explain()
    assert verdict.counts["refused"] == 0
    assert not faults.is_stopped(stopped[0])


def test_control_without_the_kill_the_map_fills(deploy, ledger, preload,
                                                stopped, measure, impatient):
    app = preload("nth", hook="no_stall_kill")
    ledger, taken, _ = talk_beside_a_reader(deploy, ledger, app, stopped, GRACE_S)
    measure("questions until the map was full", ledger.acked())
    assert not taken and "reason=full" in ledger.bot.log_text()

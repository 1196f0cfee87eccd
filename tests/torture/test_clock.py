"""Clocks that jump by a day while users talk, forward and back.

libfaketime moves the wall clock of the workers, as a wrong time server would;
jump.c moves the boot clock as well, as the sleep of a machine does.  Nobody's
question counts as old, no conversation is swept away, no user stays locked.
"""

import os
import signal
import time

import pytest

import faults
from ledger import Ledger

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
HOUR_S, DAY_S = 3600, 24 * 3600
QUIET = 5  # users who said something before the jump alone
SETTLE_S = 30
SETTINGS = {"USER_RATE_TOKENS": 3, "USER_RATE_REFILL": 3,
            "SESSION_TTL": 12 * HOUR_S}


class Wall:
    """The workers' wall clock, by libfaketime."""

    def __init__(self, preload, hook=""):
        self.app = preload(FAKETIME, hook=hook, DONT_FAKE_MONOTONIC=1,
                           FAKETIME_NO_CACHE=1, FAKETIME_DISABLE_SHM=1,
                           FAKETIME_TIMESTAMP_FILE="$folder/wall")
        self.file = self.app.folder / "wall"
        self.jump(0)

    def jump(self, seconds):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.chmod(0o644)
        fresh.rename(self.file)


class Sleep:
    """Wall clock and boot clock, by jump.c."""

    def __init__(self, preload, hook=""):
        self.app = preload("jump", hook=hook)

    def jump(self, seconds):
        self.app.jump.set(wall=seconds, boot=seconds)


def talk(ledger, seconds, latency):
    ledger.sim.model.latency = latency
    time.sleep(seconds)


def jump_while_users_talk(ledger, clock, seconds):
    """Some questions are asked before, some at, and some after the jump."""
    ledger.start(threads=4, pace=0.02)
    talk(ledger, 0.3, 0.1)
    talk(ledger, 0.5, 1.0)  # all wait for the model when it happens
    clock.jump(seconds)
    talk(ledger, 0.6, 0.1)
    os.kill(ledger.bot.worker_pids()[0], signal.SIGKILL)
    talk(ledger, 0.3, 0.1)
    ledger.stop()
    return ledger.settle(SETTLE_S)


@pytest.fixture
def ledger(sim, rng):
    def ledger(bot):
        return Ledger(sim, bot, rng, users=24)
    return ledger


def ask_all(ledger, users):
    """One question of each user; those who were not answered."""
    asked = [ledger.ask(user) for user in users]
    verdict = ledger.settle(SETTLE_S)
    assert verdict.clean, verdict.explain()
    return [entry for entry in asked if entry not in verdict["answered"]]


@pytest.mark.parametrize("seconds", [DAY_S - 60, -DAY_S])
def test_the_wall_clock_jumps(deploy, preload, ledger, measure, seconds):
    clock = Wall(preload)
    ledger = ledger(deploy(app=clock.app.path, **SETTINGS))
    bot, everybody = ledger.bot, ledger.users
    assert clock.app.cleanup(bot).returncode == 0
    assert ask_all(ledger, everybody[:QUIET]) == []
    ledger.users = everybody[QUIET:]
    verdict = jump_while_users_talk(ledger, clock, seconds)
    measure("fates", verdict.summary())
    assert verdict.clean, verdict.explain()
    assert verdict.counts["dropped old"] == 0
    assert verdict.counts["apologised"] == 0
    talked = bot.sessions()["total"]
    cleaned = clock.app.cleanup(bot)
    assert "the clock jumped" in cleaned.stderr
    assert bot.sessions()["total"] == talked > QUIET
    clock.jump(0)
    assert ask_all(ledger, everybody) == []


@pytest.mark.parametrize("seconds", [HOUR_S, DAY_S])
def test_the_machine_sleeps(deploy, preload, ledger, measure, seconds):
    """What was asked before is late, but has an end."""
    clock = Sleep(preload)
    ledger = ledger(deploy(app=clock.app.path, **SETTINGS))
    verdict = jump_while_users_talk(ledger, clock, seconds)
    measure("fates", verdict.summary())
    assert verdict.clean, verdict.explain()
    assert verdict.counts["dropped old"] == 0
    assert clock.app.cleanup(ledger.bot).stderr == ""
    assert ask_all(ledger, ledger.users) == []


def test_control_a_day_that_did_pass(deploy, preload, ledger):
    """Both clocks agree then, and cleanup does what a jump must not do."""
    clock = Sleep(preload)
    ledger = ledger(deploy(app=clock.app.path))
    assert clock.app.cleanup(ledger.bot).returncode == 0
    assert ask_all(ledger, ledger.users[:QUIET]) == []
    assert ledger.bot.sessions()["total"] == QUIET
    clock.jump(DAY_S + 60)
    assert clock.app.cleanup(ledger.bot).returncode == 0
    assert ledger.bot.sessions()["total"] == 0


def test_control_events_judged_by_our_own_clock(deploy, preload, ledger):
    """A store that compares LINE's time with ours takes live events for old
    ones."""
    clock = Wall(preload, hook="own_clock")
    ledger = ledger(deploy(app=clock.app.path))
    verdict = jump_while_users_talk(ledger, clock, DAY_S + 60)
    assert verdict.bad > 0 or verdict.counts["dropped old"] > 0, \
        verdict.explain()

"""Fixtures of the torture tests: everything fails, and nothing may be lost.

TORTURE=short is for every check, TORTURE=long for a night; TORTURE_SEED
replays what a failed run printed.  Each mechanism has a control: the same test
with the mechanism taken out, by a hook (the app linked with a function
replaced) or a shim (a preloaded library), must find the damage.

The long form, make torture TORTURE=long, asks more of the same tests:

    test_kill.py      until 2,000 kills and 50,000 acknowledged events
    test_upstream.py  four minutes of random faults, slow ones included, and
                      the faults that cost half a minute each
    test_power.py     20 power cuts
    test_poison.py    8 poisoned events at once

It wants root (loop devices, strace) and a machine with nothing else to do.
"""

import os
import random
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "e2e")]

import deployment  # noqa: E402
import faults  # noqa: E402
from simulator import Simulator  # noqa: E402

LONG = os.environ.get("TORTURE", "short") == "long"
SEED = int(os.environ.get("TORTURE_SEED", random.randrange(2**32)))
MEASURES = []


def pytest_report_header():
    return f"TORTURE={'long' if LONG else 'short'} TORTURE_SEED={SEED}"


@pytest.fixture(scope="session")
def long():
    """Is this the long form?"""
    return LONG


@pytest.fixture
def rng(request):
    """Random numbers of this test alone, the same with the same seed."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def sim():
    """LINE and Gemini, with empty records and default behaviour."""
    sim = Simulator(channel_secret=deployment.CHANNEL_SECRET,
                    access_token=deployment.ACCESS_TOKEN,
                    gemini_key=deployment.GEMINI_KEY)
    sim.start()
    yield sim
    sim.stop()


@pytest.fixture
def deploy(sim):
    """deploy(workers=2, app=None, hook="", **settings) -> Deployment.

    A running one behind lighttpd, gone after the test.  hook names the app
    that tests/torture/hooks makes.
    """
    made = []

    def deploy(workers=2, app=deployment.APP, hook="", **settings):
        if hook:
            app = deployment.hooked(hook)
        bot = deployment.Deployment("lighttpd", sim, workers, app=app,
                                    **settings)
        made.append(bot)
        bot.start()
        sim.webhook_url = bot.url + "/webhook"
        return bot

    yield deploy
    for bot in made:
        bot.stop()
        bot.remove()


@pytest.fixture
def preload():
    """preload("nth", hook="", NAME=value) -> faults.Preloaded, gone after the
    test: an app for deploy(app=preloaded.path)."""
    made = []

    def preload(*shims, hook="", **env):
        app = deployment.APP
        if hook:
            app = deployment.hooked(hook)
        made.append(faults.Preloaded(*shims, app=app, **env))
        return made[-1]

    yield preload
    for app in made:
        app.remove()


@pytest.fixture
def measure(request):
    """measure("kills", 12): shown at the end."""
    def measure(what, value, unit=""):
        shown = f"{value:.3f}" if isinstance(value, float) else value
        MEASURES.append(f"{request.node.name}: {what} = {shown} {unit}"
                        .rstrip())
    return measure


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("measured")
    for line in [pytest_report_header(), *MEASURES]:
        terminalreporter.write_line(line)

"""Fixtures of the end-to-end tests: real web servers, a simulated LINE.

E2E_SERVERS names the servers to test ("lighttpd fcgid proxy").  A test that
takes `server` runs on lighttpd; marked every_server it runs on all of them,
marked only(NAME) on that one.

After every test: the simulator saw nothing that the real services would
refuse, and neither logs nor data hold anything of a user in the clear.
"""

import itertools
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import deployment  # noqa: E402
import privacy  # noqa: E402
from simulator import Simulator  # noqa: E402
from simulator.line_sender import chat_id  # noqa: E402

SERVERS = os.environ.get("E2E_SERVERS", "lighttpd fcgid proxy").split()
KEPT = 3  # deployments that stay for the next test
SETTLE_S = 8
MEASURES = []


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "every_server: runs once on each web server")
    config.addinivalue_line("markers", "only(name): runs on that server")


def servers_of(markers):
    """The servers that a test with these markers is run on."""
    for marker in markers:
        if marker.name == "every_server":
            return SERVERS
        if marker.name == "only":
            return [s for s in SERVERS if s in marker.args]
    return [s for s in SERVERS if s == "lighttpd"]


def pytest_generate_tests(metafunc):
    if "server" in metafunc.fixturenames:
        metafunc.parametrize(
            "server", servers_of(metafunc.definition.iter_markers()))


def pytest_collection_modifyitems(config, items):
    """All of a server together, so that its deployments are used again."""
    def server_of(item):
        params = getattr(getattr(item, "callspec", None), "params", {})
        return params.get("server", SERVERS[0])

    unwanted = [item for item in items if server_of(item) not in SERVERS]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
    items[:] = sorted((item for item in items if item not in unwanted),
                      key=lambda item: SERVERS.index(server_of(item)))


@pytest.fixture(scope="session", autouse=True)
def built():
    """Says early what is missing."""
    for program in (deployment.APP, deployment.CLEANUP):
        assert program.exists(), f"{program} is missing: run make first"


@pytest.fixture(scope="session")
def running_sim():
    sim = Simulator(channel_secret=deployment.CHANNEL_SECRET,
                    access_token=deployment.ACCESS_TOKEN,
                    gemini_key=deployment.GEMINI_KEY)
    sim.start()
    yield sim
    sim.stop()


@pytest.fixture
def sim(running_sim):
    """LINE and Gemini, with empty records and default behaviour."""
    running_sim.reset()
    return running_sim


class Pool:
    """Deployments that run, the most recently used last."""

    def __init__(self):
        self.kept = {}

    def take(self, key, make):
        """The one with this key, made and started if there is none."""
        bot = self.kept.pop(key, None)
        if bot is None:
            while len(self.kept) >= KEPT:
                self.drop(next(iter(self.kept)))
            bot = make().start()
        self.kept[key] = bot
        return bot

    def drop(self, key):
        bot = self.kept.pop(key)
        bot.stop()
        bot.remove()


@pytest.fixture(scope="session")
def pool():
    pool = Pool()
    yield pool
    for key in list(pool.kept):
        pool.drop(key)


@pytest.fixture
def deploy(pool, sim):
    """deploy(server, workers=2, fresh=False, hook="", **settings) -> a bot.

    One with the same settings may have served earlier tests; fresh makes one
    for this test alone: it is killed, or its circuit breakers will open.
    hook names the app that tests/torture/hooks makes, for a control.
    """
    watch = privacy.Watch(sim)
    used = {}

    def deploy(server, workers=2, fresh=False, hook="", **settings):
        key = (server, workers, id(used) if fresh else None,
               tuple(sorted(settings.items())), hook)
        app = deployment.hooked(hook) if hook else deployment.APP
        bot = pool.take(key, lambda: deployment.Deployment(
            server, sim, workers, app, **settings))
        used[key] = bot
        sim.webhook_url = bot.url + "/webhook"
        return bot

    yield deploy
    try:
        check(sim, watch, used)
    finally:
        for key in used:
            if key[2] is not None or not used[key].running:
                pool.drop(key)


def check(sim, watch, used):
    """What holds at the end of every test."""
    for bot in used.values():
        if bot.running and "ADMIN_TOKEN" in bot.settings:
            assert bot.wait_idle(SETTLE_S), "jobs are left unfinished"
    assert sim.violations == []
    needles = watch.needles()
    for bot in used.values():
        assert privacy.leaks(bot, needles) == []


@pytest.fixture
def user(request):
    """user("mei"): a LINE user id that only this test knows."""
    return lambda name: chat_id("U", f"{request.node.nodeid} {name}")


@pytest.fixture
def users(user):
    """users(n): ids of n users."""
    return lambda n: [user(f"number {i}") for i in range(n)]


@pytest.fixture
def group(request):
    numbers = itertools.count()
    return lambda: chat_id("C", f"{request.node.nodeid} {next(numbers)}")


@pytest.fixture
def measure(request):
    """measure("takeover", 0.31, "s"): shown at the end, kept in build/."""
    def measure(what, value, unit="s"):
        shown = f"{value:.3f}" if isinstance(value, float) else value
        line = f"{request.node.name}: {what} = {shown} {unit}".rstrip()
        print(line)
        MEASURES.append(line)
    return measure


def pytest_terminal_summary(terminalreporter):
    if not MEASURES:
        return
    terminalreporter.section("measured")
    for line in MEASURES:
        terminalreporter.write_line(line)
    (deployment.BUILD / "e2e-measures.txt").write_text(
        "".join(line + "\n" for line in MEASURES))

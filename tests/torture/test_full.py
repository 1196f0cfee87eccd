"""Full: the map, the disk under it, the disk of the log.  What was taken is
finished, what cannot be taken is refused, and room is noticed by itself."""

import contextlib
import threading
import time

import pytest

import deployment
import faults
from disk import Disk
from ledger import Ledger

PATIENCE_S = 20
SETTLE_S = 60
THINKS_S = 30  # the longest that the model is kept from answering
STUCK_S = 5  # many times what the answers take when there is room
NO_ROOM = "System busy, try again"  # what fits when an answer does not
FEW = 0.2  # of the questions, when all answers come at once
LONG_TEXT = "熱" * 2000  # 6 KB: two pages, and two more in the session


@pytest.fixture
def ledger(sim, rng):
    def ledger(bot):
        return Ledger(sim, bot, rng, users=1500, patience=PATIENCE_S)
    return ledger


def ask_long(ledger, user, patience=0):
    """A long question; was it taken?"""
    ledger.patience = patience
    entry = ledger.ask(user, f"{len(ledger.entries)}: {LONG_TEXT}")
    ledger.patience = PATIENCE_S
    return entry.acked


def fill_map(ledger):
    """Asks until nothing more is taken; how many were."""
    taken = 0
    while taken < len(ledger.users) and ask_long(ledger, ledger.users[taken]):
        taken += 1
    return taken


# The map.

@contextlib.contextmanager
def silent(model):
    """The model answers nothing until the block is left."""
    speaks = threading.Event()
    model.latency = lambda call: 0 * speaks.wait(THINKS_S)
    try:
        yield
    finally:
        speaks.set()
        model.latency = 0


def full_of_questions(ledger, settle_s):
    """Fills the map with questions before the model answers any of them."""
    with silent(ledger.sim.model):
        taken = fill_map(ledger)
        assert 50 < taken < len(ledger.users)
    return taken, ledger.settle(settle_s)


def test_full_of_unanswered_questions(deploy, ledger, measure):
    ledger = ledger(deploy(STORE_MAP_MB=4, GEMINI_TIMEOUT=60))
    pids = ledger.bot.worker_pids()
    taken, verdict = full_of_questions(ledger, SETTLE_S)
    measure("questions of 6 KB until 503, map of 4 MiB", taken)
    measure("fates", verdict.summary())
    assert verdict.sorry[NO_ROOM] < taken * FEW, verdict.explain()
    assert verdict.clean, verdict.explain()
    assert verdict.counts["answered"] + verdict.counts["apologised"] >= taken
    assert ask_long(ledger, ledger.users[-1], PATIENCE_S)
    assert ledger.bot.worker_pids() == pids


def test_control_full_to_the_last_page_answers_do_not_fit(deploy, ledger,
                                                            measure):
    ledger = ledger(deploy(hook="no_room_left", STORE_MAP_MB=4,
                           GEMINI_TIMEOUT=60))
    taken, verdict = full_of_questions(ledger, STUCK_S)
    measure("fates", verdict.summary())
    assert verdict.counts["STUCK"] + verdict.sorry[NO_ROOM] > taken * FEW, \
        verdict.explain()


def is_full_at_rest(ledger, users):
    """Asks until refused; is it refused as well when all have ended?

    What is owed to open questions is free again then, and pages are counted
    anew after a second.  That is longer than SESSION_TTL, too.
    """
    while ask_long(ledger, next(users)):
        pass
    verdict = ledger.settle(SETTLE_S)
    assert verdict.clean, verdict.explain()
    time.sleep(1.5)
    return not ask_long(ledger, next(users))


def test_full_of_conversations(deploy, ledger):
    """Cleanup makes room, and the workers notice it by themselves."""
    ledger = ledger(deploy(STORE_MAP_MB=4, HISTORY_BYTES=20000,
                           SESSION_TTL=1))
    bot = ledger.bot
    pids = bot.worker_pids()
    users = iter(ledger.users[:-2])
    while not is_full_at_rest(ledger, users):
        pass
    cleaned = bot.cleanup()
    assert (cleaned.returncode, cleaned.stderr) == (0, "")
    assert ask_long(ledger, ledger.users[-2], PATIENCE_S)
    assert faults.wait_until(
        lambda: bot.request("GET", "/readyz")[0] == 200, PATIENCE_S)
    assert bot.worker_pids() == pids


# The disk.

@pytest.fixture
def bot_on(sim):
    """bot_on(kind, app=None, **settings) -> (bot, disk), not yet started."""
    made = []

    def bot_on(kind, app=deployment.APP, mib=20, **settings):
        bot = deployment.Deployment("lighttpd", sim, 2, app=app,
                                    **{"STORE_MAP_MB": 16, **settings})
        made.append(bot)
        disk = Disk(kind, bot.folder / "var" / "data", mib)
        made.append(disk)
        sim.webhook_url = bot.url + "/webhook"
        return bot, disk

    yield bot_on
    for one in reversed(made):
        if isinstance(one, deployment.Deployment):
            one.stop()
    for one in reversed(made):
        one.remove()


def ask_some(ledger, n=30):
    ledger.start(threads=4)
    ledger.wait_acked(ledger.acked() + n, PATIENCE_S)
    ledger.stop()
    return ledger.settle(SETTLE_S)


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_disk_fills_while_it_serves(bot_on, ledger, kind):
    bot, disk = bot_on(kind, mib=28)
    bot.start()
    pids = bot.worker_pids()
    ledger = ledger(bot)
    assert ask_some(ledger).clean
    disk.fill()
    verdict = ask_some(ledger)
    assert verdict.clean, verdict.explain()
    assert verdict.counts["refused"] == 0
    assert bot.worker_pids() == pids
    assert bot.cleanup().returncode == 0
    bot.stop()  # and it starts on a disk that is full
    bot.start()
    verdict = ask_some(ledger)
    assert verdict.clean, verdict.explain()


def test_control_disk_space_not_taken_in_advance(bot_on, ledger, preload,
                                                 measure):
    bot, disk = bot_on("tmpfs", app=preload("sparse").path)
    bot.start()
    ledger = ledger(bot)
    ledger.patience = 2
    disk.fill()
    for user in ledger.users[:20]:
        ledger.ask(user, LONG_TEXT)
        if not ledger.entries[-1].acked:
            break
    measure("questions until one is refused", len(ledger.entries))
    assert not ledger.entries[-1].acked


@pytest.mark.parametrize("missing", ["lock.mdb", "data.mdb", "everything"])
@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_full_disk_is_refused_in_words(bot_on, kind, missing):
    """What must be allocated and cannot be is named; no signal ends it."""
    bot, disk = bot_on(kind, mib=28)
    bot.start()
    bot.stop()
    for file in disk.folder.glob("*"):
        if missing in (file.name, "everything") and file.is_file():
            file.unlink()
    disk.fill()
    done = bot.drain()
    assert done.returncode == 1, done
    assert "in DATA_DIR" in done.stderr
    assert "No space left on device" in done.stderr
    disk.empty()
    assert bot.drain().returncode == 0


def test_disk_of_the_log_is_full(bot_on, ledger):
    bot, _ = bot_on("tmpfs", mib=20)
    logs = Disk("tmpfs", bot.folder / "logs", 1)
    try:
        config = bot.config.read_text()
        bot.config.write_text(f"{config}LOG_FILE={logs.folder}/app.log\n")
        logs.fill()
        bot.start()
        verdict = ask_some(ledger(bot))
    finally:
        bot.stop()
        logs.remove()
    assert verdict.clean, verdict.explain()
    assert verdict.counts["answered"] > 0

"""A process dies with 2,000 conversations in its hands: another one takes
them all over at once, and everybody is answered once.

Some of them spoke: whose words were committed does not pay for them again.

Without the look for dead owners they would wait for the end of their leases.
"""

import pytest

from ledger import Ledger
from switchboard import Switchboard

CONVERSATIONS = 2000
HEARD, UNHEARD = 15, 15  # of them, voice messages; together below SPEECH_JOBS
CONTROL = 30
HELD_S = 120.0  # what the first model calls would take
MODEL_S = 3.0  # and those after the kill
PATIENCE_S = 20.0
CONTROL_S = 4.0  # many times what a takeover takes


@pytest.fixture
def board(sim):
    board = Switchboard(sim)
    board.start()
    yield board
    board.stop()


def speak(ledger, board, n, done):
    """The next n users speak, one after the other, until done(how many)."""
    for user in ledger.users[len(ledger.entries):][:n]:
        ledger.ask(user, voice=True)
    assert ledger.sim.wait_for(lambda: done(n), 60)


def hold_all(deploy, sim, board, rng, n, hook="", voices=(0, 0)):
    """n conversations in the first of two processes.

    Each process has a web server of its own, so that it is certain whose
    they are.  The second one is idle.  voices: how many of them speak, and
    were heard, or not yet.
    """
    settings = {"GEMINI_TIMEOUT": 110, "STT_TIMEOUT": 110,
                "GEMINI_BASE": board.url, "LINE_API_BASE": board.url,
                "LINE_DATA_BASE": board.url}
    first = deploy(workers=1, hook=hook, **settings)
    second = deploy(workers=1, hook=hook, **settings,
                    DATA_DIR=first.data_dir, KEY_FILE=first.key_file)
    board.hold = HELD_S
    ledger = Ledger(sim, first, rng, users=n)
    heard, unheard = voices
    speak(ledger, board, heard, lambda n: len(board.asked) >= n)
    board.hear_hold = HELD_S
    speak(ledger, board, unheard, lambda n: len(board.heard) >= heard + n)
    ledger.ask_all(threads=8)
    assert sim.wait_for(lambda: len(board.asked) >= n - unheard, 60), \
        len(board.asked)
    return first, second, ledger


def kill_owner(board, bot):
    """Returns when."""
    (pid,) = bot.worker_pids()
    board.hold, board.hear_hold = MODEL_S, 0
    return bot.kill_worker(pid)


def test_two_thousand_conversations_change_hands(deploy, sim, board, rng,
                                                 measure):
    first, second, ledger = hold_all(deploy, sim, board, rng, CONVERSATIONS,
                                     voices=(HEARD, UNHEARD))
    (heir,) = second.worker_pids()
    calls = 2 * CONVERSATIONS - UNHEARD
    killed = kill_owner(board, first)
    sim.wait_for(lambda: len(board.asked) >= calls, PATIENCE_S)
    verdict = ledger.settle(60)
    times = [at - killed for at in board.asked[CONVERSATIONS - UNHEARD:]]
    measure("conversations", CONVERSATIONS)
    measure("first taken over after", times[0], "s")
    measure("half of them after", times[len(times) // 2], "s")
    measure("the last after", times[-1], "s")
    measure("the last answered, model 3 s, after",
            max(d.at for d in sim.deliveries) - killed, "s")
    measure("fates", verdict.summary())
    assert verdict.clean, verdict.explain()
    assert verdict.counts["answered"] == CONVERSATIONS
    assert len(board.asked) == calls
    assert len(board.heard) == HEARD + 2 * UNHEARD
    assert sim.violations == []
    assert ledger.faults() == ""
    assert second.worker_pids() == [heir]


def test_control_without_takeover_they_wait(deploy, sim, board, rng,
                                            measure):
    first, _, ledger = hold_all(deploy, sim, board, rng, CONTROL,
                                hook="no_takeover")
    kill_owner(board, first)
    board.hold = 0
    verdict = ledger.settle(CONTROL_S)
    measure("fates", verdict.summary())
    assert len(verdict["STUCK"]) == CONTROL, verdict.explain()

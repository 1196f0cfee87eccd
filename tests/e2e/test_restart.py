"""A graceful restart in the middle of the work is noticed by nobody."""

import threading
import time

import pytest

from crowd import ask_all, texts

MODEL_S = 2.0
STEADY_S = 3.0


class Steady(threading.Thread):
    """A webhook of a new user every 50 ms, until its time is over."""

    def __init__(self, sim, users):
        super().__init__()
        self.sim = sim
        self.users = users
        self.sent = {}

    def run(self):
        for n, one in enumerate(self.users):
            self.sent[one] = self.sim.say(one, f"Steady question {n}")
            time.sleep(0.05)


@pytest.mark.every_server
def test_fifty_conversations_survive_a_graceful_restart(deploy, server, sim,
                                                        users, measure):
    bot = deploy(server, fresh=True)
    before = bot.wait_workers(1)
    sim.model.latency = MODEL_S
    everybody = users(50 + int(STEADY_S / 0.05))
    questions = {one: f"Question {n} before the restart"
                 for n, one in enumerate(everybody[:50])}
    sent = ask_all(sim, questions, threads=10)
    assert {status for status, _ in sent.values()} == {200}
    steady = Steady(sim, everybody[50:])
    steady.start()
    time.sleep(0.5)
    restarted = time.monotonic()
    bot.restart_graceful()
    if server == "fcgid":
        time.sleep(1)
        assert bot.drain().returncode == 0
    steady.join()
    sim.wait_for(lambda: len({d.user for d in list(sim.deliveries)}) ==
                 len(everybody), 15)
    assert bot.wait_idle(10)

    statuses = [status for status, _ in steady.sent.values()]
    measure("slowest webhook during the restart",
            max(seconds for _, seconds in steady.sent.values()))
    assert statuses == [200] * len(statuses)
    count = {one: len(sim.answers(one)) for one in everybody}
    assert [one for one in everybody if count[one] != 1] == []
    for one, question in questions.items():
        assert f"“{question}”" in sim.answers(one)[0]
    last = max(d.at for d in sim.deliveries if d.user in questions)
    measure("50 conversations done after the restart", last - restarted)
    if server != "proxy":  # there the workers are not Apache's children
        assert not set(before) & set(bot.worker_pids())


def test_a_stop_hands_the_work_to_whoever_comes_next(deploy, server, sim,
                                                     users):
    bot = deploy(server, fresh=True)
    sim.model.latency = 1.0
    questions = {one: f"Question {n} before the night"
                 for n, one in enumerate(users(10))}
    ask_all(sim, questions)
    bot.stop()
    assert bot.worker_pids() == []
    calls = len(sim.model_calls)
    time.sleep(0.3)
    assert len(sim.model_calls) == calls
    bot.start()
    sim.wait_for(lambda: len(sim.deliveries) == 10, 8)
    assert bot.wait_idle(5)
    for one, question in questions.items():
        got = [d for d in sim.deliveries if d.user == one]
        assert len(got) == 1 and f"“{question}”" in texts(got)[0]


def test_drain_finishes_what_nobody_owns_and_ends(deploy, server, sim, users,
                                                  measure):
    bot = deploy(server, fresh=True)
    sim.model.latency = 0.5
    ask_all(sim, {one: f"Question {n} for the night shift"
                  for n, one in enumerate(users(5))})
    bot.stop()
    start = time.monotonic()
    done = bot.drain()
    measure("drain of 5 questions, model 0.5 s", time.monotonic() - start)
    assert done.returncode == 0, done.stderr
    assert len(sim.deliveries) == 5
    start = time.monotonic()
    assert bot.drain().returncode == 0
    measure("drain with nothing to do", time.monotonic() - start)
    assert time.monotonic() - start < 1

"""kill -9 at any moment: another process finishes, and nobody is told twice.

mod_fcgid starts processes only for requests, so behind it the drain of cron
plays the other process.
"""

import os
import time

import pytest

TAKEOVER_S = 1.0


class Scene:
    """A fresh deployment, one user, and whom to kill."""

    def __init__(self, bot, sim, one):
        self.bot = bot
        self.sim = sim
        self.one = one

    def ask(self, text="Will somebody finish this?"):
        assert self.sim.say(self.one, text)[0] == 200

    def kill_owner(self):
        """kill -9 of the process that works on the question."""
        owner = self.bot.connected_worker(self.sim.server.server_port)
        at = self.bot.kill_worker(owner)
        if self.bot.server == "fcgid":
            done = self.bot.drain()
            assert done.returncode == 0, done.stderr
        return at

    def calls(self, kind):
        return [r for r in list(self.sim.requests)
                if r.path.endswith("/message/" + kind)]

    def check(self):
        """One answer, the lock is open, and the next question is answered."""
        assert len(self.sim.wait_answers(self.one, 1, 8)) == 1
        time.sleep(0.4)
        assert len(self.sim.deliveries) == 1
        assert "Will somebody finish this?" in \
            self.sim.answers(self.one)[0]
        self.ask("Can I ask again?")
        assert len(self.sim.wait_answers(self.one, 2, 5)) == 2
        assert "Can I ask again?" in self.sim.answers(self.one)[1]


@pytest.fixture
def scene(deploy, server, sim, user):
    return Scene(deploy(server, fresh=True), sim, user("mei"))


def test_all_processes_die_before_the_model_is_asked(scene, sim, measure):
    sim.model.latency = 0.5
    scene.ask()
    for pid in scene.bot.worker_pids():
        os.kill(pid, 9)
    killed = time.monotonic()
    sim.wait_for(lambda: sim.deliveries, 8)
    measure("all killed, answered after, model 0.5 s",
            sim.deliveries[0].at - killed)
    assert len(sim.model_calls) <= 2
    scene.check()


@pytest.mark.every_server
def test_its_process_dies_while_the_model_thinks(scene, sim, server,
                                                 measure):
    sim.faults.add("gemini", "hang")  # the first call
    scene.ask()
    assert sim.wait_for(lambda: sim.model_calls, 5)
    killed = scene.kill_owner()
    assert sim.wait_for(lambda: len(sim.model_calls) == 2, 8)
    seconds = sim.model_calls[1].at - killed
    measure("killed while the model thinks, taken over after", seconds)
    assert seconds < TAKEOVER_S
    scene.check()


def test_its_process_dies_before_the_reply_arrives(scene, sim, measure):
    sim.faults.add("reply", "hang")
    scene.ask()
    assert sim.wait_for(lambda: scene.calls("reply"), 5)
    killed = scene.kill_owner()
    assert sim.wait_for(lambda: len(scene.calls("reply")) == 2, 8)
    seconds = scene.calls("reply")[1].at - killed
    measure("killed before the reply arrives, taken over after", seconds)
    assert seconds < TAKEOVER_S
    assert len(sim.model_calls) == 1
    scene.check()


@pytest.mark.every_server
def test_its_process_dies_after_the_reply_arrived(scene, sim, measure):
    sim.faults.add("reply", "hang_accepted")
    scene.ask()
    assert sim.wait_for(lambda: scene.calls("reply"), 5)
    killed = scene.kill_owner()
    assert sim.wait_for(lambda: len(scene.calls("reply")) == 2, 8)
    seconds = scene.calls("reply")[1].at - killed
    measure("killed after the reply arrived, taken over after", seconds)
    assert seconds < TAKEOVER_S
    assert len(sim.model_calls) == 1
    scene.check()


def test_its_process_dies_while_it_pushes(deploy, server, sim, user,
                                          measure):
    scene = Scene(deploy(server, fresh=True, REPLY_WINDOW=1), sim,
                  user("mei"))
    sim.model.latency = 1.2
    sim.faults.add("push", "hang_accepted")
    scene.ask()
    assert sim.wait_for(lambda: scene.calls("push"), 5)
    killed = scene.kill_owner()
    assert sim.wait_for(lambda: len(scene.calls("push")) == 2, 8)
    first, second = scene.calls("push")
    measure("killed while it pushes, taken over after", second.at - killed)
    assert first.body == second.body
    assert first.headers["x-line-retry-key"] == \
        second.headers["x-line-retry-key"]
    sim.model.latency = 0
    scene.check()


@pytest.mark.every_server
def test_it_is_killed_again_and_again_under_load(deploy, server, sim, users,
                                                 measure):
    """Every accepted question is answered once, whoever dies meanwhile."""
    bot = deploy(server, workers=3, fresh=True)
    sim.model.latency = 0.3
    everybody = users(60)
    accepted = []
    for n, one in enumerate(everybody):
        if sim.say(one, f"Question {n} of a stormy day")[0] == 200:
            accepted.append(one)
        if n % 15 == 7:
            pids = bot.worker_pids()
            if pids:
                bot.kill_worker(pids[n % len(pids)])
        time.sleep(0.03)
    if server == "fcgid":
        bot.wait_workers(1)
        bot.drain()
    sim.wait_for(lambda: {d.user for d in list(sim.deliveries)} >=
                 set(accepted), 15)
    assert bot.wait_idle(15)
    count = {one: len(sim.answers(one)) for one in everybody}
    measure("of 60 questions, 4 kills, accepted", len(accepted),
            "questions")
    assert [one for one in accepted if count[one] != 1] == []
    assert len(accepted) >= 50

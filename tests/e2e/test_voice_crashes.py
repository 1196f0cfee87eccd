"""kill -9 while a voice message is worked on: another process goes on, and
what was paid for and written down is not paid for again.

mod_fcgid starts processes only for requests, so behind it the drain of cron
plays the other process.
"""

import pytest

from sound import m4a

WORDS = "How much water should I drink?"


def fetches(sim):
    return [r for r in list(sim.requests) if r.path.endswith("/content")]


@pytest.fixture
def hook():
    """The app as it is; a control names another."""
    return ""


@pytest.fixture
def bot(deploy, server, hook):
    return deploy(server, fresh=True, hook=hook)


@pytest.fixture
def speak(bot, sim, user):
    """Sends the voice message that these tests are about."""
    def speak():
        assert sim.speak(user("mei"), m4a(), WORDS)[0] == 200
    return speak


@pytest.fixture
def kill(bot, sim):
    """kill -9 of the process that works on it; another one is there."""
    def kill():
        bot.kill_worker(bot.connected_worker(sim.server.server_port))
        if bot.server == "fcgid":
            done = bot.drain()
            assert done.returncode == 0, done.stderr
    return kill


@pytest.fixture
def answered(bot, sim, user):
    """One answer, of what was said, and then the user is free."""
    def answered():
        (answer,) = sim.wait_answers(user("mei"), 1, 8)
        assert answer.startswith(f"You said: “{WORDS}”\n\nAbout “{WORDS}”")
        assert bot.wait_idle(5)
        assert len(sim.deliveries) == 1
        sim.say(user("mei"), "Can I ask again?")
        assert "again" in sim.wait_answers(user("mei"), 2, 8)[1]
    return answered


@pytest.mark.every_server
def test_its_process_dies_while_it_fetches(sim, speak, kill, answered):
    sim.faults.add("content", "hang")
    speak()
    assert sim.wait_for(lambda: fetches(sim), 5)
    kill()
    answered()
    assert len(fetches(sim)) == 2 and len(sim.hearings) == 1


@pytest.mark.every_server
def test_its_process_dies_while_it_listens(sim, speak, kill, answered):
    """The words were lost with it: they are asked for once more."""
    sim.faults.add("stt", "hang")
    speak()
    assert sim.wait_for(lambda: sim.hearings, 5)
    kill()
    answered()
    assert len(fetches(sim)) == 2 and len(sim.hearings) == 2


@pytest.mark.every_server
def test_what_was_heard_is_paid_once(sim, speak, kill, answered):
    """The words were committed: who takes over asks the model alone."""
    sim.faults.add("gemini", "hang")
    speak()
    assert sim.wait_for(lambda: sim.model_calls, 8)
    kill()
    answered()
    assert len(fetches(sim)) == 1 and len(sim.hearings) == 1
    assert sim.model_calls[1].question == WORDS


@pytest.mark.parametrize("hook", ["words_forgotten"])
def test_control_words_not_written_down_are_paid_twice(sim, speak, kill,
                                                       answered, hook):
    sim.faults.add("gemini", "hang")
    speak()
    assert sim.wait_for(lambda: sim.model_calls, 8)
    kill()
    answered()
    assert len(fetches(sim)) == 2 and len(sim.hearings) == 2


@pytest.mark.only("fcgid")
def test_control_nobody_is_there_to_take_it_over(bot, sim, user, speak):
    """The process of mod_fcgid was the only one, until cron's drain comes."""
    sim.faults.add("stt", "hang")
    speak()
    assert sim.wait_for(lambda: sim.hearings, 5)
    bot.kill_worker(bot.connected_worker(sim.server.server_port))
    assert sim.wait_answers(user("mei"), 1, 1.5) == []
    assert bot.drain().returncode == 0
    assert len(sim.wait_answers(user("mei"), 1, 8)) == 1


def test_what_was_answered_is_paid_once(sim, speak, kill, answered):
    """Killed before the reply is out: the answer is sent, not made again."""
    sim.faults.add("reply", "hang")
    speak()
    assert sim.wait_for(lambda: any(
        r.path.endswith("/reply") for r in list(sim.requests)), 8)
    kill()
    answered()
    assert len(fetches(sim)) == len(sim.hearings) == 1
    assert len([c for c in sim.model_calls if c.question == WORDS]) == 1


def test_all_processes_die_again_and_again(bot, sim, speak, answered):
    """A voice message outlives three deaths of everybody, in each stage."""
    for target in ("content", "stt", "gemini"):
        sim.faults.add(target, "hang")
    speak()
    for seen in (fetches, lambda sim: sim.hearings,
                 lambda sim: sim.model_calls):
        assert sim.wait_for(lambda seen=seen: seen(sim), 8)
        for pid in bot.worker_pids():
            bot.kill_worker(pid)
    answered()
    assert len(sim.hearings) == 2

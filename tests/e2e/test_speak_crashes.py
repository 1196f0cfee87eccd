"""kill -9 while an answer is read aloud: another process goes on, nobody is
told twice, and no file is left that nobody knows.

mod_fcgid starts processes only for requests, so behind it the drain of cron
plays the other process.
"""

import os
import time

import pytest

from sound import decoded_ms, m4a, marked
from spoken import (BASE, WORDS, ask_aloud, files, path_of, play, sounds,
                    texts_of, wait_spoken)

DIES = "dies_speaking"
DIES_DRAWING = "dies_and_draws_names"


@pytest.fixture
def hook():
    """The app as it is; others die where a test wants it."""
    return ""


@pytest.fixture
def bot(deploy, server, hook):
    return deploy(server, fresh=True, hook=hook, PUBLIC_BASE_URL=BASE)


@pytest.fixture
def kill(bot, sim):
    """kill -9 of the process that works on it; another one is there."""
    def kill():
        bot.kill_worker(bot.connected_worker(sim.server.server_port))
        if bot.server == "fcgid":
            done = bot.drain()
            assert done.returncode == 0, done.stderr
    return kill


def told(bot, sim, one, calls):
    """One answer with one sound, and each model was asked so many times."""
    (message,) = wait_spoken(sim, one)
    assert bot.wait_idle(5)
    (delivery,) = sim.deliveries
    assert texts_of([delivery])[0].startswith(f"You said: “{WORDS}”")
    sound = play(bot, message)
    assert abs(decoded_ms(sound) - message["duration"]) <= 50
    assert (len(sim.hearings), len(sim.model_calls)) == (1, 1)
    assert len(sim.voice.calls) == calls
    sim.say(one, "Can I ask again?")
    assert sim.wait_for(lambda: len(sim.deliveries) == 2, 8)
    return path_of(message).split("/")[-1]


def left_in_the_end(bot):
    """What cleanup leaves when all that is unfinished has become old."""
    folder = bot.folder / "var" / "audio"
    for path in folder.glob(".*.tmp"):
        os.utime(path, times=(time.time() - 700,) * 2)
    done = bot.cleanup()
    assert done.returncode == 0, done.stderr
    return files(bot)


@pytest.mark.every_server
def test_its_process_dies_while_the_model_speaks(bot, sim, user, kill):
    sim.voice.fail("hang")
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: sim.voice.calls, 8)
    kill()
    name = told(bot, sim, user("mei"), calls=2)
    assert left_in_the_end(bot) == [name]


@pytest.mark.parametrize("hook", [DIES])
@pytest.mark.parametrize("moment, unfinished", [
    ("encoding", 0), ("publishing", 1), ("published", 0)])
def test_it_dies_while_the_sound_is_made(bot, sim, user, hook, moment,
                                         unfinished):
    order = tell_to_die(bot, moment)
    ask_aloud(sim, user("mei"))
    name = told(bot, sim, user("mei"), calls=2)
    assert not order.exists()
    assert len(files(bot)) == 1 + unfinished
    assert left_in_the_end(bot) == [name]


def tell_to_die(bot, moment):
    """Who comes to that moment first finds this, and dies."""
    order = bot.folder / "var" / "audio" / f".die-{moment}"
    order.touch()
    if os.geteuid() == 0:
        owner = order.parent.stat()
        os.chown(order, owner.st_uid, owner.st_gid)
    return order


@pytest.mark.parametrize("hook", [DIES_DRAWING])
def test_control_a_name_that_is_drawn_leaves_an_orphan(bot, sim, user, hook):
    tell_to_die(bot, "published")
    ask_aloud(sim, user("mei"))
    name = told(bot, sim, user("mei"), calls=2)
    left = left_in_the_end(bot)
    assert len(left) == 2 and name in left


@pytest.mark.every_server
def test_what_was_spoken_is_paid_once(bot, sim, user, kill):
    """Killed before the reply is out: text and sound are there."""
    sim.faults.add("reply", "hang")
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: any(
        r.path.endswith("/reply") for r in list(sim.requests)), 8)
    kill()
    name = told(bot, sim, user("mei"), calls=1)
    assert left_in_the_end(bot) == [name]


@pytest.mark.parametrize("hook", ["sound_forgotten"])
def test_control_a_sound_not_written_down_is_lost(bot, sim, user, kill, hook):
    sim.faults.add("reply", "hang")
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: any(
        r.path.endswith("/reply") for r in list(sim.requests)), 8)
    kill()
    assert sim.wait_for(lambda: sim.deliveries, 8)
    assert bot.wait_idle(5)
    assert texts_of(sim.deliveries) != [] and sounds(sim.deliveries) == []


@pytest.mark.only("fcgid")
def test_control_nobody_is_there_to_speak(bot, sim, user):
    """The process of mod_fcgid was the only one, until cron's drain comes."""
    sim.voice.fail("hang")
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: sim.voice.calls, 8)
    bot.kill_worker(bot.connected_worker(sim.server.server_port))
    assert sim.wait_answers(user("mei"), 1, 1.5) == []
    assert bot.drain().returncode == 0
    told(bot, sim, user("mei"), calls=2)


def test_everybody_dies_again_and_again(bot, sim, user):
    """The words are paid once, however often the sound begins anew."""
    sim.voice.fail("hang", times=3)
    ask_aloud(sim, user("mei"))
    for n in range(3):
        assert sim.wait_for(lambda n=n: len(sim.voice.calls) == n + 1, 10)
        for pid in bot.worker_pids():
            bot.kill_worker(pid)
    told(bot, sim, user("mei"), calls=4)


def test_a_restart_in_the_middle_of_a_sound(bot, sim, user):
    """TERM: the job is handed back, and whoever comes next begins anew."""
    sim.voice.fail("hang")
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: sim.voice.calls, 8)
    bot.stop()
    bot.start()
    told(bot, sim, user("mei"), calls=2)


def test_a_sound_that_follows_outlives_its_process(deploy, server, sim, user):
    """VOICE_PUSH: the text is out, the sound is a job of its own.

    One process, which lighttpd starts again: any of two might have the job.
    """
    bot = deploy(server, workers=1, fresh=True, PUBLIC_BASE_URL=BASE,
                 TTS_TIMEOUT=2, VOICE_PUSH="on")
    sim.voice.fail("hang", times=2)
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: len(sim.voice.calls) == 2, 10)
    for pid in bot.worker_pids():
        bot.kill_worker(pid)
    assert len(wait_spoken(sim, user("mei"))) == 1
    assert bot.wait_idle(5)
    assert [d.kind for d in sim.deliveries] == ["reply", "push"]
    assert (len(sim.hearings), len(sim.model_calls)) == (1, 1)
    assert len(sim.voice.calls) == 3 and len(sounds(sim.deliveries)) == 1
    assert left_in_the_end(bot) == [
        path_of(sounds(sim.deliveries)[0]).split("/")[-1]]


def test_processes_die_while_many_are_spoken_to(deploy, server, sim, users,
                                                measure):
    """Each has one text and one sound, and no finished file is unknown."""
    bot = deploy(server, workers=4, fresh=True, PUBLIC_BASE_URL=BASE)
    sim.model.hear_latency = sim.model.latency = sim.voice.latency = 0.2
    told_to = []
    for n, one in enumerate(users(30)):
        words = f"What does listener {n} need to know?"
        audio = marked(m4a(), words.encode())
        if sim.speak(one, audio, words)[0] == 200:
            told_to.append(one)
        if n % 5 == 3:
            bot.kill_worker(bot.wait_workers(1)[0])
        time.sleep(0.06)
    assert sim.wait_for(lambda: {d.user for d in list(sim.deliveries)} >=
                        set(told_to), 40)
    assert bot.wait_idle(20)
    for n, one in enumerate(users(30)):
        got = [d for d in sim.deliveries if d.user == one]
        # one whose webhook was not answered may have been written down
        assert len(got) == 1 or (got == [] and one not in told_to)
        assert len(sounds(got)) == len(got)
        assert [f"listener {n} " in text for text in texts_of(got)] == \
            [True] * len(got)
    names = {path_of(m).split("/")[-1] for m in sounds(sim.deliveries)}
    assert len(names) == len(sim.deliveries) and len(told_to) >= 20
    assert left_in_the_end(bot) == sorted(names)
    measure("of 30 spoken to, 6 kills, accepted", len(told_to), "")
    measure("speech model's calls", len(sim.voice.calls), "")

"""An event is answered once, however often LINE delivers it."""

import time

import pytest

from crowd import at_once


def answers_in_the_end(sim, one, seconds=0.5):
    """All that a user sees, after some time for what should not come."""
    sim.wait_answers(one, 1, 5)
    time.sleep(seconds)
    return sim.answers(one)


@pytest.mark.every_server
def test_the_same_event_one_after_the_other_is_answered_once(deploy, server,
                                                             sim, user):
    deploy(server, workers=4)
    sim.model.latency = 0.3
    event = sim.text_event(user("mei"), "How often do you answer this?")
    assert [sim.send([event])[0] for _ in range(6)] == [200] * 6
    assert len(answers_in_the_end(sim, user("mei"))) == 1
    assert len(sim.model_calls) == 1


@pytest.mark.every_server
def test_a_redelivery_after_the_answer_is_not_answered(deploy, server, sim,
                                                       user):
    deploy(server, workers=4)
    event = sim.text_event(user("mei"), "Did you hear me the first time?")
    sim.send([event])
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    for _ in range(4):
        assert sim.redeliver(event)[0] == 200
    assert len(answers_in_the_end(sim, user("mei"))) == 1
    assert len(sim.model_calls) == 1


def test_a_redelivery_after_a_restart_is_not_answered(deploy, server, sim,
                                                      user):
    bot = deploy(server, fresh=True)
    event = sim.text_event(user("mei"), "Do you remember me tomorrow?")
    sim.send([event])
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    bot.stop()
    bot.start()
    assert sim.redeliver(event)[0] == 200
    assert len(answers_in_the_end(sim, user("mei"))) == 1


@pytest.mark.every_server
def test_the_same_event_at_the_same_instant_is_answered_once(deploy, server,
                                                             sim, user):
    deploy(server, workers=4)
    sim.model.latency = 0.3
    event = sim.text_event(user("mei"), "Eight times at the same instant?")
    statuses = at_once([lambda: sim.send([event])[0]] * 8)
    assert statuses == [200] * 8
    assert len(answers_in_the_end(sim, user("mei"))) == 1
    assert len(sim.model_calls) == 1


def test_the_same_event_twice_in_one_body_is_answered_once(deploy, server,
                                                           sim, user):
    deploy(server)
    event = sim.text_event(user("mei"), "Twice in one body?")
    assert sim.send([event, event])[0] == 200
    assert len(answers_in_the_end(sim, user("mei"))) == 1


def test_an_event_a_day_older_than_the_newest_is_ignored(deploy, server, sim,
                                                         user):
    deploy(server)
    sim.say(user("tom"), "What is the newest?")
    day_ms = 24 * 3600 * 1000
    old = sim.text_event(user("mei"), "A question from yesterday",
                         timestamp=int(time.time() * 1000) - day_ms - 60000)
    assert sim.send([old])[0] == 200
    sim.say(user("mei"), "A question from today")
    (answer,) = answers_in_the_end(sim, user("mei"), 0.3)
    assert "today" in answer

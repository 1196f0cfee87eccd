"""Nobody gets more than their share, in whichever process they land."""

import time

from crowd import ask_all, texts, wait_answered

SYSTEM_BUSY = "System busy, try again"
SLOW_DOWN = "Slow down please"


def test_beyond_the_global_tokens_users_are_told_the_system_is_busy(
        deploy, server, sim, users, measure):
    deploy(server, fresh=True, GLOBAL_RATE_TOKENS=100, GLOBAL_RATE_REFILL=10)
    questions = {one: f"Question of user {n} in the rush"
                 for n, one in enumerate(users(130))}
    start = time.monotonic()
    sent = ask_all(sim, questions, threads=26)
    seconds = time.monotonic() - start
    got = wait_answered(sim, questions, 10)
    assert {status for status, _ in sent.values()} == {200}
    assert set(got) == set(questions)
    said = {one: texts(got[one]) for one in questions}
    busy = [one for one in questions if said[one] == [SYSTEM_BUSY]]
    right = [one for one, question in questions.items()
             if len(said[one]) == 1 and f"“{question}”" in said[one][0]]
    assert len(busy) + len(right) == 130
    measure("of 130 users at once answered", len(right), "users")
    assert 100 <= len(right) <= 100 + 10 * seconds + 1


def test_a_users_twenty_tokens_hold_across_processes_and_restarts(
        deploy, server, sim, user):
    bot = deploy(server, workers=4, fresh=True, USER_RATE_REFILL=0)
    one = user("mei")
    for n in range(25):
        if n == 12:
            bot.stop()
            bot.start()
        assert sim.say(one, f"Question {n} of a curious user")[0] == 200
        sim.wait_answers(one, min(n + 1, 21), 5)
    time.sleep(0.3)
    said = sim.answers(one)
    assert [f"Question {n} of" in text for n, text in
            enumerate(said[:20])] == [True] * 20
    assert said[20:] == [SLOW_DOWN]
    assert len(sim.model_calls) == 20


def test_a_user_without_tokens_costs_the_others_none(deploy, server, sim,
                                                     user):
    deploy(server, fresh=True, USER_RATE_TOKENS=1, USER_RATE_REFILL=0,
           GLOBAL_RATE_TOKENS=2, GLOBAL_RATE_REFILL=0)
    sim.say(user("mei"), "The only question that I have")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    for n in range(5):
        sim.say(user("mei"), f"One more, please, number {n}")
    assert sim.wait_answers(user("mei"), 2, 5)[1:] == [SLOW_DOWN]
    sim.say(user("tom"), "May I ask as well?")
    assert "May I ask" in sim.wait_answers(user("tom"), 1, 5)[0]
    sim.say(user("ada"), "And may I?")
    assert sim.wait_answers(user("ada"), 1, 5) == [SYSTEM_BUSY]


def test_dropped_messages_cost_no_token(deploy, server, sim, user):
    deploy(server, fresh=True, USER_RATE_TOKENS=2, USER_RATE_REFILL=0)
    sim.model.latency = 0.5
    for n in range(10):
        sim.say(user("mei"), f"Hasty question {n}")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    sim.say(user("mei"), "My second question")
    assert len(sim.wait_answers(user("mei"), 2, 5)) == 2
    assert "My second question" in sim.answers(user("mei"))[1]


def test_tokens_come_back_with_time(deploy, server, sim, user):
    deploy(server, fresh=True, USER_RATE_TOKENS=1, USER_RATE_REFILL=1)
    sim.say(user("mei"), "What can I ask first?")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    time.sleep(1.2)
    sim.say(user("mei"), "What can I ask second?")
    assert "second" in sim.wait_answers(user("mei"), 2, 5)[1]

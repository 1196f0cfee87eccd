"""Exactly one answer reaches the user, whatever LINE says or does not say."""

import time

import pytest

import deployment
import privacy
from crowd import texts
from deployment import Deployment
from simulator import Simulator

FALLBACK = "I could not send my answer. Please retry."
PAUSE_S = 30  # how long deliveries wait after LINE refused our token


class PausedScene:
    """A question whose answer LINE refuses with 401.

    Deliveries then pause for half a minute, so it begins before the other
    tests of this file and is looked at after them.
    """

    def __init__(self, server):
        self.sim = Simulator(channel_secret=deployment.CHANNEL_SECRET,
                             access_token=deployment.ACCESS_TOKEN,
                             gemini_key=deployment.GEMINI_KEY)
        self.sim.start()
        self.bot = Deployment(server, self.sim).start()
        self.sim.webhook_url = self.bot.url + "/webhook"
        self.sim.faults.add("reply", "401")
        self.watch = privacy.Watch(self.sim)
        self.sim.say("mei", "Is our token still good?")
        self.start = time.monotonic()
        self.sim.wait_for(lambda: self.replies(), 5)

    def replies(self):
        return [r for r in list(self.sim.requests)
                if r.path.endswith("/message/reply")]

    def close(self):
        self.bot.stop()
        self.bot.remove()
        self.sim.stop()


@pytest.fixture(scope="module")
def paused():
    scene = PausedScene("lighttpd")
    yield scene
    scene.close()


def calls(sim, kind):
    return [r for r in list(sim.requests)
            if r.path.endswith("/message/" + kind)]


def test_a_refused_token_pauses_delivery_and_keeps_the_answer(server, paused):
    time.sleep(1)
    assert paused.bot.sessions()["unfinished"] == 1
    assert paused.sim.deliveries == [] and len(paused.replies()) == 1
    assert "renew LINE_CHANNEL_ACCESS_TOKEN" in paused.bot.log_text()


def test_a_reply_whose_answer_was_lost_is_not_delivered_twice(
        deploy, server, sim, user):
    bot = deploy(server)
    sim.faults.add("reply", "lost")
    sim.say(user("mei"), "Did my answer get lost?")
    assert sim.wait_for(lambda: len(calls(sim, "reply")) == 2, 5)
    assert bot.wait_idle(3)
    assert len(sim.deliveries) == 1
    assert [r.status for r in calls(sim, "reply")] == [0, 400]
    assert calls(sim, "push") == []


@pytest.mark.parametrize("fault", ["500", "503", "drop", "500_accepted",
                                   "429_rate"])
def test_a_reply_that_failed_is_tried_again_with_the_same_token(
        deploy, server, sim, user, fault):
    bot = deploy(server)
    sim.faults.add("reply", fault)
    sim.say(user("mei"), "Can you say that again?")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    assert bot.wait_idle(5)
    first, second = calls(sim, "reply")
    assert first.body == second.body
    assert len(sim.deliveries) == 1 and calls(sim, "push") == []
    assert all("x-line-retry-key" not in r.headers
               for r in calls(sim, "reply"))


def test_the_user_may_ask_again_while_a_reply_is_retried(deploy, server, sim,
                                                         user):
    deploy(server)
    first = sim.text_event(user("mei"), "First question, stuck on its way")
    sim.faults.add("reply", "500", times=3,
                   match=lambda r: r.json["replyToken"] ==
                   first["replyToken"])
    sim.send([first])
    assert sim.wait_for(lambda: calls(sim, "reply"), 5)
    sim.say(user("mei"), "Second question, meanwhile")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    assert "Second question" in sim.answers(user("mei"))[0]
    assert len(sim.wait_answers(user("mei"), 2, 8)) == 2
    assert "First question" in sim.answers(user("mei"))[1]


@pytest.fixture
def late(deploy, server, sim):
    """A deployment whose answers always come too late for a reply."""
    sim.model.latency = 1.2
    return deploy(server, REPLY_WINDOW=1)


def test_a_late_answer_is_pushed_with_a_retry_key(late, sim, user):
    sim.say(user("mei"), "Is this too late?")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    (delivery,) = sim.deliveries
    assert delivery.kind == "push" and delivery.user == user("mei")
    assert delivery.retry_key and calls(sim, "reply") == []


@pytest.mark.parametrize("fault", ["500", "500_accepted", "drop", "lost"])
def test_a_push_is_repeated_with_the_same_key_and_bytes(late, sim, user,
                                                        fault):
    sim.faults.add("push", fault)
    sim.say(user("mei"), "Is this pushed twice?")
    assert sim.wait_for(lambda: len(calls(sim, "push")) == 2, 6)
    assert late.wait_idle(3)
    first, second = calls(sim, "push")
    assert first.body == second.body
    assert first.headers["x-line-retry-key"] == \
        second.headers["x-line-retry-key"]
    assert len(sim.deliveries) == 1


def test_an_expired_reply_token_turns_into_a_push(deploy, server, sim, user):
    deploy(server)
    sim.faults.add("reply", "invalid_token")
    sim.say(user("mei"), "Is my token too old?")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    assert [d.kind for d in sim.deliveries] == ["push"]


def test_used_up_pushes_end_in_a_dead_letter_and_are_not_tried_again(
        deploy, server, sim, user):
    bot = deploy(server, fresh=True, REPLY_WINDOW=1)
    sim.model.latency = 1.2
    sim.faults.add("push", "429_monthly", times=None)
    sim.say(user("mei"), "Is there a push left for me?")
    assert sim.wait_for(lambda: calls(sim, "push"), 5)
    assert bot.wait_idle(3)
    sim.say(user("tom"), "And one for me?")
    assert sim.wait_for(lambda: len(sim.model_calls) == 2, 3)
    assert bot.wait_idle(5)
    assert bot.sessions()["dead"] == 2
    assert len(calls(sim, "push")) == 1 and sim.deliveries == []
    sim.model.latency = 0
    sim.say(user("ada"), "Do replies still work?")
    assert len(sim.wait_answers(user("ada"), 1, 5)) == 1


def test_a_user_who_blocked_us_gets_one_push_into_the_void(late, sim, user):
    sim.line.block(user("mei"))
    dead = late.sessions()["dead"]
    sim.say(user("mei"), "I will not read this")
    assert sim.wait_for(lambda: calls(sim, "push"), 5)
    assert late.wait_idle(3)
    assert [r.status for r in calls(sim, "push")] == [200]
    assert sim.deliveries == [] and late.sessions()["dead"] == dead


@pytest.mark.parametrize("fault", ["403", "404"])
def test_a_push_that_is_refused_is_given_up(late, sim, user, fault):
    dead = late.sessions()["dead"]
    sim.faults.add("push", fault, times=None)
    sim.say(user("mei"), "Am I allowed to hear you?")
    assert sim.wait_for(lambda: calls(sim, "push"), 5)
    assert late.wait_idle(3)
    assert len(calls(sim, "push")) == 1
    assert late.sessions()["dead"] == dead + 1


def test_content_that_line_refuses_is_replaced_by_plain_words(
        deploy, server, sim, user):
    bot = deploy(server)
    sim.faults.add("reply", "400_content")
    sim.say(user("mei"), "What does LINE not like?")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    (delivery,) = sim.deliveries
    assert texts([delivery])[0].startswith(FALLBACK)
    assert bot.wait_idle(2)


def test_a_lost_animation_changes_nothing(deploy, server, sim, user):
    deploy(server)
    sim.faults.add("loading", "500", times=None)
    sim.say(user("mei"), "Do you type invisibly?")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1


def test_the_paused_answer_is_delivered_when_the_token_is_good_again(
        server, paused, measure):
    left = PAUSE_S + 8 - (time.monotonic() - paused.start)
    assert len(paused.sim.wait_answers("mei", 1, max(left, 1))) == 1
    (delivery,) = paused.sim.deliveries
    measure("401, then delivered after", delivery.at - paused.start)
    assert "Is our token still good?" in texts([delivery])[0]
    assert paused.bot.wait_idle(2)
    assert paused.bot.sessions()["dead"] == 0
    assert paused.sim.violations == []
    assert privacy.leaks(paused.bot, paused.watch.needles()) == []

"""No sound can be had, or not in time: the text arrives all the same, and
says so, and the user is free.  With VOICE_PUSH the sound follows."""

import re
import time

import pytest

from spoken import (BASE, FOLLOWS, NOT_SPOKEN, WORDS, ask_aloud, files,
                    path_of, play, sounds, texts_of, wait_spoken)

TTS_S = 3
RAW = "gemini-2.5-flash-preview-tts"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def bot(deploy, server):
    return deploy(server, PUBLIC_BASE_URL=BASE, TTS_TIMEOUT=TTS_S)


def mine(sim, one):
    return [d for d in list(sim.deliveries) if d.user == one]


def check_text_alone(bot, sim, *users, words=WORDS, note=NOT_SPOKEN):
    """The text with the note by reply, no sound, and the user is free."""
    for one in users:
        assert sim.wait_for(lambda one=one: mine(sim, one), TTS_S + 10)
    assert bot.wait_idle(5)
    for one in users:
        (delivery,) = mine(sim, one)
        assert delivery.kind == "reply" and sounds([delivery]) == []
        text, said = texts_of([delivery])
        assert text.startswith(f"You said: “{words}")
        assert said == note
        sim.say(one, "Am I free again?")
    for one in users:
        assert sim.wait_for(lambda one=one: len(mine(sim, one)) == 2, 8)
        assert "“Am I free again?”" in texts_of(mine(sim, one))[-1]


def ask_all_aloud(sim, user, faults, times):
    """Everybody at once, each with a fault of his own; the users."""
    for fault in faults:
        words = f"What if it is {fault.replace('_', ' ')}?"
        sim.voice.fail(fault, times,
                       lambda text, words=words: words in text)
        ask_aloud(sim, user(fault), words)
    return [user(fault) for fault in faults]


# An answer came, and it is no sound, or none of this text: how often it is
# asked for again.
NO_SOUND = {"noise": 3, "half_a_second": 3, "empty_data": 3,
            "text_instead": 3, "no_audio": 3, "garbage": 3, "odd_rate": 3,
            "too_much": 1, "truncated_json": 3, "empty_body": 3,
            "safety_prompt": 1}
# No answer: the upstream's breaker counts these.
FAILURES = {"400_text": 3, "cut": 3, "drop": 3, "garbage_502": 3, "500": 3,
            "503": 3, "404_model": 1, "403": 1}


@pytest.mark.parametrize("model", ["gemini-3.8-flash-tts", RAW])
def test_the_text_comes_when_the_sound_is_none(deploy, server, sim, user,
                                               model):
    bot = deploy(server, PUBLIC_BASE_URL=BASE, TTS_TIMEOUT=TTS_S,
                 TTS_MODEL=model)
    before = files(bot)
    users = ask_all_aloud(sim, user, NO_SOUND, times=None)
    check_text_alone(bot, sim, *users, words="What if it is")
    count = dict.fromkeys(NO_SOUND, 0)
    for call in sim.voice.calls:
        count[call.fault] += 1
    assert {f: n for f, n in count.items() if not 1 <= n <= NO_SOUND[f]} == {}
    assert files(bot) == before


@pytest.mark.parametrize("fault", FAILURES)
def test_the_text_comes_when_the_model_fails(bot, sim, user, fault):
    before = files(bot)
    sim.voice.fail(fault, times=None)
    ask_aloud(sim, user("mei"))
    check_text_alone(bot, sim, user("mei"))
    assert 1 <= len(sim.voice.calls) <= FAILURES[fault]
    assert files(bot) == before
    # a good one closes the breaker for the next fault
    sim.voice.orders.clear()
    ask_aloud(sim, user("tom"))
    assert len(wait_spoken(sim, user("tom"))) == 1


def test_what_fails_once_is_tried_again(bot, sim, user):
    faults = ["noise", "half_a_second", "text_instead", "garbage", "503",
              "cut", "drop"]
    for one in ask_all_aloud(sim, user, faults, times=1):
        (message,) = wait_spoken(sim, one)
        assert play(bot, message)
    assert len(sim.voice.calls) == 2 * len(faults)


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_the_text_does_not_wait_longer_than_that(deploy, server, sim, user,
                                                 measure, fault):
    bot = deploy(server, PUBLIC_BASE_URL=BASE, TTS_TIMEOUT=2)
    sim.voice.fail(fault, times=None)
    asked = time.monotonic()
    ask_aloud(sim, user("mei"))
    check_text_alone(bot, sim, user("mei"))
    measure("text alone, TTS_TIMEOUT=2, after", sim.deliveries[0].at - asked)
    assert sim.voice.calls[0].aborted


def test_the_reply_window_is_shorter_than_the_patience(deploy, server, sim,
                                                       user, measure):
    """7 s until the token is doubted, 5 of them kept for sending."""
    bot = deploy(server, PUBLIC_BASE_URL=BASE, TTS_TIMEOUT=60,
                 REPLY_WINDOW=7)
    sim.voice.fail("hang", times=None)
    asked = time.monotonic()
    ask_aloud(sim, user("mei"))
    check_text_alone(bot, sim, user("mei"))
    measure("text alone, REPLY_WINDOW=7, after", sim.deliveries[0].at - asked)


def test_without_time_for_a_sound_none_is_asked_for(deploy, server, sim,
                                                    user):
    bot = deploy(server, PUBLIC_BASE_URL=BASE, REPLY_WINDOW=5)
    ask_aloud(sim, user("mei"))
    check_text_alone(bot, sim, user("mei"))
    assert sim.voice.calls == []


def test_who_waits_too_long_for_a_place_reads(deploy, server, sim, users,
                                              measure):
    """Two are spoken to at a time; for the last ones that takes too long."""
    bot = deploy(server, workers=1, PUBLIC_BASE_URL=BASE, TTS_TIMEOUT=4,
                 SPEECH_JOBS=2)
    most = []

    def latency(call):
        most.append(sum(c.ended is None for c in list(sim.voice.calls)))
        return 1.5

    for one in users(8):
        sim.say(one, "voice on")
    assert sim.wait_for(lambda: len(sim.deliveries) == 8, 8)
    assert bot.wait_idle(5)
    sim.voice.latency = latency
    for one in users(8):
        sim.say(one, WORDS)
    assert sim.wait_for(lambda: len(sim.deliveries) == 16, 20)
    assert bot.wait_idle(5)
    spoken = [d for d in sim.deliveries[8:] if sounds([d])]
    read = [d for d in sim.deliveries[8:] if texts_of([d])[1:] == [NOT_SPOKEN]]
    measure("of 8, two at a time for 1.5 s each, spoken", len(spoken), "")
    assert max(most) <= 2 and spoken and read
    assert len(spoken) + len(read) == 8
    assert len(sim.voice.calls) == len(spoken)


def test_an_answer_that_fills_all_messages_is_read_alone(bot, sim, user):
    """LINE takes five messages, and these are five: nothing is paid for."""
    answer = " ".join(f"Sentence {n} is about water." for n in range(900))
    sim.model.answer = lambda question, contents: answer
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: sim.deliveries, 15)
    assert bot.wait_idle(5)
    (delivery,) = sim.deliveries
    assert len(delivery.messages) == 5 and sounds([delivery]) == []
    assert sim.voice.calls == []


def test_a_quota_that_is_used_up_silences_everybody(deploy, server, sim,
                                                    user):
    bot = deploy(server, fresh=True, PUBLIC_BASE_URL=BASE)
    sim.voice.fail("429_day")
    ask_aloud(sim, user("mei"))
    check_text_alone(bot, sim, user("mei"))
    ask_aloud(sim, user("tom"))
    assert sim.wait_for(lambda: len(sim.deliveries) == 3, 8)
    assert len(sim.voice.calls) == 1 and sounds(sim.deliveries) == []


def test_a_folder_that_is_gone_leaves_the_text(deploy, server, sim, user):
    bot = deploy(server, fresh=True, PUBLIC_BASE_URL=BASE)
    folder = bot.folder / "var" / "audio"
    folder.rename(folder.with_name("elsewhere"))
    ask_aloud(sim, user("mei"))
    check_text_alone(bot, sim, user("mei"))
    assert len(sim.voice.calls) == 1


# VOICE_PUSH: the sound follows

@pytest.fixture
def pushing(deploy, server):
    return deploy(server, PUBLIC_BASE_URL=BASE, TTS_TIMEOUT=2,
                  VOICE_PUSH="on")


def pushes(sim):
    return [r for r in list(sim.requests)
            if r.path.endswith("/message/push")]


def check_text_then_sound(sim, one):
    """The text by reply, then one sound by push; (text, sound)."""
    assert len(wait_spoken(sim, one)) == 1
    text, sound = sim.deliveries
    assert (text.kind, sound.kind) == ("reply", "push")
    assert texts_of([text])[1:] == [FOLLOWS] and sounds([text]) == []
    assert texts_of([sound]) == [] and len(sound.messages) == 1
    assert UUID.fullmatch(sound.retry_key)
    return text, sound


def test_a_late_sound_follows_its_text(pushing, sim, user, measure):
    before = files(pushing)
    sim.voice.fail("hang")
    asked = time.monotonic()
    ask_aloud(sim, user("mei"))
    text, sound = check_text_then_sound(sim, user("mei"))
    measure("text after", text.at - asked)
    measure("its sound after", sound.at - asked)
    assert pushing.wait_idle(5)
    assert len(sim.deliveries) == 2 and len(pushes(sim)) == 1
    assert len(sim.model_calls) == len(sim.hearings) == 1
    name = path_of(sound.messages[0]).split("/")[-1]
    assert files(pushing) == sorted([*before, name])
    assert play(pushing, sound.messages[0])


def test_the_user_is_free_while_it_follows(pushing, sim, user):
    sim.voice.fail("hang", times=2)
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: sim.deliveries, 10)
    sim.say(user("mei"), "May I ask meanwhile?")
    assert sim.wait_for(lambda: len(sim.deliveries) == 2, 8)
    assert "meanwhile" in texts_of(sim.deliveries)[-1]


def test_a_sound_is_pushed_once(pushing, sim, user):
    """What becomes of the first push is unknown: the next has its key."""
    sim.voice.fail("hang")
    sim.faults.add("push", "lost")
    ask_aloud(sim, user("mei"))
    check_text_then_sound(sim, user("mei"))
    assert sim.wait_for(lambda: len(pushes(sim)) == 2, 60)
    assert pushing.wait_idle(30)
    assert len(sounds(sim.deliveries)) == 1
    keys = {r.headers["x-line-retry-key"] for r in pushes(sim)}
    assert len(keys) == 1 and len({r.body for r in pushes(sim)}) == 1
    assert len(sim.voice.calls) == 2


def test_text_and_sound_are_pushed_with_keys_of_their_own(deploy, server, sim,
                                                          user):
    """The model was slow: the text comes by push as well."""
    bot = deploy(server, fresh=True, PUBLIC_BASE_URL=BASE, TTS_TIMEOUT=2,
                 VOICE_PUSH="on", REPLY_WINDOW=1)
    sim.model.latency = 1.5
    ask_aloud(sim, user("mei"))
    assert len(wait_spoken(sim, user("mei"))) == 1
    assert bot.wait_idle(5)
    text, sound = sim.deliveries
    assert (text.kind, sound.kind) == ("push", "push")
    assert text.retry_key != sound.retry_key


def test_a_sound_that_never_comes_is_forgotten(pushing, sim, user):
    """The text has been told already: nothing more is said."""
    before = files(pushing)
    sim.voice.fail("half_a_second", times=None)
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: sim.deliveries, 10)
    assert pushing.wait_idle(30)
    (delivery,) = sim.deliveries
    assert texts_of([delivery])[1:] == [FOLLOWS]
    assert files(pushing) == before

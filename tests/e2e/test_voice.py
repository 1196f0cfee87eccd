"""A user speaks, is understood, and reads what was heard above the answer."""

import itertools
import re
import time

import pytest

from crowd import at_once
from memory import Peak
from sound import m4a, marked

WORDS = "How much water should I drink?"
GENERAL = "gemini-3.5-flash-lite"


def fetches(sim):
    return [r for r in list(sim.requests) if r.path.endswith("/content")]


def states(bot):
    """What users are in, but those with whom nothing goes on."""
    return {s["state"] for s in bot.sessions()["sessions"]} - {"idle"}


@pytest.mark.every_server
def test_a_voice_message_is_understood_and_answered(deploy, server, sim, user,
                                                    measure):
    deploy(server)
    audio = m4a()
    asked = time.monotonic()
    assert sim.speak(user("mei"), audio, WORDS)[0] == 200
    (answer,) = sim.wait_answers(user("mei"), 1, 8)
    measure("voice message answered in", sim.deliveries[0].at - asked)
    assert answer.startswith(f"You said: “{WORDS}”\n\nAbout “{WORDS}”")
    (hearing,) = sim.hearings
    assert hearing.model == "gemini-3.5-transcribe"
    assert (hearing.type, hearing.audio) == ("audio/m4a", audio)
    (fetch,) = fetches(sim)
    assert fetch.headers["authorization"].startswith("Bearer ")
    (call,) = sim.model_calls
    assert call.question == WORDS
    assert sim.deliveries[0].kind == "reply"


def test_a_general_model_hears_as_well(deploy, server, sim, user):
    deploy(server, STT_MODEL=GENERAL, AUDIO_MIME="audio/mp4")
    assert sim.speak(user("mei"), m4a(), WORDS)[0] == 200
    (answer,) = sim.wait_answers(user("mei"), 1, 8)
    assert answer.startswith(f"You said: “{WORDS}”")
    (hearing,) = sim.hearings
    assert (hearing.model, hearing.type) == (GENERAL, "audio/mp4")
    assert "word for word" in hearing.question


def test_what_was_said_is_part_of_the_conversation(deploy, server, sim, user):
    deploy(server)
    sim.speak(user("mei"), m4a(), "My blood pressure is 150")
    assert len(sim.wait_answers(user("mei"), 1, 8)) == 1
    sim.say(user("mei"), "Is that too high?")
    assert len(sim.wait_answers(user("mei"), 2, 8)) == 2
    said = [turn["parts"][0]["text"] for turn in sim.model_calls[-1].contents]
    assert said[0] == "My blood pressure is 150"
    assert not said[1].startswith("You said")


@pytest.mark.parametrize("words", ["", "[no speech]", "..."])
def test_silence_gets_a_friendly_word(deploy, server, sim, user, words):
    deploy(server, STT_MODEL=GENERAL)
    sim.speak(user("mei"), m4a(silent=True), words)
    assert sim.wait_answers(user("mei"), 1, 8) == [
        "I could not hear you. Please say it again."]
    assert sim.model_calls == []


# the state "audio"; four processes, so that each one sees what others do

def enders(bot):
    """The processes that have ended somebody's message."""
    return set(re.findall(r"pid=(\d+) job=\S+ end=", bot.log_text()))


@pytest.mark.every_server
def test_a_text_overtakes_a_voice_message(deploy, server, sim, users):
    bot = deploy(server, workers=4, fresh=True)
    sim.model.hear_latency, sim.model.latency = 0.8, 1.6
    for one in users(8):
        assert sim.speak(one, m4a(), WORDS)[0] == 200
    assert sim.wait_for(lambda: len(sim.hearings) == 8, 5)
    assert states(bot) == {"audio"} and bot.sessions()["active"] == 0
    for one in reversed(users(8)):  # each in another process than his voice
        sim.say(one, "No, tell me about tea")
    assert sim.wait_for(lambda: len(sim.model_calls) == 8, 5)
    assert states(bot) == {"busy"}
    assert sim.wait_for(lambda: len(sim.deliveries) >= 8, 8)
    assert bot.wait_idle(5)
    for one in users(8):
        (answer,) = sim.answers(one)
        assert "“No, tell me about tea”" in answer
    assert len(sim.model_calls) == 8
    assert bot.log_text().count("end=discarded") == 8
    if server == "lighttpd":  # which gives them messages in turn
        assert len(enders(bot)) == 4


DELAYS = (1.6, 0.3, 1.2)


def test_of_three_voice_messages_the_first_heard_is_answered(deploy, server,
                                                             sim, users):
    """In all orders at once, each order by a user of its own."""
    bot = deploy(server, workers=4)
    sim.model.hear = lambda call: f"what takes {seconds_of(call)} seconds?"
    sim.model.hear_latency = seconds_of
    sim.model.latency = 2
    orders = dict(zip(users(6), itertools.permutations(DELAYS)))
    for one, delays in orders.items():
        for seconds in delays:
            sim.speak(one, marked(m4a(), f"{one} {seconds}".encode()))
    assert sim.wait_for(lambda: len(sim.deliveries) >= 6, 8)
    assert bot.wait_idle(5)
    for one in orders:
        (answer,) = sim.answers(one)
        assert "what takes 0.3 seconds?" in answer
    assert len(sim.hearings) == 18 and len(sim.model_calls) == 6


def seconds_of(call):
    """What a recording that was marked says about itself."""
    return float(call.audio.rsplit(b" ", 1)[1])


def test_a_voice_message_to_a_busy_bot_is_dropped(deploy, server, sim, user):
    bot = deploy(server)
    sim.model.latency = 0.6
    sim.say(user("mei"), "Is the first one answered?")
    sim.speak(user("mei"), m4a(), WORDS)
    assert len(sim.wait_answers(user("mei"), 1, 8)) == 1
    assert bot.wait_idle(5)
    assert fetches(sim) == [] and len(sim.deliveries) == 1


def test_who_is_not_heard_in_time_is_told_and_free(deploy, server, sim, user,
                                                   measure):
    deploy(server, fresh=True, STT_TIMEOUT=1)
    sim.faults.add("stt", "hang")
    asked = time.monotonic()
    sim.speak(user("mei"), m4a(), WORDS)
    assert sim.wait_answers(user("mei"), 1, 8) == [
        "Request timed out, please try again"]
    measure("told after, STT_TIMEOUT=1", sim.deliveries[0].at - asked)
    sim.speak(user("mei"), m4a(), WORDS)
    assert WORDS in sim.wait_answers(user("mei"), 2, 8)[1]


def test_an_overloaded_transcriber_is_asked_again(deploy, server, sim, user):
    deploy(server, fresh=True)
    sim.faults.add("stt", "503")
    sim.speak(user("mei"), m4a(), WORDS)
    assert WORDS in sim.wait_answers(user("mei"), 1, 8)[0]
    assert len(sim.hearings) == 2


# many

def test_many_speak_at_once(deploy, server, sim, users):
    """No more than SPEECH_JOBS recordings are on their way at a time."""
    bot = deploy(server, workers=1, SPEECH_JOBS=3)
    most = []

    def hear(call):
        return f"what does number {len(call.audio)} say?"

    def latency(call):
        now = [h for h in list(sim.hearings) if h.ended is None]
        most.append(len(now))
        return 0.2

    sim.model.hear, sim.model.hear_latency = hear, latency
    audio = m4a()
    jobs = [lambda one=one: sim.speak(one, audio) for one in users(20)]
    assert {status for status, _ in at_once(jobs)} == {200}
    assert sim.wait_for(lambda: len(sim.deliveries) == 20, 20)
    assert bot.wait_idle(5)
    assert max(most) <= 3
    assert len(sim.hearings) == 20


def text_delays(sim, names):
    """Asks one after the other; how long each answer took."""
    delays = []
    for name in names:
        asked = time.monotonic()
        sim.say(name, "Is a text still answered at once?")
        assert len(sim.wait_answers(name, 1, 10)) == 1
        delays.append(time.monotonic() - asked)
    return sorted(delays)


def test_two_hundred_speak_for_half_a_minute_at_once(deploy, server, sim,
                                                     user, users, measure):
    bot = deploy(server, workers=1, fresh=True, STT_TIMEOUT=30)
    (pid,) = bot.wait_workers(1)
    audio = m4a(30)
    readers = [user(f"reader {i}") for i in range(40)]
    alone = text_delays(sim, readers[:20])
    sim.model.hear, sim.model.hear_latency = lambda call: WORDS, 0.5
    peak = Peak(pid)
    peak.start()
    jobs = [lambda one=one: sim.speak(one, audio) for one in users(200)]
    assert {status for status, _ in at_once(jobs, 50)} == {200}
    beside = text_delays(sim, readers[20:])
    assert sim.wait_for(lambda: len(sim.deliveries) == 240, 60)
    peak.over.set()
    peak.join()
    told = [sim.answers(one)[0] for one in users(200)]
    assert sum(WORDS in text for text in told) == 200
    most = 24 * 1024 + 32 * 4 * len(audio) // 1024
    measure("200 voice messages, peak memory", peak.kib, "KiB")
    measure(f"of {len(audio)} bytes each; 24 MiB + 32 x 4 x that", most, "KiB")
    measure("text alone, slowest of 20", alone[-1])
    measure("text beside them, slowest of 20", beside[-1])
    assert peak.kib <= most

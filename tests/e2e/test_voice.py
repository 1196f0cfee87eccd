"""A user speaks, is understood, and reads what was heard above the answer."""

import threading
import time
from pathlib import Path

import pytest

from crowd import at_once
from sound import m4a

MIB = 1024 * 1024
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


def test_a_recording_that_is_not_ready_comes_later(deploy, server, sim, user):
    deploy(server)
    order = sim.faults.add("content", "202", times=2)
    sim.speak(user("mei"), m4a(), WORDS)
    assert WORDS in sim.wait_answers(user("mei"), 1, 8)[0]
    assert order.fired == 2 and len(fetches(sim)) == 3


@pytest.mark.parametrize("fault", ["404", "410"])
def test_a_recording_that_is_gone(deploy, server, sim, user, fault):
    deploy(server)
    sim.faults.add("content", fault)
    sim.speak(user("mei"), m4a(), WORDS)
    assert sim.wait_answers(user("mei"), 1, 8) == [
        "I could not fetch your voice message. Please send it again."]
    assert sim.hearings == []


@pytest.mark.parametrize("recording, told", [
    (b"", "I could not hear you"),
    (b"<html>what?</html>", "I could not hear you"),
    (bytes(4) + b"ftypM4A " + bytes(10 * MIB - 11), "is too long"),
])
def test_recordings_that_are_none(deploy, server, sim, user, recording, told):
    deploy(server)
    sim.speak(user("mei"), recording, WORDS)
    assert told in sim.wait_answers(user("mei"), 1, 15)[0]
    assert sim.hearings == []


def test_the_largest_recording_is_heard(deploy, server, sim, user):
    deploy(server)
    audio = (m4a() + bytes(10 * MIB))[:10 * MIB]
    sim.speak(user("mei"), audio, WORDS)
    assert WORDS in sim.wait_answers(user("mei"), 1, 15)[0]
    assert sim.hearings[0].audio == audio


def test_an_endless_recording_ends(deploy, server, sim, user):
    deploy(server)
    sim.faults.add("content", "endless")
    sim.speak(user("mei"), m4a(), WORDS)
    assert "is too long" in sim.wait_answers(user("mei"), 1, 15)[0]


def test_recordings_from_elsewhere_and_in_groups_are_ignored(
        deploy, server, sim, user, group):
    bot = deploy(server)
    event = sim.voice_event(user("mei"), m4a(), WORDS)
    event["message"]["contentProvider"] = {
        "type": "external", "originalContentUrl": sim.url + "/v2/bot/info"}
    assert sim.send([event])[0] == 200
    event = sim.voice_event(user("mei"), m4a(), WORDS, source={
        "type": "group", "groupId": group(), "userId": user("mei")})
    assert sim.send([event])[0] == 200
    assert bot.wait_idle(2)
    assert sim.requests == [] and sim.deliveries == []


# the state "audio"

def test_a_text_overtakes_a_voice_message(deploy, server, sim, user):
    bot = deploy(server)
    sim.model.hear_latency, sim.model.latency = 0.8, 1.6
    sim.speak(user("mei"), m4a(), WORDS)
    assert sim.wait_for(lambda: sim.hearings, 5)
    assert states(bot) == {"audio"} and bot.sessions()["active"] == 0
    sim.say(user("mei"), "No, tell me about tea")
    assert sim.wait_for(lambda: sim.model_calls, 5)
    assert states(bot) == {"busy"}
    assert len(sim.wait_answers(user("mei"), 1, 8)) == 1
    assert bot.wait_idle(5)
    (answer,) = sim.answers(user("mei"))
    assert "“No, tell me about tea”" in answer
    assert [call.question for call in sim.model_calls] == \
        ["No, tell me about tea"]


def test_of_three_voice_messages_the_first_heard_is_answered(deploy, server,
                                                             sim, user):
    bot = deploy(server)
    sounds = {m4a(tone=tone): seconds
              for tone, seconds in ((300, 1.6), (400, 0.3), (500, 1.2))}
    sim.model.hear_latency = lambda call: sounds[call.audio]
    sim.model.latency = 2
    for audio in sounds:
        sim.speak(user("mei"), audio, f"what takes {sounds[audio]} seconds?")
    assert len(sim.wait_answers(user("mei"), 1, 8)) == 1
    assert bot.wait_idle(5)
    (answer,) = sim.answers(user("mei"))
    assert "what takes 0.3 seconds?" in answer
    assert len(sim.hearings) == 3 and len(sim.model_calls) == 1


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


# kill -9

def owner_of(bot, sim):
    return bot.connected_worker(sim.server.server_port)


def test_its_process_dies_while_it_fetches(deploy, server, sim, user):
    bot = deploy(server, fresh=True)
    sim.faults.add("content", "hang")
    sim.speak(user("mei"), m4a(), WORDS)
    assert sim.wait_for(lambda: fetches(sim), 5)
    bot.kill_worker(owner_of(bot, sim))
    assert WORDS in sim.wait_answers(user("mei"), 1, 8)[0]
    assert len(fetches(sim)) == 2 and len(sim.hearings) == 1
    assert len(sim.deliveries) == 1


def test_its_process_dies_while_it_listens(deploy, server, sim, user):
    bot = deploy(server, fresh=True)
    sim.model.hear_latency = 10
    sim.speak(user("mei"), m4a(), WORDS)
    assert sim.wait_for(lambda: sim.hearings, 5)
    killed = owner_of(bot, sim)
    sim.model.hear_latency = 0
    bot.kill_worker(killed)
    assert WORDS in sim.wait_answers(user("mei"), 1, 8)[0]
    assert len(sim.hearings) == 2 and len(sim.deliveries) == 1


def test_what_was_heard_is_paid_once(deploy, server, sim, user):
    """The words were committed: who takes over asks the model alone."""
    bot = deploy(server, fresh=True)
    sim.model.latency = 10
    sim.speak(user("mei"), m4a(), WORDS)
    assert sim.wait_for(lambda: sim.model_calls, 8)
    killed = owner_of(bot, sim)
    sim.model.latency = 0
    bot.kill_worker(killed)
    (answer,) = sim.wait_answers(user("mei"), 1, 8)
    assert answer.startswith(f"You said: “{WORDS}”")
    assert len(fetches(sim)) == 1 and len(sim.hearings) == 1
    assert len(sim.model_calls) == 2 and len(sim.deliveries) == 1


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


def anonymous_kib(pid):
    """Memory that belongs to the process alone, which the store does not."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines
                if line.startswith("RssAnon:"))


class Peak(threading.Thread):
    """The most memory that a process has, looked at every few ms."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.kib, self.over = pid, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.005):
            self.kib = max(self.kib, anonymous_kib(self.pid))


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

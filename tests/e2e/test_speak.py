"""Who asks aloud is answered aloud: beside the text comes a sound, which the
web server hands out, and which lasts as long as we say."""

import os
import time

import pytest

from crowd import at_once
from sound import decoded_ms, probe
from spoken import (BASE, ONLY_BEGINNING, WORDS, ask_aloud, files, path_of,
                    play, sounds, texts_of, wait_spoken)

CLOSE_MS = 50
RAW = "gemini-2.5-flash-preview-tts"
RAW_OTHER = "gemini-3.1-flash-tts-preview"


@pytest.fixture
def bot(deploy, server):
    return deploy(server, PUBLIC_BASE_URL=BASE)


def check_sound(bot, message):
    """Is it what the message says?  The bytes."""
    sound = play(bot, message)
    codec, rate, channels, bits = probe(sound)
    assert (codec, rate, channels) == ("mp3", 24000, 1)
    assert 32000 <= bits <= 64000  # about 48,000: tones are no speech
    assert abs(message["duration"] - decoded_ms(sound)) <= CLOSE_MS
    return sound


@pytest.mark.every_server
def test_a_voice_message_is_answered_aloud(bot, sim, user, measure):
    ask_aloud(sim, user("mei"))
    (message,) = wait_spoken(sim, user("mei"))
    (delivery,) = sim.deliveries
    assert delivery.kind == "reply"
    assert delivery.messages[-1] is message
    (text,) = texts_of([delivery])
    assert text.startswith(f"You said: “{WORDS}”\n\nAbout “{WORDS}”")
    (call,) = sim.voice.calls
    assert (call.model, call.voice) == ("gemini-3.8-flash-tts", "Kore")
    assert "water" in call.text and "You said" not in call.text
    sound = check_sound(bot, message)
    measure("stated", message["duration"], "ms")
    measure("decoded", decoded_ms(sound), "ms")
    measure("its bits a second", len(sound) * 8000 // message["duration"], "")


@pytest.mark.every_server
def test_its_sound_can_be_wound_and_nothing_else_be_had(bot, sim, user):
    ask_aloud(sim, user("mei"))
    (message,) = wait_spoken(sim, user("mei"))
    path = path_of(message)
    sound = play(bot, message)
    status, headers, body = bot.request("GET", path, headers={
        "Range": "bytes=100-1099"})
    assert (status, body) == (206, sound[100:1100])
    assert headers["Content-Range"] == f"bytes 100-1099/{len(sound)}"
    assert headers["Content-Type"] == "audio/mpeg"
    status, headers, body = bot.request("HEAD", path)
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(len(sound))
    assert headers["Cache-Control"] == "private"
    name = path.split("/")[-1]
    other = ("0" if name[0] != "0" else "1") + name[1:]
    for wrong in (other, "", ".", "..", "../key", "../data/data.mdb",
                  name.upper(), name[:-4], "." + name[:-4] + ".tmp",
                  name + "/", "%2e%2e%2fkey"):
        if wrong == name:
            continue  # its digits have no upper case
        status, _, body = bot.request("GET", "/audio/" + wrong)
        assert status in (400, 404), (wrong, status)
        assert name.encode() not in body and sound not in body


@pytest.mark.parametrize("model", [RAW, RAW_OTHER])
def test_the_older_models_speak_as_well(deploy, server, sim, user, model):
    """They send bare samples, and the rate in the MIME type."""
    bot = deploy(server, PUBLIC_BASE_URL=BASE, TTS_MODEL=model,
                 TTS_VOICE="Puck")
    ask_aloud(sim, user("mei"))
    (message,) = wait_spoken(sim, user("mei"))
    (call,) = sim.voice.calls
    assert (call.model, call.voice) == (model, "Puck")
    check_sound(bot, message)


@pytest.mark.parametrize("how", ["lying_size", "wav_16k", "wav_44k_stereo",
                                 "wav_with_lists"])
def test_sounds_that_are_unusual_but_good(bot, sim, user, how):
    sim.voice.fail(how)
    ask_aloud(sim, user("mei"))
    (message,) = wait_spoken(sim, user("mei"))
    assert len(sim.voice.calls) == 1
    check_sound(bot, message)
    expected = len(sim.voice.calls[0].text) * 65
    assert abs(message["duration"] - expected) <= 5


def test_what_is_read_aloud_has_no_marks(bot, sim, user):
    sim.model.answer = lambda question, contents: (
        "**Drink** two litres [1].\n\n* Water\n* Tea [pause]\n\n"
        "See https://example.org/water for more.")
    ask_aloud(sim, user("mei"))
    (message,) = wait_spoken(sim, user("mei"))
    (call,) = sim.voice.calls
    for mark in ("*", "[", "http", "example.org"):
        assert mark not in call.text
    for word in ("Drink two litres", "Water", "Tea"):
        assert word in call.text
    check_sound(bot, message)


def test_of_a_long_answer_the_beginning_is_read(bot, sim, user):
    sim.model.answer = lambda question, contents: " ".join(
        f"Sentence {n} tells you to drink some more water." for n in range(90))
    ask_aloud(sim, user("mei"))
    (message,) = wait_spoken(sim, user("mei"))
    (call,) = sim.voice.calls
    assert call.text.startswith("Sentence 0 ") and call.text.endswith(".")
    assert "Sentence 89" not in call.text
    shown = texts_of(sim.deliveries)
    assert "Sentence 89" in "".join(shown) and shown[-1] == ONLY_BEGINNING
    assert 60000 < message["duration"] < 240000
    check_sound(bot, message)


def test_every_sound_has_a_name_of_its_own(bot, sim, users):
    """Also to the same question, of the same user."""
    before = set(files(bot))
    at_once([lambda one=one: ask_aloud(sim, one) for one in users(8)])
    assert sim.wait_for(lambda: len(sounds(sim.deliveries)) == 8, 20)
    ask_aloud(sim, users(8)[0])
    assert len(wait_spoken(sim, users(8)[0], 2)) == 2
    names = {path_of(message) for message in sounds(sim.deliveries)}
    assert len(names) == 9
    assert {"/audio/" + name for name in set(files(bot)) - before} == names


def test_old_sounds_make_room_for_a_new_one(deploy, server, sim, user):
    bot = deploy(server, fresh=True, PUBLIC_BASE_URL=BASE,
                 AUDIO_MAX_BYTES=1048576)
    lay_aged(bot, "0" * 32 + ".mp3", 500000, age_s=20)
    lay_aged(bot, "1" * 32 + ".mp3", 500000, age_s=10)
    ask_aloud(sim, user("mei"))
    (message,) = wait_spoken(sim, user("mei"))
    name = path_of(message).split("/")[-1]
    assert files(bot) == sorted(["1" * 32 + ".mp3", name])


def lay_aged(bot, name, size, age_s):
    """A sound of before."""
    path = bot.folder / "var" / "audio" / name
    path.write_bytes(bytes(size))
    os.utime(path, times=(time.time() - age_s,) * 2)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def test_who_writes_is_answered_in_writing(bot, sim, user):
    sim.say(user("mei"), WORDS)
    assert len(sim.wait_answers(user("mei"), 1, 8)) == 1
    assert bot.wait_idle(5)
    assert sim.voice.calls == [] and sounds(sim.deliveries) == []


def test_without_an_address_nothing_is_spoken(deploy, server, sim, user):
    bot = deploy(server)
    ask_aloud(sim, user("mei"))
    assert WORDS in sim.wait_answers(user("mei"), 1, 8)[0]
    assert bot.wait_idle(5)
    assert len(sim.deliveries[0].messages) == 1 and sim.voice.calls == []


def test_while_it_is_read_the_user_is_busy_and_then_free(bot, sim, user):
    sim.voice.latency = 1.0
    ask_aloud(sim, user("mei"))
    assert sim.wait_for(lambda: sim.voice.calls, 8)
    assert sim.deliveries == [] and bot.sessions()["active"] == 1
    sim.say(user("mei"), "Do you drop this one?")
    assert len(wait_spoken(sim, user("mei"))) == 1
    assert bot.wait_idle(5)
    sim.say(user("mei"), "And do you answer this one?")
    assert sim.wait_for(lambda: len(sim.deliveries) == 2, 8)
    assert "this one" in texts_of(sim.deliveries)[-1]
    assert [call.question for call in sim.model_calls] == \
        [WORDS, "And do you answer this one?"]


def test_what_was_spoken_is_part_of_the_conversation(bot, sim, user):
    """Once, and as text."""
    ask_aloud(sim, user("mei"), "My blood pressure is 150")
    assert len(wait_spoken(sim, user("mei"))) == 1
    assert bot.wait_idle(5)
    sim.say(user("mei"), "Is that too high?")
    assert sim.wait_for(lambda: len(sim.deliveries) == 2, 8)
    said = [turn["parts"][0]["text"] for turn in sim.model_calls[-1].contents]
    assert len(said) == 3 and said[0] == "My blood pressure is 150"
    assert "You said" not in said[1] and "audio" not in said[1]

"""The simulated speech models answer, refuse and fail as the real ones do."""

import base64
import io
import time
import wave

import pytest

from simulator.client import post

CONFIG = {"responseModalities": ["AUDIO"], "speechConfig": {"voiceConfig": {
    "prebuiltVoiceConfig": {"voiceName": "Kore"}}}}
NEW, OLD = "gemini-3.8-flash-tts", "gemini-2.5-flash-preview-tts"


def speak(sim, text="Drink water.", model=NEW, timeout=5, **changes):
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}],
            "generationConfig": CONFIG, **changes}
    return post(sim, f"/v1beta/models/{model}:generateContent", body, None,
                timeout)


def sound_of(answer):
    (part,) = answer["candidates"][0]["content"]["parts"]
    data = part["inlineData"]
    return data["mimeType"], base64.b64decode(data["data"], validate=True)


def test_new_models_send_a_wav(sim):
    status, answer, _ = speak(sim)
    kind, sound = sound_of(answer)
    assert (status, kind) == (200, "audio/wav")
    with wave.open(io.BytesIO(sound)) as file:
        assert file.getparams()[:3] == (1, 2, 24000)
        assert file.getnframes() == 12 * 1560
    (call,) = sim.voice.calls
    assert (call.text, call.voice, call.status) == ("Drink water.", "Kore",
                                                    200)
    assert sim.violations == []


def test_old_models_send_bare_samples(sim):
    kind, sound = sound_of(speak(sim, model=OLD)[1])
    assert kind == "audio/L16;codec=pcm;rate=24000"
    assert len(sound) == 12 * 1560 * 2


@pytest.mark.parametrize("changes, words", [
    ({"generationConfig": {**CONFIG, "responseModalities": ["TEXT"]}},
     "modality"),
    ({"generationConfig": {"responseModalities": ["AUDIO"]}}, "voice"),
    ({"generationConfig": {**CONFIG, "temperature": 1}}, "Sampling"),
    ({"systemInstruction": {"parts": [{"text": "calm"}]}}, "instruction"),
    ({"contents": [{"parts": [{"inlineData": {
        "mimeType": "audio/wav", "data": "AA=="}}]}]}, "only takes text"),
])
def test_bad_bodies_are_refused_and_noted(sim, changes, words):
    status, answer, _ = speak(sim, **changes)
    assert status == 400 and words in answer["error"]["message"]
    assert len(sim.violations) == 1 and sim.voice.calls == []


def test_faults_come_as_ordered_and_end(sim):
    sim.voice.fail("noise")
    sim.voice.fail("503", times=2)
    assert len(sound_of(speak(sim)[1])[1]) > 180 * 48000
    assert [speak(sim)[0] for _ in range(3)] == [503, 503, 200]
    with pytest.raises(ValueError):
        sim.voice.fail("nonsense")
    sim.voice.fail("400_text", times=None)
    assert [speak(sim)[0] for _ in range(3)] == [400] * 3
    sim.reset()
    assert speak(sim)[0] == 200


def test_a_fault_may_be_meant_for_one_text(sim):
    sim.voice.fail("500", match=lambda text: "tea" in text)
    assert [speak(sim, text)[0] for text in ("water", "tea", "tea")] == \
        [200, 500, 200]


@pytest.mark.parametrize("name, rate, channels", [
    ("wav_16k", 16000, 1), ("wav_44k_stereo", 44100, 2),
    ("wav_with_lists", 24000, 1)])
def test_unusual_files_last_as_long(sim, name, rate, channels):
    sim.voice.fail(name)
    with wave.open(io.BytesIO(sound_of(speak(sim)[1])[1])) as file:
        assert file.getparams()[:3] == (channels, 2, rate)
        assert abs(file.getnframes() / rate - 12 * 0.065) < 0.001


def test_the_latency_can_be_set(sim):
    sim.voice.latency = lambda call: 0.2
    start = time.monotonic()
    assert speak(sim)[0] == 200
    assert time.monotonic() - start >= 0.2

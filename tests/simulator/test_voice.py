"""The simulator keeps recordings for LINE and writes them down for Gemini."""

import base64
import http.client

import pytest

from simulator.client import MODEL, post

TRANSCRIBE = "/v1beta/models/gemini-3.5-transcribe:generateContent"
AUDIO = b"\0\0\0\x1cftypM4A sound"


def fetch(sim, event, timeout=2):
    conn = http.client.HTTPConnection("127.0.0.1", sim.server.server_port,
                                      timeout=timeout)
    try:
        conn.request("GET",
                     f"/v2/bot/message/{event['message']['id']}/content",
                     headers={"Authorization": "Bearer token"})
        answer = conn.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        conn.close()


def body(*parts, kind="audio/m4a", data=None):
    data = base64.b64encode(AUDIO).decode() if data is None else data
    return {"contents": [{"role": "user", "parts": [
        *parts, {"inlineData": {"mimeType": kind, "data": data}}]}]}


def text_of(answer):
    return answer["candidates"][0]["content"]["parts"][0]["text"]


def test_a_recording_is_kept_for_its_message(sim):
    event = sim.voice_event("mei", AUDIO, "hello")
    assert event["message"]["contentProvider"] == {"type": "line"}
    assert fetch(sim, event) == (200, "audio/x-m4a", AUDIO)
    assert sim.violations == []


@pytest.mark.parametrize("fault, status", [
    ("202", 202), ("404", 404), ("410", 410), ("500", 500)])
def test_a_recording_may_not_be_there(sim, fault, status):
    event = sim.voice_event("mei", AUDIO)
    sim.faults.add("content", fault)
    assert fetch(sim, event)[0] == status
    assert fetch(sim, event)[0] == 200


@pytest.mark.parametrize("path, parts", [
    (TRANSCRIBE, ()), (MODEL, ({"text": "Write it down."},)), (MODEL, ())])
def test_words_come_back_for_their_recording(sim, path, parts):
    sim.voice_event("mei", AUDIO, "hello")
    status, answer, _ = post(sim, path, body(*parts))
    assert (status, text_of(answer)) == (200, "hello")
    (hearing,) = sim.hearings
    assert (hearing.audio, hearing.type) == (AUDIO, "audio/m4a")
    assert sim.model_calls == [] and sim.violations == []


@pytest.mark.parametrize("path, given", [
    (TRANSCRIBE, body({"text": "Write it down."})),
    (TRANSCRIBE, {"contents": [{"role": "user", "parts": [{"text": "q"}]}]}),
    (MODEL, body(kind="audio/x-m4a")),
    (MODEL, body(data="A")),
    (MODEL, body(data="AA A=")),
])
def test_what_gemini_refuses_of_recordings(sim, path, given):
    assert post(sim, path, given)[0] == 400
    assert len(sim.violations) == 1
    assert sim.hearings == []


def test_faults_of_recordings_leave_texts_alone(sim):
    fault = sim.faults.add("stt", "503")
    question = {"contents": [{"role": "user", "parts": [{"text": "q"}]}]}
    assert post(sim, MODEL, question)[0] == 200
    assert post(sim, MODEL, body())[0] == 503
    assert fault.fired == 1

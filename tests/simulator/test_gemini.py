"""The simulated Gemini refuses what Gemini refuses, and fails as told."""

import http.client
import json
import shutil
import ssl
import subprocess
import threading
import time

import pytest

from simulator import Simulator, faults
from simulator.client import MODEL, NO_ANSWER, ask, post

USER = {"role": "user", "parts": [{"text": "q"}]}
BOT = {"role": "model", "parts": [{"text": "a"}]}


def text_of(answer):
    return answer["candidates"][0]["content"]["parts"][0]["text"]


def test_an_answer_quotes_its_question(sim):
    status, answer, headers = ask(sim, "Is tea 🍵 healthy?")
    assert status == 200
    assert headers["Content-Type"] == "application/json; charset=UTF-8"
    assert "Is tea 🍵 healthy?" in text_of(answer)
    (call,) = sim.model_calls
    assert (call.model, call.question, call.status, call.aborted) == \
        ("gemini-3.5-flash-lite", "Is tea 🍵 healthy?", 200, False)


def test_the_answer_and_its_latency_can_be_set(sim):
    sim.model.answer = lambda question, contents: f"{len(contents)}"
    sim.model.latency = lambda call: 0.2
    start = time.monotonic()
    body = {"contents": [USER, BOT, USER],
            "system_instruction": {"parts": [{"text": "be brief"}]}}
    assert text_of(post(sim, MODEL, body)[1]) == "3"
    assert 0.2 <= time.monotonic() - start < 1
    assert sim.model_calls[0].system == "be brief"


@pytest.mark.parametrize("body, words", [
    ({}, "contents is not specified"),
    ({"contents": [USER], "foo": 1}, 'Unknown name "foo": Cannot find'),
    ({"contents": [USER], "generationConfig": {"includeThoughts": True}},
     "Unknown name \"includeThoughts\" at 'generation_config'"),
    ({"contents": [{"role": "assistant", "parts": [{"text": "q"}]}]},
     "valid role: user, model"),
    ({"contents": [USER, BOT]}, "last turn"),
    ({"contents": [BOT, USER]}, "first turn"),
    ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
    ({"contents": [{"role": "user", "parts": [{"text": ""}]}]},
     "required oneof field"),
    ({"contents": [{"role": "user", "parts": [{"text": 1}]}]},
     "TYPE_STRING"),
    ({"contents": [USER], "generationConfig": {"temperature": 3}},
     "temperature"),
    ({"contents": [USER], "generationConfig": {"maxOutputTokens": "9"}},
     "TYPE_INT32"),
    ({"contents": [USER], "generationConfig": {"thinkingConfig": {
        "thinkingBudget": 0, "thinkingLevel": "LOW"}}}, "only one of"),
    ({"contents": [USER], "safetySettings": [{"category": "HARM",
                                              "threshold": "OFF"}]},
     "TYPE_ENUM"),
])
def test_bad_bodies_are_refused_and_noted(sim, body, words):
    status, answer, _ = post(sim, MODEL, body)
    assert status == 400
    assert answer["error"]["status"] == "INVALID_ARGUMENT"
    assert words in answer["error"]["message"]
    assert len(sim.violations) == 1 and sim.model_calls == []


def test_what_is_not_json_or_not_utf8_is_refused(sim):
    assert post(sim, MODEL, b"{")[0] == 400
    assert post(sim, MODEL, b'{"contents": "\xff"}')[0] == 400


def test_a_key_is_needed_and_stands_in_the_header(sim):
    body = {"contents": [USER]}
    status, answer, _ = post(sim, MODEL, body, {"x-goog-api-key": "wrong"})
    assert status == 400
    assert answer["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    post(sim, MODEL + "?key=key", body)
    assert len(sim.violations) == 2


def test_an_unknown_model_is_not_found(sim):
    path = MODEL.replace("3.5", "9")
    status, answer, _ = post(sim, path, {"contents": [USER]})
    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")


def test_what_depends_on_the_model(sim):
    body = {"contents": [USER], "generationConfig": {
        "thinkingConfig": {"thinkingLevel": "MINIMAL"}}}
    assert post(sim, MODEL, body)[0] == 200
    path = MODEL.replace("3.5-flash-lite", "3.8-flash")
    assert post(sim, path, body)[0] == 400


# name -> (status, error status or finishReason or blockReason, in the body?)
EXPECTED = {
    "429_minute": (429, "PerMinute"), "429_day": (429, "PerDay"),
    "error_array": (429, "RESOURCE_EXHAUSTED"), "500": (500, "INTERNAL"),
    "503": (503, "UNAVAILABLE"), "504": (504, "DEADLINE_EXCEEDED"),
    "402": (402, "RESOURCE_EXHAUSTED"), "403": (403, "PERMISSION_DENIED"),
    "404_model": (404, "NOT_FOUND"), "400_key": (400, "API_KEY_INVALID"),
    "safety_prompt": (200, "blockReason"), "safety_candidate": (200, "SAFETY"),
    "recitation": (200, "RECITATION"), "empty_parts": (200, '"parts": []'),
    "max_tokens_empty": (200, "MAX_TOKENS"),
    "no_candidates": (200, "usageMetadata"),
    "thinking_only": (200, '"thought": true'),
    "max_tokens_partial": (200, "MAX_TOKENS"),
    "garbage": (200, None), "garbage_502": (502, None),
    "empty_body": (200, None), "truncated_json": (200, None),
    "cut": (0, None), "drop": (0, None), "hang": (0, None),
    "drip": (0, None),
}


def test_every_fault_has_an_expectation():
    assert set(EXPECTED) == set(faults.GEMINI)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_shows_once(sim, name):
    wanted, word = EXPECTED[name]
    sim.faults.add("gemini", name)
    status, answer, _ = ask(sim, timeout=0.2)
    assert status == wanted
    if word is None:
        assert answer is None
    else:
        assert word in json.dumps(answer)
    assert ask(sim)[0] == 200
    assert [call.fault for call in sim.model_calls] == [name, None]
    assert sim.violations == []


def test_the_delay_of_a_429_can_be_set(sim):
    sim.faults.add("gemini", "429_minute", retry_delay="2.5s")
    details = ask(sim)[1]["error"]["details"]
    assert details[-1]["retryDelay"] == "2.5s"


def test_a_dripping_answer_is_whole_in_the_end(sim):
    sim.model.answer = lambda question, contents: "slow"
    sim.faults.add("gemini", "drip", interval=0.0001)
    assert text_of(ask(sim)[1]) == "slow"


@pytest.mark.parametrize("fault", [None, "hang", "drip"])
def test_an_aborted_call_is_marked(sim, fault):
    sim.model.latency = 5
    if fault:
        sim.faults.add("gemini", fault)
    assert ask(sim, timeout=0.1) == NO_ANSWER
    assert sim.wait_for(lambda: sim.model_calls[0].aborted, 1)


def test_300_calls_at_once_are_answered(sim):
    sim.model.latency = 0.5
    answers = {}

    def one(i):
        answers[i] = ask(sim, f"Question number {i}?")[1]
    threads = [threading.Thread(target=one, args=(i,)) for i in range(300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 300
    for i, answer in answers.items():
        assert f"“Question number {i}?”" in text_of(answer)


def test_a_connection_is_kept_for_the_next_call(sim):
    conn = http.client.HTTPConnection("127.0.0.1", sim.server.server_port)
    for _ in range(3):
        conn.request("POST", MODEL, json.dumps({"contents": [USER]}), {
            "Content-Type": "application/json", "x-goog-api-key": "key"})
        sock = conn.sock
        assert conn.getresponse().read()
        assert conn.sock is sock is not None
    conn.close()


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_tls_is_served_and_an_abort_is_seen_through_it(tmp_path):
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                    "-out", cert, "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=IP:127.0.0.1"], check=True,
                   capture_output=True)
    sim = Simulator(channel_secret="s", access_token="t", gemini_key="key",
                    tls=(cert, key))
    sim.start()
    conn = http.client.HTTPSConnection(
        "127.0.0.1", sim.server.server_port, timeout=5,
        context=ssl.create_default_context(cafile=cert))
    for latency in (0, 5):
        sim.model.latency = latency
        conn.request("POST", MODEL, json.dumps({"contents": [USER]}), {
            "Content-Type": "application/json", "x-goog-api-key": "key"})
        if latency == 0:
            assert conn.getresponse().read()
    assert sim.wait_for(lambda: len(sim.model_calls) == 2, 1)
    conn.close()
    assert sim.wait_for(lambda: sim.model_calls[1].aborted, 1)
    assert not sim.model_calls[0].aborted
    sim.stop()

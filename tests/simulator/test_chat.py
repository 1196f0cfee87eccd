"""The chat page's calls do what its buttons promise."""

import http.client
import urllib.error
import urllib.request

import pytest

from simulator.client import REPLY, post, reply


def test_the_page_and_its_calls_answer(sim):
    conn = http.client.HTTPConnection("127.0.0.1", sim.server.server_port,
                                      timeout=5)
    for path in ("/", "/chat.js", "/chat.css", "/_sim/state",
                 "/_sim/events?cursor=0"):
        if "events" in path:
            post(sim, "/_sim/say", {"user": "user-1", "text": "hi"})
        conn.request("GET", path)
        answer = conn.getresponse()
        assert answer.status == 200 and answer.read()
    conn.close()


def test_a_scene_counts_what_came_back(sim):
    assert post(sim, "/_sim/scene", {"name": "one-three"})[0] == 200
    scene = sim.chat.scene
    assert sim.wait_for(lambda: len(scene.sent) == 3, 2)
    event = next(iter(scene.sent))
    token = next(t for t in sim.sender.tokens.values()
                 if t.event_id == event).token
    question = scene.sent[event]["text"]
    post(sim, REPLY, {"replyToken": token, "messages": [
        {"type": "text", "text": f"About “{question}”: yes"}]})
    counts = scene.state()["counts"]
    assert (counts["answered"], counts["nothing"]) == (1, 2)


def test_foreign_pages_cannot_command(sim):
    body = {"user": "user-1", "text": "hi"}
    headers = {"Content-Type": "text/plain"}
    assert post(sim, "/_sim/say", body, headers)[0] == 415


def test_a_voice_answer_is_told_and_fetched_from_the_app(sim, sounds):
    name = "0123456789abcdef0123456789abcdef.mp3"
    sounds["/audio/" + name] = b"mp3!"
    event = sim.text_event("user-1", "hi")
    assert sim.send([event])[0] == 200
    cursor = sim.book.feed_since(0, 0)[0]
    assert reply(sim, event, [
        {"type": "text", "text": "yes"},
        {"type": "audio", "duration": 1200,
         "originalContentUrl": f"https://bot.example/audio/{name}"}])[0] == 200
    (told,) = [e for e in sim.book.feed_since(cursor, 1)[1]
               if e.kind == "answer"]
    assert told.texts == ["yes"]
    assert told.sounds == [{"url": f"https://bot.example/audio/{name}",
                            "ms": 1200}]
    with fetch(sim, name) as got:
        assert (got.status, got.read()) == (200, b"mp3!")
        assert got.headers["Content-Type"] == "audio/mpeg"
    with fetch(sim, name, {"Range": "bytes=0-3"}) as got:
        assert (got.status, got.headers["Content-Range"]) == (206,
                                                              "bytes 0-3/4")
    for wrong in ("f" * 32 + ".mp3", "../webhook", "x.mp3"):
        with pytest.raises(urllib.error.HTTPError) as failure:
            fetch(sim, wrong)
        assert failure.value.code == 404


def fetch(sim, name, headers=None):
    return urllib.request.urlopen(urllib.request.Request(
        f"{sim.url}/_sim/audio/{name}", headers=headers or {}), timeout=5)

"""The chat page gets a voice answer as LINE would: from the app's web server."""

import urllib.error
import urllib.request

import pytest

from simulator.client import reply


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

"""The chat page's calls do what its buttons promise."""

import base64
import http.client

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


def test_a_recording_is_sent_with_its_words(sim):
    audio = base64.b64encode(b"sound").decode()
    body = {"user": "user-1", "audio": audio, "words": "hello"}
    assert post(sim, "/_sim/speak", body)[1]["status"] == 200
    ((kind, data),) = [c for c in sim.line.content.values()
                       if c[1] == b"sound"]
    assert kind == "audio/x-m4a" and sim.model.words[data] == "hello"
    assert post(sim, "/_sim/speak", {**body, "audio": "?"})[0] == 400


def test_quick_replies_of_the_last_message_are_told(sim):
    event = sim.text_event("user-1", "hi")
    assert sim.send([event])[0] == 200
    cursor = sim.book.feed_since(0, 0)[0]
    assert reply(sim, event, [{"type": "text", "text": "yes"}, {
        "type": "text", "text": "and no",
        "quickReply": quick("Speak", "語音開")}])[0] == 200
    (told,) = sim.book.feed_since(cursor, 1)[1]
    assert told.buttons == [{"label": "Speak", "text": "Speak"},
                            {"label": "語音開", "text": "語音開"}]
    assert not sim.violations


def test_an_answer_without_quick_replies_has_no_buttons(sim):
    event = sim.text_event("user-1", "hi")
    assert sim.send([event])[0] == 200
    cursor = sim.book.feed_since(0, 0)[0]
    assert reply(sim, event)[0] == 200
    (told,) = sim.book.feed_since(cursor, 1)[1]
    assert told.buttons == []


def test_quick_replies_that_nobody_sees_are_noticed(sim):
    event = sim.text_event("user-1", "hi")
    assert sim.send([event])[0] == 200
    assert reply(sim, event, [
        {"type": "text", "text": "yes", "quickReply": quick("Speak")},
        {"type": "text", "text": "and no"}])[0] == 200
    assert "only the last one's quickReply" in sim.violations[0]


NURSE = "\U0001f469\U0001f3fd\u200d\u2695\ufe0f"
REFUSED = {
    "no item": [],
    "fourteen items": [str(i) for i in range(14)],
    "an empty label": [""],
    "a label of 21": [NURSE * 21],
}


@pytest.mark.parametrize("labels", REFUSED.values(), ids=REFUSED)
def test_quick_replies_that_line_refuses_are_refused(sim, labels):
    event = sim.text_event("user-1", "hi")
    assert sim.send([event])[0] == 200
    message = {"type": "text", "text": "yes", "quickReply": quick(*labels)}
    assert reply(sim, event, [message])[0] == 400
    message["quickReply"] = quick(*[NURSE * 20] * 13)
    assert reply(sim, event, [message])[0] == 200


def test_a_quick_reply_needs_something_to_send(sim):
    for action in ({"type": "message", "label": "a"},
                   {"type": "message", "text": "a"},
                   {"type": "message", "label": "a", "text": "a" * 301},
                   None):
        event = sim.text_event("user-1", "hi")
        item = {"type": "action", "action": action}
        assert reply(sim, event, [{
            "type": "text", "text": "yes",
            "quickReply": {"items": [item]}}])[0] == 400


def quick(*labels):
    return {"items": [{"type": "action", "action": {
        "type": "message", "label": label, "text": label}}
        for label in labels]}

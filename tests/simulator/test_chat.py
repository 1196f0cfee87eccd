"""The chat page's calls do what its buttons promise."""

import http.client

from simulator.client import REPLY, post


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

"""The simulator is as strict as LINE, and fails as told.

What the end-to-end tests take for granted is tested here, against a webhook
that only counts what it hears.
"""

import json
import socket
import threading
import uuid
from pathlib import Path

import pytest

from simulator import faults
from simulator.client import (LOADING, MODEL, NO_ANSWER, REPLY, post, push,
                              reply)
from simulator.line_api import Bucket
from simulator.line_check import grapheme_len, utf16_len

CASES = Path(__file__).resolve().parent.parent / "data" / "line-requests"


# the webhook

def test_signatures_match_the_official_vectors(sim):
    body = (b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0",'
            b'"events":[]}')
    assert sim.signature(body) == \
        "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="
    assert sim.signature(b'{"hello":"world"}', "test_secret") == \
        "t7Hn4ZDHqs6e+wdvI5TyQIvzie0DmMUmuXEBqyyE/tM="


def test_a_webhook_is_signed_and_has_lines_shape(sim, heard):
    status, seconds = sim.say("mei", "你好 🍎")
    assert status == 200 and seconds < 2
    headers, body = heard[0]
    assert headers["x-line-signature"] == sim.signature(body)
    (event,) = json.loads(body)["events"]
    assert len(event["webhookEventId"]) == 26
    assert event["source"] == {"type": "user", "userId": sim.user("mei")}
    assert event["message"]["text"] == "你好 🍎"
    assert event["deliveryContext"] == {"isRedelivery": False}


def test_a_redelivery_differs_in_one_flag_only(sim, heard):
    event = sim.text_event("mei", "hi")
    sim.send([event])
    sim.redeliver(event)
    first, second = (json.loads(body)["events"][0] for _, body in heard)
    assert second.pop("deliveryContext") == {"isRedelivery": True}
    assert first.pop("deliveryContext") == {"isRedelivery": False}
    assert first == second


def test_a_signature_can_be_wrong_or_missing(sim, heard):
    sim.send([], secret="another")
    sim.send([], signature=False)
    assert heard[0][0]["x-line-signature"] != sim.signature(heard[0][1])
    assert "x-line-signature" not in heard[1][0]


def test_a_mention_covers_the_bots_name(sim):
    event = sim.group_text_event("ward", "mei", "hi")
    (mention,) = event["message"]["mention"]["mentionees"]
    end = mention["index"] + mention["length"]
    assert event["message"]["text"][mention["index"]:end] == "@MedEdBot"
    assert event["source"]["groupId"] == sim.group("ward")


# LINE's messages

@pytest.mark.parametrize("case", json.loads((CASES / "index.json")
                                            .read_text()),
                         ids=lambda case: case["file"])
def test_message_bodies_get_the_verdict_of_their_index(sim, case):
    body = json.loads((CASES / case["file"]).read_text())
    if "replyToken" in body:
        body["replyToken"] = sim.text_event("mei", "hi")["replyToken"]
    if "to" in body:
        sim.line.friend(body["to"])
    status, answer, headers = post(sim, case["endpoint"], body)
    assert uuid.UUID(headers["x-line-request-id"])
    assert status == (200 if case["valid"] else 400)
    if case["valid"]:
        assert len(answer["sentMessages"]) == len(body["messages"])
        assert sim.violations == [] and len(sim.deliveries) == 1
        return
    wanted = {why.split(":")[0] for why in case["why"]}
    assert wanted == {detail["property"] for detail in answer["details"]}
    assert answer["message"] == \
        f"The request body has {len(answer['details'])} error(s)"
    assert len(sim.violations) == 1 and sim.deliveries == []


def test_lengths_are_utf16_units_but_labels_are_graphemes():
    assert utf16_len("a藥🍎") == 4
    assert grapheme_len("e\u0301") == 1
    assert grapheme_len("👩\u200d⚕\ufe0f👍🏽🇹🇼") == 3
    assert grapheme_len("น้ำ") == 1


def test_unknown_properties_are_noted(sim):
    event = sim.text_event("mei", "hi")
    reply(sim, event, [{"type": "text", "text": "a", "bold": True}])
    assert "'bold'" in sim.violations[0]


@pytest.mark.parametrize("headers, body, status", [
    ({"Authorization": "Bearer wrong"}, {}, 401),
    ({"Content-Type": "text/plain"}, {}, 415),
    ({}, b'{"messages": [', 400),
    ({}, b'{"a": "\xff"}', 400),
    ({}, b" " * (2 * 1024 * 1024 + 1), 413),
])
def test_bad_requests_are_refused_and_noted(sim, headers, body, status):
    assert post(sim, REPLY, body, headers)[0] == status
    assert len(sim.violations) == 1


def test_an_unknown_path_is_noted(sim):
    assert post(sim, "/v2/bot/message/replies", {})[0] == 404
    assert len(sim.violations) == 1


# reply tokens

def test_half_a_request_is_none(sim):
    """Its sender died; nothing is done, and nobody is to blame."""
    with socket.create_connection(("127.0.0.1",
                                   sim.server.server_port)) as half:
        half.sendall(f"POST {MODEL} HTTP/1.1\r\nx-goog-api-key: key\r\n"
                     "Content-Length: 100\r\n\r\n{\"contents".encode())
        half.shutdown(socket.SHUT_WR)
        half.settimeout(5)
        assert half.recv(100) == b""
    assert sim.violations == sim.requests == []


def test_a_token_works_once_even_for_many_at_once(sim):
    event = sim.text_event("mei", "hi")
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(
        reply(sim, event)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + 7 * [400]
    assert reply(sim, event)[1] == {"message": "Invalid reply token"}
    assert sim.answers("mei") == ["hello"] and sim.violations == []


def test_a_token_nobody_issued_is_refused(sim):
    status, answer, _ = reply(sim, {"replyToken": "0" * 32})
    assert (status, answer) == (400, {"message": "Invalid reply token"})


def test_a_token_expires_and_a_redelivery_renews_it(sim):
    sim.line.token_life = 0
    event = sim.text_event("mei", "hi")
    sim.send([event])
    assert reply(sim, event)[0] == 400
    sim.line.token_life = 60
    sim.redeliver(event)
    assert reply(sim, event)[0] == 200


def test_no_redelivery_renews_a_token_after_20_minutes(sim):
    event = sim.text_event("mei", "hi")
    event["timestamp"] -= 21 * 60 * 1000
    old = sim.sender.tokens[event["replyToken"]]
    old.event_time -= 21 * 60
    sim.redeliver(event)
    assert reply(sim, event)[0] == 400


def test_a_refused_body_does_not_burn_the_token(sim):
    event = sim.text_event("mei", "hi")
    assert reply(sim, event, [])[0] == 400
    assert reply(sim, event)[0] == 200


def test_a_retry_key_on_a_reply_is_refused_and_noted(sim):
    event = sim.text_event("mei", "hi")
    headers = {"X-Line-Retry-Key": str(uuid.uuid4())}
    assert reply(sim, event, headers=headers)[0] == 400
    assert "X-Line-Retry-Key" in sim.violations[0]


# push

def test_a_retry_key_is_accepted_once(sim):
    sim.line.friend("mei")
    key = str(uuid.uuid4())
    _, first, headers = push(sim, "mei", key=key)
    status, second, again = push(sim, "mei", key=key)
    assert status == 409
    assert second["message"] == "The retry key is already accepted"
    assert second["sentMessages"] == first["sentMessages"]
    assert again["x-line-accepted-request-id"] == \
        headers["x-line-request-id"] != again["x-line-request-id"]
    assert sim.answers("mei") == ["hello"] and sim.violations == []


def test_a_retry_key_with_another_body_is_noted(sim):
    sim.line.friend("mei")
    key = str(uuid.uuid4())
    push(sim, "mei", key=key)
    assert push(sim, "mei", [{"type": "text", "text": "b"}], key)[0] == 409
    assert "another body" in sim.violations[0]


def test_a_retry_key_must_be_a_uuid(sim):
    sim.line.friend("mei")
    assert push(sim, "mei", key="42")[0] == 400


def test_push_needs_a_known_user(sim):
    status, answer, _ = push(sim, "a stranger")
    assert (status, answer) == (400, {"message": "Failed to send messages"})


def test_a_blocked_user_sees_nothing(sim):
    sim.line.friend("mei")
    sim.line.block("mei")
    assert push(sim, "mei")[0] == 200
    assert sim.answers("mei") == []


def test_the_monthly_quota_ends_pushes_but_not_replies(sim):
    sim.line.monthly_quota = 1
    event = sim.text_event("mei", "hi")
    assert push(sim, "mei")[0] == 200
    assert push(sim, "mei")[:2] == (
        429, {"message": "You have reached your monthly limit."})
    assert reply(sim, event)[0] == 200


# the loading animation

@pytest.mark.parametrize("body, status", [
    ({"chatId": "U" + "a" * 32}, 202),
    ({"chatId": "U" + "a" * 32, "loadingSeconds": 60}, 202),
    ({"chatId": "U" + "a" * 32, "loadingSeconds": 61}, 400),
    ({"chatId": "U" + "a" * 32, "loadingSeconds": 12}, 400),
    ({"chatId": "U" + "a" * 32, "loadingSeconds": "20"}, 400),
    ({"chatId": "C" + "a" * 32}, 400),
])
def test_loading_takes_users_and_multiples_of_five(sim, body, status):
    assert post(sim, LOADING, body)[0] == status
    assert len(sim.loadings) == (status == 202)
    assert len(sim.violations) == (status == 400)


def test_loading_is_limited_to_100_a_second(sim):
    assert sim.line.rates["loading"].rate == 100
    sim.line.rates["loading"] = Bucket(1)
    body = {"chatId": sim.user("mei")}
    assert [post(sim, LOADING, body)[0] for _ in range(2)] == [202, 429]


# faults of LINE

def test_every_line_fault_on_a_reply(sim):
    for name, row in faults.LINE.items():
        event = sim.text_event(f"user {name}", "hi")
        fault = sim.faults.add("reply", name)
        status, answer, _ = reply(sim, event, timeout=0.2)
        assert status == (row["status"] or 0), name
        assert answer == (row["body"] if status else None), name
        assert len(sim.answers(f"user {name}")) == row["accepted"], name
        again = reply(sim, event)[0]
        assert again == (400 if row["accepted"] else 200), name
        assert fault.fired == 1
    assert sim.violations == []


def test_a_lost_push_is_known_by_its_key(sim):
    sim.line.friend("mei")
    key = str(uuid.uuid4())
    sim.faults.add("push", "lost")
    assert push(sim, "mei", key=key) == NO_ANSWER
    assert push(sim, "mei", key=key)[0] == 409
    assert sim.answers("mei") == ["hello"]


def test_a_fault_strikes_only_what_matches(sim):
    sim.line.friend("mei")
    sim.line.friend("kenji")
    sim.faults.add("push", "500", times=None,
                   match=lambda x: x.json["to"] == sim.user("kenji"))
    assert [push(sim, user)[0] for user in ("mei", "kenji", "kenji")] == \
        [200, 500, 500]

"""Every webhook that LINE is known to send is taken, and does no harm.

The payloads of tests/data/webhook are sent as they were signed, and then as
if they happened now: new event ids, times and reply tokens, signed again.
"""

import json
import random
import re
import time

import pytest

import deployment
from simulator.line_sender import ulid

DATA = deployment.TOP / "tests" / "data"
GOOD = sorted((DATA / "webhook").glob("*.json"))
BAD = sorted((DATA / "webhook-bad").glob("*.json"))


def case_id(path):
    return path.stem


def as_of_now(body):
    """The same bytes with new ids, times and tokens."""
    ids, tokens = {}, {}

    def fresh_id(match):
        return match[1] + ids.setdefault(match[2], ulid().encode()) + b'"'

    def fresh_token(match):
        token = f"{random.getrandbits(128):032x}".encode()
        return match[1] + tokens.setdefault(match[2], token) + b'"'

    now = str(int(time.time() * 1000)).encode()
    body = re.sub(rb'("timestamp"\s*:\s*)\d+', rb"\g<1>" + now, body)
    body = re.sub(rb'("webhookEventId"\s*:\s*")([^"]*)"', fresh_id, body)
    return re.sub(rb'("replyToken"\s*:\s*")([^"]*)"', fresh_token, body)


def post(bot, body, signature):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if signature is not None:
        headers["X-Line-Signature"] = signature
    return bot.request("POST", "/webhook", body, headers)[0]


def signature_file(path):
    """What was sent as signature; None: no such header."""
    file = path.with_suffix(".sig")
    return file.read_text().rstrip("\n") if file.exists() else None


def works(sim, one):
    sim.say(one, "Are you still well?")
    return len(sim.wait_answers(one, 1, 5)) == 1


def is_for_us(message, direct):
    """A text to us, or a voice message that LINE has."""
    mentioned = any(m.get("isSelf") for m in
                    message.get("mention", {}).get("mentionees", []))
    provider = message.get("contentProvider", {}).get("type")
    return {"text": direct or mentioned,
            "audio": direct and provider == "line"}.get(message.get("type"))


def expected(sim, events):
    """Of these events, those that are questions to us: event ids."""
    return [event["webhookEventId"] for event in events
            if event["type"] == "message" and event["mode"] == "active"
            and is_for_us(event.get("message", {}),
                          event.get("source", {}).get("type") == "user")]


def test_there_are_payloads_to_test():
    assert len(GOOD) >= 40 and len(BAD) >= 7


def test_payloads_as_they_were_signed_are_taken(deploy, server, sim, user):
    bot = deploy(server)
    assert works(sim, user("mei"))
    got = {p.name: post(bot, p.read_bytes(), signature_file(p))
           for p in GOOD}
    assert got == dict.fromkeys(got, 200)
    assert works(sim, user("tom"))


def test_wrongly_signed_payloads_are_refused(deploy, server, sim, user):
    bot = deploy(server)
    got = {p.name: post(bot, p.read_bytes(), signature_file(p))
           for p in BAD if p.name.startswith("bad-signature")}
    assert got == dict.fromkeys(got, 401)
    assert sim.model_calls == []
    assert works(sim, user("mei"))


def test_hostile_payloads_do_no_harm(deploy, server, sim, user):
    bot = deploy(server)
    for path in BAD:
        if path.name.startswith("bad-signature"):
            continue
        body = path.read_bytes()
        assert post(bot, body, sim.signature(body)) in (200, 400), path.name
    assert bot.wait_idle(5)
    assert works(sim, user("mei"))


@pytest.mark.parametrize("path", GOOD, ids=case_id)
def test_a_payload_of_now_is_taken_and_its_questions_answered(
        deploy, server, sim, path):
    bot = deploy(server, fresh=False, USER_RATE_TOKENS=1000)
    body = as_of_now(path.read_bytes())
    events = json.loads(body)["events"]
    for event in events:
        sim.sender.note(event)
    assert post(bot, body, sim.signature(body)) == 200
    wanted = list(dict.fromkeys(expected(sim, events)))
    if len({str(e.get("source")) for e in events}) == 1:
        wanted = wanted[:1]  # the others find the user busy
    sim.wait_for(lambda: len(sim.deliveries) >= len(wanted), 5)
    assert bot.wait_idle(5)
    assert sorted(d.event_id for d in sim.deliveries) == sorted(wanted)

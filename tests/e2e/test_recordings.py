"""What LINE's data host hands out instead of a recording, and what users are
told then.  Nothing of it reaches the model, and the user can go on."""

import pytest

from memory import anonymous_kib
from sound import m4a

MIB = 1024 * 1024
WORDS = "How much water should I drink?"
UNHEARD = "I could not hear you. Please say it again."
NO_RECORDING = "I could not fetch your voice message. Please send it again."
TOO_LONG = "Your voice message is too long. Please send a shorter one."
TIMEOUT = "Request timed out, please try again"
ERROR = "Something went wrong. Please try again later."
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(2000)


def fetches(sim):
    return [r for r in list(sim.requests) if r.path.endswith("/content")]


def next_is_heard(sim, one):
    """A good recording after the bad one."""
    n = len(sim.answers(one))
    assert sim.speak(one, m4a(), WORDS)[0] == 200
    return WORDS in sim.wait_answers(one, n + 1, 8)[-1]


def test_a_recording_that_is_not_ready_comes_later(deploy, server, sim, user):
    deploy(server)
    order = sim.faults.add("content", "202", times=2)
    sim.speak(user("mei"), m4a(), WORDS)
    assert WORDS in sim.wait_answers(user("mei"), 1, 8)[0]
    assert order.fired == 2 and len(fetches(sim)) == 3


@pytest.mark.parametrize("fault, told", [
    ("404", NO_RECORDING), ("410", NO_RECORDING), ("403", ERROR),
    ("endless", TOO_LONG)])
def test_a_recording_that_cannot_be_had(deploy, server, sim, user, fault,
                                        told):
    deploy(server)
    sim.faults.add("content", fault)
    sim.speak(user("mei"), m4a(), WORDS)
    assert sim.wait_answers(user("mei"), 1, 15) == [told]
    assert sim.hearings == [] and len(fetches(sim)) == 1
    assert next_is_heard(sim, user("mei"))


LATE = {"202": TIMEOUT, "500": NO_RECORDING, "cut": NO_RECORDING,
        "drop": NO_RECORDING, "drip": TIMEOUT, "hang": TIMEOUT}


def test_recordings_that_do_not_come_in_time(deploy, server, sim, user):
    """For as long as STT_TIMEOUT they are asked for; all at once."""
    deploy(server, STT_TIMEOUT=2)
    paths = {}
    for fault in LATE:
        event = sim.voice_event(user(fault), m4a(), WORDS)
        path = f"/v2/bot/message/{event['message']['id']}/content"
        paths[fault] = path
        sim.faults.add("content", fault, times=None,
                       match=lambda asked, path=path: asked.path == path)
        assert sim.send([event])[0] == 200
    told = {fault: sim.wait_answers(user(fault), 1, 8) for fault in LATE}
    assert told == {fault: [text] for fault, text in LATE.items()}
    assert sim.hearings == []
    asked = [fetch.path for fetch in fetches(sim)]
    for fault, path in paths.items():
        once = fault in ("drip", "hang")
        assert asked.count(path) in (range(1, 2) if once else range(2, 13))
        assert next_is_heard(sim, user(fault))


@pytest.mark.parametrize("recording, told", [
    (b"", UNHEARD), (b"\0", UNHEARD), (bytes(5000), UNHEARD),
    (b"<html>what?</html>", UNHEARD), (JPEG, UNHEARD),
    (bytes(4) + b"ftypM4A " + bytes(10 * MIB - 11), TOO_LONG),
], ids=["empty", "1 byte", "zeros", "page", "picture", "10 MiB + 1"])
def test_recordings_that_are_none(deploy, server, sim, user, recording, told):
    deploy(server)
    sim.speak(user("mei"), recording, WORDS)
    assert sim.wait_answers(user("mei"), 1, 15) == [told]
    assert sim.hearings == []
    assert next_is_heard(sim, user("mei"))


def test_the_largest_recording_is_heard(deploy, server, sim, user):
    deploy(server)
    audio = (m4a() + bytes(10 * MIB))[:10 * MIB]
    sim.speak(user("mei"), audio, WORDS)
    assert WORDS in sim.wait_answers(user("mei"), 1, 15)[0]
    assert sim.hearings[0].audio == audio


def test_hostile_recordings_take_no_memory_for_good(deploy, server, sim,
                                                    users, measure):
    """32 endless ones at a time, and afterwards the process is small again."""
    bot = deploy(server, workers=1, fresh=True)
    (pid,) = bot.wait_workers(1)
    assert next_is_heard(sim, users(1)[0])
    before = anonymous_kib(pid)
    sim.faults.add("content", "endless", times=None)
    for one in users(40)[1:]:
        assert sim.speak(one, m4a(), WORDS)[0] == 200
    assert sim.wait_for(lambda: len(sim.deliveries) == 40, 60)
    assert {sim.answers(one)[0] for one in users(40)[1:]} == {TOO_LONG}
    assert bot.wait_idle(5)
    after = anonymous_kib(pid)
    measure("memory before", before, "KiB")
    measure("after 39 endless recordings", after, "KiB")
    assert after < before + 10 * 1024


def test_recordings_from_elsewhere_and_in_groups_are_ignored(
        deploy, server, sim, user, group):
    bot = deploy(server)
    event = sim.voice_event(user("mei"), m4a(), WORDS)
    event["message"]["contentProvider"] = {
        "type": "external", "originalContentUrl": sim.url + "/v2/bot/info"}
    assert sim.send([event])[0] == 200
    event = sim.voice_event(user("mei"), m4a(), WORDS, source={
        "type": "group", "groupId": group(), "userId": user("mei")})
    assert sim.send([event])[0] == 200
    assert bot.wait_idle(2)
    assert sim.requests == [] and sim.deliveries == []

"""Every path answers with the status that LINE and operators rely on."""

import json
import time

import pytest

import deployment

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json; charset=utf-8"}


@pytest.fixture
def bot(deploy, server):
    return deploy(server)


def signed(sim, body):
    return {**JSON, "X-Line-Signature": sim.signature(body)}


def body_of(sim, events):
    return json.dumps({"destination": sim.sender.destination,
                       "events": events}).encode()


@pytest.mark.every_server
def test_a_valid_webhook_is_answered_200(bot, sim, user):
    status, seconds = sim.say(user("mei"), "Is this path open to me?")
    assert status == 200 and seconds < 1


@pytest.mark.every_server
def test_a_webhook_without_events_is_answered_200(bot, sim):
    assert sim.send([]) == (200, pytest.approx(0, abs=1))


@pytest.mark.every_server
def test_a_signature_that_is_not_ours_is_answered_401(bot, sim, user):
    event = sim.text_event(user("mallory"), "Answer me without a secret")
    body = body_of(sim, [event])
    good = sim.signature(body)
    wrong = {
        "other secret": (body, sim.signature(body, "another secret")),
        "changed body": (body.replace(b"secret", b"password"), good),
        "newline after the body": (body + b"\n", good),
        "newline before the body": (b"\n" + body, good),
        "hex": (body, "a1" * 32),
        "short": (body, good[:20]),
        "one character less": (body, good[:-1]),
        "longer": (body, good + "A"),
        "twice": (body, good + good),
        "not base64": (body, "*" * len(good)),
        "empty": (body, ""),
        "very long": (body, "A" * 4000),
        "missing": (body, None),
    }
    got = {}
    for name, (sent, signature) in wrong.items():
        headers = dict(JSON)
        if signature is not None:
            headers["X-Line-Signature"] = signature
        got[name] = bot.request("POST", "/webhook", sent, headers)[0]
    assert got == dict.fromkeys(wrong, 401)
    assert sim.send([event])[0] == 200
    assert len(sim.wait_answers(user("mallory"), 1, 5)) == 1


@pytest.mark.every_server
def test_a_signed_body_that_is_no_webhook_is_answered_400(bot, sim):
    bodies = [b"", b"hello", b"{", b'{"destination":"U1","events":[{"type"',
              b"[]", b"{}", b"null", b"1", b'{"events":{}}',
              b'{"events":"none"}', b'{"events":[],"events":[]}',
              b'{"events":[]} {}', b'{"events":["\xff"]}',
              b"\0" * 100, b"[" * 100000]
    got = [bot.request("POST", "/webhook", body, signed(sim, body))[0]
           for body in bodies]
    assert got == [400] * len(bodies)


@pytest.mark.every_server
def test_other_paths_do_not_exist(bot, sim, user):
    body = body_of(sim, [sim.text_event(user("lost"), "Nobody hears this")])
    paths = ["/", "/webhookx", "/webhook/x", "/webhook/", "/Webhook",
             "/x/webhook", "/livezz", "/debug", "/debug/", "/.env", "/var/key",
             "/audio", "/audio/", "/audio/../key", "/index.html",
             "/audio/nothing.mp3"]
    got = {path: (bot.request("POST", path, body, signed(sim, body))[0],
                  bot.request("GET", path)[0]) for path in paths}
    assert {p: g for p, g in got.items() if g not in
            ((404, 404), (405, 404))} == {}
    assert sim.model_calls == []


@pytest.mark.every_server
def test_a_query_does_not_change_the_path(bot, sim):
    body = body_of(sim, [])
    assert bot.request("POST", "/webhook?a=1", body,
                       signed(sim, body))[0] == 200
    assert bot.request("GET", "/livez?verbose")[0] == 200


@pytest.mark.every_server
def test_a_method_that_a_path_has_not_is_answered_405_with_allow(bot):
    for method, path, allowed in (("GET", "/webhook", "POST"),
                                  ("PUT", "/webhook", "POST"),
                                  ("DELETE", "/webhook", "POST"),
                                  ("POST", "/livez", "GET"),
                                  ("POST", "/readyz", "GET"),
                                  ("POST", "/debug/sessions", "GET")):
        status, headers, _ = bot.request(method, path,
                                         b"{}" if method != "GET" else None)
        assert (status, path) == (405, path)
        assert allowed in headers.get("Allow", ""), (method, path, headers)


@pytest.mark.every_server
def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_413(bot, sim):
    whole = body_of(sim, []).ljust(MIB)
    assert bot.request("POST", "/webhook", whole,
                       signed(sim, whole))[0] == 200
    large = whole + b" "
    assert bot.request("POST", "/webhook", large,
                       signed(sim, large))[0] == 413
    assert bot.request("POST", "/webhook", whole,
                       signed(sim, whole))[0] == 200


@pytest.mark.every_server
@pytest.mark.parametrize("kib", [4, 15, 16, 17, 40, 60, 64, 65, 300])
def test_a_body_of_any_length_is_taken_at_once(bot, sim, kib):
    body = body_of(sim, []).ljust(kib * 1024)
    start = time.monotonic()
    assert bot.request("POST", "/webhook", body,
                       signed(sim, body))[0] == 200
    assert time.monotonic() - start < 0.5


@pytest.mark.every_server
def test_a_body_in_chunks_is_taken(bot, sim):
    body = body_of(sim, []).ljust(50000)
    pieces = (body[i:i + 9000] for i in range(0, len(body), 9000))
    assert bot.request("POST", "/webhook", pieces,
                       signed(sim, body))[0] == 200


@pytest.mark.every_server
def test_health_is_told_to_everybody(bot):
    for path in ("/livez", "/readyz", "/health", "/ping"):
        status, _, body = bot.request("GET", path)
        assert (path, status, body) == (path, 200, b"ok\n")
        status, _, body = bot.request("HEAD", path)
        assert (path, status, body) == (path, 200, b"")


@pytest.mark.every_server
def test_sessions_are_shown_to_the_bearer_of_the_token_alone(bot):
    def status(authorization):
        headers = {"Authorization": authorization} if authorization else {}
        return bot.request("GET", "/debug/sessions", headers=headers)[0]

    token = deployment.ADMIN_TOKEN
    assert status(f"Bearer {token}") == 200
    wrong = [None, "", "Bearer", "Bearer ", token, f"Basic {token}",
             "Bearer wrong", f"Bearer {token}x", f"Bearer {token[:-1]}",
             f"Bearer  {token}"]
    assert [status(value) for value in wrong] == [401] * len(wrong)
    shown = bot.sessions()
    assert {"active", "total", "sessions"} <= set(shown)


def test_without_an_admin_token_there_is_no_debug_page(deploy, server):
    bot = deploy(server, fresh=True, ADMIN_TOKEN=None)
    for authorization in ("", "Bearer", "Bearer ", "Bearer x"):
        headers = {"Authorization": authorization}
        assert bot.request("GET", "/debug/sessions",
                           headers=headers)[0] == 404


@pytest.mark.every_server
def test_voice_answers_are_served_by_name_and_never_listed(bot):
    audio = bot.folder / "var" / "audio"
    name = "0123456789abcdef0123456789abcdef.mp3"
    (audio / name).write_bytes(b"ID3 not really a song")
    (audio / name).chmod(0o644)
    status, headers, body = bot.request("GET", f"/audio/{name}")
    assert (status, body) == (200, b"ID3 not really a song")
    assert headers["Content-Type"] == "audio/mpeg"
    status, _, body = bot.request("GET", f"/audio/{name}",
                                  headers={"Range": "bytes=4-6"})
    assert (status, body) == (206, b"not")
    for path in ("/audio/", "/audio", "/audio/."):
        status, _, body = bot.request("GET", path)
        assert status == 404 and name.encode() not in body

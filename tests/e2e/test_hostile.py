"""Slow senders and a full store hold up nobody else for long."""

import functools
import json
import socket
import time

import pytest

from crowd import ask_all, at_once, wait_answered


FORGERIES = [{"secret": "another"}, {"signature": False},
             {"signature": "A" * 43 + "="}, {"signature": "none"}]
LOG_LINES = 10  # of one kind, a minute and process


def test_forged_webhooks_touch_no_store_and_fill_no_log(deploy, server, sim,
                                                        users, measure):
    workers = 2
    bot = deploy(server, workers, fresh=True)
    assert sim.wait_for(  # the last thing that is written by itself
        lambda: bot.log_text().count("start slot=") == workers, 10)
    before, start = bot.last_commits(), time.monotonic()
    jobs = [functools.partial(sim.send, [sim.text_event(one, "Who am I?")],
                              **FORGERIES[n % len(FORGERIES)])
            for n, one in enumerate(users(2000))]
    statuses = {status for status, _ in at_once(jobs, threads=16)}
    minutes = int((time.monotonic() - start) / 60) + 1
    lines = bot.log_text().count("status=401")
    measure("log lines of 2000 forged webhooks", lines, "lines")
    assert statuses == {401}
    assert bot.last_commits() == before
    assert bot.sessions()["total"] == 0
    assert 1 <= lines <= LOG_LINES * workers * (minutes + 1)
    # The same, signed: now something is written down.
    assert sim.say(users(1)[0], "Who am I?")[0] == 200
    assert bot.last_commits() != before


@pytest.mark.only("proxy")
def test_slow_senders_hold_up_nobody_and_are_cut(deploy, server, sim, users,
                                                 measure):
    bot = deploy(server)
    body = json.dumps({"destination": "U1", "events": []}).encode()
    body = body.ljust(100000)
    head = (f"POST /webhook HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\n"
            f"X-Line-Signature: {sim.signature(body)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    start = time.monotonic()
    slow = []
    for sent in [10, 40000] * 10:
        sock = socket.create_connection(("127.0.0.1", bot.port))
        sock.sendall(head + body[:sent])
        slow.append(sock)
    times = []
    for one in users(10):
        status, seconds = sim.say(one, "Is there a way past the slow ones?")
        assert status == 200
        times.append(seconds)
    measure("slowest webhook beside 20 slow senders", max(times))
    assert max(times) < 1
    assert len(wait_answered(sim, users(10), 5)) == 10
    for sock in slow[::2]:  # the others sent enough for half a minute
        sock.settimeout(max(1, 12 - (time.monotonic() - start)))
        assert not sock.recv(100).startswith(b"HTTP/1.1 200")
    measure("slow senders are cut after", time.monotonic() - start)
    for sock in slow:
        sock.close()


def test_a_sender_that_leaves_in_the_middle_leaves_nothing(deploy, server,
                                                           sim, user):
    bot = deploy(server)
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", bot.port)) as sock:
            sock.sendall(b"POST /webhook HTTP/1.1\r\nHost: localhost\r\n"
                         b"Content-Length: 1000\r\n\r\n{\"events\"")
    assert sim.say(user("mei"), "Is all well?")[0] == 200
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1


def test_a_full_store_refuses_and_recovers(deploy, server, sim, users,
                                           measure):
    bot = deploy(server, fresh=True, STORE_MAP_MB=4, GEMINI_TIMEOUT=3)
    sim.faults.add("gemini", "hang", times=None)
    statuses = {}
    everybody = users(300)
    for n, one in enumerate(everybody):  # small stories fill the last gap
        text = "A very long story. " * (3200 if n < 80 else 100)
        statuses[one] = sim.say(one, text)[0]
        if n > 80 and statuses[one] == 503:
            break
    accepted = [one for one, status in statuses.items() if status == 200]
    assert set(statuses.values()) == {200, 503}
    large = len(set(accepted) & set(everybody[:80]))
    measure("questions of 61 KB that 4 MiB hold", large, "questions")
    assert 10 < large < 80
    assert bot.request("GET", "/livez")[0] == 200
    assert bot.request("GET", "/readyz")[0] == 503
    assert len(wait_answered(sim, accepted, 10)) == len(accepted)
    assert bot.wait_idle(5)

    sim.faults.clear()
    time.sleep(1.1)  # free pages are counted once a second
    assert bot.request("GET", "/readyz")[0] == 200
    one = accepted[0]
    assert sim.say(one, "Is there room again?")[0] == 200
    assert "Is there room again?" in sim.wait_answers(one, 2, 5)[1]


def test_a_thousand_webhooks_in_a_burst_are_all_taken(deploy, server, sim,
                                                      users, measure):
    bot = deploy(server)
    everybody = users(1000)
    start = time.monotonic()
    sent = ask_all(sim, {one: f"Question {n} in a burst"
                         for n, one in enumerate(everybody)}, threads=32)
    seconds = time.monotonic() - start
    assert {status for status, _ in sent.values()} == {200}
    measure("1000 webhooks with 32 senders", seconds)
    assert len(wait_answered(sim, everybody, 20)) == 1000
    assert bot.wait_idle(5)
    assert len(sim.deliveries) == 1000


def test_health_is_answered_in_a_burst(deploy, server):
    bot = deploy(server)
    got = at_once([lambda: bot.request("GET", "/livez")[0]] * 100)
    assert got == [200] * 100

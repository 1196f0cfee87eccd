"""bench.py - what MedEdBot costs, as ratios to a responder that does nothing.

Real lighttpd serves both from one configuration: /noop is tests/bench/noop.c,
/webhook is the app, each in two processes that take turns.  Rounds alternate
between the two, so that whatever else the machine does hits both.  Run it with
`make bench`, which builds what is needed; --help lists the options.
"""
import argparse
import functools
import json
import pathlib
import sys
import time

import stage

# Users wait for no tokens here, and each webhook comes from another user, so
# every one of them is admitted, written down, and becomes a job.
SETTINGS = stage.SETTINGS + """\
LINE_API_BASE=http://127.0.0.1:{upstream}
GEMINI_BASE=http://127.0.0.1:{upstream}
STORE_MAP_MB={map_mb}
MAX_INFLIGHT={max_inflight}
"""


def settings(options, upstream, max_inflight):
    """The values that are known; server() fills in the others."""
    return SETTINGS.format(upstream=upstream, map_mb=options.map_mb,
                           max_inflight=max_inflight, secret="{secret}")


def responders(options):
    return {"noop": stage.Responder(stage.TOOLS / "noop"),
            "webhook": stage.Responder(options.app)}


# ---- what is measured ------------------------------------------------------

def acknowledge(options):
    """{connections: {target: [round, ...]}}"""
    rounds = {}
    for connections in options.connections:
        with stage.upstream(options.hold * 1000) as port, \
                stage.server(responders(options),
                             settings(options, port, 64)) as served:
            for target in served.responders:
                served.load(target, connections, 0.5)
            rounds[connections] = stage.interleave(options.rounds, {
                target: functools.partial(served.measure, target, connections,
                                          options.seconds)
                for target in served.responders})
    return rounds


def wait_delivered(port, wanted):
    """When the last came; gives up when nothing has come for 20 s."""
    last, when = -1, time.monotonic()
    while last < wanted and time.monotonic() < when + 20:
        delivered = stage.counts(port)["delivered"]
        if delivered != last:
            last, when = delivered, time.monotonic()
        time.sleep(0.02)
    return last, when


def converse(options):
    """Webhooks, and the whole conversations that come of them."""
    with stage.upstream(0) as port, \
            stage.server(responders(options),
                         settings(options, port, 5000)) as served:
        wait_delivered(port, 1)  # wait_ready()'s
        earlier = stage.counts(port)["delivered"]
        before = served.cpu_us("webhook")
        start = time.monotonic()
        result = served.load("webhook", 16, options.seconds)
        delivered, end = wait_delivered(port, earlier + result["ok"])
        spent = served.cpu_us("webhook") - before
    delivered -= earlier
    return result | {
        "delivered": delivered,
        "conversations_per_s": delivered / (end - start),
        "cpu_us_per_conversation": spent / max(delivered, 1)}


# ---- what is told ----------------------------------------------------------

def tell_acknowledge(rounds, options):
    print(f"""
Webhooks acknowledged, {options.rounds} rounds of {options.seconds} s each, \
median [min-max].
"webhook" is verified, admitted and durable before its 200; "no-op" reads and
does nothing.  The model's answers are held back for {options.hold} s and at \
most 64 jobs a
process are under way, so this is the way to the 200, not the conversation.
CPU is that of lighttpd and the responder, per request, in us; latencies in us.
""")
    line = "{:>5} {:8} {:>22} {:>18} {:>22} {:>16} {:>6}"
    print(line.format("conn", "target", "requests/s", "p50", "p99", "CPU",
                      "errors"))
    for connections, both in rounds.items():
        for target, results in both.items():
            print(line.format(
                connections, "no-op" if target == "noop" else target,
                *(stage.show(stage.summary(results, field)) for field in
                  ("rps", "p50_us", "p99_us")),
                stage.show(stage.summary(results, "cpu_us"), 1),
                sum(result["other"] for result in results)))
        print("{:>5} {:8} {:>22} {:>18} {:>22} {:>16}".format(
            "", "ratio", *(stage.show(stage.ratio(
                both["webhook"], both["noop"], field), 2) for field in (
                    "rps", "p50_us", "p99_us", "cpu_us"))))


def tell_converse(result):
    print("""
Whole conversations: 16 connections, a model and a LINE that answer at once.
All of webhook, model call and reply share the machine with the stand-ins.

  webhooks acknowledged   {rps:9.0f}/s   ({ok} of {requests})
  conversations finished  {conversations_per_s:9.0f}/s   ({delivered})
  CPU per conversation    {cpu_us_per_conversation:9.1f} us, lighttpd included
""".format(**result))


def failures(rounds, conversation):
    bad = [f"{connections} connections, {target}: {result['other']} answers "
           f"were not 200, the first was {result['first_other']}"
           for connections, both in rounds.items()
           for target, results in both.items()
           for result in results if result["other"]]
    if conversation and conversation["other"]:
        bad.append(f"conversations: {conversation['other']} were not 200")
    if conversation and conversation["delivered"] < conversation["ok"]:
        bad.append(f"conversations: {conversation['delivered']} of "
                   f"{conversation['ok']} were finished")
    return bad


# ---- options ---------------------------------------------------------------

def read_options():
    parser = argparse.ArgumentParser(prog="bench.py", description=(
        "MedEdBot beside a responder that does nothing, behind lighttpd."))
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="of each target (5)")
    add("--seconds", type=float, default=3, help="a round takes (3)")
    add("--connections", default=[1, 16, 64], help="list (1,16,64)",
        type=lambda text: [int(word) for word in text.split(",")])
    add("--hold", type=int, default=30, help="seconds the model takes (30)")
    add("--map-mb", type=int, default=1024, help="STORE_MAP_MB (1024)")
    add("--app", default=stage.APP, help="the responder",
        type=lambda text: pathlib.Path(text).resolve())
    add("--no-conversations", action="store_true", help="leave them out")
    return parser.parse_args()


def main():
    options = read_options()
    stage.prepare(options.app, *map(stage.TOOLS.joinpath,
                                    ["noop", "load", "upstream"]))
    rounds = acknowledge(options)
    tell_acknowledge(rounds, options)
    conversation = None if options.no_conversations else converse(options)
    if conversation:
        tell_converse(conversation)
    (stage.FOLDER / "result.json").write_text(json.dumps(
        {"acknowledge": rounds, "conversations": conversation}, indent=1))
    bad = failures(rounds, conversation)
    print(*bad, sep="\n", end="\n" if bad else "", file=sys.stderr)
    return 1 if bad else 0


sys.exit(main())

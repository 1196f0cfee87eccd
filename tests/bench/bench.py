"""bench.py - what MedEdBot costs, as ratios to a responder that does nothing.

Real lighttpd serves all from one configuration: /noop is tests/bench/noop.c,
/webhook is the app, each in two processes that take turns, and /plain is
tests/bench/plain.c, the same steps in the plain way in one process.  Rounds
alternate between them, so that whatever else the machine does hits all.  Run
it with `make bench`, which builds what is needed; --help lists the options.

The webhooks of the first part come from a new user each, so the store grows by
a user with every request.  Those of the second come from users who were seen
before (their questions are answered, their conversations are there), as most
webhooks do in life; nobody asks twice in a run, since a busy user's question
is no admission.  Both are told, neither is mixed into the other.
"""
import argparse
import dataclasses
import functools
import json
import operator
import pathlib
import sys
import time

import cost
import forged
import stage

# Users wait for no tokens here, so every webhook is admitted, written down,
# and becomes a job.
SETTINGS = stage.SETTINGS + """\
LINE_API_BASE=http://127.0.0.1:{upstream}
GEMINI_BASE=http://127.0.0.1:{upstream}
STORE_MAP_MB={map_mb}
MAX_INFLIGHT={max_inflight}
"""
SLOW_FLUSH = stage.BUILD / "shims" / "slow_flush.so"


def settings(options, upstream, max_inflight):
    """The values that are known; server() fills in the others."""
    return SETTINGS.format(upstream=upstream, map_mb=options.map_mb,
                           max_inflight=max_inflight, secret="{secret}")


def responders(options, slow=False):
    preload = {"LD_PRELOAD": SLOW_FLUSH} if slow else {}
    return {
        "noop": stage.Responder(stage.TOOLS / "noop"),
        "webhook": stage.Responder(options.app, environment=preload),
        "plain": stage.Responder(stage.TOOLS / "plain", 1, preload | {
            "PLAIN_SECRET": "{secret}", "PLAIN_DIR": "{folder}/plain",
            "PLAIN_MAP_MB": options.map_mb})}


# ---- webhooks acknowledged -------------------------------------------------

@dataclasses.dataclass
class Case:
    """Who is measured at how many connections, and how."""
    title: str
    targets: dict
    slow: bool = False
    known: bool = False


def cases(options):
    """Those that were asked for."""
    everything = {
        "new": Case("from new users", {
            1: ["noop", "webhook", "plain"], 16: ["noop", "webhook"],
            64: ["noop", "webhook", "forged"]}),
        "known": Case("from users who were seen before", {
            1: ["noop", "webhook"], 64: ["noop", "webhook"]}, known=True),
        "slow": Case("from new users, every flush of the disk 2 ms slower", {
            1: ["noop", "webhook", "plain"], 64: ["noop", "webhook"]},
            slow=True)}
    for case in everything.values():
        case.targets = {connections: targets
                        for connections, targets in case.targets.items()
                        if connections in options.connections}
    return {name: case for name, case in everything.items()
            if name in options.cases and case.targets}


class Crowd:
    """Users who were seen before, each to ask once more."""

    def __init__(self, options):
        self.options, self.next = options, 0
        self.at_once = options.users // (options.rounds + 1)  # once to warm

    def seed(self, made):
        stage.say(f"  making {self.options.users} users")
        cost.txn(made.folder, "--seed", str(self.options.users),
                         map_mb=self.options.map_mb)

    def measure(self, measure, target, connections, seconds):
        result = measure(target, connections, seconds, "--first", self.next,
                         "--requests", self.at_once)
        self.next += result["requests"]
        return result


def measured(served, target, connections, seconds, crowd=None):
    if target == "forged":
        return served.measure("webhook", connections, seconds, "--forged")
    if crowd and target == "webhook":
        return crowd.measure(served.measure, target, connections, seconds)
    return served.measure(target, connections, seconds)


def acknowledge(options, case, connections):
    """{target: [round, ...]}, in turns, after a short one that is not told"""
    crowd = Crowd(options) if case.known else None
    with stage.upstream(options.hold * 1000) as port, \
            stage.server(responders(options, case.slow),
                         settings(options, port, 64),
                         crowd.seed if crowd else None) as served:
        runs = {target: functools.partial(measured, served, target,
                                          connections, options.seconds, crowd)
                for target in case.targets[connections]}
        for target in runs:  # to get warm
            measured(served, target, connections, 0.5, crowd)
        return stage.interleave(options.rounds, runs)


# ---- whole conversations ---------------------------------------------------

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

FIELDS = {"rps": 0, "p50_us": 0, "p99_us": 0, "cpu_us": 1}
LINE = "{:>5} {:16} {:>22} {:>20} {:>22} {:>19} {:>6}"
RATIOS = [("webhook", "noop"), ("webhook", "plain"), ("forged", "webhook")]


def tell_head(options):
    print(f"""
Webhooks acknowledged, {options.rounds} rounds of {options.seconds:g} s each, \
median [min-max].
"webhook" is verified, admitted and durable before its 200; "noop" reads and
does nothing; "plain" is durable, too, in five records and one process, with a
commit each; "forged" has a wrong signature and gets 401.  The model's answers
are held back for {options.hold} s and at most 64 jobs a process are under \
way, so this
is the way to the 200, not the conversation.  CPU is that of lighttpd and the
responder, per request, in us; latencies in us.""")


def tell_case(case, rounds):
    print(f"\nWebhooks {case.title}:\n")
    print(LINE.format("conn", "target", "requests/s", "p50", "p99", "CPU",
                      "errors"))
    for connections, results in rounds.items():
        for target, its in results.items():
            print(LINE.format(
                connections, target,
                *(stage.show(stage.summary(its, field), digits)
                  for field, digits in FIELDS.items()),
                sum(result["other"] for result in its)))
        for ours, theirs in RATIOS:
            if ours in results and theirs in results:
                print(LINE.format(
                    "", f"{ours}/{theirs}", *(stage.show(stage.ratio(
                        results[ours], results[theirs], field), 2)
                        for field in FIELDS), "").rstrip())


# What was promised: at how many connections, which ratio.
MARKS = [
    ("64 connections, requests/s to no-op's (aim 0.75)",
     64, "webhook", "noop", "rps", operator.ge, 0.70),
    ("64 connections, CPU per webhook to no-op's",
     64, "webhook", "noop", "cpu_us", operator.le, 1.45),
    ("1 connection, p50 to the plain one's",
     1, "webhook", "plain", "p50_us", operator.le, 0.90),
    ("64 connections, CPU of a forged webhook to a good one's",
     64, "forged", "webhook", "cpu_us", operator.lt, 1.00),
]
SIGNS = {operator.ge: ">=", operator.le: "<=", operator.lt: "< "}


def tell_marks(rounds):
    print("\nMarks, of the webhooks from new users:\n")
    for name, connections, ours, theirs, field, is_kept, mark in MARKS:
        if connections not in rounds:
            continue
        results = rounds[connections]
        value = stage.ratio(results[ours], results[theirs], field)
        print(f"  {name:56} {stage.show(value, 2):18} "
              f"{SIGNS[is_kept]} {mark:.2f}  "
              + stage.mark(is_kept(value[0], mark)))


def tell_converse(result):
    print("""
Whole conversations: 16 connections, a model and a LINE that answer at once.
All of webhook, model call and reply share the machine with the stand-ins.

  webhooks acknowledged   {rps:9.0f}/s   ({ok} of {requests})
  conversations finished  {conversations_per_s:9.0f}/s   ({delivered})
  CPU per conversation    {cpu_us_per_conversation:9.1f} us, lighttpd included
""".format(**result))


def failures(result):
    for name, rounds in result["acknowledge"].items():
        for connections, results in rounds.items():
            for target, its in results.items():
                for one in its:
                    if one["other"]:
                        yield (f"{name}, {connections} connections, {target}: "
                               f"{one['other']} answers were not as wanted, "
                               f"the first was {one['first_other']}")
    yield from forged.failures(result.get("forged"))
    conversation = result.get("conversations")
    if conversation and conversation["other"]:
        yield f"conversations: {conversation['other']} were not 200"
    if conversation and conversation["delivered"] < conversation["ok"]:
        yield (f"conversations: {conversation['delivered']} of "
               f"{conversation['ok']} were finished")


# ---- options ---------------------------------------------------------------

CASES = ["new", "known", "slow", "forged", "cost", "conversations"]


def words(allowed):
    def parse(text):
        for word in text.split(","):
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"there is no {word}")
        return text.split(",")
    return parse


def read_options():
    parser = argparse.ArgumentParser(prog="bench.py", description=(
        "MedEdBot beside a responder that does nothing, behind lighttpd."))
    add = parser.add_argument
    add("cases", nargs="?", default=CASES, type=words(CASES),
        help="which parts, of " + ",".join(CASES) + " (all)")
    add("--rounds", type=int, default=5, help="of each target (5)")
    add("--seconds", type=float, default=3, help="a round takes (3)")
    add("--connections", default=[1, 16, 64], help="list of 1,16,64 (all)",
        type=lambda text: [int(word) for word in text.split(",")])
    add("--hold", type=int, default=30, help="seconds the model takes (30)")
    add("--map-mb", type=int, default=1024, help="STORE_MAP_MB (1024)")
    add("--users", type=int, default=200000,
        help="who were seen before (200000)")
    add("--app", default=stage.APP, help="the responder",
        type=lambda text: pathlib.Path(text).resolve())
    return parser.parse_args()


def main():
    options = read_options()
    sys.stdout.reconfigure(line_buffering=True)
    stage.prepare(options.app, SLOW_FLUSH, *map(stage.TOOLS.joinpath, [
        "noop", "plain", "load", "txn", "upstream"]))
    result = {"acknowledge": {}}
    wanted = cases(options)
    if wanted:
        tell_head(options)
    for name, case in wanted.items():
        rounds = result["acknowledge"][name] = {}
        for connections in case.targets:
            stage.say(f"webhooks {case.title}, {connections} connections")
            rounds[connections] = acknowledge(options, case, connections)
        tell_case(case, rounds)
    if "new" in wanted:
        tell_marks(result["acknowledge"]["new"])
    if "forged" in options.cases:
        result["forged"] = forged.measure(options, responders, settings)
        forged.tell(result["forged"])
    if "cost" in options.cases:
        result["cost"] = cost.measure()
        cost.tell(result["cost"])
    if "conversations" in options.cases:
        result["conversations"] = converse(options)
        tell_converse(result["conversations"])
    (stage.FOLDER / "result.json").write_text(json.dumps(result, indent=1))
    bad = list(failures(result))
    print(*bad, sep="\n", end="\n" if bad else "", file=sys.stderr)
    return 1 if bad else 0


sys.exit(main())

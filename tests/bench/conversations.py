"""conversations.py - thousands of conversations at once, in one process.

The real app in one process behind lighttpd; webhooks come at a steady rate
and a stand-in for Gemini holds each answer back for 2 s, so that at 2,500 a
second 5,000 conversations are under way.  A second program does the same two
calls with a thread for each conversation, without webhooks or a store.  Rounds
alternate between all of them.  Run it with `make bench-conversations`, which
builds what is needed; --help lists the options.

Added latency is the time from the moment in which a webhook was due to be sent
until LINE's stand-in has the reply, less the 2 s: lighttpd, verification,
commits and both calls are in it.  Memory is what the process has more, at the
most, than it had after a few hundred that warmed it up, for each conversation
that the model was asked for and LINE has not heard of.
CPU is that of all threads of the process; lighttpd's is told beside it.
"""
import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import stage

CONNECTIONS = 256  # webhooks that lighttpd may be sent at once
SAMPLE_S = 0.2
WARM = 300         # webhooks before anything is measured
SETTLE_S = 2       # until what is not needed any more was given back
GIVE_UP_S = 20     # without any progress

SETTINGS = stage.SETTINGS + """\
LINE_API_BASE={line}
GEMINI_BASE={model}
STORE_MAP_MB=1024
MAX_INFLIGHT=20000
CA_FILE={ca}
"""

# The marks: of which rate, protocol or program, and how much at most.
MARKS = [
    ("added latency, p99", "added_p99_ms", 50, "ms",
     lambda case: case[2] == 1500),
    ("memory, HTTP/1.1", "kib", 20, "KiB", lambda case: case[1] == "http"),
    ("memory, TLS HTTP/2", "kib", 30, "KiB", lambda case: case[1] == "https"),
    ("CPU", "cpu_us", 350, "us", lambda case: True),
]


# ---- the stand-in ----------------------------------------------------------

def make_certificate(folder):
    """A test authority and what it says of 127.0.0.1."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True,
                       capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "2", "-subj", "/CN=bench authority")
    openssl("req", *key, "-keyout", "key.pem", "-out", "request.pem",
            "-subj", "/CN=bench")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names",
            "-out", "cert.pem")
    for path in [folder, folder / "ca.pem"]:
        path.chmod(0o755 if path.is_dir() else 0o644)


class Upstream:
    """Gemini and LINE on ports of their own, in one process."""

    def __init__(self, process, protocol, ca):
        self.pid, self.ca = process.pid, ca
        ports = [int(process.stdout.readline()) for _ in range(4)]
        self.plain = ports[0]
        model, line = ports[:2] if protocol == "http" else ports[2:]
        self.model = f"{protocol}://127.0.0.1:{model}"
        self.line = f"{protocol}://127.0.0.1:{line}"

    def ask(self, what):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.plain}/{what}") as answer:
            return json.load(answer)


@contextlib.contextmanager
def upstream(protocol, hold_ms, certificates, options=()):
    with stage.running(
            [stage.TOOLS / "upstream", *map(str, options), str(hold_ms),
             certificates / "cert.pem", certificates / "key.pem"],
            stdout=subprocess.PIPE) as process:
        yield Upstream(process, protocol, certificates / "ca.pem")


def wait_replies(up, wanted):
    """Until there are that many, or nothing has come for a while."""
    last, when = -1, time.monotonic()
    while last < wanted and time.monotonic() < when + GIVE_UP_S:
        replies = up.ask("counts")["delivered"]
        if replies != last:
            last, when = replies, time.monotonic()
        time.sleep(0.05)


# ---- what a process takes --------------------------------------------------

def memory_kib(pid):
    """(anonymous, proportional) memory of a process."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(
        f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return (int(fields["Anonymous"].split()[0]), int(fields["Pss"].split()[0]))


def busy_s():
    """CPU time of the whole machine."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()
    user, nice, system, _, _, irq, softirq = map(int, fields[1:8])
    return (user + nice + system + irq + softirq) * stage.TICK_US / 1e6


class Meter:
    """What a process and its companions take while the block runs."""

    def __init__(self, up, pid, beside=()):
        self.up, self.pid = up, pid
        self.beside = {"upstream": up.pid, **dict(beside)}
        self.samples, self.stopped = [], threading.Event()

    def cpu(self):
        return {"app": stage.cpu_us(self.pid),
                **{name: stage.cpu_us(pid)
                   for name, pid in self.beside.items()}}

    def __enter__(self):
        self.idle, self.before = memory_kib(self.pid), self.cpu()
        self.start, self.busy = time.monotonic(), busy_s()
        self.thread = threading.Thread(target=self.sample)
        self.thread.start()
        return self

    def sample(self):
        while not self.stopped.wait(SAMPLE_S):
            counts = self.up.ask("counts")
            self.samples.append((counts["asked"] - counts["answered"],
                                 counts["asked"] - counts["delivered"],
                                 *memory_kib(self.pid)))

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        self.after, self.busy = self.cpu(), busy_s() - self.busy
        self.seconds = time.monotonic() - self.start

    def figures(self, conversations):
        """Call it when the process has nothing to do any more."""
        held, at_once, anon, pss = map(max, zip(*self.samples))
        left = memory_kib(self.pid)
        spent = {name: self.after[name] - self.before[name]
                 for name in self.before}
        grown = max(anon - self.idle[0], 1)
        return {
            "held": held,
            "at_once": at_once,
            "kib": grown / max(at_once, 1),
            "pss_kib": (pss - self.idle[1]) / max(at_once, 1),
            "idle_mib": self.idle[0] / 1024,
            "peak_mib": anon / 1024,
            "left_mib": left[0] / 1024,
            "returned": 100 * (anon - left[0]) / grown,
            "cpu_us": spent["app"] / max(conversations, 1),
            "lighttpd_us": spent.get("lighttpd", 0) / max(conversations, 1),
            "upstream_us": spent["upstream"] / max(conversations, 1),
            "others": max(self.busy - sum(spent.values()) / 1e6, 0)
            / self.seconds,
        }


def latencies(up):
    told = up.ask("latency")
    return {"answered": told["conversations"],
            # LINE would refuse these: the token was used.
            "sent_again": told["replies"] - told["conversations"],
            "added_p50_ms": told["p50_us"] / 1000,
            "added_p99_ms": told["p99_us"] / 1000,
            "added_max_ms": told["max_us"] / 1000}


# ---- the two programs ------------------------------------------------------

def run_app(up, rate, options):
    settings = SETTINGS.replace("{line}", up.line).replace(
        "{model}", up.model).replace("{ca}", str(up.ca))
    with stage.server({"webhook": stage.Responder(options.app, 1)},
                      settings) as served:
        warm = served.load("webhook", CONNECTIONS, 10, "--requests", WARM)
        earlier = warm["ok"] + 1  # wait_ready()'s
        wait_replies(up, earlier)
        pid, = served.workers("webhook")
        with Meter(up, pid, {"lighttpd": served.pid}) as meter:
            load = served.load("webhook", CONNECTIONS, options.seconds,
                               "--rate", rate)
            wait_replies(up, earlier + load["ok"])
        time.sleep(SETTLE_S)
        return {"offered": load["requests"], "failed": load["other"],
                "ack_p99_ms": load["p99_us"] / 1000,
                **latencies(up), **meter.figures(load["requests"])}


def run_threads(up, rate, options):
    with stage.running(
            [stage.TOOLS / "threads", "--model",
             up.model + "/v1beta/models/bench:generateContent", "--line",
             up.line + "/v2/bot/message/reply", "--ca", up.ca, "--rate",
             str(rate), "--seconds", str(options.seconds), "--prompt",
             options.prompt], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with Meter(up, process.pid) as meter:
            process.stdin.write(b"\n")
            process.stdin.flush()
            said = json.loads(process.stdout.readline())
        time.sleep(SETTLE_S)
        offered = said["began"] + said["refused"]
        return {"offered": offered,
                "failed": said["refused"] + said["failed"],
                "threads": said["at_once"],
                **latencies(up), **meter.figures(offered)}


PROGRAMS = {"app": run_app, "threads": run_threads}


# ---- what is told ----------------------------------------------------------

def run_case(case, options, certificates):
    program, protocol, rate = case
    with upstream(protocol, options.hold, certificates) as up:
        result = PROGRAMS[program](up, rate, options)
    stage.say("{:8} {:5} {:5}/s: {answered} of {offered}, added p99 "
              "{added_p99_ms:.1f} ms, {kib:.1f} KiB, {cpu_us:.0f} us CPU, "
              "{returned:.0f} % returned, others took {others:.2f} cores"
              .format(*case, **result))
    return result


COLUMNS = [
    # title, field, digits
    ("answered", "answered", 0), ("at once", "at_once", 0),
    ("added p50 ms", "added_p50_ms", 1), ("p99 ms", "added_p99_ms", 1),
    ("max ms", "added_max_ms", 1), ("KiB each", "kib", 1),
    ("CPU us each", "cpu_us", 0), ("left MiB", "left_mib", 1),
]


def tell(results, options):
    print(f"""
Conversations at once: {options.rounds} rounds of {options.seconds:g} s, \
median [min-max].
"app" is one process behind lighttpd, all of it durable; "threads" makes the
same two calls with a thread for each conversation, and nothing else.  The
model takes {options.hold} ms.
""")
    for protocol in options.protocols:
        print("HTTP/1.1" if protocol == "http" else "TLS, HTTP/2")
        width = max(len(title) for title, *_ in COLUMNS)
        cases = [case for case in results if case[1] == protocol]
        print(" " * (width + 2) + "".join(
            f"{program + ' ' + str(rate) + '/s':>26}"
            for program, _, rate in cases))
        for title, field, digits in COLUMNS:
            print(f"  {title:{width}}" + "".join(
                f"{stage.show(stage.summary(results[case], field), digits):>26}"
                for case in cases))
        print()
    for case, rounds in results.items():
        if case[0] == "app":
            print("{} {}/s beside it: lighttpd {} us, the stand-in {} us; "
                  "memory returned: {} %; other programs took {} cores".format(
                      *case[1:], *(stage.show(stage.summary(rounds, field), d)
                                   for field, d in (
                                       ("lighttpd_us", 0), ("upstream_us", 0),
                                       ("returned", 0), ("others", 2)))))


def tell_marks(results):
    print()
    for name, field, most, unit, counts in MARKS:
        for case, rounds in results.items():
            if case[0] != "app" or not counts(case):
                continue
            value = stage.summary(rounds, field)[0]
            print(f"{name}, {case[1]} at {case[2]}/s: {value:.1f} {unit}, "
                  f"the mark is {most} {unit}: "
                  + ("met" if value <= most else "MISSED"))


def failures(results):
    for case, rounds in results.items():
        for i, result in enumerate(rounds):
            if case[0] == "app" and (result["answered"] != result["offered"]
                                     or result["failed"]):
                yield ("{}, {} at {}/s, round {}: {answered} of {offered} "
                       "answered, {failed} webhooks refused"
                       .format(*case, i + 1, **result))


# ---- options ---------------------------------------------------------------

def words(kind):
    return lambda text: [kind(word) for word in text.split(",")]


def read_options():
    parser = argparse.ArgumentParser(
        prog="conversations.py", description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="of each case")
    add("--seconds", type=float, default=6, help="that webhooks come")
    add("--hold", type=int, default=2000, help="ms that the model takes")
    add("--rates", type=words(int), default=[1500, 2500],
        help="conversations a second, a list")
    add("--protocols", type=words(str), default=["http", "https"],
        help="HTTP/1.1 and HTTP/2 over TLS")
    add("--programs", type=words(str), default=["app", "threads"],
        help="which of the two")
    add("--app", default=stage.APP, help="the app's program",
        type=lambda text: pathlib.Path(text).resolve())
    add("--result", type=pathlib.Path,
        default=stage.FOLDER / "conversations.json", help="all figures")
    return parser.parse_args()


def prompt_of_the_app(path):
    """As many bytes as the app sends."""
    source = stage.TOP / "fcgi-app" / "model" / "prompt.c"
    text = source.read_text().replace('"', "'").replace("\\", "/")
    path.write_text(json.dumps({"contents": [{"parts": [{"text": text}]}]}))
    path.chmod(0o644)


def main():
    options = read_options()
    stage.prepare(options.app, stage.TOOLS / "load", stage.TOOLS / "upstream",
                  stage.TOOLS / "threads")
    with tempfile.TemporaryDirectory(dir=stage.FOLDER) as folder:
        certificates = pathlib.Path(folder)
        make_certificate(certificates)
        options.prompt = certificates / "prompt.json"
        prompt_of_the_app(options.prompt)
        cases = [(program, protocol, rate) for protocol in options.protocols
                 for rate in options.rates for program in options.programs]
        results = {case: [] for case in cases}
        for _ in range(options.rounds):
            for case in cases:
                results[case].append(run_case(case, options, certificates))
    tell(results, options)
    tell_marks(results)
    options.result.write_text(json.dumps(
        [dict(zip(("program", "protocol", "rate"), case), rounds=rounds)
         for case, rounds in results.items()], indent=1))
    bad = list(failures(results))
    print(*bad, sep="\n", end="\n" if bad else "", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""bench.py - what MedEdBot costs, as ratios to a responder that does nothing.

Real lighttpd serves both from one configuration: /noop is tests/bench/noop.c,
/webhook is the app, each in two processes that take turns.  Rounds alternate
between the two, so that whatever else the machine does hits both.  Run it with
`make bench`, which builds what is needed; --help lists the options.
"""
import argparse
import contextlib
import json
import os
import pathlib
import pwd
import resource
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
TOOLS = BUILD / "tests" / "bench"
FOLDER = BUILD / "bench"
WORKERS = 2
TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
LIGHTTPD = shutil.which("lighttpd", path="/usr/sbin:/usr/local/sbin:"
                        + os.environ.get("PATH", ""))

# Users wait for no tokens here, and each webhook comes from another user, so
# every one of them is admitted, written down, and becomes a job.
SETTINGS = """\
LINE_CHANNEL_SECRET={secret}
LINE_CHANNEL_ACCESS_TOKEN=bench
GEMINI_API_KEY=bench
LINE_API_BASE=http://127.0.0.1:{upstream}
GEMINI_BASE=http://127.0.0.1:{upstream}
DATA_DIR=./data
KEY_FILE=./key
LOG_FILE=./app.log
STORE_MAP_MB={map_mb}
MAX_INFLIGHT={max_inflight}
GLOBAL_RATE_TOKENS=100000
GLOBAL_RATE_REFILL=100000
USER_RATE_TOKENS=1000
USER_RATE_REFILL=1000
"""

LIGHTTPD_CONF = """\
server.modules = ( "mod_fastcgi" )
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{folder}/www"
server.errorlog = "{folder}/error.log"
server.breakagelog = "{folder}/stderr.log"
server.upload-dirs = ( "{folder}" )
server.max-request-size = 1024
server.max-connections = 1024
server.max-fds = 4096
server.listen-backlog = 1024
server.max-keep-alive-requests = 10000000
fastcgi.balance = "round-robin"
fastcgi.server = ( {responders} )
"""

WORKER = """"{name}-{i}" => (
  "socket" => "{folder}/{name}-{i}.sock", "bin-path" => "{program}",
  "max-procs" => 1, "check-local" => "disable", "kill-signal" => 15,
  "listen-backlog" => 1024, "bin-copy-environment" => ( "PATH" ),
  "bin-environment" => ( "MEDEDBOT_CONFIG" => "{folder}/settings",
                         "MEDEDBOT_PDEATHSIG" => "1" ) )"""


def stop(message):
    sys.exit("bench.py: " + message)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unprivileged():
    """How Popen starts what must not be root, and who owns its files."""
    if os.geteuid() != 0:
        return {}, (-1, -1)
    user = pwd.getpwnam("www-data")
    return ({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []},
            (user.pw_uid, user.pw_gid))


# ---- what runs -------------------------------------------------------------

@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def upstream(hold_ms):
    """Its port."""
    with running([TOOLS / "upstream", str(hold_ms)],
                 stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline())


def write_configuration(folder, port, values, app):
    (folder / "www").mkdir()
    (folder / "settings").write_text(SETTINGS.format(**values))
    programs = {"noop": TOOLS / "noop", "webhook": app}
    responders = ",\n".join(
        f'"/{name}" => ( '
        + ",\n".join(WORKER.format(name=name, i=i, folder=folder,
                                   program=program)
                     for i in range(WORKERS)) + " )"
        for name, program in programs.items())
    (folder / "lighttpd.conf").write_text(LIGHTTPD_CONF.format(
        port=port, folder=folder, responders=responders))


class Server:
    """lighttpd, and the processes of both responders."""

    def __init__(self, folder, port, secret, pid, app):
        self.folder, self.port, self.secret = folder, port, secret
        self.pid, self.programs = pid, {"noop": TOOLS / "noop", "webhook": app}

    def workers(self, target):
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = stat.read_text().rpartition(")")[2].split()[1]
                exe = os.readlink(stat.parent / "exe")
                if (int(parent) == self.pid
                        and exe == str(self.programs[target])):
                    found.append(int(stat.parent.name))
        return found

    def cpu_us(self, target):
        """User and system time of lighttpd and the target, all threads."""
        ticks = 0
        for pid in [self.pid, *self.workers(target)]:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text()
            ticks += sum(map(int, fields.rpartition(")")[2].split()[11:13]))
        return ticks * TICK_US

    def load(self, target, connections, seconds, *more, stderr=None):
        said = subprocess.run(
            [TOOLS / "load", "--port", str(self.port), "--path", "/" + target,
             "--connections", str(connections), "--seconds", str(seconds),
             "--secret", self.secret, *more],
            stdout=subprocess.PIPE, stderr=stderr, check=True).stdout
        return json.loads(said)

    def measure(self, target, connections, seconds):
        before = self.cpu_us(target)
        result = self.load(target, connections, seconds)
        spent = self.cpu_us(target) - before
        return result | {"cpu_us": spent / max(result["requests"], 1)}

    def logs(self):
        return "\n".join(
            f"{path}:\n{path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.folder.glob("*.log")))

    def wait_ready(self):
        for target in self.programs:
            deadline = time.monotonic() + 10
            while True:
                with contextlib.suppress(subprocess.CalledProcessError):
                    if self.load(target, 1, 1, "--requests", "1",
                                 stderr=subprocess.DEVNULL)["ok"] == 1:
                        break
                if time.monotonic() > deadline:
                    stop(f"/{target} does not answer\n{self.logs()}")
                time.sleep(0.1)


@contextlib.contextmanager
def server(app, upstream_port, map_mb, max_inflight):
    """A new server with an empty store."""
    as_user, owner = unprivileged()
    folder = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    port, secret = free_port(), secrets.token_hex(16)
    write_configuration(folder, port, {
        "secret": secret, "upstream": upstream_port, "map_mb": map_mb,
        "max_inflight": max_inflight}, app)
    for path in [folder, *folder.iterdir()]:
        os.chown(path, *owner)
        path.chmod(0o700 if path.is_dir() else 0o600)
    try:
        with running([LIGHTTPD, "-D", "-f", folder / "lighttpd.conf"],
                     umask=0o077, stderr=subprocess.DEVNULL,
                     **as_user) as process:
            started = Server(folder, port, secret, process.pid, app)
            started.wait_ready()
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---- what is measured ------------------------------------------------------

def acknowledge(options):
    """{connections: {target: [round, ...]}}"""
    rounds = {}
    for connections in options.connections:
        both = rounds[connections] = {"noop": [], "webhook": []}
        with upstream(options.hold * 1000) as port, \
                server(options.app, port, options.map_mb, 64) as served:
            for target in both:
                served.load(target, connections, 0.5)
            for _ in range(options.rounds):
                for target, results in both.items():
                    results.append(served.measure(target, connections,
                                                  options.seconds))
    return rounds


def counts(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts") as answer:
        return json.load(answer)


def wait_delivered(port, wanted):
    """When the last came; gives up when nothing has come for 20 s."""
    last, when = -1, time.monotonic()
    while last < wanted and time.monotonic() < when + 20:
        delivered = counts(port)["delivered"]
        if delivered != last:
            last, when = delivered, time.monotonic()
        time.sleep(0.02)
    return last, when


def converse(options):
    """Webhooks, and the whole conversations that come of them."""
    with upstream(0) as port, \
            server(options.app, port, options.map_mb, 5000) as served:
        wait_delivered(port, 1)  # wait_ready()'s
        earlier = counts(port)["delivered"]
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

def summary(results, field):
    values = [result[field] for result in results]
    return statistics.median(values), min(values), max(values)


def show(value, digits=0):
    return "{0:.{3}f} [{1:.{3}f}-{2:.{3}f}]".format(*value, digits)


def ratio(both, field):
    """Of each round to the no-op's round beside it."""
    values = [ours[field] / noop[field]
              for noop, ours in zip(both["noop"], both["webhook"])]
    return statistics.median(values), min(values), max(values)


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
                show(summary(results, "rps")),
                show(summary(results, "p50_us")),
                show(summary(results, "p99_us")),
                show(summary(results, "cpu_us"), 1),
                sum(result["other"] for result in results)))
        print("{:>5} {:8} {:>22} {:>18} {:>22} {:>16}".format(
            "", "ratio", *(show(ratio(both, field), 2) for field in
                           ("rps", "p50_us", "p99_us", "cpu_us"))))


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
    add("--app", default=BUILD / "mededbot.fcgi", help="the responder",
        type=lambda text: pathlib.Path(text).resolve())
    add("--no-conversations", action="store_true", help="leave them out")
    return parser.parse_args()


def main():
    options = read_options()
    for program in [options.app, TOOLS / "noop", TOOLS / "load",
                    TOOLS / "upstream"]:
        if not program.exists():
            stop(f"{program} is missing: run make bench")
    if LIGHTTPD is None:
        stop("lighttpd is missing: run make deps")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    FOLDER.mkdir(parents=True, exist_ok=True)
    rounds = acknowledge(options)
    tell_acknowledge(rounds, options)
    conversation = None if options.no_conversations else converse(options)
    if conversation:
        tell_converse(conversation)
    (FOLDER / "result.json").write_text(json.dumps(
        {"acknowledge": rounds, "conversations": conversation}, indent=1))
    bad = failures(rounds, conversation)
    print(*bad, sep="\n", end="\n" if bad else "", file=sys.stderr)
    return 1 if bad else 0


sys.exit(main())

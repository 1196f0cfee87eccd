"""stage.py - what the benchmarks share: programs on a stage, and figures.

    with stage.server({"noop": stage.Responder(stage.TOOLS / "noop")},
                      settings) as served:
        served.measure("noop", connections=64, seconds=3)

A server is a real lighttpd with some FastCGI responders, each in processes of
its own that take turns, in a folder of its own that is deleted afterwards.
Run as root, all of it runs as www-data.  Listens on loopback only.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import pwd
import resource
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build")).resolve()
TOOLS = BUILD / "tests" / "bench"
FOLDER = BUILD / "bench"
APP = BUILD / "mededbot.fcgi"
TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
LIGHTTPD = shutil.which("lighttpd", path="/usr/sbin:/usr/local/sbin:"
                        + os.environ.get("PATH", ""))

# What every responder that is the app wants; {folder} and {secret} are filled
# in by server().
SETTINGS = """\
LINE_CHANNEL_SECRET={secret}
LINE_CHANNEL_ACCESS_TOKEN=bench
GEMINI_API_KEY=bench
DATA_DIR=./data
KEY_FILE=./key
LOG_FILE=./app.log
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
  "bin-environment" => ( {environment} ) )"""


def stop(message):
    """Ends the program: the machine or the build is not as it must be."""
    sys.exit(os.path.basename(sys.argv[0]) + ": " + message)


def say(message):
    """Progress, beside the report."""
    print(message, file=sys.stderr, flush=True)


def prepare(*programs):
    """Everything is there, as many descriptors as may be, a folder to use.

    Told to end, the program stops what it started.
    """
    for program in programs:
        if not pathlib.Path(program).exists():
            stop(f"{program} is missing: run make bench")
    if LIGHTTPD is None:
        stop("lighttpd is missing: run make deps")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # cleans up
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    FOLDER.mkdir(parents=True, exist_ok=True)


def free_port():
    """A loopback port that nobody listens on."""
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
    """The process of a command, ended when the block is left."""
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


def cpu_us(pid):
    """User and system time of a process, all its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text()
    ticks = map(int, fields.rpartition(")")[2].split()[11:13])
    return sum(ticks) * TICK_US


@dataclasses.dataclass
class Responder:
    """A FastCGI program.  {folder} and {secret} are filled in."""
    program: pathlib.Path
    processes: int = 2
    environment: dict = dataclasses.field(default_factory=dict)

    def configuration(self, name, folder, secret):
        values = {"MEDEDBOT_CONFIG": f"{folder}/settings",
                  "MEDEDBOT_PDEATHSIG": "1"}
        for key, value in self.environment.items():
            values[key] = str(value).format(folder=folder, secret=secret)
        environment = ", ".join(f'"{key}" => "{value}"'
                                for key, value in values.items())
        return f'"/{name}" => ( ' + ",\n".join(
            WORKER.format(name=name, i=i, folder=folder, program=self.program,
                          environment=environment)
            for i in range(self.processes)) + " )"


class Server:
    """lighttpd, and the processes of its responders."""

    def __init__(self, folder, responders, settings):
        self.folder, self.responders = folder, responders
        self.port, self.secret = free_port(), secrets.token_hex(16)
        self.pid = None
        (folder / "www").mkdir()
        (folder / "settings").write_text(settings.format(
            folder=folder, secret=self.secret))
        (folder / "lighttpd.conf").write_text(LIGHTTPD_CONF.format(
            port=self.port, folder=folder, responders=",\n".join(
                responder.configuration(name, folder, self.secret)
                for name, responder in responders.items())))

    def workers(self, name):
        """The pids of a responder."""
        program, found = str(self.responders[name].program), []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = stat.read_text().rpartition(")")[2].split()[1]
                exe = os.readlink(stat.parent / "exe")
                if int(parent) == self.pid and exe == program:
                    found.append(int(stat.parent.name))
        return found

    def cpu_us(self, name):
        """Of lighttpd and the responder together."""
        return sum(map(cpu_us, [self.pid, *self.workers(name)]))

    def load(self, name, connections, seconds, *more, stderr=None):
        """What load.c says of webhooks sent to /name."""
        said = subprocess.run(
            [TOOLS / "load", "--port", str(self.port), "--path", "/" + name,
             "--connections", str(connections), "--seconds", str(seconds),
             "--secret", self.secret, *map(str, more)],
            stdout=subprocess.PIPE, stderr=stderr, check=True).stdout
        return json.loads(said)

    def measure(self, name, connections, seconds, *more):
        """The same, with the CPU time per request."""
        before = self.cpu_us(name)
        result = self.load(name, connections, seconds, *more)
        spent = self.cpu_us(name) - before
        return result | {"cpu_us": spent / max(result["requests"], 1)}

    def logs(self):
        return "\n".join(
            f"{path}:\n{path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.folder.glob("*.log")))

    def wait_ready(self):
        for name in self.responders:
            deadline = time.monotonic() + 20
            while True:
                with contextlib.suppress(subprocess.CalledProcessError):
                    if self.load(name, 1, 1, "--requests", 1,
                                 stderr=subprocess.DEVNULL)["ok"] == 1:
                        break
                if time.monotonic() > deadline:
                    stop(f"/{name} does not answer\n{self.logs()}")
                time.sleep(0.1)


@contextlib.contextmanager
def server(responders, settings=SETTINGS, before=None):
    """A new server in an empty folder; before(it) is called in between."""
    as_user, owner = unprivileged()
    folder = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        made = Server(folder, responders, settings)
        if before:
            before(made)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, *owner)
            path.chmod(0o700 if path.is_dir() else 0o600)
        with running([LIGHTTPD, "-D", "-f", folder / "lighttpd.conf"],
                     umask=0o077, stderr=subprocess.DEVNULL,
                     **as_user) as process:
            made.pid = process.pid
            made.wait_ready()
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def upstream(hold_ms):
    """upstream.c in the place of Gemini and LINE; its port."""
    with running([TOOLS / "upstream", str(hold_ms)],
                 stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline())


def counts(port):
    """What the upstream has done so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts") as answer:
        return json.load(answer)


# ---- figures ---------------------------------------------------------------

def interleave(rounds, runs):
    """{name: [result, ...]} of runs, {name: function}, in turns.

    Every other round goes the other way round, so that nobody always comes
    after the same one.
    """
    results = {name: [] for name in runs}
    for n in range(rounds):
        for name in list(runs)[::-1 if n % 2 else 1]:
            result = runs[name]()
            results[name].append(result)
            say(f"  round {n + 1} of {rounds}: {name}, {result['rps']:.0f}/s")
    return results


def spread(values):
    """(median, smallest, largest)"""
    values = list(values)
    return statistics.median(values), min(values), max(values)


def summary(results, field):
    return spread(result[field] for result in results)


def ratio(ours, theirs, field):
    """Of each round to the round beside it."""
    return spread(a[field] / b[field] for a, b in zip(ours, theirs))


def show(value, digits=0):
    return "{0:.{3}f} [{1:.{3}f}-{2:.{3}f}]".format(*value, digits)


def mark(so):
    """How a mark is shown."""
    return "reached" if so else "MISSED"

"""deployment - MedEdBot behind a real web server, in a folder of its own.

    bot = Deployment("lighttpd", sim, workers=2, USER_RATE_TOKENS=5)
    bot.start()
    ...
    bot.stop(); bot.remove()

Keyword arguments are settings; the others have values that suit tests.  app is
the program that serves, by default the one in build/.  The
folder holds .env, var/ (data, key, audio) and run/ (what serve.sh makes).
Run as root, everything in it belongs to www-data, as serve.sh wants it.
E2E_BUILD names the folder of the programs to test (build/ of the project).
"""

import contextlib
import fcntl
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("E2E_BUILD", TOP / "build")).resolve()
APP = BUILD / "mededbot.fcgi"
CLEANUP = BUILD / "mededbot-cleanup"
SERVE = TOP / "scripts" / "serve.sh"

# The secret with which the payloads in tests/data/webhook are signed.
CHANNEL_SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"
ACCESS_TOKEN = "e2e-access-token-c4a1f0d37be2"
GEMINI_KEY = "e2e-gemini-key-7d20b96e5f18"
ADMIN_TOKEN = "e2e-admin-token-51ce8a07f3b4"

OWNER = "www-data" if os.geteuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
START_S = 40
STOP_S = 40
ZEROS = bytes(65536)


def settings_for(sim, **changes):
    """The settings of a test: everything at the simulator, room for bursts."""
    settings = {
        "LINE_CHANNEL_SECRET": CHANNEL_SECRET,
        "LINE_CHANNEL_ACCESS_TOKEN": ACCESS_TOKEN,
        "GEMINI_API_KEY": GEMINI_KEY,
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "LINE_API_BASE": sim.url,
        "LINE_DATA_BASE": sim.url,
        "GEMINI_BASE": sim.url,
        "DATA_DIR": "var/data",
        "KEY_FILE": "var/key",
        "STORE_MAP_MB": 32,
        "GEMINI_TIMEOUT": 10,
        "GLOBAL_RATE_TOKENS": 10000,
        "GLOBAL_RATE_REFILL": 1000,
    }
    settings.update(changes)
    return {k: v for k, v in settings.items() if v is not None}


def write_settings(path, settings):
    """A settings file as the app demands it: nobody else may read it."""
    path.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
    path.chmod(0o600)
    return path


def clean_environment():
    """Ours without the names of settings, which would win over the file."""
    keep = ("PATH", "HOME", "LANG", "LC_ALL", "ASAN_OPTIONS",
            "UBSAN_OPTIONS")
    return {k: os.environ[k] for k in keep if k in os.environ}


def free_port():
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def hooked(hook):
    """The app that tests/torture/hooks makes."""
    return BUILD / "hooks" / hook / "mededbot.fcgi"


class Deployment:
    """One web server with its workers, their data and their logs."""

    def __init__(self, server, sim, workers=2, app=APP, **changes):
        self.server = server
        self.app = app
        self.sim = sim
        self.workers = workers
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix="mededbot-e2e-"))
        self.folder.chmod(0o755)
        self.run_dir = self.folder / "run"
        self.data_dir = self.folder / "var" / "data"
        self.key_file = self.folder / "var" / "key"
        self.settings = settings_for(sim, **changes)
        self.config = write_settings(self.folder / ".env", self.settings)
        self.process = None

    # life

    def start(self):
        """Returns when the app answers through the server."""
        with open(self.folder / "serve.log", "ab") as log:
            self.process = subprocess.Popen(
                [SERVE, "--server", self.server, "--port", str(self.port),
                 "--config", self.config, "--workers", str(self.workers),
                 "--run-dir", self.run_dir, "--bin", self.app],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                text=True, env=clean_environment(), start_new_session=True)
        timer = threading.Timer(START_S, self.process.terminate)
        timer.start()
        line = self.process.stdout.readline().strip()
        timer.cancel()
        if line != "ready":
            self.stop()
            raise RuntimeError(f"{self.server} did not start: "
                               f"{self.log_text()[-3000:]}")
        return self

    @property
    def running(self):
        return self.process is not None

    def stop(self):
        """Ends the server and all of its workers."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            process.stdout.close()

    def remove(self):
        """Deletes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart_graceful(self):
        """What a reload of the web server's configuration does."""
        self.process.send_signal(signal.SIGUSR1)

    # workers

    def worker_pids(self):
        """The processes of the app that this deployment runs."""
        return sorted(pid for pid in map(int, filter(str.isdigit,
                                                     os.listdir("/proc")))
                      if self.is_worker(pid))

    def is_worker(self, pid):
        with contextlib.suppress(OSError):
            exe = os.readlink(f"/proc/{pid}/exe")
            argv = Path(f"/proc/{pid}/cmdline").read_bytes()
            env = Path(f"/proc/{pid}/environ").read_bytes()
            ours = str(self.folder).encode() + b"/"
            return (os.path.basename(exe).startswith("mededbot.fcgi")
                    and ours in argv + env and b"--drain" not in argv)
        return False

    def wait_workers(self, n, timeout=5.0):
        """Waits until n workers run; returns their pids."""
        end = time.monotonic() + timeout
        while len(pids := self.worker_pids()) < n:
            if time.monotonic() > end:
                break
            time.sleep(0.02)
        return pids

    def connected_worker(self, port, timeout=3.0):
        """The one worker that is connected to this loopback port."""
        end = time.monotonic() + timeout
        while True:
            found = [pid for pid in self.worker_pids()
                     if sockets_of(pid) & connections_to(port)]
            if len(found) == 1:
                return found[0]
            assert time.monotonic() < end, f"connected to {port}: {found}"
            time.sleep(0.01)

    def kill_worker(self, pid):
        """kill -9; returns when, by the monotonic clock."""
        os.kill(pid, signal.SIGKILL)
        return time.monotonic()

    # asking it

    def request(self, method, path, body=None, headers=None):
        """One request; returns (status, headers, body)."""
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            # A server that refuses the length stops reading the rest.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                conn.request(method, path, body, headers or {})
            answer = conn.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            conn.close()

    def sessions(self):
        """What /debug/sessions says."""
        status, _, body = self.request(
            "GET", "/debug/sessions",
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
        assert status == 200, (status, body)
        return json.loads(body)

    def wait_idle(self, timeout):
        """Waits until no job is unfinished; True if that came."""
        end = time.monotonic() + timeout
        while self.sessions()["unfinished"] > 0:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    # programs beside it

    @property
    def live_config(self):
        """The settings file that the workers read."""
        private = self.run_dir / "settings.env"
        return private if private.exists() else self.config

    def run_as_owner(self, *argv, timeout=60):
        """Runs a program as cron would: as the owner of the data."""
        return subprocess.run(
            as_owner(argv), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=timeout, env=clean_environment(), cwd="/")

    def drain(self, timeout=60):
        return self.run_as_owner(APP, "--drain", "--config", self.live_config,
                                 timeout=timeout)

    def cleanup(self):
        return self.run_as_owner(CLEANUP, "--config", self.live_config)

    # what it left behind

    def logs(self):
        """All that was written beside the data, except our settings."""
        files = [self.folder / "serve.log"]
        if self.run_dir.is_dir():
            files += self.run_dir.rglob("*")
        return {path: path.read_bytes() for path in files
                if path.is_file() and path.name != "settings.env"
                and path.parent.name != "bin"}

    def log_text(self):
        return b"\n".join(self.logs().values()).decode("utf-8", "replace")

    def data(self):
        """The bytes of the data folder, without what was never written."""
        if not self.data_dir.is_dir():
            return {}
        return {path: b"".join(written_blocks(path))
                for path in self.data_dir.rglob("*") if path.is_file()}


    def last_commits(self):
        """Two pages of the store that every commit changes one of."""
        with open(self.data_dir / "data.mdb", "rb") as file:
            return file.read(2 * 4096)


def as_owner(argv):
    """The command that runs argv as the owner of the data."""
    if os.geteuid() != 0:
        return list(argv)
    user = pwd.getpwnam(OWNER)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
            "--init-groups", "--", *argv]


def written_blocks(path):
    """The blocks of a file that are not all zero."""
    with open(path, "rb") as file:
        while block := file.read(len(ZEROS)):
            if block != ZEROS[:len(block)]:
                yield block


def sockets_of(pid):
    """Inodes of the sockets that a process has open."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(entry.path)
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


def connections_to(port):
    """Inodes of the established connections to a loopback port."""
    wanted = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = (line.split() for line in lines)
    return {f[9] for f in fields if f[2] == wanted and f[3] == "01"}


@contextlib.contextmanager
def held_lock(path):
    """Holds the flock of a file, as another running program would."""
    with open(path, "rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

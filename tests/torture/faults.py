"""faults - workers with a library between them and the kernel, or strace.

    app = Preloaded("nth", "jump", NAME="value")
    bot = deploy(app=app.path)
    app.nth.set("flush", 3, errno.EIO)     # the third fdatasync from now on
    app.nth.set("flush", 1, -signal.SIGSTOP)
    app.nth["flush"].fired, .calls, .pid   # what came of it
    app.jump.set(boot=30)                  # the machine slept half a minute
    app.remove()

    with strace(tids, "inject=fdatasync:signal=KILL:when=2", "fdatasync"):
        ...                                # those threads alone
"""

import contextlib
import ctypes
import mmap
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from deployment import APP, BUILD, CLEANUP

SHIMS = BUILD / "shims"
# The order of enum which in shims/nth.c.
NAMES = ("alloc", "accept", "socket", "open", "mmap", "pwrite", "flush",
         "snapshot", "alloc-fcgi")
ATTACH_S = 10


class Fault(ctypes.Structure):
    """struct fault of shims/nth.c."""
    _fields_ = [(name, ctypes.c_int64) for name in
                ("from_", "times", "calls", "fired", "action", "pid")]


class Nth:
    """The faults that all workers of one deployment share."""

    def __init__(self, path):
        size = ctypes.sizeof(Fault) * len(NAMES)
        path.write_bytes(bytes(size))
        path.chmod(0o666)
        with open(path, "rb+") as file:
            self.map = mmap.mmap(file.fileno(), size)
        self.faults = (Fault * len(NAMES)).from_buffer(self.map)

    def __getitem__(self, name):
        return self.faults[NAMES.index(name)]

    def set(self, name, n, action, times=1):
        """From the n-th call on, so many fail; no other fault is set."""
        self.clear()
        fault = self[name]
        fault.calls = fault.fired = fault.pid = 0
        fault.times, fault.action = times, action
        fault.from_ = n

    def clear(self):
        """No call fails any more; what was counted stays."""
        for fault in self.faults:
            fault.from_ = 0


class Jump:
    """How far the workers' clocks are ahead, in seconds: see jump.c."""

    def __init__(self, path):
        path.write_bytes(bytes(16))
        path.chmod(0o644)
        with open(path, "rb+") as file:
            self.map = mmap.mmap(file.fileno(), 16)
        self.ahead = (ctypes.c_int64 * 2).from_buffer(self.map)

    def set(self, wall=0, boot=0):
        self.ahead[:] = [int(wall * 1000), int(boot * 1000)]


class Preloaded:
    """The app as the web server starts it with shims loaded before it.

    app may be another program than the app, or a hook.  path is a script that
    stands, like copies of all it needs, where the workers' user may read it:
    in the folder that "$folder" in a value stands for.
    """

    def __init__(self, *shims, app=APP, **env):
        self.folder = Path(tempfile.mkdtemp(prefix="mededbot-shim-"))
        self.folder.chmod(0o755)
        self.nth = None
        if "nth" in shims:
            self.nth = Nth(self.folder / "nth")
            env["NTH_FILE"] = self.folder / "nth"
        if "jump" in shims:
            self.jump = Jump(self.folder / "jump")
            env["JUMP_FILE"] = self.folder / "jump"
        libs = [self.copy(Path(shim)) if "/" in str(shim)
                else self.copy(SHIMS / f"{shim}.so") for shim in shims]
        env["LD_PRELOAD"] = ":".join(map(str, libs))
        self.env = {key: str(value).replace("$folder", str(self.folder))
                    for key, value in env.items()}
        (self.folder / "bin").mkdir()
        self.path = self.script(app)

    def copy(self, path, into="."):
        return Path(shutil.copy(path, self.folder / into))

    def script(self, program):
        """The program with the same shims, as a script of its own."""
        pairs = " ".join(f"{k}='{v}'" for k, v in self.env.items())
        script = self.folder / program.name
        script.write_text(f"#!/bin/sh\nexec env {pairs} "
                          f"{self.copy(program, 'bin')} \"$@\"\n")
        script.chmod(0o755)
        return script

    def cleanup(self, bot, *options):
        """mededbot-cleanup with the same shims."""
        return bot.run_as_owner(self.script(CLEANUP), "--config",
                                bot.live_config, *options)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def threads_of(pid):
    """The thread ids of a worker in the order of their birth: main, engine,
    then those that accept."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(map(int, os.listdir(f"/proc/{pid}/task")))
    return []


def engine_of(pid):
    wait_until(lambda: len(threads_of(pid)) > 2, 5)
    return threads_of(pid)[1]


def acceptors_of(pid):
    wait_until(lambda: len(threads_of(pid)) > 2, 5)
    return threads_of(pid)[2:]


def state_of(pid):
    """The letter in /proc: T is stopped; none when it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][1]
    return ""


def is_stopped(pid):
    return state_of(pid) in ("T", "t")


def wait_until(predicate, timeout):
    """Waits until predicate() is true; returns its last value."""
    end = time.monotonic() + timeout
    while not (value := predicate()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


class Traced:
    """A strace at work."""

    def __init__(self, tids, inject, calls, *options):
        self.file = tempfile.NamedTemporaryFile(prefix="mededbot-strace-")
        command = ["strace", "-qq", *options, "-e", f"trace={calls}",
                   "-e", inject, "-o", self.file.name]
        for tid in tids:
            command += ["-p", str(tid)]
        self.tids = tids
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)

    def is_attached(self):
        """Or was, and they died of it already."""
        return all(map(is_traced, self.tids)) or self.hits()

    def hits(self):
        """What was injected so far, as lines of strace."""
        lines = Path(self.file.name).read_text().splitlines()
        return [line for line in lines
                if "INJECTED" in line or "killed by SIGKILL" in line]

    def end(self):
        """Lets the threads go."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=ATTACH_S)


@contextlib.contextmanager
def strace(tids, inject, calls, *options):
    """Injects into these threads; yields when it is attached to all.

    strace injects only into what it traces: calls names those as well.
    """
    traced = Traced(tids, inject, calls, *options)
    try:
        assert wait_until(traced.is_attached, ATTACH_S), \
            f"strace does not attach to {tids}"
        yield traced
    finally:
        traced.end()


def is_traced(tid):
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{tid}/status").read_text()
        return int(re.search(r"TracerPid:\s*(\d+)", status)[1]) != 0
    return False

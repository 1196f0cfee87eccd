"""memory - what a process has for itself, without the store it maps."""

import threading
from pathlib import Path


def anonymous_kib(pid):
    """Memory that belongs to the process alone, which the store does not."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines
                if line.startswith("RssAnon:"))


class Peak(threading.Thread):
    """The most memory that a process has, looked at every few ms."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.kib, self.over = pid, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.005):
            self.kib = max(self.kib, anonymous_kib(self.pid))

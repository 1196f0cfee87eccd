"""storm - a deployment under load, whose processes are killed.

    storm = Storm(sim, bot, rng)
    storm.rage(lambda: storm.kills >= 30)
"""

import contextlib
import os
import signal
import time
from pathlib import Path

LOST_REPLIES = 0.03  # LINE's answers that do not come back
PAUSE_S = 0.3  # the mean time between two strikes
EVERY = 20  # strikes; one of them hits the web server
ALL = (3, 13)  # these hit all workers at once, the others one or two


class Storm:
    """Kills at random; kills and servers count."""

    def __init__(self, sim, bot, rng):
        self.bot = bot
        self.rng = rng
        self.strikes = 0
        self.kills = 0
        self.servers = 0
        sim.faults.add("reply", "lost", times=None,
                       match=lambda call: rng.random() < LOST_REPLIES)

    def rage(self, enough):
        """Strikes until enough() is true."""
        while not enough():
            time.sleep(self.rng.expovariate(1 / PAUSE_S))
            self.strike()

    def strike(self):
        pids = self.bot.worker_pids()
        self.rng.shuffle(pids)
        number = self.strikes % EVERY
        self.strikes += 1
        if number == EVERY // 2:
            self.kill_server()
        elif number in ALL:
            self.kill(pids)
        else:
            self.kill(pids[:self.rng.choice((1, 1, 2))])

    def kill(self, pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills += 1

    def kill_server(self):
        """The web server and all workers, at once; then it is started."""
        pid_file = Path(self.bot.run_dir) / "server.pid"
        self.kill([int(pid_file.read_text()), *self.bot.worker_pids()])
        self.servers += 1
        self.bot.stop()
        self.bot.start()

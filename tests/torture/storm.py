"""storm - a deployment under load, whose processes are killed, and cron's.

    storm = Storm(sim, bot, rng)
    storm.rage(lambda: storm.kills >= 30)
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import deployment

LOST_REPLIES = 0.03  # LINE's answers that do not come back
PAUSE_S = 0.3  # the mean time between two strikes
EVERY = 20  # strikes; one of them hits the web server
ALL = (3, 13)  # these hit all workers at once, the others one or two
CRON = (6, 16)  # with these cron's programs begin, and the next ends them


class Storm:
    """Kills at random; kills and servers count."""

    def __init__(self, sim, bot, rng):
        self.bot = bot
        self.rng = rng
        self.strikes = 0
        self.kills = 0
        self.servers = 0
        self.cron = []
        sim.faults.add("reply", "lost", times=None,
                       match=lambda call: rng.random() < LOST_REPLIES)

    def rage(self, enough):
        """Strikes until enough() is true."""
        while not enough():
            time.sleep(self.rng.expovariate(1 / PAUSE_S))
            self.end_cron()
            self.strike()
        self.end_cron()

    def strike(self):
        pids = self.bot.worker_pids()
        self.rng.shuffle(pids)
        number = self.strikes % EVERY
        self.strikes += 1
        if number in CRON:
            self.start_cron()
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

    def start_cron(self):
        config = ("--config", self.bot.live_config)
        self.cron = [subprocess.Popen(
            deployment.as_owner([*program, *config]),
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            env=deployment.clean_environment())
            for program in ((self.bot.app, "--drain"),
                            (deployment.CLEANUP, "--force"))]

    def end_cron(self):
        """Those that are done have said so by their exit."""
        for process in self.cron:
            if process.poll() is None:
                process.kill()
                self.kills += 1
            assert process.wait() in (0, -signal.SIGKILL)
        self.cron = []

    def kill_server(self):
        """The web server and all workers, at once; then it is started."""
        pid_file = Path(self.bot.run_dir) / "server.pid"
        self.kill([int(pid_file.read_text()), *self.bot.worker_pids()])
        self.servers += 1
        self.bot.stop()
        self.bot.start()

"""The power fails while all write, and comes back: no acknowledged event is
missing, and the store is whole.

The disk is a file with ext4 in it, on a loop device; the power fails by an
order to ext4 to write nothing any more.  With a disk that lies about its
flushes the same must be seen to lose events.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from disk import Disk
from ledger import Ledger

MIB = 160
SHORT_CUTS, LONG_CUTS = 2, 20
LOAD_S = (0.3, 2.0)  # between two cuts
UPTIME_S = 60  # of a machine whose server starts
SETTLE_S = 60


@pytest.fixture
def disk(tmp_path_factory, measure):
    if os.geteuid() != 0 or shutil.which("xfs_io") is None:
        measure("POWER CUT NOT TESTED", "it needs root and xfs_io")
        pytest.skip("POWER CUT NOT TESTED: it needs root and xfs_io")
    folder = Path("/tmp") / f"mededbot-power-{os.getpid()}"
    try:
        disk = Disk("ext4", folder, MIB)
    except pytest.skip.Exception as skipped:
        measure("POWER CUT NOT TESTED", skipped)
        raise
    yield disk
    disk.remove()
    folder.rmdir()


class Power:
    """A deployment on a disk whose power fails.

    Its processes see another boot each time: another id, and a boot clock
    that begins anew.
    """

    def __init__(self, deploy, preload, sim, disk, rng, *shims):
        self.disk = disk
        self.rng = rng
        self.app = preload("jump", "other_boot", *shims,
                           BOOT_ID_FILE=disk.folder / "boot_id")
        self.boot()
        sim.model.latency = lambda call: rng.uniform(0, 0.3)
        self.bot = deploy(workers=2, app=self.app.path, HISTORY_TURNS=2,
                          DATA_DIR=disk.folder / "data",
                          KEY_FILE=disk.folder / "key")
        self.ledger = Ledger(sim, self.bot, rng, users=500)
        # A lying disk shall lose events, and not the whole store.
        subprocess.run(["sync", "-f", disk.folder], check=True)

    def boot(self):
        boot_id = self.disk.folder / "boot_id"
        boot_id.write_text(f"{uuid.uuid4()}\n")
        boot_id.chmod(0o644)
        self.app.jump.set(boot=UPTIME_S - time.clock_gettime(
            time.CLOCK_BOOTTIME))

    def fail(self):
        """Somewhere in the work; returns when it serves again."""
        time.sleep(self.rng.uniform(*LOAD_S))
        self.disk.cut()
        server = int((self.bot.run_dir / "server.pid").read_text())
        for pid in (server, *self.bot.worker_pids()):
            with contextlib.suppress(ProcessLookupError):  # lost its disk
                os.kill(pid, signal.SIGKILL)
        self.bot.stop()
        self.disk.repair()
        self.boot()
        self.ledger.boots.append(time.monotonic())
        self.bot.start()

    def load(self, cuts):
        """Users ask while the power fails that often; the verdict."""
        self.ledger.start(threads=6, pace=0.03)
        try:
            for _ in range(cuts):
                self.fail()
        finally:
            self.ledger.stop()
        return self.ledger.settle(SETTLE_S)


def test_no_acknowledged_event_is_missing_after_power_cuts(
        deploy, preload, sim, disk, rng, measure, long):
    power = Power(deploy, preload, sim, disk, rng)
    cuts = LONG_CUTS if long else SHORT_CUTS
    verdict = power.load(cuts)
    measure("power cuts", cuts)
    measure("fates", verdict.summary())
    assert verdict.clean, verdict.explain()
    assert sim.violations == []
    assert power.ledger.faults(power.app.cleanup) == ""


def test_control_a_disk_that_lies_is_caught(deploy, preload, sim, disk, rng,
                                            measure):
    power = Power(deploy, preload, sim, disk, rng, "no_flush")
    try:
        verdict = power.load(1)
    except RuntimeError as error:
        measure("it does not start again", str(error)[-300:])
        return
    measure("fates", verdict.summary())
    assert verdict["LOST"] or verdict["WRONG"], verdict.explain()

"""disk - a small disk of its own for one folder, and how to fill it.

    disk = Disk("tmpfs", folder, mib=20)   # or "ext4", on a loop device
    disk.fill(); disk.empty(); disk.remove()
    disk.cut()                             # ext4: the power fails
    disk.repair()                          # and is there again
"""

import contextlib
import errno
import os
import pwd
import subprocess
import tempfile
import time
import warnings

import pytest

from deployment import OWNER

BUSY_S = 10
CHUNKS = (1 << 20, 1 << 12, 1)


class Disk:
    """A file system mounted at folder, which belongs to the workers' user."""

    def __init__(self, kind, folder, mib):
        self.folder = folder
        self.image = None
        self.ballast = folder / "ballast"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            getattr(self, f"mount_{kind}")(mib)
        except subprocess.CalledProcessError as error:
            why = f"THIS MACHINE ALLOWS NO MOUNT ({kind}): {error.stderr}"
            warnings.warn(why)
            pytest.skip(why)
        user = pwd.getpwnam(OWNER)
        os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o700)

    def mount_tmpfs(self, mib):
        run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", self.folder)

    def mount_ext4(self, mib):
        fd, self.image = tempfile.mkstemp(prefix="mededbot-disk-")
        os.truncate(fd, mib << 20)
        os.close(fd)
        run("mkfs.ext4", "-q", "-m", "0", self.image)
        run("mount", "-o", "loop", self.image, self.folder)

    def fill(self):
        """Not one byte more fits."""
        with open(self.ballast, "ab", buffering=0) as ballast:
            for chunk in CHUNKS:
                with contextlib.suppress(OSError):
                    while ballast.write(bytes(chunk)) == chunk:
                        pass
        assert self.is_full()

    def is_full(self):
        try:
            with open(self.ballast, "ab", buffering=0) as ballast:
                ballast.write(bytes(1 << 12))
        except OSError as error:
            return error.errno == errno.ENOSPC
        return False

    def empty(self):
        self.ballast.unlink(missing_ok=True)

    def cut(self):
        """From now on nothing reaches the disk, and the log is not flushed.

        The kernel lets go of what was not written when repair() unmounts.
        """
        run("xfs_io", "-x", "-c", "shutdown", self.folder)

    def repair(self):
        """Mounts what is on the disk; nobody may use the old one any more."""
        end = time.monotonic() + BUSY_S
        while True:
            try:
                run("umount", self.folder)
                break
            except subprocess.CalledProcessError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        run("mount", "-o", "loop", self.image, self.folder)

    def remove(self):
        subprocess.run(["umount", "-l", self.folder], check=False)
        if self.image is not None:
            os.unlink(self.image)


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True, text=True)

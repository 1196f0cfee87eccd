"""sound - recordings as LINE has them: AAC in M4A, made by ffmpeg."""

import functools
import struct
import subprocess
import tempfile
from pathlib import Path


@functools.lru_cache(maxsize=None)
def m4a(seconds=2, tone=440, silent=False):
    """The bytes of a recording; each tone makes another one."""
    source = (f"anullsrc=r=16000:cl=mono:d={seconds}" if silent else
              f"sine=frequency={tone}:sample_rate=16000:duration={seconds}")
    with tempfile.TemporaryDirectory(prefix="mededbot-sound-") as folder:
        path = Path(folder) / "recording.m4a"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source,
             "-c:a", "aac", "-b:a", "32k", "-t", str(seconds), "-f", "ipod",
             path], check=True, stdin=subprocess.DEVNULL, timeout=60)
        return path.read_bytes()


def marked(audio, mark):
    """The same recording with other bytes: an atom that players skip."""
    return audio + struct.pack(">I4s", 8 + len(mark), b"free") + mark

"""sound - recordings as LINE has them (AAC in M4A), made by ffmpeg, and what
it says about ours."""

import functools
import json
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


def probe(sound):
    """What ffprobe finds in an MP3: codec, rate, channels, bits a second."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-f", "mp3", "-of", "json",
         "-show_entries", "stream=codec_name,sample_rate,channels,bit_rate",
         "-i", "pipe:0"], input=sound, capture_output=True, check=True,
        timeout=60)
    assert done.stderr == b"", done.stderr
    (stream,) = json.loads(done.stdout)["streams"]
    return (stream["codec_name"], int(stream["sample_rate"]),
            stream["channels"], int(stream["bit_rate"]))


def decoded_ms(sound, rate=24000):
    """How long an MP3 plays: of its samples, not of what its head says."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-xerror", "-f", "mp3", "-i", "pipe:0",
         "-f", "s16le", "-ar", str(rate), "-ac", "1", "pipe:1"],
        input=sound, capture_output=True, check=True, timeout=60)
    assert done.stderr == b"", done.stderr
    return len(done.stdout) // 2 * 1000 / rate

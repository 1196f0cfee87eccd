"""Voice answers are handed out to who knows their name, and go in time.

The files here are laid into AUDIO_DIR by the test, as the app would.
"""

import os
import time

import pytest

from deployment import CLEANUP

SOUND = b"not really a song, but one of some bytes"
NAME = "0123456789abcdef0123456789abcdef.mp3"
LINK = "f" * 32 + ".mp3"
BEGUN = ".0123456789abcdef0123456789abcdef.tmp"


@pytest.fixture
def bot(deploy, server):
    return deploy(server, fresh=True, AUDIO_TTL=3600,
                  AUDIO_MAX_BYTES=1048576)


@pytest.fixture
def audio(bot):
    return bot.folder / "var" / "audio"


def lay(folder, name, content=SOUND, age_s=0):
    """A file that was written age_s ago."""
    path = folder / name
    path.write_bytes(content)
    os.utime(path, times=(time.time() - age_s,) * 2)
    path.chmod(0o644)
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
    return path


@pytest.mark.every_server
def test_a_voice_answer_can_be_played_and_wound(bot, audio):
    lay(audio, NAME)
    status, headers, body = bot.request("GET", f"/audio/{NAME}")
    assert (status, body) == (200, SOUND)
    assert headers["Content-Type"] == "audio/mpeg"
    assert headers["Cache-Control"] == "private"
    assert headers["Accept-Ranges"] == "bytes"
    for asked, status, part in (("0-1", 206, SOUND[:2]),
                                ("4-", 206, SOUND[4:]),
                                ("-4", 206, SOUND[-4:])):
        got = bot.request("GET", f"/audio/{NAME}",
                          headers={"Range": f"bytes={asked}"})
        assert (got[0], got[2]) == (status, part)
        assert got[1]["Content-Range"].endswith(f"/{len(SOUND)}")
    assert bot.request("GET", f"/audio/{NAME}", headers={
        "Range": "bytes=1000-"})[0] == 416
    status, headers, body = bot.request("HEAD", f"/audio/{NAME}")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(len(SOUND))


@pytest.mark.every_server
def test_nothing_else_of_that_folder_can_be_had(bot, audio):
    secret = bot.folder / "var" / "secret.mp3"
    secret.write_bytes(b"secret")
    secret.chmod(0o644)
    others = [BEGUN, "notes.txt", "song.mp3.bak", ".htaccess", "a b.mp3",
              "index.html"]
    for name in [NAME, *others]:
        lay(audio, name)
    (audio / "link.mp3").symlink_to(secret)
    (audio / LINK).symlink_to(secret)
    (audio / "below").mkdir(mode=0o755)
    lay(audio / "below", NAME)
    paths = ["", ".", "..", "../key", "../secret.mp3", "%2e%2e/secret.mp3",
             "..%2fsecret.mp3", "%2e%2e%2fsecret.mp3", "./../secret.mp3",
             "x/../../secret.mp3", "link.mp3", "below/" + NAME, "below/",
             NAME + "/", NAME + "%00.mp3", NAME + "/../../secret.mp3",
             NAME[:-1], NAME.upper(), "*.mp3", *map(quoted, others)]
    for path in paths:
        status, _, body = bot.request("GET", "/audio/" + path)
        assert status in (400, 404), (path, status)
        assert b"secret" not in body and NAME.encode() not in body, path
        assert SOUND not in body, path
    # a link with a name of ours: refused by 403, or as if it were not there
    status, _, body = bot.request("GET", f"/audio/{LINK}")
    assert status in (403, 404) and b"secret" not in body
    for method in ("PUT", "DELETE", "PROPFIND", "MKCOL"):
        status = bot.request(method, f"/audio/{NAME}", b"x")[0]
        assert status >= 400, (method, status)
    assert (audio / NAME).read_bytes() == SOUND


def quoted(name):
    return name.replace(" ", "%20")


def test_cleanup_forgets_the_old_and_what_is_too_much(bot, audio):
    names = [f"{n:032x}.mp3" for n in range(5)]
    lay(audio, names[0], age_s=3700)
    lay(audio, names[1], bytes(600000), age_s=30)
    lay(audio, names[2], bytes(600000), age_s=10)
    lay(audio, BEGUN, age_s=700)
    lay(audio, "notes.txt", age_s=100000)
    done = bot.cleanup()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(p.name for p in audio.iterdir()) == [names[2], "notes.txt"]
    done = bot.run_as_owner(CLEANUP, "--verbose", "--config",
                            bot.live_config)
    assert done.returncode == 0
    assert "removed voices=0 oldest=0 unfinished=0, bytes left 600000" in (
        done.stdout)


def test_cleanup_says_when_it_cannot_enter_the_folder(bot, audio):
    audio.rename(audio.with_name("moved"))
    assert bot.cleanup().returncode == 0
    audio.symlink_to(audio.with_name("moved"))
    done = bot.cleanup()
    assert done.returncode == 1 and "AUDIO_DIR" in done.stderr

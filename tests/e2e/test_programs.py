"""What operators run by hand and from cron, and what it refuses."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import deployment
import privacy
from crowd import ask_all, wait_answered
from deployment import APP, CLEANUP, as_owner, clean_environment, held_lock

SECRETS = (deployment.CHANNEL_SECRET, deployment.ACCESS_TOKEN,
           deployment.GEMINI_KEY, deployment.ADMIN_TOKEN)


@pytest.fixture
def folder():
    """A folder of the owner of the data, who can reach it."""
    path = Path(tempfile.mkdtemp(prefix="mededbot-e2e-"))
    shutil.chown(path, deployment.OWNER)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def settings_file(folder, sim):
    """settings_file(KEY=value, ...): the path of a file with these."""
    def settings_file(**changes):
        path = folder / ".env"
        deployment.write_settings(path,
                                  deployment.settings_for(sim, **changes))
        shutil.chown(path, deployment.OWNER)
        return path
    return settings_file


def run(*argv, env=None, owner=True):
    argv = as_owner(argv) if owner else list(argv)
    return subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=20,
                          capture_output=True, text=True, cwd="/",
                          env={**clean_environment(), **(env or {})})


def check(path, **more):
    return run(APP, "--check", "--config", path, **more)


# mededbot.fcgi --check

def test_check_prints_the_settings_and_masks_the_secrets(settings_file):
    done = check(settings_file(USER_RATE_TOKENS=7))
    assert done.returncode == 0, done.stderr
    assert "USER_RATE_TOKENS=7" in done.stdout
    assert "REPLY_WINDOW=50" in done.stdout
    assert [s for s in SECRETS if s in done.stdout + done.stderr] == []
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert shown["GEMINI_API_KEY"] == "(set)"


def test_the_environment_wins_but_never_for_secrets(settings_file):
    done = check(settings_file(), env={"USER_RATE_TOKENS": "9"})
    assert "USER_RATE_TOKENS=9" in done.stdout
    path = settings_file(GEMINI_API_KEY=None)
    done = check(path, env={"GEMINI_API_KEY": "from the environment"})
    assert done.returncode == 1 and "GEMINI_API_KEY" in done.stderr


def test_the_file_may_be_named_by_the_environment(settings_file):
    path = settings_file(USER_RATE_TOKENS=11)
    done = run(APP, "--check", env={"MEDEDBOT_CONFIG": str(path)})
    assert "USER_RATE_TOKENS=11" in done.stdout


BAD = [
    ("USER_RATE_TOKENS", "0", "1"),
    ("USER_RATE_TOKENS", "many", "1"),
    ("GEMINI_TIMEOUT", "121", "120"),
    ("GEMINI_TIMEOUT", "-1", "1"),
    ("REPLY_WINDOW", "3600", "55"),
    ("STORE_MAP_MB", "1", "4"),
    ("STORE_MAP_MB", "99999999999999999999", "4"),
    ("BUSY_POLICY", "dropp", "drop"),
    ("LOG_LEVEL", "loud", "debug"),
    ("GEMINI_BASE", "http://192.0.2.1", "https"),
    ("LINE_API_BASE", "ftp://api.line.me", "https"),
]


@pytest.mark.parametrize("key, value, allowed", BAD)
def test_a_bad_value_is_refused_with_line_key_value_and_range(
        settings_file, key, value, allowed):
    path = settings_file(**{key: value})
    lines = path.read_text().splitlines()
    number = lines.index(f"{key}={value}") + 1
    done = check(path)
    assert done.returncode == 1
    (complaint,) = done.stderr.splitlines()
    assert f"{path}:{number}:" in complaint
    assert key in complaint and value in complaint and allowed in complaint


@pytest.mark.parametrize("key", ["LINE_CHANNEL_SECRET", "GEMINI_API_KEY",
                                 "LINE_CHANNEL_ACCESS_TOKEN"])
def test_a_missing_secret_is_refused(settings_file, key):
    done = check(settings_file(**{key: None}))
    assert done.returncode == 1 and key in done.stderr


def test_an_unknown_key_is_refused_with_the_one_that_was_meant(settings_file):
    done = check(settings_file(USER_RATE_TOKEN="20"))
    assert done.returncode == 1
    assert "USER_RATE_TOKEN" in done.stderr
    assert "did you mean USER_RATE_TOKENS?" in done.stderr


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602], ids=oct)
def test_settings_that_others_may_touch_are_refused(settings_file, mode):
    path = settings_file()
    path.chmod(mode)
    done = check(path)
    assert done.returncode == 1 and "chmod 600" in done.stderr


def test_a_missing_file_and_a_wrong_option_are_refused(folder):
    done = check(folder / "nowhere")
    assert done.returncode == 1 and "nowhere" in done.stderr
    done = run(APP, "--frobnicate")
    assert done.returncode == 2 and "Usage:" in done.stderr


def test_it_does_not_serve_without_a_listening_socket(settings_file):
    done = run(APP, "--config", settings_file())
    assert done.returncode == 2
    assert "no listening socket" in done.stderr


def test_data_and_key_are_kept_out_of_the_document_root(settings_file,
                                                        folder):
    path = settings_file()
    (folder / "var").mkdir()
    done = check(path, env={"DOCUMENT_ROOT": str(folder)})
    assert done.returncode == 1 and "DATA_DIR" in done.stderr
    done = check(settings_file(KEY_FILE="var/data/key"))
    assert done.returncode == 1 and "KEY_FILE" in done.stderr


# the store

def drain(path):
    return run(APP, "--drain", "--config", path)


def new_store(folder, path):
    (folder / "var").mkdir()
    shutil.chown(folder / "var", deployment.OWNER)
    done = drain(path)
    assert done.returncode == 0, done.stderr


def test_the_store_and_its_key_are_private(settings_file, folder):
    new_store(folder, settings_file())
    data = folder / "var" / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for file in [*data.iterdir(), folder / "var" / "key"]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_missing_or_wrong_key_is_refused(settings_file, folder):
    path = settings_file()
    new_store(folder, path)
    key = folder / "var" / "key"
    good = key.read_text()
    key.write_text("0" * 64 + "\n")
    done = drain(path)
    assert done.returncode != 0 and "KEY_FILE" in done.stderr
    key.unlink()
    done = drain(path)
    assert done.returncode != 0 and "KEY_FILE" in done.stderr
    assert not key.exists()
    key.write_text(good)
    key.chmod(0o644)
    shutil.chown(key, deployment.OWNER)
    done = drain(path)
    assert done.returncode != 0 and "KEY_FILE" in done.stderr
    key.chmod(0o600)
    assert drain(path).returncode == 0


def test_a_data_folder_that_others_may_enter_is_refused(settings_file,
                                                        folder):
    path = settings_file()
    new_store(folder, path)
    (folder / "var" / "data").chmod(0o755)
    done = drain(path)
    assert done.returncode != 0 and "DATA_DIR" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_refused(settings_file, folder):
    path = settings_file()
    new_store(folder, path)
    for program in (CLEANUP, APP):
        more = ["--drain"] if program is APP else []
        done = run(program, *more, "--config", path, owner=False)
        assert done.returncode == 1 and "owner" in done.stderr


# mededbot-cleanup

def test_cleanup_is_silent_and_says_when_asked(deploy, server):
    bot = deploy(server)
    done = bot.cleanup()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = bot.run_as_owner(CLEANUP, "--verbose", "--config",
                            bot.live_config)
    assert done.returncode == 0 and "sessions=" in done.stdout


def test_a_second_cleanup_lets_the_first_one_work(deploy, server, measure):
    bot = deploy(server)
    assert bot.cleanup().returncode == 0
    with held_lock(bot.data_dir / "cleanup.lock"):
        start = time.monotonic()
        done = bot.cleanup()
        measure("a second cleanup ends after", time.monotonic() - start)
        assert (done.returncode, done.stderr) == (0, "")


def test_expired_sessions_go_and_users_at_work_stay(deploy, server, sim,
                                                    user):
    bot = deploy(server, fresh=True, SESSION_TTL=1)
    for name in ("mei", "tom"):
        sim.say(user(name), "My blood pressure is 150")
        assert len(sim.wait_answers(user(name), 1, 5)) == 1
    assert bot.wait_idle(2)
    time.sleep(1.2)
    sim.model.latency = 1.5
    sim.say(user("mei"), "Do you still know it?")
    assert sim.wait_for(lambda: len(sim.model_calls) == 3, 5)
    assert bot.cleanup().returncode == 0
    shown = bot.sessions()
    assert (shown["total"], shown["active"]) == (1, 1)
    assert len(sim.wait_answers(user("mei"), 2, 5)) == 2
    time.sleep(1.2)
    assert bot.cleanup().returncode == 0
    assert bot.sessions()["total"] == 0


def test_cleanup_beside_a_burst_loses_nothing(deploy, server, sim, users):
    bot = deploy(server)
    questions = {one: f"Question {n} beside the cleanup"
                 for n, one in enumerate(users(100))}
    ask_all(sim, questions, threads=10)
    for _ in range(5):
        assert bot.cleanup().returncode == 0
    assert len(wait_answered(sim, questions, 10)) == 100


# mededbot-cleanup --check

def test_the_check_finds_nothing_beside_a_burst(deploy, server, sim, users):
    bot = deploy(server)
    questions = {one: f"Question {n} beside the check"
                 for n, one in enumerate(users(100))}
    ask_all(sim, questions, threads=10)
    for _ in range(5):
        done = bot.run_as_owner(CLEANUP, "--check", "--config",
                                bot.live_config)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines()[-1].endswith(": no fault")
        assert "fault: " not in done.stdout.replace(": no fault", "")
    assert len(wait_answered(sim, questions, 10)) == 100


def test_the_check_tells_faults_and_remedies_and_fails(settings_file, folder):
    path = settings_file()
    new_store(folder, path)
    done = run(CLEANUP, "--check", "--config", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("0 users, 0 jobs, 0 sessions,")
    damage_the_worker(folder / "var" / "data" / "data.mdb")
    done = run(CLEANUP, "--check", "--config", path)
    assert (done.returncode, done.stderr) == (1, "")
    fault, last = done.stdout.splitlines()
    assert fault.startswith("fault: worker: a record that does not decode; ")
    assert last.endswith(": 1 faults")
    assert run(CLEANUP, "--check", "more", "--config", path).returncode == 2


def damage_the_worker(path):
    """The record of slot 0 gets a version that no program wrote."""
    record = b"W\0\0" + b"\1" + b"\0\0\0\1"
    data = path.read_bytes()
    assert record in data
    with open(path, "r+b") as file:
        file.write(data.replace(record, b"W\0\0" + b"\x63" + record[4:]))


# logs

def test_the_log_has_one_line_per_outcome(deploy, server, sim, user):
    bot = deploy(server, fresh=True)
    sim.say(user("mei"), "Is this written down?")
    assert len(sim.wait_answers(user("mei"), 1, 5)) == 1
    assert bot.wait_idle(2)
    lines = [line for line in bot.log_text().splitlines() if "job=" in line]
    (line,) = [line for line in lines if "end=done" in line]
    assert "stage=deliver" in line and "total_ms=" in line


def test_a_crash_leaves_no_memory_behind(deploy, server):
    bot = deploy(server)
    for pid in bot.wait_workers(1):
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        (core,) = [line for line in limits if line.startswith("Max core")]
        assert core.split()[4:6] == ["1", "1"]


# the search for leaks

def test_the_search_for_leaks_finds_what_is_planted(deploy, server, sim,
                                                    user):
    bot = deploy(server, fresh=True)
    watch = privacy.Watch(sim)
    texts = ["I was told that I have syphilis",
             "我被診斷出患有梅毒，怎麼辦？"]
    for n, text in enumerate(texts):
        sim.say(user("mei"), text)
        assert len(sim.wait_answers(user("mei"), n + 1, 5)) == n + 1
    assert bot.wait_idle(2)
    needles = watch.needles()
    assert privacy.leaks(bot, needles) == []

    token = next(iter(set(sim.sender.tokens) - watch.tokens))
    planted = [text.encode() for text in texts]
    planted += [json.dumps(texts[1]).encode(), sim.answers(user("mei"))[0]
                .encode(), user("mei").encode(),
                bytes.fromhex(user("mei")[1:]), token.encode(),
                bytes.fromhex(token), deployment.GEMINI_KEY.encode(),
                bot.key_file.read_bytes().strip()]
    for canary in planted:
        for where in (bot.data_dir / "canary", bot.run_dir / "canary.log"):
            where.write_bytes(b"\0\1before " + canary + b" after")
            assert privacy.leaks(bot, needles) != [], (where, canary)
            where.unlink()

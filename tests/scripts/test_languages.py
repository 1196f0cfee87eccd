"""Our language files are whole, and make notices each way to break one."""

import configparser
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/languages.py"
BOT = ROOT / "fcgi-app/bot"
HEADERS = ["language.h", "words.h", "command.h"]
TAGS = ["en", "id", "ja", "th", "vi", "zh-Hant"]

LANGUAGE_H = "enum language { LANGUAGE_EN = 0, LANGUAGE_TH, LANGUAGE__MAX };"
WORDS_H = """
/* {nothing} of this counts */
enum words {
\tWORDS_BUSY = 0, /* too much */
\tWORDS_HEARD,    /* what was {heard}
\t                 * by {whom} */
\tWORDS_BYE,
\tWORDS__MAX
};
"""
COMMAND_H = """
enum command {
\tCOMMAND_NONE = 0, /* a question */
\tCOMMAND_STOP,
\tCOMMAND_NEW,
\tCOMMAND__MAX
};
enum { COMMAND_BYTES_MAX = 128 };
"""
EN = """# English
[language]
tags = en
[sentences]
BUSY = Busy
HEARD = {whom} heard "{heard}"
BYE =
\tGood \\ bye?

\tSee you
[commands]
STOP = Stop! | ＨＡＬＴ  it
NEW = New
"""
TH = EN.replace("tags = en", "tags = th").replace("Busy", "ไม่ว่าง").replace(
    "Stop! | ＨＡＬＴ  it", "หยุด | คำ").replace("= New", "= ใหม่")
NEAT = {"en": EN, "th": TH}


def run(folder):
    done = subprocess.run(["/usr/bin/python3", "-B", SCRIPT, folder],
                          capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def make_table(tmp_path, files):
    for name, text in zip(HEADERS, (LANGUAGE_H, WORDS_H, COMMAND_H)):
        (tmp_path / name).write_text(text)
    (tmp_path / "languages").mkdir()
    for tag, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / f"languages/{tag}.lang").write_bytes(data)
    return run(tmp_path)


def test_ours_are_all_there():
    code, table, said = run(BOT)
    assert (code, said) == (0, "")
    assert re.findall(r'^\t\.tag = "([^"]+)"', table, re.M) == TAGS
    for name, prefix in (("words", "WORDS"), ("command", "COMMAND")):
        keys = re.findall(rf"^\t{prefix}_([A-Z]\w*?)(?: = 0)?,",
                          (BOT / f"{name}.h").read_text(), re.M)
        assert len(keys) > 4
        for key in set(keys) - {"NONE"}:
            assert table.count(f"[{prefix}_{key}] = ") == len(TAGS), key


@pytest.mark.parametrize("tag, code, has", [
    ("zh-Hant", "big5", r"[一-鿿]"), ("ja", "euc_jis_2004", r"[ぁ-ん]"),
    ("th", "cp874", r"[ก-๙]"), ("id", "cp1252", r"[a-z]"),
    ("en", "cp1252", r"[a-z]"), ("vi", "utf-8", r"[ăâđêôơưàáảãạ-ỹ]")])
def test_ours_are_in_their_own_script(tag, code, has):
    """Big5, for one, has no characters that only mainland China uses."""
    parser = configparser.ConfigParser(interpolation=None, delimiters="=")
    parser.read(BOT / f"languages/{tag}.lang", "utf-8")
    assert len(parser["sentences"]) > 10
    for line in "\n".join(parser["sentences"].values()).split("\n"):
        line.encode(code)
        assert not line or re.search(has, line), line


def test_a_table_is_made(tmp_path):
    code, table, said = make_table(tmp_path, NEAT)
    assert (code, said) == (0, "")
    assert re.findall(r'^\[LANGUAGE_(..)\]', table, re.M) == ["EN", "TH"]
    assert '[WORDS_BUSY] = "ไม่ว่าง",' in table
    assert r'[WORDS_HEARD] = "{whom} heard \"{heard}\"",' in table
    assert r'[WORDS_BYE] = "Good \\ bye\?\n\nSee you",' in table
    assert re.search(r'\[COMMAND_STOP\] = { "Stop!",\s+'
                     r'WORDS\("stop", "halt it"\) },', table)
    assert 'WORDS("หยุด", "ค\u0e4d\u0e32")' in table  # in the form NFKC


def instead(old, new):
    assert old in TH
    return TH.replace(old, new)


@pytest.mark.parametrize("text, said", [
    (instead("BUSY = ไม่ว่าง\n", ""), "BUSY: missing"),
    (instead("BYE =", "TIRED = ...\nBYE ="), "TIRED: unknown"),
    (instead("BYE =", "BUSY = twice\nBYE ="), "option 'BUSY' in section "),
    (instead("ไม่ว่าง", ""), "BUSY: is empty"),
    (instead("{heard}", ""), "HEARD: has the names ['whom'], not ['heard', "),
    (instead("{heard}", "{herd}"), "HEARD: has the names ['herd', 'whom'], "),
    (instead("{heard}", "{heard}{heard}"),
     "HEARD: has the names ['heard', 'heard', 'whom'], not "),
    (instead("ไม่ว่าง", "{heard}"), "BUSY: has the names ['heard'], not []"),
    (instead("ไม่ว่าง", "{"), "BUSY: has a brace of no name"),
    (instead("ไม่ว่าง", "x" * 1001), "BUSY: has 1001 UTF-16 units, at most"),
    (instead("ไม่ว่าง", "\U0001f34e" * 501), "BUSY: has 1002 UTF-16 units"),
    (instead("ไม่ว่าง", "e\u0301"), "BUSY: is not in Unicode's form NFC"),
    (instead("ไม่ว่าง", "a\u200bb"), "BUSY: has the invisible char"),
    (instead("ไม่ว่าง", "a\tb"), "character U+0009"),
    (instead("tags = th", ""), "[language]: has to have tags, and nothing"),
    (instead("tags = th", "tags ="), "[language]: has to have tags, and"),
    (instead("tags = th", "tags = th\nx = y"), "[language]: has to have tags"),
    (instead("[language]\ntags = th\n", ""), "[language]: missing"),
    (TH + "[more]\n", "[more]: unknown"),
    ("BUSY = no section\n", "File contains no section headers"),
    (TH.encode()[:-12] + b"\xff\n", "codec can't decode byte"),
    (instead("NEW = ใหม่\n", ""), "NEW: missing"),
    (TH + "START = x\n", "START: unknown"),
    (instead("= ใหม่", "= " + "n" * 21),
     "NEW: its label has 21 graphemes, at most 20"),
    (instead("= ใหม่", "= x |"), "NEW: a word of it is empty"),
    (instead("= ใหม่", "= x | !?"), "NEW: a word of it is empty"),
    (instead("= ใหม่", "="), "NEW: is empty"),
    (instead("= ใหม่", "= x | " + "ก" * 43), " has 129 bytes, at most 128"),
    (instead("= ใหม่", "= x | y | Ｘ !"), "NEW: has the same word twice"),
    (instead("= ใหม่", "= x | หยุด"), "NEW: หยุด means STOP in th"),
    (instead("= ใหม่", "= halt it."), "NEW: halt it. means STOP in en"),
    (instead("= ใหม่", "= x | STOP"), "NEW: STOP means STOP in en"),
    (instead("= ใหม่", "= x | new"), "NEW: new means NEW in en"),
])
def test_a_fault_is_named_and_no_table_is_made(tmp_path, text, said):
    code, table, errors = make_table(tmp_path, {"en": EN, "th": text})
    assert (code, table) == (1, "")
    assert said in errors
    assert "/th.lang: " in errors and "/en.lang: " not in errors
    assert len(errors.splitlines()) <= 3


@pytest.mark.parametrize("files, said", [
    ({"th": TH}, "en.lang: there is no file, and a LANGUAGE_EN"),
    ({**NEAT, "Thai": TH}, "Thai.lang: there is a file, and no LANGUAGE_THAI"),
    ({**NEAT, "th-TH": TH}, "th.lang: th means th-TH already"),
    ({"en": EN, "th": TH.replace("= th", "= vn")}, "th.lang: its tags lack th"),
    ({"en": EN, "th": TH.replace("= th", "= th VN")},
     "th.lang: VN is no first part of a tag"),
    ({"en": EN, "th": TH.replace("= th", "= th en")},
     "th.lang: en means en already"),
])
def test_each_tag_has_one_language(tmp_path, files, said):
    code, table, errors = make_table(tmp_path, files)
    assert (code, table) == (1, "")
    assert said in errors


def test_marks_make_no_label_longer(tmp_path):
    label = "ที่" * 20
    code, _, said = make_table(tmp_path, {
        "en": EN, "th": TH.replace("= ใหม่", f"= {label} | x")})
    assert code == 1
    assert " has 180 bytes" in said and "graphemes" not in said


def test_all_faults_are_named_at_once(tmp_path):
    broken = TH.replace("BUSY = ไม่ว่าง\n", "").replace("{heard}", "")
    code, _, errors = make_table(tmp_path, {"en": broken, "th": broken})
    assert code == 1
    assert [line.split("languages/")[1][:15] for line in errors.splitlines()
            if "lang: BUSY" in line or "lang: HEARD" in line] == [
        "en.lang: BUSY: ", "en.lang: HEARD:", "th.lang: BUSY: ",
        "th.lang: HEARD:"]


# --- make --------------------------------------------------------------------

@pytest.fixture(name="tree")
def make_tree(tmp_path):
    """What make needs of the tree to make the table alone."""
    for name in ("Makefile", "scripts/languages.py",
                 *(f"fcgi-app/bot/{header}" for header in HEADERS)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(BOT / "languages", tmp_path / "fcgi-app/bot/languages")
    return tmp_path


def make(tree):
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(
        ["make", "-s", "build/fcgi-app/bot/languages.c"], cwd=tree,
        env=environment, capture_output=True, text=True, timeout=120,
        check=False)


def rewrite(path, change):
    """Changes a file, later than all others were made."""
    path.write_text(change(path.read_text()))
    after = time.time() + 5
    os.utime(path, (after, after))


def test_editing_a_file_makes_the_table_anew(tree):
    made = tree / "build/fcgi-app/bot/languages.c"
    assert make(tree).returncode == 0
    assert "dandanan" not in made.read_text()
    rewrite(tree / "fcgi-app/bot/languages/id.lang",
            lambda text: text.replace("ERROR = ", "ERROR = dandanan "))
    assert make(tree).returncode == 0
    assert "dandanan" in made.read_text()


def test_removing_a_file_is_noticed(tree):
    assert make(tree).returncode == 0
    folder = tree / "fcgi-app/bot/languages"
    (folder / "vi.lang").unlink()
    after = time.time() + 5
    os.utime(folder, (after, after))
    done = make(tree)
    assert done.returncode != 0
    assert "there is no file, and a LANGUAGE_VI" in done.stderr


def test_a_fault_stops_make_until_it_is_mended(tree):
    assert make(tree).returncode == 0
    path = tree / "fcgi-app/bot/languages/ja.lang"
    good = path.read_text()
    rewrite(path, lambda text: text.replace("ERROR = ", "EROR = "))
    for _ in range(2):
        done = make(tree)
        assert done.returncode != 0
        assert "ja.lang: ERROR: missing" in done.stderr
        assert "ja.lang: EROR: unknown" in done.stderr
    rewrite(path, lambda _: good)
    assert make(tree).returncode == 0


@pytest.mark.parametrize("header, prefix", [("words", "WORDS"),
                                            ("command", "COMMAND")])
def test_what_is_new_is_missed_in_every_language(tree, header, prefix):
    rewrite(tree / f"fcgi-app/bot/{header}.h", lambda text: text.replace(
        f"\t{prefix}__MAX", f"\t{prefix}_BRAND_NEW, /* x */\n\t{prefix}__MAX"))
    done = make(tree)
    assert done.returncode != 0
    for tag in TAGS:
        assert f"{tag}.lang: BRAND_NEW: missing" in done.stderr

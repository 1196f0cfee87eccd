#!/usr/bin/python3
"""languages.py - the languages we speak, from their files to one C table.

    languages.py WORDS_H FOLDER >TABLE_C

WORDS_H is fcgi-app/bot/words.h, whose enum says which sentences there are and
which {names} each of them has filled in.  FOLDER holds a file for each
language, TAG.lang, in the form of Python's configparser: what goes on in an
indented line goes on in a new line of the message.  Every language has every
sentence and no other.  What is wrong is printed, all of it, a line each, and
then no table: exit status 1.
"""
import configparser
import pathlib
import re
import sys
import unicodedata

ENGLISH = "en"     # comes first: it is spoken when no other fits
UNITS_MAX = 1000   # UTF-16 code units of a sentence
HEAD = "language"  # the section about the language itself
SENTENCES = "sentences"
SECTIONS = {HEAD, SENTENCES}
NAME = re.compile(r"\{([^{}]*)\}")
TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def wanted(words_h):
    """The sentences of the enum, in order, each with the names it has."""
    body = re.search(r"enum words \{(.*?)\};", words_h, re.S).group(1)
    entries = re.findall(r"\bWORDS_([A-Z]\w*)\s*(?:=\s*0)?,\s*(/\*.*?\*/)?",
                         body, re.S)
    return {key: sorted(NAME.findall(comment)) for key, comment in entries}


def units(text):
    return len(text.encode("utf-16-le")) // 2


def read(path):
    """The sections of a file; ValueError says what is wrong with it."""
    parser = configparser.ConfigParser(
        interpolation=None, delimiters=("=",), comment_prefixes=("#",),
        default_section=None)
    parser.optionxform = str
    try:
        parser.read_string(path.read_text("utf-8"), path.name)
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ValueError(" ".join(str(error).split())) from None
    return {name: {key: text.strip() for key, text in parser[name].items()}
            for name in parser.sections()}


def text_faults(text):
    """What no text of ours may be."""
    if not text:
        yield "is empty"
    if units(text) > UNITS_MAX:
        yield f"has {units(text)} UTF-16 units, at most {UNITS_MAX}"
    if not unicodedata.is_normalized("NFC", text):
        yield "is not in Unicode's form NFC"
    for char in sorted(set(text) - {"\n"}):
        if unicodedata.category(char)[0] == "C":
            yield f"has the invisible character U+{ord(char):04X}"


def name_faults(text, names):
    found = sorted(NAME.findall(text))
    if found != names:
        yield f"has the names {found}, not {names}"
    if re.search(r"[{}]", NAME.sub("", text)):
        yield "has a brace of no name"


def faults(sections, keys):
    """Every fault of one language, as (place, what)."""
    for name in sorted(SECTIONS ^ set(sections)):
        yield f"[{name}]", "missing" if name in SECTIONS else "unknown"
    head = sections.get(HEAD, {})
    if set(head) != {"tags"} or not head["tags"].split():
        yield f"[{HEAD}]", "has to have tags, and nothing else"
    sentences = sections.get(SENTENCES, {})
    for key in sorted(set(keys) ^ set(sentences)):
        yield key, "missing" if key in keys else "unknown"
    for key in [key for key in keys if key in sentences]:
        for what in text_faults(sentences[key]):
            yield key, what
        for what in name_faults(sentences[key], keys[key]):
            yield key, what


def tag_faults(languages):
    """Tags are told apart by their first part, so each has one owner."""
    owners = {}
    for tag, sections in languages.items():
        if not TAG.fullmatch(tag):
            yield tag, "the file's name is no language tag"
        tags = sections.get(HEAD, {}).get("tags", "").split()
        if tags and tag.split("-")[0] not in tags:
            yield tag, f"its tags lack {tag.split('-')[0]}"
        for part in tags:
            if not re.fullmatch(r"[a-z]{2,3}", part):
                yield tag, f"{part} is no first part of a tag"
            if owners.setdefault(part, tag) != tag:
                yield tag, f"{part} means {owners[part]} already"
    if ENGLISH not in languages:
        yield ENGLISH, "there is no such file"


def literal(text):
    """A string of C; trigraphs are taken apart."""
    for old, new in (("\\", r"\\"), ('"', r'\"'), ("\n", r"\n"), ("?", r"\?")):
        text = text.replace(old, new)
    return f'"{text}"'


def table(languages):
    yield "/* made by scripts/languages.py */"
    yield '#include "bot/language.h"'
    yield ""
    yield "const struct language languages[] = {"
    for tag in sorted(languages, key=lambda tag: (tag != ENGLISH, tag)):
        sections = languages[tag]
        yield f"\t{{ {literal(tag)}, {literal(sections[HEAD]['tags'])}, {{"
        for key, text in sections[SENTENCES].items():
            yield f"\t\t[WORDS_{key}] = {literal(text)},"
        yield "\t} },"
    yield "\t{ .tag = NULL },"
    yield "};"


def load(words_h, folder):
    """All languages by tag, and all that is wrong with them."""
    keys, languages, wrong = wanted(words_h.read_text("utf-8")), {}, []
    for path in sorted(folder.glob("*.lang")):
        try:
            sections = read(path)
        except ValueError as error:
            languages[path.stem] = {}
            wrong.append(f"{path}: {error}")
            continue
        languages[path.stem] = sections
        wrong += [f"{path}: {place}: {what}"
                  for place, what in faults(sections, keys)]
    wrong += [f"{folder / tag}.lang: {what}"
              for tag, what in tag_faults(languages)]
    return languages, wrong


def main(words_h, folder):
    languages, wrong = load(pathlib.Path(words_h), pathlib.Path(folder))
    if wrong:
        sys.exit("\n".join(wrong))
    sys.stdout.reconfigure(encoding="utf-8")
    print("\n".join(table(languages)))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: languages.py WORDS_H FOLDER >TABLE_C")
    main(*sys.argv[1:])

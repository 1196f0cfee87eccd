#!/usr/bin/python3
"""languages.py - the languages we speak, from their files to one C table.

    languages.py FOLDER >TABLE_C

FOLDER is fcgi-app/bot.  There language.h says which languages there are,
words.h which sentences, and which {names} each of them has filled in, and
command.h what users can command.  languages/TAG.lang is a file of Python's
configparser, where an indented line goes on in a new line of the message.
Every language has every sentence and words for every command, and no others.
What is wrong is printed, all of it, a line each, and then no table: exit
status 1.
"""
import configparser
import pathlib
import re
import sys
import unicodedata

UNITS_MAX = 1000  # UTF-16 code units of a sentence
LABEL_MAX = 20    # graphemes of a label
WORD_MAX = 128    # bytes of a command, command.h: COMMAND_BYTES_MAX
HEAD, SENTENCES, COMMANDS = SECTIONS = ("language", "sentences", "commands")
NAME = re.compile(r"\{([^{}]*)\}")


def enum(path, name, prefix):
    """What an enum of a header lists, each with its comment."""
    body = re.search(rf"enum {name} \{{(.*?)\}};", path.read_text("utf-8"),
                     re.S).group(1)
    return dict(re.findall(
        rf"\b{prefix}_([A-Z](?:_?[A-Z0-9])*)\s*(?:=\s*0)?,\s*(/\*.*?\*/)?",
        body, re.S))


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


def fold(text):
    """As fold_text() of base/fold.h has it."""
    def is_trimmed(char):
        return unicodedata.category(char)[0] in "ZCPS"

    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    while text and is_trimmed(text[0]):
        text = text[1:]
    while text and is_trimmed(text[-1]):
        text = text[:-1]
    return text


def graphemes(label):
    """No fewer than LINE counts: marks alone belong to what they follow."""
    return sum(unicodedata.category(char)[0] != "M" for char in label)


def words_of(text):
    return [word.strip() for word in text.split("|")]


def command_faults(text):
    words = words_of(text)
    if graphemes(words[0]) > LABEL_MAX:
        yield f"its label has {graphemes(words[0])} graphemes, " \
            f"at most {LABEL_MAX}"
    for word in words:
        if not fold(word):
            yield "a word of it is empty"
        if len(word.encode()) > WORD_MAX:
            yield f"{word} has {len(word.encode())} bytes, at most {WORD_MAX}"


def key_faults(name, section, keys):
    """Every fault of a section that has to have these keys."""
    for key in sorted(set(keys) ^ set(section)):
        yield key, "missing" if key in keys else "unknown"
    for key in [key for key in keys if key in section]:
        for what in text_faults(section[key]):
            yield key, what
        for what in (command_faults(section[key]) if name == COMMANDS else
                     name_faults(section[key], keys[key])):
            yield key, what


def faults(sections, keys):
    """Every fault of one language, as (place, what)."""
    for name in sorted(set(SECTIONS) ^ set(sections)):
        yield f"[{name}]", "missing" if name in SECTIONS else "unknown"
    head = sections.get(HEAD, {})
    if set(head) != {"tags"} or not head["tags"].split():
        yield f"[{HEAD}]", "has to have tags, and nothing else"
    for name in (SENTENCES, COMMANDS):
        for place, what in key_faults(name, sections.get(name, {}),
                                      keys[name]):
            yield place, what


def tag_faults(languages):
    """A tag is told by its first part, which means one language."""
    owners = {}
    for tag, sections in languages.items():
        tags = sections.get(HEAD, {}).get("tags", "").split()
        if tags and tag.split("-")[0] not in tags:
            yield tag, f"its tags lack {tag.split('-')[0]}"
        for part in tags:
            if not re.fullmatch(r"[a-z]{2,3}", part):
                yield tag, f"{part} is no first part of a tag"
            if owners.setdefault(part, tag) != tag:
                yield tag, f"{part} means {owners[part]} already"


def spelling_faults(languages):
    """A word that users type means one command of one language."""
    owners = {}
    for tag, sections in languages.items():
        for key, text in sections.get(COMMANDS, {}).items():
            for word in words_of(text):
                owner = owners.setdefault(fold(word), (tag, key))
                if owner != (tag, key):
                    yield tag, f"{key}: {word} means {owner[1]} in {owner[0]}"
            if len(set(map(fold, words_of(text)))) < len(words_of(text)):
                yield tag, f"{key}: has the same word twice"


def file_faults(languages, members):
    """Each member of the enum is a file, and each file a member."""
    files = {tag.upper().replace("-", "_"): tag for tag in languages}
    for member in sorted(set(members) ^ set(files)):
        yield files.get(member, member.lower()), (
            f"there is {'a' if member in files else 'no'} file, and "
            f"{'no' if member in files else 'a'} LANGUAGE_{member}")


def literal(text):
    """A string of C; trigraphs are taken apart."""
    for old, new in (("\\", r"\\"), ('"', r'\"'), ("\n", r"\n"), ("?", r"\?")):
        text = text.replace(old, new)
    return f'"{text}"'


def table(languages):
    yield "/* made by scripts/languages.py */"
    yield '#include "bot/language_table.h"'
    yield ""
    yield "#define WORDS(...) (const char *const[]) { __VA_ARGS__, NULL }"
    yield ""
    yield "const struct language_table language_table[LANGUAGE__MAX] = {"
    for tag, sections in languages.items():
        yield f"[LANGUAGE_{tag.upper().replace('-', '_')}] = {{"
        yield f"\t.tag = {literal(tag)},"
        yield f"\t.tags = {literal(sections[HEAD]['tags'])},"
        yield "\t.words = {"
        for key, text in sections[SENTENCES].items():
            yield f"\t\t[WORDS_{key}] = {literal(text)},"
        yield "\t},\n\t.commands = {"
        for key, text in sections[COMMANDS].items():
            words = words_of(text)
            folded = ", ".join(literal(fold(word)) for word in words)
            yield f"\t\t[COMMAND_{key}] = {{ {literal(words[0])},"
            yield f"\t\t\tWORDS({folded}) }},"
        yield "\t} },"
    yield "};"


def load(folder):
    """All languages by tag, and all that is wrong with them."""
    keys = {
        SENTENCES: {key: sorted(NAME.findall(comment)) for key, comment in
                    enum(folder / "words.h", "words", "WORDS").items()},
        COMMANDS: enum(folder / "command.h", "command", "COMMAND"),
    }
    del keys[COMMANDS]["NONE"]
    languages, wrong = {}, []
    for path in sorted((folder / "languages").glob("*.lang")):
        try:
            sections = read(path)
        except ValueError as error:
            languages[path.stem] = {}
            wrong.append(f"{path}: {error}")
            continue
        languages[path.stem] = sections
        wrong += [f"{path}: {place}: {what}"
                  for place, what in faults(sections, keys)]
    members = enum(folder / "language.h", "language", "LANGUAGE")
    for tag, what in (*file_faults(languages, members),
                      *tag_faults(languages), *spelling_faults(languages)):
        wrong.append(f"{folder / 'languages' / tag}.lang: {what}")
    return languages, wrong


def main(folder):
    languages, wrong = load(pathlib.Path(folder))
    if wrong:
        sys.exit("\n".join(wrong))
    sys.stdout.reconfigure(encoding="utf-8")
    print("\n".join(table(languages)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: languages.py FOLDER >TABLE_C")
    main(sys.argv[1])

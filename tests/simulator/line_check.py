"""line_check - the small checks that LINE's message rules are made of.

Shortcuts against the real thing: grapheme clusters are counted by an
approximation (combining marks, joiners, emoji modifiers, pairs of regional
indicators); URLs are judged by their look and never fetched; the words of
details that the documentation does not print are ours.
"""

import re
import unicodedata

URL_MAX = 2000


def utf16_len(text):
    """Length as LINE counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def grapheme_len(text):
    """Number of characters a user sees, nearly."""
    count, joined, flags = 0, False, 0
    for char in text:
        code = ord(char)
        flag = 0x1F1E6 <= code <= 0x1F1FF
        extends = (unicodedata.category(char) in ("Mn", "Me", "Mc")
                   or code in (0x200D, 0x0E33, 0x0EB3)
                   or 0x1F3FB <= code <= 0x1F3FF)
        second_flag = flag and flags % 2 == 1
        if not (extends or joined or second_flag):
            count += 1
        joined = code == 0x200D
        flags = flags + 1 if flag else 0
    return count


class Findings:
    """What is wrong with a body, as LINE's details."""

    def __init__(self):
        self.errors = []
        self.doubts = []

    def error(self, prop, message):
        self.errors.append({"message": message, "property": prop})

    def doubt(self, text):
        self.doubts.append(text)

    def body(self):
        """LINE's answer for the errors."""
        return {"message": f"The request body has {len(self.errors)} error(s)",
                "details": self.errors}

    def object(self, prop, value, known):
        """Is it an object?  Names that are not known are doubts."""
        if not isinstance(value, dict):
            self.error(prop, "must be an object")
            return False
        for name in value:
            if name not in known:
                self.doubt(f"{prop or 'body'}: unknown property {name!r}")
        return True

    def text(self, prop, value, low, high, count=utf16_len):
        """A string of low to high characters; low 0 lets it be absent."""
        if value is None or value == "":
            if low > 0:
                self.error(prop, "May not be empty")
            return
        if not isinstance(value, str):
            self.error(prop, "must be a string")
        elif any(0xD800 <= ord(char) <= 0xDFFF for char in value):
            self.error(prop, "must not contain half a surrogate pair")
        elif count(value) > high:
            self.error(prop, f"Length must be between 0 and {high}")

    def list(self, prop, value, low, high):
        """A list of low to high entries; returns it or an empty one."""
        if not isinstance(value, list) or not low <= len(value) <= high:
            self.error(prop, f"Size must be between {low} and {high}")
            return []
        return value

    def one_of(self, prop, value, values, needed=True):
        if value is None and not needed:
            return False
        if value is None:
            self.error(prop, "May not be empty")
        elif value not in values:
            self.error(prop, "Must be one of the following values: "
                             f"[{', '.join(values)}]")
        return value in values

    def boolean(self, prop, value):
        if value is not None and not isinstance(value, bool):
            self.error(prop, "must be a boolean")

    def positive(self, prop, value):
        if value is None:
            self.error(prop, "May not be empty")
        elif not is_int(value) or value <= 0:
            self.error(prop, "must be a positive integer")

    def https(self, prop, value, needed=True):
        """An https URL that is percent-encoded and not too long."""
        if value is None and not needed:
            return
        self.text(prop, value, 1, URL_MAX)
        if isinstance(value, str) and value and \
                not re.fullmatch(r"https://[!-~]+", value):
            self.error(prop, "Must be an https URL")


def is_int(value):
    """JSON integers only: true is not one."""
    return isinstance(value, int) and not isinstance(value, bool)


QUICK_ONLY = {"camera": set(), "cameraRoll": set(), "location": set()}
ACTIONS = {
    "message": {"text"},
    "postback": {"data", "displayText", "text", "inputOption", "fillInText"},
    "uri": {"uri", "altUri"},
    "clipboard": {"clipboardText"},
    "datetimepicker": {"data", "mode", "initial", "max", "min"},
}
URI = re.compile(r"(https?://|line://|tel:)[!-~]+")


def check_action(found, prop, action, label_max, label_needed, only_quick):
    """An action object; only_quick allows the three of quick replies."""
    actions = {**ACTIONS, **QUICK_ONLY} if only_quick else ACTIONS
    if not isinstance(action, dict):
        found.error(prop, "May not be empty")
        return
    kind = action.get("type")
    if not found.one_of(prop + ".type", kind, list(actions)):
        return
    found.object(prop, action, {"type", "label"} | actions[kind])
    found.text(prop + ".label", action.get("label"), int(label_needed),
               label_max, grapheme_len)
    if kind == "message":
        found.text(prop + ".text", action.get("text"), 1, 300, grapheme_len)
    elif kind == "postback":
        found.text(prop + ".data", action.get("data"), 1, 300)
        found.text(prop + ".displayText", action.get("displayText"), 0, 300,
                   grapheme_len)
    elif kind == "uri":
        found.text(prop + ".uri", action.get("uri"), 1, 1000)
        if not URI.fullmatch(str(action.get("uri"))):
            found.error(prop + ".uri", "invalid uri scheme")
    elif kind == "clipboard":
        found.text(prop + ".clipboardText", action.get("clipboardText"),
                   1, 1000)
    elif kind == "datetimepicker":
        found.text(prop + ".data", action.get("data"), 1, 300)
        found.one_of(prop + ".mode", action.get("mode"),
                     ["date", "time", "datetime"])

"""privacy - what must never be found in a log or, readable, in the data.

A Watch remembers what the simulator knew before a test; afterwards leaks()
looks for all that the test added: what users wrote and what they were
answered, their ids, reply and quote tokens; and always for our secrets.
Encrypted records, hashes of ids and event ids are allowed.
"""

import json
import random

import deployment

SAMPLE = 240  # needles per test: a burst of 200 users brings thousands
TEXT_MIN = 8  # a shorter text could stand in a log by chance
TEXT_PART = 40


class Watch:
    """The simulator's knowledge at the beginning of a test."""

    def __init__(self, sim):
        self.sim = sim
        self.said = set(sim.sender.said)
        self.tokens = set(sim.sender.tokens)
        self.chats = set(sim.sender.chats)

    def texts(self):
        """What users and bot wrote to each other since."""
        sender = self.sim.sender
        for key in set(sender.said) - self.said:
            yield sender.said[key].text
        for call in list(self.sim.hearings):
            yield self.sim.model.hear(call)
        for call in list(self.sim.model_calls):
            yield self.sim.model.answer(call.question, call.contents)

    def needles(self):
        """Bytes to look for, without the secrets."""
        sender = self.sim.sender
        found = set()
        for text in self.texts():
            part = text.strip()[:TEXT_PART]
            if len(part.encode()) >= TEXT_MIN:
                found.add(part.encode("utf-8", "replace"))
                found.add(json.dumps(part)[1:-1].encode())
        for chat in set(sender.chats) - self.chats:
            found |= hex_forms(chat[1:])
        for token in set(sender.tokens) - self.tokens:
            found |= hex_forms(token)
        return sample(found)


def hex_forms(digits):
    """An id as text, and as the bytes that its digits stand for."""
    forms = {digits.encode()}
    try:
        forms.add(bytes.fromhex(digits))
    except ValueError:
        pass
    return forms


def sample(found):
    """Not too many: each one is looked for in megabytes."""
    found = sorted(found)
    if len(found) > SAMPLE:
        found = random.Random(len(found)).sample(found, SAMPLE)
    return found


def secrets_of(bot):
    """The bytes that open doors."""
    names = ("CHANNEL_SECRET", "ACCESS_TOKEN", "GEMINI_KEY", "ADMIN_TOKEN")
    found = [getattr(deployment, name).encode() for name in names]
    if bot.key_file.exists():
        found += hex_forms(bot.key_file.read_text().split()[0])
    return found


def leaks(bot, needles):
    """Where a needle or a secret stands: (file name, needle), all of them."""
    places = {**bot.logs(), **bot.data()}
    needles = [*needles, *secrets_of(bot)]
    return [(path.name, needle) for path, content in places.items()
            for needle in needles if needle in content]

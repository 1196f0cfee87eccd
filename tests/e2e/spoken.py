"""spoken - what the tests of voice answers share."""

import re

from sound import m4a, marked

BASE = "https://bot.example"
WORDS = "How much water should I drink?"
URL = re.compile(re.escape(BASE) + r"(/audio/[0-9a-f]{32}\.mp3)")

# the bot's own sentences
NOT_SPOKEN = "(I could not read this aloud this time.)"
FOLLOWS = "(The voice message follows.)"
ONLY_BEGINNING = "(Only the beginning is read aloud.)"


def sounds(deliveries):
    """The audio messages among what users saw."""
    return [message for delivery in list(deliveries)
            for message in delivery.messages if message["type"] == "audio"]


def texts_of(deliveries):
    return [message["text"] for delivery in list(deliveries)
            for message in delivery.messages if message["type"] == "text"]


def path_of(message):
    """Where an audio message stands on the bot's web server."""
    found = URL.fullmatch(message["originalContentUrl"])
    assert found, message
    return found[1]


def play(bot, message):
    """The bytes that LINE would fetch, from the real web server."""
    status, headers, body = bot.request("GET", path_of(message))
    assert (status, headers["Content-Type"]) == (200, "audio/mpeg")
    return body


def files(bot):
    """What is in AUDIO_DIR, finished or not."""
    folder = bot.folder / "var" / "audio"
    return sorted(path.name for path in folder.iterdir())


def ask_aloud(sim, one, words=WORDS):
    """A voice message; other words are other bytes."""
    assert sim.speak(one, marked(m4a(), words.encode()), words)[0] == 200


def wait_spoken(sim, one, n=1, timeout=15):
    """Waits until a user has n sounds; returns them."""
    def mine():
        return sounds(d for d in list(sim.deliveries) if d.user == one)
    sim.wait_for(lambda: len(mine()) >= n, timeout)
    return mine()

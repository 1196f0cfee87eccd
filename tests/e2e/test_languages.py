"""Our own sentences and buttons are in the language the operator has chosen."""

import configparser
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "fcgi-app/bot/languages"


def spoken(tag):
    """Sentences and labels of a language, straight from its file."""
    parser = configparser.ConfigParser(interpolation=None, delimiters="=")
    parser.optionxform = str
    parser.read(FOLDER / f"{tag}.lang", "utf-8")
    return parser["sentences"], {key: words.split("|")[0].strip()
                                 for key, words in parser["commands"].items()}


def labels(delivery):
    return [item["action"]["label"]
            for item in delivery.messages[-1]["quickReply"]["items"]]


@pytest.mark.parametrize("tag", sorted(p.stem for p in FOLDER.glob("*.lang")))
def test_notices_and_buttons_are_in_it(deploy, server, sim, user, tag):
    sentences, commands = spoken(tag)
    deploy(server, fresh=True, DEFAULT_LANGUAGE=tag, USER_RATE_TOKENS=3,
           USER_RATE_REFILL=0, PUBLIC_BASE_URL="https://bot.example.org")
    sim.say(user("mei"), "How much water should I drink?")
    assert sim.wait_answers(user("mei"), 1, 8)
    assert labels(sim.deliveries[0]) == [
        commands["SPEAK"], commands["VOICE_ON"], commands["VOICE_OFF"]]
    sim.say(user("mei"), f" {commands['VOICE_OFF'].upper()}! ")
    assert sim.wait_answers(user("mei"), 2, 8)[1] == sentences["VOICE_OFF"]
    sim.faults.add("gemini", "safety_prompt", times=None)
    sim.say(user("mei"), "May I ask this?")
    assert sim.wait_answers(user("mei"), 3, 8)[2] == sentences["BLOCKED"]
    sim.say(user("mei"), "And this?")
    assert sim.wait_answers(user("mei"), 4, 8)[3] == sentences["SLOW_DOWN"]
    assert len(sim.model_calls) == 2

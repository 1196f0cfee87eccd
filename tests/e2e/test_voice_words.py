"""The words that tell the bot when to speak, in each process alike."""

import pytest

from spoken import (BASE, WORDS, ask_aloud, play, sounds, texts_of,
                    wait_spoken)

ON = "Voice is on: I read every answer aloud."
OFF = "Voice is off: I answer by text alone."
AUTO = "Voice is automatic: I read aloud when you ask by voice."
NO_VOICE = "I cannot speak here. I answer by text."
NOTHING = "There is no answer to read aloud yet. Please ask me something."


@pytest.fixture
def bot(deploy, server):
    return deploy(server, workers=4, PUBLIC_BASE_URL=BASE)


@pytest.fixture
def talk(bot, sim, user):
    """talk(text): says it and returns the one delivery that comes of it."""
    def talk(text, timeout=10):
        n = len(sim.deliveries)
        assert sim.say(user("mei"), text)[0] == 200
        assert sim.wait_for(lambda: len(sim.deliveries) > n, timeout), text
        assert bot.wait_idle(5)
        assert len(sim.deliveries) == n + 1
        return sim.deliveries[-1]
    return talk


def test_with_voice_on_every_answer_is_read_aloud(talk, sim, user, bot):
    assert texts_of([talk("voice on")]) == [ON]
    for n in range(4):  # in each process
        answer = talk(f"Question {n} of a listener")
        assert f"Question {n}" in texts_of([answer])[0]
        (message,) = sounds([answer])
        assert play(bot, message)
    assert len(sim.model_calls) == len(sim.voice.calls) == 4


def test_with_voice_off_none_is(talk, sim, user, bot):
    assert texts_of([talk("voice off")]) == [OFF]
    for n in range(4):
        ask_aloud(sim, user("mei"))
        assert sim.wait_for(lambda n=n: len(sim.deliveries) == n + 2, 8)
        assert bot.wait_idle(5)
    assert sim.voice.calls == [] and sounds(sim.deliveries) == []


def test_with_voice_auto_an_answer_comes_as_the_question(talk, sim, user):
    talk("voice on")
    assert texts_of([talk("voice auto")]) == [AUTO]
    assert sounds([talk("Is this one read aloud?")]) == []
    ask_aloud(sim, user("mei"))
    assert len(wait_spoken(sim, user("mei"))) == 1


@pytest.mark.parametrize("word", ["speak", "朗讀", " Speak! ", "ＳＰＥＡＫ"])
def test_the_last_answer_is_read_aloud(talk, sim, word):
    answer = texts_of([talk("What helps me to sleep?")])[0]
    aloud = talk(word)
    assert texts_of([aloud]) == [] and len(sounds([aloud])) == 1
    assert aloud.kind == "reply"
    (call,) = sim.voice.calls
    assert call.text.split()[-3:] == answer.split()[-3:]
    assert len(sim.model_calls) == 1


def test_it_can_be_read_again_and_is_no_part_of_the_talk(talk, sim):
    talk("What helps me to sleep?")
    first, second = (sounds([talk("speak")])[0] for _ in range(2))
    assert first["duration"] == second["duration"]
    assert first["originalContentUrl"] != second["originalContentUrl"]
    talk("And what helps against a cold?")
    assert len(sim.model_calls[-1].contents) == 3


def test_before_the_first_answer_there_is_nothing_to_read(talk, sim):
    assert texts_of([talk("speak")]) == [NOTHING]
    assert sim.voice.calls == [] and sim.model_calls == []


def test_spoken_words_are_words_as_well(bot, sim, user):
    ask_aloud(sim, user("mei"), "Voice off.")
    assert sim.wait_for(lambda: sim.deliveries, 8)
    assert bot.wait_idle(5)
    assert OFF in texts_of(sim.deliveries)[0]
    assert sim.voice.calls == [] and sim.model_calls == []


def labels(delivery):
    """What the buttons below the last message say, and send."""
    items = delivery.messages[-1].get("quickReply", {}).get("items", [])
    assert all(item["action"]["label"] == item["action"]["text"]
               for item in items)
    return [item["action"]["text"] for item in items]


def test_every_button_that_is_offered_is_understood(talk, sim):
    answer = talk("What helps me to sleep?")
    offered = labels(answer)
    assert offered == ["Speak", "Voice on", "Voice off"]
    assert labels(talk("Voice on")) != []
    spoken = talk("What helps against a cold?")
    assert len(sounds([spoken])) == 1
    assert {"Voice off", "Voice auto"} <= set(labels(spoken))
    assert "Voice on" not in labels(spoken)
    for label in {*offered, *labels(spoken)}:
        assert "About" not in "".join(texts_of([talk(label)]))
    assert len(sim.model_calls) == 2


def test_without_voices_no_button_speaks_of_them(deploy, server, sim, user):
    deploy(server)
    sim.say(user("mei"), "What helps me to sleep?")
    assert sim.wait_for(lambda: sim.deliveries, 8)
    assert labels(sim.deliveries[0]) == []


def test_a_question_about_the_words_is_a_question(talk, sim):
    for question in ("Why can I not speak?", "voice on my mind",
                     "朗讀困難怎麼辦？"):
        assert f"“{question}”" in texts_of([talk(question)])[0]
    assert len(sim.model_calls) == 3 and sim.voice.calls == []


def test_each_user_chooses_alone(talk, sim, user, bot):
    talk("voice on")
    sim.say(user("tom"), "Am I read aloud, too?")
    assert sim.wait_for(lambda: len(sim.deliveries) == 2, 8)
    assert bot.wait_idle(5)
    assert sounds(sim.deliveries) == []


def test_the_choice_outlives_a_restart(deploy, server, sim, user):
    bot = deploy(server, fresh=True, PUBLIC_BASE_URL=BASE)
    sim.say(user("mei"), "voice on")
    assert sim.wait_for(lambda: sim.deliveries, 8)
    bot.stop()
    bot.start()
    sim.say(user("mei"), "Do you remember what I chose?")
    assert len(wait_spoken(sim, user("mei"))) == 1


@pytest.mark.parametrize("word", ["voice on", "voice auto", "speak", "朗讀"])
def test_a_bot_that_cannot_speak_says_so(deploy, server, sim, user, word):
    deploy(server)
    sim.say(user("mei"), word)
    assert sim.wait_answers(user("mei"), 1, 8) == [NO_VOICE]
    assert sim.model_calls == [] and sim.voice.calls == []

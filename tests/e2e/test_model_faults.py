"""However the model fails, the user is told, and may ask again."""

import time

import pytest

TIMEOUT = "Request timed out, please try again"
BLOCKED = "I cannot answer this. Please ask a doctor."
EMPTY = "I have no answer. Please ask in other words."
ERROR = "Something went wrong. Please try again later."
BUSY = "System busy, try again"
CUT = "(My answer was too long."

PRIMARY = "gemini-3.5-flash-lite"
FALLBACK = "gemini-3.8-flash"


def ask(sim, one, question, timeout=8):
    """Asks; returns the one text that comes."""
    before = len(sim.answers(one))
    assert sim.say(one, question)[0] == 200
    (text,) = sim.wait_answers(one, before + 1, timeout)[before:]
    return text


def history(call):
    """What the model was shown, as text."""
    return " ".join(part["text"] for turn in call.contents
                    for part in turn["parts"])


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_silent_model_is_given_up_in_time(deploy, server, sim, user, fault,
                                            measure):
    deploy(server, GEMINI_TIMEOUT=3)
    sim.faults.add("gemini", fault)
    start = time.monotonic()
    assert ask(sim, user("mei"), "Are you asleep?") == TIMEOUT
    seconds = time.monotonic() - start
    measure("told after, GEMINI_TIMEOUT=3", seconds)
    assert 2.8 < seconds < 3.8
    assert sim.wait_for(lambda: sim.model_calls[0].aborted, 2)
    assert "Are you awake?" in ask(sim, user("mei"), "Are you awake?")
    assert "asleep" not in history(sim.model_calls[-1])


# What a lasting fault ends in when there is one model and no time to wait.
LASTING = {
    "cut": ERROR, "truncated_json": ERROR, "drop": ERROR, "garbage": ERROR,
    "garbage_502": ERROR, "empty_body": ERROR, "500": ERROR, "503": ERROR,
    "504": ERROR, "403": ERROR, "404_model": ERROR, "400_key": ERROR,
    "429_minute": BUSY, "error_array": BUSY,
    "safety_prompt": BLOCKED, "safety_candidate": BLOCKED,
    "recitation": EMPTY, "empty_parts": EMPTY, "max_tokens_empty": EMPTY,
    "no_candidates": EMPTY, "thinking_only": EMPTY,
}


@pytest.mark.parametrize("fault", LASTING)
def test_a_fault_is_told_and_not_remembered(deploy, server, sim, user, fault):
    deploy(server, GEMINI_TIMEOUT=2, GEMINI_FALLBACK_MODEL="")
    order = sim.faults.add("gemini", fault, times=None)
    assert ask(sim, user("mei"), "A question that fails").startswith(
        LASTING[fault])
    sim.faults.remove(order)
    assert "“One that works”" in ask(sim, user("mei"), "One that works")
    assert "fails" not in history(sim.model_calls[-1])


@pytest.mark.parametrize("fault", ["402", "429_day"])
def test_a_used_up_quota_is_told(deploy, server, sim, user, fault):
    deploy(server, fresh=True, GEMINI_FALLBACK_MODEL="")
    sim.faults.add("gemini", fault, times=None)
    text = ask(sim, user("mei"), "A question too many")
    assert text == BUSY or text.startswith(ERROR)


def test_half_an_answer_is_shown_with_a_note_and_remembered(deploy, server,
                                                            sim, user):
    deploy(server)
    sim.faults.add("gemini", "max_tokens_partial")
    text = ask(sim, user("mei"), "Tell me all about diabetes")
    assert text.startswith("About “Tell me") and CUT in text
    ask(sim, user("mei"), "Please go on")
    assert "all about diabetes" in history(sim.model_calls[-1])


def test_a_rate_limit_is_waited_for(deploy, server, sim, user, measure):
    deploy(server)
    sim.faults.add("gemini", "429_minute", retry_delay="1s")
    start = time.monotonic()
    assert "“How fast am I?”" in ask(sim, user("mei"), "How fast am I?")
    seconds = time.monotonic() - start
    measure("answered after 429 with retryDelay 1s", seconds)
    assert 1.0 <= seconds < 2.0
    assert [call.model for call in sim.model_calls] == [PRIMARY, PRIMARY]


def test_an_overloaded_model_is_asked_again(deploy, server, sim, user,
                                            measure):
    deploy(server)
    sim.faults.add("gemini", "503", times=2)
    start = time.monotonic()
    assert "“Are you busy?”" in ask(sim, user("mei"), "Are you busy?")
    measure("answered after two 503", time.monotonic() - start)
    assert [call.model for call in sim.model_calls] == [PRIMARY] * 3


def test_a_model_that_stays_overloaded_is_replaced(deploy, server, sim, user,
                                                   measure):
    deploy(server, fresh=True)
    sim.faults.add("gemini", "503", times=None,
                   match=lambda call: call.model == PRIMARY)
    start = time.monotonic()
    assert "“Who else?”" in ask(sim, user("mei"), "Who else?")
    measure("answered by the fallback after", time.monotonic() - start)
    assert sim.model_calls[-1].model == FALLBACK


def test_a_used_up_day_is_not_waited_for(deploy, server, sim, user, measure):
    deploy(server, fresh=True)
    sim.faults.add("gemini", "429_day", times=None,
                   match=lambda call: call.model == PRIMARY)
    start = time.monotonic()
    assert "“Who else?”" in ask(sim, user("mei"), "Who else?")
    measure("answered by the fallback after", time.monotonic() - start)
    assert time.monotonic() - start < 1
    assert [call.model for call in sim.model_calls] == [PRIMARY, FALLBACK]
    assert "“And me?”" in ask(sim, user("tom"), "And me?")
    assert sim.model_calls[-1].model == FALLBACK


def test_a_dead_model_is_left_alone_for_a_while(deploy, server, sim, users):
    deploy(server, fresh=True, GEMINI_TIMEOUT=2, GEMINI_FALLBACK_MODEL="")
    sim.faults.add("gemini", "500", times=None)
    for n, one in enumerate(users(12)):
        ask(sim, one, f"Does number {n} get through?")
    assert len(sim.model_calls) == 8
    assert sim.answers(users(12)[-1]) == [BUSY]
    sim.faults.clear()
    time.sleep(5.2)
    assert "“Are you back?”" in ask(sim, users(12)[0], "Are you back?")

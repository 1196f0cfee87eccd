"""The simulator's chat page in a real browser: somebody sends a recording,
reads the answer and plays it."""

import pytest

import deployment
from browser import Browser
from sound import m4a
from spoken import BASE, WORDS, ask_aloud, play, sounds, wait_spoken

AUDIO = "document.querySelector('#user-1 audio')"
LISTEN = f"""(async () => {{
    const audio = {AUDIO};
    await audio.play();
    return new Promise((tell) => {{
        const end = Date.now() + 20000;
        const look = () => {{
            if (audio.currentTime > 0.3 || audio.error || Date.now() > end)
                tell([audio.currentTime, audio.duration,
                      audio.error?.message]);
            else setTimeout(look, 20);
        }};
        look();
    }});
}})()"""
TO_ITS_END = f"""(async () => {{
    const audio = {AUDIO};
    const ended = new Promise((tell) => {{
        audio.addEventListener("ended", () => tell(true));
        setTimeout(() => tell(false), 20000);
    }});
    audio.currentTime = audio.duration - 0.3;
    return ended;
}})()"""


@pytest.fixture
def bot(deploy, server, sim):
    bot = deploy(server, PUBLIC_BASE_URL=BASE)
    sim.chat.debug_url = bot.url + "/debug/sessions"
    sim.chat.admin_token = deployment.ADMIN_TOKEN
    yield bot
    sim.chat.debug_url = sim.chat.admin_token = None


@pytest.fixture
def page(bot, sim):
    with Browser() as browser:
        page = browser.open(sim.url + "/")
        assert page.wait("document.querySelectorAll('.phone textarea')"
                         ".length === 3", 30)
        yield page


def test_a_recording_is_sent_and_its_answer_played(page, bot, sim, tmp_path,
                                                   measure):
    file = tmp_path / "recording.m4a"
    file.write_bytes(m4a())
    page.run("document.querySelector('#user-1 textarea').value = "
             f"'{WORDS}'")
    page.choose_file("#user-1 input[type=file]", file)
    assert page.wait(AUDIO + " !== null", 30)
    (message,) = sounds(sim.deliveries)
    said = page.run("document.querySelector('#user-1 .talk').textContent")
    assert f"You said: “{WORDS}”" in said
    at, seconds, error = page.run(LISTEN)
    assert error is None and at > 0.3
    assert abs(seconds * 1000 - message["duration"]) <= 100
    measure("the browser says it lasts", round(seconds * 1000), "ms")
    measure("we said", message["duration"], "ms")
    assert page.run(TO_ITS_END) is True
    assert page.errors == []


def test_an_answer_is_read_aloud_at_a_click(page, bot, sim):
    """The button below a written answer."""
    page.run(f"""(() => {{
        const phone = document.querySelector("#user-3");
        phone.querySelector("textarea").value = "{WORDS}";
        phone.querySelector("[type=submit]").click();
    }})()""")
    button = ("[...document.querySelectorAll('#user-3 .quick button')]"
              ".find((one) => one.textContent === 'Speak')")
    assert page.wait(f"Boolean({button})", 30)
    assert page.run("document.querySelector('#user-3 audio')") is None
    page.run(f"{button}.click()")
    assert page.wait("document.querySelector('#user-3 audio') !== null", 30)
    at, _, error = page.run(LISTEN.replace("user-1", "user-3"))
    assert error is None and at > 0.3
    assert page.errors == [] and len(sim.model_calls) == 1


def test_control_what_is_no_sound_is_not_played(bot, sim):
    """The same page over a file that is no sound, and a call that fails."""
    ask_aloud(sim, "user-1")
    (message,) = wait_spoken(sim, sim.user("user-1"))
    assert play(bot, message)
    for path in (bot.folder / "var" / "audio").iterdir():
        size = path.stat().st_size  # which the web server may remember
        path.write_bytes((b"no song at all " * size)[:size])
    with Browser() as browser:
        page = browser.open(sim.url + "/")
        assert page.wait(f"{AUDIO} && {AUDIO}.error !== null", 30)
        assert page.errors == []
        page.run("fetch('/_sim/nothing')")
        assert page.wait("true", 0) and page.errors != []

"""Nothing is sent to a server whose certificate does not prove its name."""

import subprocess

import pytest

import deployment
import privacy
from deployment import Deployment
from simulator import Simulator

ERROR = "Something went wrong. Please try again later."


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True,
                   capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A test CA; certify(name, san) makes (chain file, key file)."""
    folder = tmp_path_factory.mktemp("ca")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-x509", *curve, "-keyout", "ca.key",
            "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")

    def certify(name, san):
        openssl(folder, "req", *curve, "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(f"subjectAltName={san}\n")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA",
                "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        return str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    certify.ca = folder / "ca.pem"
    return certify


@pytest.fixture
def secure(authority):
    """secure(san): a simulator that serves https under this name."""
    sims = []

    def secure(name, san):
        sim = Simulator(channel_secret=deployment.CHANNEL_SECRET,
                        access_token=deployment.ACCESS_TOKEN,
                        gemini_key=deployment.GEMINI_KEY,
                        tls=authority(name, san))
        sim.start()
        sims.append(sim)
        return sim

    yield secure
    for sim in sims:
        sim.stop()


@pytest.fixture
def serve(server):
    """serve(sim, ca, **settings): a deployment that trusts this CA file."""
    served = []

    def serve(sim, ca, **settings):
        bot = Deployment(server, sim, **settings)
        served.append((bot, sim, privacy.Watch(sim)))
        if ca is not None:
            trusted = bot.folder / "ca.pem"
            trusted.write_bytes(ca.read_bytes())
            trusted.chmod(0o644)
            bot.settings["CA_FILE"] = trusted
            deployment.write_settings(bot.config, bot.settings)
        sim.webhook_url = bot.url + "/webhook"
        return bot.start()

    yield serve
    for bot, sim, watch in served:
        bot.stop()
        found = privacy.leaks(bot, watch.needles())
        bot.remove()
        assert (found, sim.violations) == ([], [])


def test_an_authority_that_is_trusted_makes_it_work(serve, secure,
                                                    authority):
    sim = secure("good", "IP:127.0.0.1")
    serve(sim, authority.ca)
    sim.say("mei", "Is this line secure?")
    assert len(sim.wait_answers("mei", 1, 5)) == 1


@pytest.mark.parametrize("name, san, trusted", [
    ("unknown", "IP:127.0.0.1", False),
    ("other", "DNS:generativelanguage.googleapis.com", True)])
def test_a_model_that_cannot_prove_its_name_gets_nothing(
        serve, secure, authority, sim, user, name, san, trusted):
    model = secure(name, san)
    bot = serve(sim, authority.ca if trusted else None, GEMINI_TIMEOUT=2,
                GEMINI_BASE=model.url)
    sim.say(user("mei"), "Who hears this question?")
    (text,) = sim.wait_answers(user("mei"), 1, 6)
    assert text.startswith(ERROR)
    assert model.requests == [] and model.model_calls == []
    assert bot.wait_idle(2)


def test_a_line_that_cannot_prove_its_name_gets_nothing(
        serve, secure, authority, sim, user):
    line = secure("impostor", "DNS:api.line.me")
    bot = serve(sim, authority.ca, LINE_API_BASE=line.url)
    sim.say(user("mei"), "Who hears this answer?")
    assert sim.wait_for(lambda: sim.model_calls, 5)
    assert not sim.wait_for(lambda: line.requests, 1)
    assert bot.sessions()["unfinished"] == 1

"""kill -9 at any moment, of anybody, under load: every acknowledged event
ends in exactly one answer, apology or recorded drop.

Two mechanisms carry this, and each is taken out once: nothing is acknowledged
before it is on the disk, and a reply token works only once, so that a reply
whose outcome nobody knows is tried again instead of being pushed.
"""

import time

from ledger import Ledger
from storm import Storm
from verdict import is_spoken

SHORT_S, CONTROL_S, EARLY_CONTROL_S = 10, 4, 2
VOICES = 0.2  # of the questions; their answers are spoken
PUBLIC = "https://bot.example.org"
LONG_KILLS, LONG_ACKED, CONTROL_ACKED = 2000, 50000, 200
SETTLE_S = 90
EARLY_S = 0.5  # by then even an early 200 is on the disk, if all lives


def storm_over(deploy, sim, rng, enough, hook="", **settings):
    """A storm until enough(storm, ledger); returns both and the verdict."""
    bot = deploy(workers=4, hook=hook, HISTORY_TURNS=2,
                 PUBLIC_BASE_URL=PUBLIC, **settings)
    sim.model.latency = lambda call: rng.uniform(0, 0.4)
    sim.model.hear_latency = lambda call: rng.uniform(0, 0.4)
    sim.voice.latency = lambda call: rng.uniform(0, 0.4)
    ledger = Ledger(sim, bot, rng, users=1000, keep_requests=False,
                    voices=VOICES)
    storm = Storm(sim, bot, rng)
    ledger.start(threads=8, pace=0.05)
    storm.rage(lambda: enough(storm, ledger))
    ledger.stop()
    time.sleep(EARLY_S)
    return storm, ledger, ledger.settle(SETTLE_S)


def after(seconds, acked=CONTROL_ACKED):
    """Enough: so long, and so much work done meanwhile."""
    end = time.monotonic() + seconds
    return lambda storm, ledger: (time.monotonic() > end
                                  and ledger.acked() >= acked)


def long_enough(storm, ledger):
    return storm.kills >= LONG_KILLS and ledger.acked() >= LONG_ACKED


def test_nobody_notices_a_storm_of_kills(deploy, sim, rng, measure, long):
    start = time.monotonic()
    storm, ledger, verdict = storm_over(
        deploy, sim, rng, long_enough if long else after(SHORT_S),
        STORE_MAP_MB=256 if long else 32)
    measure("kills", storm.kills)
    measure("of the web server", storm.servers)
    measure("in", time.monotonic() - start, "s")
    measure("slowest answer", verdict.slowest()[0].waited_s(), "s")
    measure("fates", verdict.summary())
    assert verdict.clean, verdict.explain()
    assert sim.violations == []
    assert ledger.faults() == ""
    assert storm.kills >= (LONG_KILLS if long else 10)
    assert verdict.counts["answered"] > verdict.counts["apologised"]
    spoken = sum(map(is_spoken, verdict["answered"]))
    measure("answers spoken", spoken)
    assert spoken > 0


def test_control_an_early_200_is_caught(deploy, sim, rng, measure):
    _, _, verdict = storm_over(deploy, sim, rng, after(EARLY_CONTROL_S),
                               hook="early_ack")
    measure("fates", verdict.summary())
    assert verdict["LOST"], verdict.explain()


def test_control_a_push_at_once_is_caught(deploy, sim, rng, measure):
    _, _, verdict = storm_over(deploy, sim, rng, after(CONTROL_S),
                               hook="push_at_once")
    measure("fates", verdict.summary())
    assert verdict["DUPLICATE"], verdict.explain()

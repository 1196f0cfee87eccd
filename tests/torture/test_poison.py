"""An event that crashes whoever works on it ends after three crashes, with an
apology; whoever was in the same process is answered.

When nobody remembers the crashes, it goes on crashing for ever, and takes its
neighbours with it.
"""

from ledger import Ledger

NEIGHBOURS = 40
CRASHES_MAX = 3  # of each poisoned event
MODEL_S = 1.0
SETTLE_S = 60
SORRY = "Something went wrong. Please try again later."


def crashes(bot):
    """How many processes aborted, as the web server tells."""
    log = (bot.run_dir / "error.log").read_text()
    return log.count("child signalled: 6")


def poison(deploy, sim, rng, hook, n, before=NEIGHBOURS // 2):
    """n poisoned events, some neighbours asking before them, some after."""
    bot = deploy(workers=2, hook=hook)
    sim.model.latency = MODEL_S
    ledger = Ledger(sim, bot, rng, users=NEIGHBOURS + n)
    users = iter(ledger.users)
    for _ in range(before):
        ledger.ask(next(users))
    bad = [ledger.ask(next(users), f"Is number {i} poison?")
           for i in range(n)]
    for user in users:
        ledger.ask(user)
    return bot, bad, ledger


def test_a_poisoned_event_ends_after_three_crashes(deploy, sim, rng, measure,
                                                   long):
    n = 8 if long else 3
    bot, bad, ledger = poison(deploy, sim, rng, "poison", n)
    verdict = ledger.settle(SETTLE_S)
    measure("poisoned events", n)
    measure("crashes", crashes(bot))
    measure("fates", verdict.summary())
    assert verdict.clean, verdict.explain()
    assert {entry.end for entry in bad} == {"poison"}
    assert verdict.sorry == {SORRY: n}
    assert verdict.counts["answered"] == NEIGHBOURS, verdict.explain()
    assert crashes(bot) <= CRASHES_MAX * n
    assert bot.sessions()["dead"] == n
    assert sim.violations == []
    assert ledger.faults() == ""


def test_control_a_forgotten_crash_goes_on(deploy, sim, rng, measure):
    bot, bad, ledger = poison(deploy, sim, rng, "poison_forgotten", 1,
                              before=NEIGHBOURS)
    sim.wait_for(lambda: crashes(bot) > CRASHES_MAX, SETTLE_S)
    verdict = ledger.judge()
    measure("crashes", crashes(bot))
    measure("fates", verdict.summary())
    assert crashes(bot) > CRASHES_MAX
    assert bad[0] in verdict["STUCK"], verdict.explain()

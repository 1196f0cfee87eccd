"""forged.py - webhooks with a wrong signature, as fast as they are refused.

Nobody who lacks the channel secret may make the app touch its store or fill
its log.  That no transaction was committed is seen in the store's file: its
first two pages name the last one.
"""
import time

import stage

RATE = 10000       # that must be refused in a second
LOG_LINES = 10     # a minute and process
META_BYTES = 8192  # LMDB's two meta pages


def last_transactions(served):
    with open(served.folder / "data" / "data.mdb", "rb") as file:
        return file.read(META_BYTES)


def wait_quiet(served):
    """Until nothing was committed for a second."""
    before, since = last_transactions(served), time.monotonic()
    while time.monotonic() < since + 1:
        time.sleep(0.1)
        now = last_transactions(served)
        if now != before:
            before, since = now, time.monotonic()
    return before


def refusals(served):
    return (served.folder / "app.log").read_text().count("status=401")


def measure(options, responders, settings):
    """A flood of them, and nothing else."""
    stage.say("forged webhooks alone")
    with stage.upstream(0) as port, \
            stage.server(responders(options),
                         settings(options, port, 64)) as served:
        before, lines = wait_quiet(served), refusals(served)
        rounds = stage.interleave(options.rounds, {"forged": lambda: (
            served.measure("webhook", 64, options.seconds, "--forged"))})
        rounds = rounds["forged"]
        return {"rounds": rounds,
                "untouched": last_transactions(served) == before,
                "log_lines": refusals(served) - lines,
                "seconds": sum(one["seconds"] for one in rounds)}


def log_lines_allowed(result):
    return LOG_LINES * 2 * (int(result["seconds"] / 60) + 2)


def tell(result):
    rate = stage.summary(result["rounds"], "rps")
    print(f"""
Forged webhooks alone, 64 connections:

  refused                 {stage.show(rate)}/s   >= {RATE}: \
{stage.mark(rate[0] >= RATE)}
  CPU of one              {stage.show(stage.summary(result["rounds"],
                                                    "cpu_us"), 1)} us
  committed meanwhile     {'nothing' if result["untouched"] else 'SOMETHING'}
  lines in the log        {result["log_lines"]} for \
{sum(one["requests"] for one in result["rounds"])} in \
{result["seconds"]:.0f} s, at most {LOG_LINES} a minute and process""")


def failures(result):
    if result is None:
        return
    if not result["untouched"]:
        yield "forged: something was committed to the store"
    if result["log_lines"] > log_lines_allowed(result):
        yield f"forged: {result['log_lines']} lines in the log"
    for one in result["rounds"]:
        if one["other"]:
            yield (f"forged: {one['other']} were not refused with 401, the "
                   f"first got {one['first_other']}")

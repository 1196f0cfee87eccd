"""cost.py - what one admitted event costs, in what no other program disturbs.

    cost.py            counts, and shows it beside BASELINE
    cost.py --check    and fails when something is 5 % above
    cost.py --update   and writes the new counts into BASELINE

txn.c admits events to a real store of 10,000 users who were seen before, alone
and 64 in a transaction, under callgrind.  Only the instructions of
tx_write_late() are counted, the turn to write and the whole transaction with
its commit; hashing and sealing, which are done before, depend on what the
processor and valgrind know of AES.  The kernel counts bytes and system calls.
The difference of two runs of different lengths leaves out the start.  The key
is always the same, so that users stand in the same order: a count repeats to
one part in a thousand.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import stage

BASELINE = pathlib.Path(__file__).with_name("BASELINE")
TXN = stage.TOOLS / "txn"
FUNCTION = "tx_write_late"
USERS = 10000
MAP_MB = 64
KEY = "5e" * 32 + "\n"
TOLERANCE = 1.05
RUNS = {1: (256, 1280), 64: (640, 3200)}  # batch: events of both runs
COUNTS = ["instructions", "bytes", "calls"]
VALGRIND = shutil.which("valgrind")


def txn(folder, *what, under=(), map_mb=MAP_MB):
    """Runs txn.c on the store in a folder; what it prints."""
    return subprocess.run(
        [*under, TXN, "--dir", folder / "data", "--key", folder / "key",
         "--map-mb", str(map_mb), *what],
        check=True, stdout=subprocess.PIPE, text=True).stdout


def seeded(folder):
    """A store with users."""
    folder.mkdir()
    key = folder / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    txn(folder, "--seed", str(USERS))
    return folder


def admitted(store, folder, events, batch, under=()):
    """What a run on a copy of the store prints."""
    copy = folder / "copy"
    shutil.copytree(store, copy)
    said = txn(copy, "--admit", str(events), "--batch", str(batch),
               under=under)
    shutil.rmtree(copy)
    return said


def count(store, folder, events, batch):
    """COUNTS of a run; the second time without valgrind, which writes, too."""
    run, out = (store, folder, events, batch), folder / "callgrind.out"
    admitted(*run, under=[
        VALGRIND, "-q", "--tool=callgrind", f"--toggle-collect={FUNCTION}",
        f"--callgrind-out-file={out}"])
    counted = int(re.search(r"^totals: (\d+)", out.read_text(), re.M)[1])
    return [counted, *map(int, admitted(*run).split())]


def measure():
    """{batch: {count: per event}}"""
    if VALGRIND is None:
        stage.stop("valgrind is missing: run scripts/deps.sh check")
    stage.prepare(TXN)
    with tempfile.TemporaryDirectory(dir=stage.FOLDER) as folder:
        folder = pathlib.Path(folder)
        store = seeded(folder / "store")
        found = {}
        for batch, (short, long) in RUNS.items():
            less = count(store, folder, short, batch)
            more = count(store, folder, long, batch)
            found[batch] = {name: (b - a) / (long - short) for name, a, b
                            in zip(COUNTS, less, more)}
            if min(found[batch].values()) == 0:
                stage.stop(f"nothing was counted: is {FUNCTION}() still the "
                           "one that admits?")
        return found


# ---- BASELINE --------------------------------------------------------------

def baseline():
    """{batch: {count: per event, "mark": instructions}}"""
    rows = (line.split() for line in BASELINE.read_text().splitlines()
            if line and not line.startswith("#"))
    return {int(batch): dict(zip([*COUNTS, "mark"], map(float, counts)))
            for batch, *counts in rows}


def update(measured):
    lines = [line for line in BASELINE.read_text().splitlines()
             if line.startswith("#")]
    for batch, before in baseline().items():
        now = measured[batch]
        lines.append("{:7} {:13.0f} {:8.0f} {:6.3f} {:8.0f}".format(
            batch, *(now[name] for name in COUNTS), before["mark"]))
    BASELINE.write_text("\n".join(lines) + "\n")


def tell(measured):
    print("\nThe transaction per admitted event, and how much more than in "
          "tests/bench/BASELINE:\n")
    print("  batch    instructions    bytes written      calls for it")
    for batch, before in baseline().items():
        now = measured[batch]
        shown = ("{:8.0f} {:+5.1%}  {:8.0f} {:+5.1%}  {:9.2f} {:+5.1%}".format(
            *(value for name in COUNTS
              for value in (now[name], now[name] / before[name] - 1))))
        print(f"  {batch:5} {shown}   <= {before['mark']:.0f} instructions: "
              + stage.mark(now["instructions"] <= before["mark"]))


def failures(measured):
    for batch, before in baseline().items():
        for name in COUNTS:
            now = measured[batch][name]
            if now > before[name] * TOLERANCE:
                yield (f"{batch} in a transaction: {now:.2f} {name} per event,"
                       f" {now / before[name] - 1:.1%} above "
                       "tests/bench/BASELINE.  If it is worth it: "
                       "tests/bench/cost.py --update, and say in the commit "
                       "why.")


def main():
    parser = argparse.ArgumentParser(description=(
        "What an admitted event costs, beside tests/bench/BASELINE."))
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true",
                       help="fail when something is 5 %% above")
    group.add_argument("--update", action="store_true",
                       help="write what is counted into BASELINE")
    options = parser.parse_args()
    measured = measure()
    if options.update:
        update(measured)
    tell(measured)
    bad = list(failures(measured)) if options.check else []
    print(*bad, sep="\n", end="\n" if bad else "", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

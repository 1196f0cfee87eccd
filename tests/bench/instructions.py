"""instructions.py - what one admitted event costs the processor.

    instructions.py            counts, and shows it beside BASELINE
    instructions.py --check    and fails when it is 5 % above
    instructions.py --update   and writes the new counts into BASELINE

txn.c admits events to a real store of 10,000 users who were seen before, alone
and 64 in a transaction, under callgrind.  Only tx_write() is counted: the turn
to write and the whole transaction with its commit; hashing and sealing, which
are done before, depend on what the processor and valgrind know of AES.  The
difference of two runs of different lengths leaves out the start.  The key is
always the same, so that users stand in the same order: a count repeats to
one instruction in ten thousand.
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
FUNCTION = "tx_write"
USERS = 10000
MAP_MB = 32
KEY = "5e" * 32 + "\n"
TOLERANCE = 1.05
RUNS = {1: (256, 1280), 64: (640, 3200)}  # batch: events of both runs
VALGRIND = shutil.which("valgrind")


def txn(folder, *what, under=(), map_mb=MAP_MB):
    """Runs txn.c on the store in a folder."""
    subprocess.run([*under, TXN, "--dir", folder / "data", "--key",
                    folder / "key", "--map-mb", str(map_mb), *what],
                   check=True)


def seeded(folder):
    """A store with users."""
    folder.mkdir()
    key = folder / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    txn(folder, "--seed", str(USERS))
    return folder


def instructions(store, folder, events, batch):
    """Of a whole run, on a copy of the store."""
    out = folder / "callgrind.out"
    copy = folder / "copy"
    shutil.copytree(store, copy)
    txn(copy, "--admit", str(events), "--batch", str(batch), under=[
        VALGRIND, "-q", "--tool=callgrind", f"--toggle-collect={FUNCTION}",
        f"--callgrind-out-file={out}"])
    shutil.rmtree(copy)
    counted = int(re.search(r"^totals: (\d+)", out.read_text(), re.M)[1])
    if counted == 0:
        stage.stop(f"nothing was counted: has {FUNCTION}() another name?")
    return counted


def measure():
    """{batch: instructions per event}"""
    if VALGRIND is None:
        stage.stop("valgrind is missing: run scripts/deps.sh check")
    stage.prepare(TXN)
    with tempfile.TemporaryDirectory(dir=stage.FOLDER) as folder:
        folder = pathlib.Path(folder)
        store = seeded(folder / "store")
        return {batch: (instructions(store, folder, long, batch)
                        - instructions(store, folder, short, batch))
                / (long - short) for batch, (short, long) in RUNS.items()}


def baseline():
    """{batch: (counted, mark)}"""
    rows = (line.split() for line in BASELINE.read_text().splitlines()
            if line and not line.startswith("#"))
    return {int(batch): (int(counted), int(mark))
            for batch, counted, mark in rows}


def update(measured):
    head = [line for line in BASELINE.read_text().splitlines()
            if line.startswith("#")]
    rows = [f"{batch:7} {round(measured[batch]):8} {mark:8}"
            for batch, (_, mark) in baseline().items()]
    BASELINE.write_text("\n".join(head + rows) + "\n")


def tell(measured):
    print("\nInstructions of the transaction per admitted event "
          "(callgrind; tests/bench/BASELINE):\n")
    for batch, (counted, mark) in baseline().items():
        now = measured[batch]
        print(f"  {batch:3} in a transaction  {now:8.0f}   last "
              f"{counted} ({now / counted - 1:+.1%})   mark <= {mark}: "
              + stage.mark(now <= mark))


def failures(measured):
    for batch, (counted, mark) in baseline().items():
        now = measured[batch]
        if now > counted * TOLERANCE:
            yield (f"{now:.0f} instructions per event, {batch} in a "
                   f"transaction: {now / counted - 1:.1%} above the "
                   f"{counted} of tests/bench/BASELINE.  If it is worth it, "
                   "run tests/bench/instructions.py --update and say why in "
                   "the commit.")


def main():
    parser = argparse.ArgumentParser(description=(
        "Instructions per admitted event, beside tests/bench/BASELINE."))
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true",
                       help="fail when they are 5 %% above")
    group.add_argument("--update", action="store_true",
                       help="write them into BASELINE")
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

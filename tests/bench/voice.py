"""voice.py - two hundred voice messages at once, and texts beside them.

The real app in one process behind lighttpd, with a stand-in for LINE and
Gemini.  In every round users write at a steady rate, alone or while 200 voice
messages of half a minute come in at the same moment, which are answered by
voice as well; rounds alternate between the two, and between HTTP/1.1 and
HTTP/2 over TLS.  Over the one speech comes as bare samples, over the other as
a WAV.  Run it with `make bench-voice`, which builds what is needed; --help
lists the options.

Added latency is that of the texts alone, as conversations.py has it.  Memory
is the most that the process had resident, its share of the store included.
How many sounds were in memory at once is counted by the stand-in: recordings
from the question for one to its transcript, speech while it is made.
"""
import argparse
import json
import pathlib
import sys
import tempfile
import threading
import time

import conversations
import stage

CONNECTIONS = 64
WARM = 50           # webhooks before anything is measured
LEAD_S = 1          # of the texts, before the voice messages come
HWM_RESET = "5"     # what clear_refs takes for "forget the peak"

SETTINGS = stage.SETTINGS + """\
LINE_API_BASE={line}
LINE_DATA_BASE={line}
GEMINI_BASE={model}
SPEECH_JOBS={jobs}
STORE_MAP_MB=128
CA_FILE={ca}
TTS_MODEL={tts}
TTS_TIMEOUT=45
AUDIO_DIR=./audio
PUBLIC_BASE_URL={public}
"""
TTS = {"http": "gemini-2.5-flash-preview-tts", "https": "gemini-3.8-flash-tts"}


def peak_kib(pid):
    """The most that was resident, of all kinds of memory."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def forget_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text(HWM_RESET)


# ---- one round -------------------------------------------------------------

class Texts(threading.Thread):
    """Users who write, beside all else."""

    def __init__(self, served, options):
        super().__init__()
        self.served, self.options, self.result = served, options, None
        self.start()

    def run(self):
        self.result = self.served.load(
            "webhook", CONNECTIONS, self.options.seconds, "--rate",
            self.options.rate)


def speak(served, options):
    """All at once; how many were refused."""
    return served.load("webhook", options.voices, 5, "--requests",
                       options.voices, "--voice")["other"]


def settings_for(up, protocol, options):
    settings = SETTINGS
    for name, value in {
            "line": up.line, "model": up.model, "ca": up.ca,
            "jobs": options.jobs, "tts": TTS[protocol],
            "public": "https://bench.example" if options.speech else "",
    }.items():
        settings = settings.replace("{%s}" % name, str(value))
    return settings


def spoken(served):
    """How many answers were, in the words of the app."""
    return (served.folder / "app.log").read_text().count(" spoken=yes ")


def run_round(up, protocol, with_voices, options):
    voices = options.voices if with_voices else 0
    settings = settings_for(up, protocol, options)
    with stage.server({"webhook": stage.Responder(options.app, 1)},
                      settings) as served:
        warm = served.load("webhook", CONNECTIONS, 10, "--requests", WARM)
        earlier = warm["ok"] + 1  # wait_ready()'s
        conversations.wait_replies(up, earlier)
        pid, = served.workers("webhook")
        forget_peak(pid)
        idle, before = peak_kib(pid), stage.cpu_us(pid)
        texts = Texts(served, options)
        time.sleep(LEAD_S)
        start = time.monotonic()
        refused = speak(served, options) if voices else 0
        while up.ask("counts")["heard"] < voices - refused \
                and time.monotonic() < start + options.patience:
            time.sleep(0.05)
        heard_s = time.monotonic() - start
        texts.join()
        wanted = earlier + texts.result["ok"] + voices - refused
        conversations.wait_replies(up, wanted)
        counts = up.ask("counts")
        return {"voices": voices,
                "refused": refused + texts.result["other"],
                "delivered": counts["delivered"], "wanted": wanted,
                "heard": counts["heard"], "fetched": counts["fetched"],
                "sounds": counts["most_sounds"],
                "heard_s": heard_s, "spoken": spoken(served),
                "done_s": time.monotonic() - start,
                "idle_mib": idle / 1024, "peak_mib": peak_kib(pid) / 1024,
                "cpu_s": (stage.cpu_us(pid) - before) / 1e6,
                **conversations.latencies(up)}


def run_case(case, options, certificates):
    protocol, with_voices = case
    with conversations.upstream(
            protocol, options.hold, certificates,
            ["--fetch", options.fetch, "--hear", options.hear,
             "--recording", options.recording * 1024,
             "--speak", options.speak, "--speech", options.speech]) as up:
        result = run_round(up, protocol, with_voices, options)
    stage.say(protocol + " {voices:3} voices: texts' added p99 "
              "{added_p99_ms:.1f} ms, {peak_mib:.1f} MiB, {sounds} sounds at "
              "once, {heard} heard in {heard_s:.1f} s, {spoken} spoken in "
              "{done_s:.1f} s".format(**result))
    return result


# ---- what is told ----------------------------------------------------------

COLUMNS = [
    # title, field, digits
    ("texts, added p50 ms", "added_p50_ms", 1), ("p99 ms", "added_p99_ms", 1),
    ("max ms", "added_max_ms", 1), ("sounds at once", "sounds", 0),
    ("all heard after s", "heard_s", 1), ("spoken", "spoken", 0),
    ("all answered after s", "done_s", 1), ("idle MiB", "idle_mib", 1),
    ("peak MiB", "peak_mib", 1), ("CPU s", "cpu_s", 2),
]
NAMES = {"http": "HTTP/1.1", "https": "HTTP/2"}


def tell(results, options):
    print(f"""
{options.voices} voice messages of {options.recording} KiB at once, \
{options.rate}/s texts beside them: {options.rounds} rounds, median [min-max].
A recording comes after {options.fetch} ms, its words after {options.hear} \
ms, an answer after {options.hold} ms,
and {options.speech} s of speech after {options.speak} ms.
""")
    print(" " * 20 + "".join(
        f"{NAMES[protocol] + (', voices' if voices else ', texts'):>26}"
        for protocol, voices in results))
    for title, field, digits in COLUMNS:
        print(f"{title:20}" + "".join(
            f"{stage.show(stage.summary(rounds, field), digits):>26}"
            for rounds in results.values()))


def sound_mib(options):
    """The larger of what one is heard in, and speech as samples."""
    return max(options.recording / 1024,
               options.speech * 2 * 24000 / 1024 / 1024)


def tell_mark(name, value, most, unit):
    print(f"{name}: {value:.1f} {unit}, the mark is {most:g} {unit}: "
          + stage.mark(value <= most))


def tell_marks(results, options):
    print()
    for protocol in options.protocols:
        voices, texts = results[protocol, True], results[protocol, False]
        name = NAMES[protocol]
        tell_mark(f"{name}, sounds at once",
                  max(result["sounds"] for result in voices), options.jobs, "")
        tell_mark(f"{name}, peak memory",
                  stage.summary(voices, "peak_mib")[0],
                  24 + options.jobs * 4 * sound_mib(options), "MiB")
        tell_mark(f"{name}, texts' p99 more than without voices",
                  stage.spread(a["added_p99_ms"] - b["added_p99_ms"]
                               for a, b in zip(voices, texts))[0], 50, "ms")


def failures(results, options):
    for (protocol, _), rounds in results.items():
        for i, result in enumerate(rounds):
            where = f"{protocol}, {result['voices']} voices, round {i + 1}: "
            if result["delivered"] != result["wanted"] or result["refused"]:
                yield where + ("{delivered} of {wanted} answered, {refused} "
                               "refused".format(**result))
            if result["heard"] != result["voices"]:
                yield where + "{heard} transcripts".format(**result)
            if result["sounds"] > options.jobs:
                yield where + "{sounds} sounds at once".format(**result)


# ---- options ---------------------------------------------------------------

def read_options():
    parser = argparse.ArgumentParser(
        prog="voice.py", description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="of each case")
    add("--seconds", type=float, default=25, help="that texts come")
    add("--rate", type=int, default=50, help="texts a second")
    add("--voices", type=int, default=200, help="voice messages, at once")
    add("--recording", type=int, default=240, help="KiB of each")
    add("--jobs", type=int, default=32, help="SPEECH_JOBS")
    add("--hold", type=int, default=500, help="ms that the model takes")
    add("--fetch", type=int, default=200, help="ms that LINE's host takes")
    add("--hear", type=int, default=1000, help="ms that a transcript takes")
    add("--speak", type=int, default=1000, help="ms until speech comes")
    add("--speech", type=int, default=30, help="s of it; 0: no voice answers")
    add("--patience", type=float, default=60, help="s, for all transcripts")
    add("--protocols", type=conversations.words(str),
        default=["http", "https"], help="HTTP/1.1 and HTTP/2 over TLS")
    add("--app", default=stage.APP, help="the app's program",
        type=lambda text: pathlib.Path(text).resolve())
    add("--result", type=pathlib.Path, default=stage.FOLDER / "voice.json",
        help="all figures")
    return parser.parse_args()


def main():
    options = read_options()
    stage.prepare(options.app, stage.TOOLS / "load", stage.TOOLS / "upstream")
    with tempfile.TemporaryDirectory(dir=stage.FOLDER) as folder:
        certificates = pathlib.Path(folder)
        conversations.make_certificate(certificates)
        cases = [(protocol, voices) for protocol in options.protocols
                 for voices in (False, True)]
        results = {case: [] for case in cases}
        for n in range(options.rounds):
            for case in cases[::-1 if n % 2 else 1]:
                results[case].append(run_case(case, options, certificates))
    tell(results, options)
    tell_marks(results, options)
    options.result.write_text(json.dumps(
        [{"protocol": protocol, "with_voices": voices, "rounds": rounds}
         for (protocol, voices), rounds in results.items()], indent=1))
    bad = list(failures(results, options))
    print(*bad, sep="\n", end="\n" if bad else "", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

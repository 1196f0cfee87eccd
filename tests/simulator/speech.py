"""speech - the speech models of Gemini: text in, a sound out.

Two families: the older ones answer bare samples with a rate in the MIME type,
the newer ones a whole WAV.  A sound is 65 ms of tone for each character, so
its length tells how much was read.

    sim.voice.calls           records: model, text, voice, at, ended, status,
                              aborted, fault
    sim.voice.latency         seconds, or a function of the call
    sim.voice.sound           function of the text -> samples, 24 kHz
    sim.voice.fail("noise")   the next call; times=None: from now on.  Names
                              are those of FAULTS here and of faults.GEMINI

Shortcuts against the real thing: tones instead of speech; languageCode and
style are not looked at; no streaming; no limits of length.
"""

import array
import base64
import math
import struct
import time
import uuid

from simulator import faults as fault_tables
from simulator import gemini_rules
from simulator.gemini_api import JSON, PATH, text_of
from simulator.records import Record

RATE = 24000
CHAR_S = 0.065
L16 = {"gemini-2.5-flash-preview-tts": "audio/L16;codec=pcm;rate=24000",
       "gemini-2.5-pro-preview-tts": "audio/L16;codec=pcm;rate=24000",
       "gemini-3.1-flash-tts-preview": "audio/l16; rate=24000; channels=1"}
WAV = {"gemini-3.8-flash-tts": "audio/wav",
       "gemini-3.8-flash-lite-tts": "audio/wav"}
MODELS = {**L16, **WAV}
VOICES = set("""Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe
    Autonoe Enceladus Iapetus Umbriel Algieba Despina Erinome Algenib
    Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird
    Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat""".split())


def tone(frequency, seconds):
    """Samples of one tone, 16 bits, little endian."""
    n = round(RATE * seconds)
    samples = array.array("h", (
        round(8000 * math.sin(2 * math.pi * frequency * i / RATE))
        for i in range(n)))
    return samples.tobytes()


TONES = [tone(220 * 2 ** (step / 12), CHAR_S) for step in range(12)]


def default_sound(text):
    """A melody as long as somebody would need to read the text."""
    return b"".join(TONES[ord(char) % len(TONES)] for char in text)


def wav(samples, rate=RATE, size=None):
    """A WAV file; size is what its head says about the samples."""
    size = len(samples) if size is None else size
    return (b"RIFF" + struct.pack("<I", (36 + size) & 0xffffffff)
            + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate,
                                        2 * rate, 2, 16)
            + b"data" + struct.pack("<I", size) + samples)


# What a speech model does wrong: functions of (voice, call) -> (status, body).

def noise(voice, call):
    return 200, voice.success(call, tone(999, 1) * 180)


def half_a_second(voice, call):
    return 200, voice.success(call, tone(440, 0.5))


def empty_data(voice, call):
    return 200, voice.candidate(call, [voice.part("audio/wav", b"")])


def text_instead(voice, call):
    return 200, voice.candidate(call, [{"text": "I cannot do that."}])


def no_audio(voice, call):
    body = voice.candidate(call, [])
    body["candidates"] = [{"finishReason": "OTHER", "index": 0}]
    return 200, body


def garbage(voice, call):
    part = voice.part("audio/wav", b"")
    part["inlineData"]["data"] = "this is not base64!"
    return 200, voice.candidate(call, [part])


def lying_size(voice, call):
    file = wav(voice.sound(call.text), size=0xffffffff)
    return 200, voice.candidate(call, [voice.part("audio/wav", file)])


def wav_16k(voice, call):
    """Two samples of three, so that it lasts as long."""
    samples = array.array("h", voice.sound(call.text))
    few = array.array("h", (samples[i * 3 // 2]
                            for i in range(len(samples) * 2 // 3)))
    file = wav(few.tobytes(), rate=16000)
    return 200, voice.candidate(call, [voice.part("audio/wav", file)])


def wav_44k_stereo(voice, call):
    samples = array.array("h", voice.sound(call.text))
    many = array.array("h", (samples[i // 2 * RATE // 44100] for i in
                             range(2 * (len(samples) * 44100 // RATE))))
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44100, 4 * 44100,
                                     4, 16)
    data = many.tobytes()
    file = (b"RIFF" + struct.pack("<I", 36 + len(data)) + head + b"data"
            + struct.pack("<I", len(data)) + data)
    return 200, voice.candidate(call, [voice.part("audio/wav", file)])


def wav_with_lists(voice, call):
    """Other chunks stand before the samples and behind them."""
    file = wav(voice.sound(call.text))
    more = b"LIST" + struct.pack("<I", 5) + b"INFOx\0"
    file = file[:12] + more + file[12:] + more
    return 200, voice.candidate(call, [voice.part("audio/wav", file)])


def too_much(voice, call):
    """Ten minutes, 28 MB of them."""
    return 200, voice.success(call, bytes(2 * RATE * 600))


def odd_rate(voice, call):
    part = voice.part("audio/L16;rate=3", voice.sound(call.text))
    return 200, voice.candidate(call, [part])


def wants_text(voice, call):
    return 400, fault_tables.error(
        400, "INVALID_ARGUMENT", "Model tried to generate text, but it "
        "should only be used for TTS. Make sure your instructions are clear "
        "to only generate audio from a given text transcript.")


FAULTS = {"noise": noise, "half_a_second": half_a_second,
          "empty_data": empty_data, "text_instead": text_instead,
          "no_audio": no_audio, "garbage": garbage, "lying_size": lying_size,
          "wav_16k": wav_16k, "wav_44k_stereo": wav_44k_stereo,
          "wav_with_lists": wav_with_lists, "too_much": too_much,
          "odd_rate": odd_rate, "400_text": wants_text}


class Voice:
    """The speech models: their settings and their one call."""

    def __init__(self, book, model):
        self.book = book
        self.model = model
        self.reset()

    def reset(self):
        """Default behaviour again, no records."""
        self.calls = []
        self.latency = 0.0
        self.sound = default_sound
        self.orders = []

    def fail(self, name, times=1, match=None):
        """Orders a fault for the next calls; None: for all to come.

        match gets the text of a call and says whether it is meant.
        """
        if name not in FAULTS and (name not in fault_tables.GEMINI
                                   or name == "max_tokens_partial"):
            raise ValueError(f"no fault {name!r} of a speech model")
        self.orders.append([name, times, match or (lambda text: True)])

    def take_fault(self, text):
        for order in self.orders:
            name, times, match = order
            if times != 0 and match(text):
                order[1] = times and times - 1
                return name
        return None

    def owns(self, path):
        found = PATH.fullmatch(path)
        return found is not None and found[1] in MODELS

    def serve(self, exchange):
        """Answers a request; notes what Gemini would refuse."""
        self.book.add("requests", exchange.record)
        if not self.model.has_key(exchange):
            return
        try:
            call = self.judge(exchange, PATH.fullmatch(exchange.path)[1])
        except gemini_rules.Invalid as invalid:
            self.model.fail(exchange, 400, fault_tables.error(
                400, "INVALID_ARGUMENT", str(invalid)), str(invalid))
            return
        self.calls.append(call)
        exchange.records.append(call)
        self.answer(exchange, call)

    def judge(self, exchange, model):
        """The call, or Invalid."""
        body = gemini_rules.check(self.model.parse(exchange), model)
        config = body.get("generationConfig", {})
        if "systemInstruction" in body:
            raise gemini_rules.Invalid(
                "Developer instruction is not enabled for this model")
        if config.get("responseModalities") != ["AUDIO"]:
            raise gemini_rules.Invalid(
                "This model only supports the response modality AUDIO")
        if model in WAV and {"temperature", "topP", "topK"} & set(config):
            raise gemini_rules.Invalid("Sampling is not enabled for this "
                                       "model")
        if any("text" not in part for content in body["contents"]
               for part in content["parts"]):
            raise gemini_rules.Invalid("This model only takes text")
        text = text_of(body["contents"][-1])
        return Record(
            model=model, text=text, voice=voice_of(config),
            at=time.monotonic(), ended=None, status=None, aborted=False,
            fault=self.take_fault(text))

    def answer(self, exchange, call):
        """The sound after the latency, or a fault."""
        try:
            if call.fault in fault_tables.GEMINI:
                fault_tables.GEMINI[call.fault](exchange, call, self, {})
            else:
                self.speak(exchange, call)
        except OSError:
            call.aborted = not self.stopping
            raise
        finally:
            if call.status is None:
                exchange.set_status(0)
            self.book.update(call, ended=time.monotonic())

    def speak(self, exchange, call):
        latency = self.latency
        seconds = latency(call) if callable(latency) else latency
        if exchange.gone(seconds):
            call.aborted = not self.stopping
            exchange.close()
            return
        if call.fault is None:
            status, body = 200, self.success(call)
        else:
            status, body = FAULTS[call.fault](self, call)
        if not isinstance(body, bytes):
            body = self.pretty(body)
        exchange.answer(status, body, JSON)

    # what the faults of faults.GEMINI need of a model

    @property
    def stopping(self):
        return self.model.stopping

    def pretty(self, value):
        return self.model.pretty(value)

    def success(self, call, samples=None):
        """The body of a good answer."""
        if samples is None:
            samples = self.sound(call.text)
        kind = MODELS[call.model]
        sound = wav(samples) if call.model in WAV else samples
        return self.pretty(self.candidate(call, [self.part(kind, sound)]))

    def part(self, kind, data):
        return {"inlineData": {"mimeType": kind,
                               "data": base64.b64encode(data).decode()}}

    def candidate(self, call, parts):
        return {"candidates": [{"content": {"parts": parts, "role": "model"},
                                "finishReason": "STOP", "index": 0}],
                "usageMetadata": {"promptTokenCount": len(call.text) // 4,
                                  "totalTokenCount": len(call.text) // 4},
                "modelVersion": call.model,
                "responseId": uuid.uuid4().hex[:22]}


def voice_of(config):
    """The name of the voice, which must be one there is."""
    voice = config.get("speechConfig", {}).get("voiceConfig", {}).get(
        "prebuiltVoiceConfig", {}).get("voiceName")
    if voice not in VOICES:
        raise gemini_rules.Invalid(f"Unknown voice name: {voice}")
    return voice

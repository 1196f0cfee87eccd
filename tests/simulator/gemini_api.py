"""gemini_api - generateContent of Gemini, with answers that can be told apart.

Every answer holds the question it belongs to, so a test sees at once when
two users got each other's.  Settable: model.latency (seconds, or a function
of the call), model.answer (a function of question and contents).

A recording is written down as the words that came with it (model.words, by
its bytes), or as model.hear(call) says, after model.hear_latency.

Shortcuts against the real thing: text and recordings in, text out (no search,
no streaming, no files); nobody listens to a recording; tokens are characters
/ 4; maxOutputTokens never cuts an answer (the faults max_tokens_* do); no
quotas of its own; thinking takes no time; answers are written from a small
table.
"""

import json
import re
import time
import uuid

from simulator import faults as fault_tables
from simulator import gemini_rules
from simulator.records import Record

PATH = re.compile(r"/v1beta/models/([^/:]+):generateContent")
JSON = fault_tables.JSON

ADVICE = [
    (("fever", "temperature"),
     "Rest, drink plenty of water and dress lightly. Paracetamol can bring a "
     "fever down; follow the dose on the package.\n\nSee a doctor when it is "
     "above 39.4 °C, lasts longer than three days, or comes with a stiff "
     "neck, confusion or trouble breathing."),
    (("diabetes", "sugar", "insulin", "fruit"),
     "Three things help most:\n1. Eat at regular times, in even portions.\n"
     "2. Fill half of the plate with vegetables; whole fruit rather than "
     "juice.\n3. Walk for 10 minutes after each meal.\n\nKeep measuring, and "
     "bring your record to the next visit."),
    (("blood pressure", "hypertension"),
     "Measure at the same time every day, after five minutes of sitting "
     "still. Less salt, regular walking and enough sleep all lower it.\n\n"
     "180/120 or more, or chest pain: call the emergency number at once."),
    (("headache", "migraine"),
     "Rest in a dark and quiet room, drink water, and avoid screens for a "
     "while.\n\nA sudden, worst-ever headache, or one with weakness or "
     "blurred speech, is an emergency."),
    (("medicine", "dose", "pill", "ibuprofen", "paracetamol"),
     "Take it as the label or your doctor says, with a full glass of water. "
     "A missed dose is not made up by a double one.\n\nAsk your pharmacist "
     "before you combine medicines."),
    (("sleep", "insomnia"),
     "Keep the same hours every day, leave the phone outside the bedroom, "
     "and have no coffee after lunch.\n\nSee a doctor when it lasts longer "
     "than a month."),
]
GENERAL = ("Here is what usually helps: rest, drink enough water, and watch "
           "how it develops.\n\nWhen it gets worse, lasts longer than a few "
           "days, or worries you, please see a doctor.")


def default_answer(question, contents):
    """Deterministic advice that quotes the whole question."""
    low = question.lower()
    for words, advice in ADVICE:
        if any(word in low for word in words):
            return f"About “{question}”:\n\n{advice}"
    return f"About “{question}”:\n\n{GENERAL}"


class Model:
    """The model side: its settings and its one call."""

    def __init__(self, book, faults, key):
        self.book = book
        self.faults = faults
        self.key = key
        self.stopping = False
        self.words = {}
        self.reset()

    def reset(self):
        """Default behaviour again."""
        self.latency = 0.0
        self.answer = default_answer
        self.hear_latency = 0.0
        self.hear = lambda call: self.words.get(call.audio, "")

    def pretty(self, value):
        """A body as Google writes it: indented, UTF-8."""
        return (json.dumps(value, ensure_ascii=False, indent=2)
                + "\n").encode("utf-8", "replace")

    def fail(self, exchange, status, body, violation):
        """Refuses a request and notes why."""
        self.book.violation(f"Gemini {exchange.path}: {violation}")
        exchange.answer(status, self.pretty(body), JSON)

    def serve(self, exchange):
        """Answers a request; notes what Gemini would refuse."""
        self.book.add("requests", exchange.record)
        path = PATH.fullmatch(exchange.path)
        if exchange.method != "POST" or not path:
            self.fail(exchange, 404, fault_tables.error(
                404, "NOT_FOUND", "Requested entity was not found."),
                f"no such call {exchange.method}")
        elif self.has_key(exchange):
            self.judge(exchange, path[1])

    def has_key(self, exchange):
        if "key" in exchange.query:
            self.book.violation("Gemini: the API key stands in the URL")
        key = exchange.headers.get("x-goog-api-key")
        if key is None:
            self.fail(exchange, 403, fault_tables.error(
                403, "PERMISSION_DENIED", "Method doesn't allow unregistered "
                "callers (callers without established identity). Please use "
                "API Key or other form of API consumer identity to call this "
                "API."), "no x-goog-api-key")
        elif key != self.key:
            self.fail(exchange, 400, fault_tables.BAD_KEY, "wrong API key")
        return key == self.key

    def judge(self, exchange, model):
        """Refuses a bad body; otherwise the call takes place."""
        try:
            body = self.parse(exchange)
            if model not in (gemini_rules.TEXT_MODELS
                             | gemini_rules.TRANSCRIBERS):
                self.fail(exchange, 404, fault_tables.no_model(model),
                          "unknown model")
                return
            body = gemini_rules.check(body, model)
            sound = gemini_rules.recording(body["contents"], model)
        except gemini_rules.Invalid as invalid:
            details = invalid.field is not None and [
                {"@type": "type.googleapis.com/google.rpc.BadRequest",
                 "fieldViolations": [{"field": invalid.field,
                                      "description": str(invalid)}]}]
            self.fail(exchange, 400, fault_tables.error(
                400, "INVALID_ARGUMENT", str(invalid), details), str(invalid))
            return
        self.call(exchange, model, body, sound)

    def parse(self, exchange):
        kind = exchange.headers.get("content-type", "").split(";")[0]
        if kind.strip().lower() != "application/json":
            raise gemini_rules.Invalid("Invalid JSON payload received. "
                                       f"Content type {kind!r}.", "")
        if len(exchange.body) > gemini_rules.REQUEST_MAX:
            raise gemini_rules.Invalid("Request payload size exceeds the "
                                       "limit: 20971520 bytes.")
        try:
            return exchange.parsed()
        except ValueError:
            raise gemini_rules.Invalid("Invalid JSON payload received. "
                                       "Parsing failed.", "") from None

    def record(self, model, body, sound):
        """What is kept of an accepted call."""
        contents = body["contents"]
        call = Record(
            model=model, contents=contents, question=text_of(contents[-1]),
            system=text_of(body.get("systemInstruction", {})),
            body=body, at=time.monotonic(), status=None, aborted=False,
            ended=None, fault=None)
        if sound is None:
            return self.book.add("model_calls", call)
        call.update(type=sound[0], audio=sound[1], body=None, contents=None)
        return self.book.add("hearings", call)

    def call(self, exchange, model, body, sound):
        """One accepted call: a fault, or the answer after the latency."""
        call = self.record(model, body, sound)
        exchange.records.append(call)
        fault = self.faults.take("stt" if sound else "gemini", call)
        try:
            if fault is not None:
                call.fault = fault.name
                fault_tables.GEMINI[fault.name](exchange, call, self,
                                                fault.options)
            else:
                self.think(exchange, call)
        except OSError:
            call.aborted = not self.stopping
            raise
        finally:
            if call.status is None:
                exchange.set_status(0)
            self.book.update(call, ended=time.monotonic())

    def think(self, exchange, call):
        latency = self.hear_latency if "audio" in call else self.latency
        seconds = latency(call) if callable(latency) else latency
        if exchange.gone(seconds):
            call.aborted = not self.stopping
            exchange.close()
            return
        exchange.answer(200, self.success(call), JSON)

    def said(self, call):
        """What was heard, or the answer."""
        if "audio" in call:
            return self.hear(call)
        return self.answer(call.question, call.contents)

    def success(self, call, reason="STOP", part=1.0):
        """The body of a good answer, or of the first part of one."""
        text = self.said(call)
        text = text[:max(1, int(len(text) * part))]
        prompt = len(json.dumps(call.body)) // 4
        return self.pretty({
            "candidates": [{
                "content": {"parts": [
                    {"text": text,
                     "thoughtSignature": "EqQDCqEDAdHtim9AAAA="}],
                    "role": "model"},
                "finishReason": reason, "index": 0}],
            "usageMetadata": {
                "promptTokenCount": prompt,
                "candidatesTokenCount": len(text) // 4,
                "totalTokenCount": prompt + len(text) // 4,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": prompt}]},
            "modelVersion": call.model,
            "responseId": uuid.uuid4().hex[:22]})


def text_of(content):
    """All text of a content object."""
    return "".join(part.get("text", "") for part in content.get("parts", []))

"""faults - how LINE and Gemini fail, as tables, and the queue of orders.

    sim.faults.add("gemini", "503")                      the next call
    sim.faults.add("gemini", "429_minute", retry_delay="2s")
    sim.faults.add("reply", "lost", times=None)          until removed
    sim.faults.add("gemini", "hang", match=lambda x: "fever" in x.question)

match gets the record of the request: the one of sim.model_calls for gemini,
of sim.hearings for stt, of sim.requests (with the parsed body in .json) for
LINE.  A request that the real service refuses is refused before any fault.

Shortcuts against the real thing: errors come at once, without the model's
latency; a fault never depends on load; no Retry-After header is sent.
"""

import threading

from simulator.line_faults import CONTENT, LINE

JSON = "application/json; charset=UTF-8"
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>\n"
QUOTA = "generativelanguage.googleapis.com/generate_content_free_tier_requests"


class Fault:
    """One order: what happens to the next requests that match."""

    def __init__(self, target, name, times, match, options):
        self.target = target
        self.name = name
        self.times = times
        self.match = match
        self.options = options
        self.fired = 0

    def wants(self, request):
        left = self.times is None or self.fired < self.times
        return left and (self.match is None or self.match(request))


class Faults:
    """The orders per target: gemini, stt, reply, push, loading, profile,
    content."""

    def __init__(self):
        self.lock = threading.Lock()
        self.orders = []

    def add(self, target, name, times=1, match=None, **options):
        """Orders a fault; returns it, with .fired counting its uses."""
        table = {"gemini": GEMINI, "stt": GEMINI, "content": CONTENT}.get(
            target, LINE)
        if name not in table:
            raise ValueError(f"no fault {name!r} for {target}: "
                             f"{', '.join(table)}")
        fault = Fault(target, name, times, match, options)
        with self.lock:
            self.orders.append(fault)
        return fault

    def remove(self, fault):
        """Takes an order back."""
        with self.lock:
            if fault in self.orders:
                self.orders.remove(fault)

    def clear(self):
        """Takes all orders back."""
        with self.lock:
            self.orders.clear()

    def take(self, target, request):
        """The first order that wants this request, or None; counts it."""
        with self.lock:
            for fault in self.orders:
                if fault.target == target and fault.wants(request):
                    fault.fired += 1
                    return fault
        return None


# Gemini: each entry is a function (exchange, call, model, options) that
# answers.  model builds bodies: model.pretty(), model.success().

def error(code, status, message, details=None):
    """The error object of Google's services."""
    body = {"code": code, "message": message, "status": status}
    if details:
        body["details"] = details
    return {"error": body}


def canned(status, build):
    """A fault that answers with a status and a JSON body at once."""
    def play(exchange, call, model, options):
        exchange.answer(status, model.pretty(build(call, options)), JSON)
    return play


def quota_error(period, delay):
    """429 with Help, QuotaFailure and RetryInfo, as the free tier sends."""
    def build(call, options):
        wait = options.get("retry_delay", delay)
        info = "type.googleapis.com/google.rpc."
        return error(
            429, "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and "
            f"billing details. \n* Quota exceeded for metric: {QUOTA}, "
            f"limit: 10, model: {call.model}\nPlease retry in {wait}.",
            [{"@type": info + "Help", "links": [
                {"description": "Learn more about Gemini API quotas",
                 "url": "https://ai.google.dev/gemini-api/docs/rate-limits"}]},
             {"@type": info + "QuotaFailure", "violations": [
                 {"quotaMetric": QUOTA,
                  "quotaId": f"GenerateRequestsPer{period}PerProjectPerModel"
                             "-FreeTier",
                  "quotaDimensions": {"location": "global",
                                      "model": call.model},
                  "quotaValue": "10"}]},
             {"@type": info + "RetryInfo", "retryDelay": wait}])
    return build


def candidate(call, reason, content=None, **more):
    """A body with one candidate that did not end as it should."""
    entry = {"finishReason": reason, "index": 0, **more}
    if content is not None:
        entry = {"content": content, **entry}
    return {"candidates": [entry], **tail(call)}


def tail(call):
    """The fields that stand after the candidates in every answer."""
    return {"usageMetadata": {"promptTokenCount": 12, "totalTokenCount": 12},
            "modelVersion": call.model, "responseId": "Q7wjaf2eHMnp1PIP5YqA8Q"}


def hang(exchange, call, model, options):
    exchange.gone(None)
    call.aborted = not model.stopping
    exchange.close()


def drip(exchange, call, model, options):
    body = model.success(call)
    exchange.begin(200, JSON, None, len(body))
    for i in range(len(body)):
        exchange.write(body[i:i + 1])
        if exchange.gone(options.get("interval", 1.0)):
            call.aborted = not model.stopping
            break
    exchange.close()


def cut(exchange, call, model, options):
    body = model.success(call)
    exchange.answer(200, body[:len(body) // 2], JSON, length=len(body))
    exchange.close()


def truncated_json(exchange, call, model, options):
    body = model.success(call)
    exchange.answer(200, body[:len(body) // 2], JSON)


def drop(exchange, call, model, options):
    exchange.set_status(0)
    exchange.close()


def page(status):
    def play(exchange, call, model, options):
        exchange.answer(status, HTML, "text/html; charset=UTF-8")
    return play


def empty_body(exchange, call, model, options):
    exchange.answer(200, b"", JSON)


def max_tokens_partial(exchange, call, model, options):
    body = model.success(call, "MAX_TOKENS", part=0.5)
    exchange.answer(200, body, JSON)


OVERLOADED = error(503, "UNAVAILABLE",
                   "The model is overloaded. Please try again later.")
RATINGS = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT",
            "probability": "HIGH", "blocked": True}]
GEMINI = {
    "hang": hang,
    "drip": drip,
    "cut": cut,
    "truncated_json": truncated_json,
    "drop": drop,
    "garbage": page(200),
    "garbage_502": page(502),
    "empty_body": empty_body,
    "max_tokens_partial": max_tokens_partial,
    "429_minute": canned(429, quota_error("Minute", "1s")),
    "429_day": canned(429, quota_error("Day", "21926s")),
    "error_array": canned(429, lambda c, o: [error(
        429, "RESOURCE_EXHAUSTED",
        "Resource exhausted. Please try again later.")]),
    "500": canned(500, lambda c, o: error(
        500, "INTERNAL", "An internal error has occurred. Please retry or "
        "report in https://developers.generativeai.google/guide/"
        "troubleshooting")),
    "503": canned(503, lambda c, o: OVERLOADED),
    "504": canned(504, lambda c, o: error(
        504, "DEADLINE_EXCEEDED",
        "The service was unable to finish processing within the deadline.")),
    "402": canned(402, lambda c, o: error(
        402, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.")),
    "403": canned(403, lambda c, o: error(
        403, "PERMISSION_DENIED",
        "Your API key does not have the required permissions.")),
    "404_model": canned(404, lambda c, o: no_model(c.model)),
    "400_key": canned(400, lambda c, o: BAD_KEY),
    "safety_prompt": canned(200, lambda c, o: {
        "promptFeedback": {"blockReason": "SAFETY", "safetyRatings": RATINGS},
        **tail(c)}),
    "safety_candidate": canned(200, lambda c, o: candidate(
        c, "SAFETY", safetyRatings=RATINGS)),
    "recitation": canned(200, lambda c, o: candidate(c, "RECITATION")),
    "empty_parts": canned(200, lambda c, o: candidate(
        c, "STOP", {"parts": [], "role": "model"})),
    "max_tokens_empty": canned(200, lambda c, o: candidate(
        c, "MAX_TOKENS", {"role": "model"})),
    "no_candidates": canned(200, lambda c, o: tail(c)),
    "thinking_only": canned(200, lambda c, o: candidate(
        c, "MAX_TOKENS", {"parts": [
            {"text": "**Planning**\nI should answer briefly.",
             "thought": True}], "role": "model"})),
}
BAD_KEY = error(
    400, "INVALID_ARGUMENT",
    "API key not valid. Please pass a valid API key.",
    [{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
      "reason": "API_KEY_INVALID", "domain": "googleapis.com",
      "metadata": {"service": "generativelanguage.googleapis.com"}}])


def no_model(name):
    """404 for a model that is unknown or retired."""
    return error(404, "NOT_FOUND",
                 f"models/{name} is not found for API version v1beta, or is "
                 "not supported for generateContent. Call ListModels to see "
                 "the list of available models and their supported methods.")

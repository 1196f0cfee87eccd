"""line_api - the calls of LINE's Messaging API that a bot makes.

Reply, push, loading animation, validate, profile, bot info, quota, content.
What LINE accepts becomes a delivery, which is what the user sees.

Shortcuts against the real thing: a group has one member for the quota; no
limit on many messages to one user; a blocked user still has a profile; the
data host is the same server; a token is not burnt by a refused body;
multicast, broadcast, rich menus, read marks and groups are unknown paths;
the words of the 400s about retry keys are ours; of quick replies only those
that send a text are shown.
"""

import json
import random
import re
import threading
import time
import uuid

from simulator import line_faults
from simulator import line_rules
from simulator.records import Record

BODY_MAX = 2 * 1024 * 1024
RETRY_KEY_LIFE = 24 * 3600
RATES = {"reply": 2000, "push": 2000, "profile": 2000, "content": 2000,
         "loading": 100}
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
RATE_LIMIT = {"message":
              "The API rate limit has been exceeded. Try again later."}


class Bucket:
    """So many requests a second, with a second's worth in reserve."""

    def __init__(self, rate):
        self.rate = self.level = rate
        self.at = time.monotonic()

    def take(self):
        now = time.monotonic()
        self.level = min(self.rate,
                         self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class Refusal(Exception):
    """LINE's answer to what it does not accept."""

    def __init__(self, status, body, violation=None):
        super().__init__(status)
        self.status = status
        self.body = body if isinstance(body, dict) else {"message": body}
        self.violation = violation


class Line:
    """The state of the channel and the calls on it."""

    def __init__(self, book, sender, faults, access_token):
        self.book = book
        self.sender = sender
        self.faults = faults
        self.access_token = access_token
        self.lock = threading.RLock()
        self.retry_keys = {}
        self.content = {}
        self.names = {}
        self.reset()

    def reset(self):
        """Default behaviour again; tokens, keys, contents and names stay."""
        self.token_life = 60.0
        self.monthly_quota = None
        self.used_quota = 0
        self.rates = {name: Bucket(rate) for name, rate in RATES.items()}
        self.sender.blocked.clear()

    def block(self, user):
        """From now on this user blocks the bot."""
        self.sender.blocked.add(self.sender.user(user))

    def unblock(self, user):
        self.sender.blocked.discard(self.sender.user(user))

    def friend(self, user):
        """Makes an id known that has not spoken yet; returns it."""
        user = self.sender.user(user)
        self.sender.chats.add(user)
        return user

    # one request

    def serve(self, exchange):
        """Answers a request; notes what LINE would refuse."""
        exchange.line_headers = {"x-line-request-id": str(uuid.uuid4())}
        self.book.add("requests", exchange.record)
        try:
            self.dispatch(exchange)
        except Refusal as refusal:
            if refusal.violation:
                self.book.violation(f"LINE {exchange.path}: "
                                    f"{refusal.violation}")
            exchange.json(refusal.status, refusal.body,
                          exchange.line_headers)

    def dispatch(self, exchange):
        for method, pattern, name, call in ROUTES:
            match = re.fullmatch(pattern, exchange.path)
            if match and method == exchange.method:
                break
        else:
            raise Refusal(404, "Not found", f"no such call "
                          f"{exchange.method} {exchange.path}")
        self.check_token(exchange)
        if method == "POST":
            exchange.record.json = self.read_json(exchange)
        with self.lock:
            if name in self.rates and not self.rates[name].take():
                raise Refusal(429, RATE_LIMIT)
        call(self, exchange, name, *match.groups())

    def check_token(self, exchange):
        given = exchange.headers.get("authorization", "")
        if given == f"Bearer {self.access_token}":
            return
        reason = "invalid token" if given else \
            "Confirm that the access token in the authorization header " \
            "is valid."
        raise Refusal(401, "Authentication failed due to the following "
                      f"reason: {reason}", "wrong or missing access token")

    def read_json(self, exchange):
        if len(exchange.body) > BODY_MAX:
            raise Refusal(413, "Payload too large", "body above 2 MB")
        kind = exchange.headers.get("content-type", "")
        if kind.split(";")[0].strip().lower() != "application/json":
            raise Refusal(415, f"The content type, {kind}, is not supported",
                          f"content type {kind!r}")
        try:
            return exchange.parsed()
        except json.JSONDecodeError as error:
            raise Refusal(400, "The request body could not be parsed as JSON "
                          f"(line: {error.lineno}, column: {error.colno})",
                          "body is not JSON") from None
        except UnicodeDecodeError:
            raise Refusal(400, "The request body could not be parsed as JSON "
                          "(line: 1, column: 1)",
                          "body is not UTF-8") from None

    def judge(self, found):
        """Refuses errors; doubts are only noted."""
        for doubt in found.doubts:
            self.book.violation(f"LINE: {doubt}")
        if found.errors:
            raise Refusal(400, found.body(), json.dumps(found.errors))

    # sending

    def reply(self, exchange, name):
        body = exchange.record.json
        self.judge(line_rules.check_body(body, "replyToken"))
        if "x-line-retry-key" in exchange.headers:
            raise Refusal(400, "The retry key is not supported by this API",
                          "X-Line-Retry-Key on a reply")
        with self.sender.lock:
            entry = self.sender.find_token(body["replyToken"],
                                           self.token_life)
            if entry is None:
                raise Refusal(400, "Invalid reply token")
            fault = self.faults.take(name, exchange.record)
            accepted = fault is None or line_faults.LINE[fault.name][
                "accepted"]
            if accepted:
                entry.used = True
        sent = None
        if accepted:
            sent = self.deliver(exchange, "reply", entry.chat, entry)
        self.finish(exchange, fault, 200, sent)

    def push(self, exchange, name):
        body = exchange.record.json
        self.judge(line_rules.check_body(body, "to"))
        key = exchange.headers.get("x-line-retry-key")
        if key is not None and not UUID.fullmatch(key):
            raise Refusal(400, "The retry key is invalid",
                          f"X-Line-Retry-Key {key!r} is no UUID")
        if body["to"] not in self.sender.chats:
            raise Refusal(400, "Failed to send messages",
                          f"push to {body['to']!r}, who is unknown")
        fault = self.faults.take(name, exchange.record)
        if fault and not line_faults.LINE[fault.name]["accepted"]:
            self.finish(exchange, fault)
            return
        with self.lock:
            known = self.known_key(key, exchange.body)
            if known is None:
                self.pay()
                sent = self.deliver(exchange, "push", body["to"], None)
                if key is not None:
                    self.retry_keys[key] = Record(
                        at=time.monotonic(), body=exchange.body, sent=sent,
                        id=exchange.line_headers["x-line-request-id"])
        if known is None:
            self.finish(exchange, fault, 200, sent)
            return
        exchange.line_headers["x-line-accepted-request-id"] = known.id
        self.finish(exchange, fault, 409, {
            "message": "The retry key is already accepted", **known.sent})

    def known_key(self, key, body):
        """The record of a key that was accepted in the last 24 hours."""
        known = self.retry_keys.get(key)
        if known is None or time.monotonic() - known.at > RETRY_KEY_LIFE:
            return None
        if known.body != body:
            self.book.violation(f"LINE: retry key {key} with another body")
        return known

    def pay(self):
        """A push costs one of the month's messages."""
        if self.monthly_quota is not None and \
                self.used_quota >= self.monthly_quota:
            raise Refusal(429, "You have reached your monthly limit.")
        self.used_quota += 1

    def deliver(self, exchange, kind, chat, token):
        """Accepts the messages; returns LINE's answer for them."""
        messages = exchange.record.json["messages"]
        sent = []
        for message in messages:
            entry = {"id": str(461230966842064897
                               + random.getrandbits(40))}
            if message["type"] not in ("audio", "location"):
                entry["quoteToken"] = f"{random.getrandbits(128):032x}"
            sent.append(entry)
        if chat not in self.sender.blocked:
            delivery = Record(
                kind=kind, user=token.user or chat if token else chat,
                chat=chat, token=token.token if token else None,
                event_id=token.event_id if token else None,
                messages=messages, at=time.monotonic(), status=200,
                retry_key=exchange.headers.get("x-line-retry-key"))
            self.book.add("deliveries", delivery)
            self.book.tell("answer", how=kind, user=delivery.user, chat=chat,
                           event=delivery.event_id,
                           texts=[shown(m) for m in messages
                                  if m["type"] != "audio"],
                           sounds=[{"url": m["originalContentUrl"],
                                    "ms": m["duration"]} for m in messages
                                   if m["type"] == "audio"],
                           buttons=buttons(messages))
        return {"sentMessages": sent}

    def finish(self, exchange, fault, status=None, body=None):
        """The true answer, or what a fault makes of it."""
        if fault is None:
            exchange.json(status, body, exchange.line_headers)
        else:
            line_faults.apply_line(exchange, fault)

    # the other calls

    def loading(self, exchange, name):
        body = exchange.record.json
        self.judge(line_rules.check_loading(body))
        fault = self.faults.take(name, exchange.record)
        if fault is None or line_faults.LINE[fault.name]["accepted"]:
            seconds = body.get("loadingSeconds", 20)
            self.book.add("loadings", Record(user=body["chatId"],
                                             seconds=seconds,
                                             at=time.monotonic()))
            self.book.tell("loading", user=body["chatId"], seconds=seconds)
        self.finish(exchange, fault, 202, {})

    def validate(self, exchange, name):
        self.judge(line_rules.check_body(exchange.record.json, None))
        self.finish(exchange, None, 200, {})

    def profile(self, exchange, name, user):
        fault = self.faults.take(name, exchange.record)
        if fault is None and user not in self.sender.chats:
            raise Refusal(404, "Not found")
        self.finish(exchange, fault, 200, {
            "displayName": self.names.get(user, "LINE taro"),
            "userId": user, "language": "en"})

    def get_content(self, exchange, name, message_id):
        fault = self.faults.take(name, exchange.record)
        if fault is not None:
            self.finish(exchange, fault)
        elif message_id not in self.content:
            raise Refusal(404, "not found")
        else:
            kind, data = self.content[message_id]
            exchange.answer(200, data, kind, exchange.line_headers)

    def info(self, exchange, name):
        self.finish(exchange, None, 200, {
            "userId": self.sender.destination, "basicId": "@216ru000",
            "displayName": "MedEdBot", "chatMode": "bot",
            "markAsReadMode": "auto"})

    def quota(self, exchange, name):
        limit = {"type": "none"}
        if self.monthly_quota is not None:
            limit = {"type": "limited", "value": self.monthly_quota}
        self.finish(exchange, None, 200, limit)

    def consumption(self, exchange, name):
        self.finish(exchange, None, 200, {"totalUsage": self.used_quota})


def shown(message):
    """What a user sees of a message, as text."""
    kind = message["type"]
    if kind == "text":
        return message["text"]
    if kind == "flex":
        return message["altText"]
    return f"[{kind} {message.get('originalContentUrl', '')}]"


def buttons(messages):
    """The quick replies that are shown: what each says and what it sends."""
    items = messages[-1].get("quickReply", {}).get("items", [])
    return [{"label": item["action"]["label"], "text": item["action"]["text"]}
            for item in items if item["action"]["type"] == "message"]


BOT = "/v2/bot/"
ROUTES = [
    ("POST", BOT + "message/reply", "reply", Line.reply),
    ("POST", BOT + "message/push", "push", Line.push),
    ("POST", BOT + "chat/loading/start", "loading", Line.loading),
    ("POST", BOT + "message/validate/(?:reply|push)", "validate",
     Line.validate),
    ("GET", BOT + "profile/([^/]+)", "profile", Line.profile),
    ("GET", BOT + r"message/(\d+)/content", "content", Line.get_content),
    ("GET", BOT + "info", "info", Line.info),
    ("GET", BOT + "message/quota", "quota", Line.quota),
    ("GET", BOT + "message/quota/consumption", "quota", Line.consumption),
]

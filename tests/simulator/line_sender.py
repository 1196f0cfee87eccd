"""line_sender - LINE's side of the webhook: events, signatures, tokens.

Builds events as LINE does, posts them signed, and keeps the reply tokens it
gave out.  A user or group may be given as a LINE id or as any short name,
which stands for an id of its own.

Shortcuts against the real thing: one webhook per send() and a fresh
connection for each; an event that was not answered with 2xx is redelivered
only by redeliver(); certificates of the app are not verified; the app has
10 s to answer where LINE grants 2 (tests look at the seconds).
"""

import base64
import hashlib
import hmac
import http.client
import json
import random
import ssl
import threading
import time
from urllib.parse import urlsplit

from simulator.line_rules import CHAT_ID
from simulator.records import Record

WEBHOOK_TIMEOUT = 10.0
EVENT_LIFE = 20 * 60
DESTINATION = "U8e742f61d673b39c7fff3cecb7536ef0"
BOT_NAME = "@MedEdBot"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HAS_TOKEN = {"message", "messageEdited", "follow", "join", "memberJoined",
             "postback", "videoPlayComplete", "beacon", "accountLink",
             "membership"}


def chat_id(kind, name):
    """The LINE id for a name; an id stands for itself.  kind: U, C or R."""
    if CHAT_ID.fullmatch(name):
        return name
    return kind + hashlib.md5(name.encode()).hexdigest()


def ulid():
    """A fresh webhookEventId."""
    number = (int(time.time() * 1000) << 80) | random.getrandbits(80)
    return "".join(CROCKFORD[number >> 5 * i & 31] for i in range(25, -1, -1))


def signature(body, secret):
    """The value of x-line-signature for a body."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


class Sender:
    """Sends webhooks and knows whom and what it sent."""

    def __init__(self, book, secret):
        self.book = book
        self.secret = secret
        self.webhook_url = None
        self.destination = DESTINATION
        self.lock = threading.RLock()
        self.tokens = {}
        self.said = {}
        self.chats = set()
        self.blocked = set()
        self.last_id = 444573844083572700
        self.insecure = ssl.create_default_context()
        self.insecure.check_hostname = False
        self.insecure.verify_mode = ssl.CERT_NONE

    def user(self, name):
        """The id of a user; the id of a group or room stands for itself."""
        return chat_id("U", name)

    # events

    def event(self, kind, source, **fields):
        """An event object of any type; a field that is None is left out."""
        event = {"type": kind, "mode": "active",
                 "timestamp": int(time.time() * 1000), "source": source,
                 "webhookEventId": ulid(),
                 "deliveryContext": {"isRedelivery": False}}
        if kind in HAS_TOKEN and fields.get("mode") != "standby":
            event["replyToken"] = f"{random.getrandbits(128):032x}"
        event.update(fields)
        event = {k: v for k, v in event.items() if v is not None}
        self.issue(event)
        return event

    def text_message(self, text, **more):
        """A text message object as it stands in an event."""
        with self.lock:
            self.last_id += 1
            number = self.last_id
        return {"id": str(number), "type": "text", "text": text,
                "quoteToken": f"q3Plxr4A{random.getrandbits(128):032x}",
                "markAsReadToken": f"30yhdy{random.getrandbits(128):032x}",
                **more}

    def text_event(self, user, text, **overrides):
        source = {"type": "user", "userId": chat_id("U", user)}
        fields = {"message": self.text_message(text), **overrides}
        return self.event("message", source, **fields)

    def voice_event(self, user, seconds, **overrides):
        """A voice message; what was said is to be put where LINE keeps it."""
        with self.lock:
            self.last_id += 1
            number = self.last_id
        message = {"id": str(number), "type": "audio",
                   "contentProvider": {"type": "line"},
                   "duration": round(seconds * 1000),
                   "markAsReadToken": f"30yhdy{random.getrandbits(128):032x}"}
        source = overrides.pop("source", {"type": "user",
                                          "userId": chat_id("U", user)})
        return self.event("message", source,
                          **{"message": message, **overrides})

    def group_text_event(self, group, user, text, mention_self=True,
                         **overrides):
        source = {"type": "group", "groupId": chat_id("C", group),
                  "userId": chat_id("U", user)}
        more = {}
        if mention_self:
            text = f"{BOT_NAME} {text}"
            more["mention"] = {"mentionees": [
                {"index": 0, "length": len(BOT_NAME), "type": "user",
                 "userId": self.destination, "isSelf": True}]}
        fields = {"message": self.text_message(text, **more), **overrides}
        return self.event("message", source, **fields)

    # tokens

    def issue(self, event):
        """Remembers who speaks and which token answers it.

        Called when an event is built and when it is sent: the minute of a
        token begins with its webhook, and again with each redelivery.
        """
        source = event.get("source", {})
        user = source.get("userId")
        chat = source.get("groupId") or source.get("roomId") or user
        token = event.get("replyToken")
        with self.lock:
            self.chats.update(c for c in (user, chat) if c)
            self.follow_block(event, chat)
            if token is None:
                return
            entry = self.tokens.setdefault(token, Record(
                token=token, user=user, chat=chat, used=False, sent=False,
                event_id=event.get("webhookEventId"),
                event_time=event.get("timestamp", 0) / 1000))
            again = event.get("deliveryContext", {}).get("isRedelivery")
            if again or not entry.sent:
                entry.issued = time.monotonic()
                entry.again = again

    def follow_block(self, event, chat):
        """An unfollow blocks the bot, a follow unblocks it, and so on."""
        kind = event.get("type")
        if kind == "unfollow":
            self.blocked.add(chat)
        elif kind == "follow":
            self.blocked.discard(chat)
        elif kind == "leave":
            self.chats.discard(chat)

    def find_token(self, token, life):
        """The entry of a token that may be used now, or None.

        The caller holds the lock until it has set entry.used.
        """
        entry = self.tokens.get(token)
        if entry is None or entry.used:
            return None
        if time.monotonic() - entry.issued > life:
            return None
        if entry.again and time.time() - entry.event_time > EVENT_LIFE:
            return None
        return entry

    # sending

    def send(self, events, *, signature=None, secret=None, headers=None):
        """Posts one signed body; returns (status, seconds).

        signature replaces the true one (False: no such header), secret signs
        with another key.  Status 0: no answer at all.
        """
        body = json.dumps({"destination": self.destination,
                           "events": events}, ensure_ascii=False,
                          separators=(",", ":")).encode()
        all_headers = {"Content-Type": "application/json; charset=utf-8",
                       "User-Agent": "LineBotWebhook/2.0"}
        if signature is None:
            signature = self.sign(body, secret)
        if signature is not False:
            all_headers["x-line-signature"] = signature
        if signature == self.sign(body):
            for event in events:
                self.note(event)
        all_headers.update(headers or {})
        start = time.monotonic()
        status, _ = self.post(body, all_headers)
        seconds = time.monotonic() - start
        for event in events:
            self.book.tell("webhook", event=event.get("webhookEventId"),
                           status=status, seconds=round(seconds, 4))
        return status, seconds

    def sign(self, body, secret=None):
        return signature(body, secret or self.secret)

    def note(self, event):
        """An event goes out: its token counts from now."""
        self.issue(event)
        with self.lock:
            entry = self.tokens.get(event.get("replyToken"))
            if entry is not None:
                entry.sent = True
        if event.get("type") != "message":
            return
        user = event.get("source", {}).get("userId")
        text = event.get("message", {}).get("text", "")
        key = event.get("webhookEventId")
        self.said[key] = Record(user=user, text=text, at=time.monotonic())
        self.book.tell("said", user=user, event=key,
                       text=text or "[voice message]")

    def redeliver(self, event):
        """The same event again, as LINE does after an answer not 2xx."""
        again = dict(event)
        again["deliveryContext"] = {"isRedelivery": True}
        return self.send([again])

    def post(self, body, headers, method="POST", url=None):
        """Posts exactly these bytes; returns (status, body), (0, b"")."""
        parts = urlsplit(url or self.webhook_url)
        if parts.scheme == "https":
            conn = http.client.HTTPSConnection(
                parts.netloc, timeout=WEBHOOK_TIMEOUT, context=self.insecure)
        else:
            conn = http.client.HTTPConnection(parts.netloc,
                                              timeout=WEBHOOK_TIMEOUT)
        target = parts.path + ("?" + parts.query if parts.query else "")
        try:
            conn.request(method, target or "/", body, headers)
            answer = conn.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            conn.close()

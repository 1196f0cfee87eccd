"""chat_api - the chat page and its control calls under /_sim/.

    GET  /_sim/state             users, the app's sessions, the running scene
    GET  /_sim/events?cursor=N   what happened after N; waits up to 20 s
    GET  /_sim/audio/NAME.mp3    a voice answer, fetched from the app
    POST /_sim/say               {"user": "user-1", "text": "..."}
    POST /_sim/speak             {"user": "user-1", "audio": base64,
                                 "words": what it says}
    POST /_sim/scene             {"name": "flood"}
    POST /_sim/settings          {"latency_ms": 500, "fault": {"target":
                                 "gemini", "name": "503", "times": 1}}

POST needs Content-Type application/json, which no foreign web page can send
to us without asking first.

Shortcuts against the real thing: a user's history is kept by the simulator,
not by a phone; what kind of answer came is guessed from its words.
"""

import base64
import http.client
import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

from simulator.line_sender import chat_id
from simulator.scenes import Scene, SCENES

HERE = Path(__file__).resolve().parent
FILES = {"/": ("chat.html", "text/html; charset=utf-8"),
         "/chat.css": ("chat.css", "text/css; charset=utf-8"),
         "/chat.js": ("chat.js", "text/javascript; charset=utf-8")}
USERS = (("user-1", "Mei", "patient"), ("user-2", "Kenji", "nurse"),
         ("user-3", "Somchai", "patient"))
SOUND = re.compile(r"/_sim(/audio/[0-9a-f]{32}\.mp3)")
POLL_SECONDS = 20
TEXT_MAX = 10000


class Chat:
    """The page, and the scenes that it can start."""

    def __init__(self, sim):
        self.sim = sim
        self.run = uuid.uuid4().hex
        self.debug_url = None
        self.admin_token = None
        self.scene = None
        sim.line.names.update((chat_id("U", key), name)
                              for key, name, _ in USERS)

    def owns(self, path):
        return path in FILES or path.startswith("/_sim/")

    def serve(self, exchange):
        """Answers a request of the page."""
        headers = {"Cache-Control": "no-store",
                   "Content-Security-Policy": "default-src 'self'; "
                                              "img-src data:"}
        if exchange.path in FILES:
            name, kind = FILES[exchange.path]
            exchange.answer(200, (HERE / name).read_bytes(), kind, headers)
            return
        sound = SOUND.fullmatch(exchange.path)
        if sound and exchange.method == "GET":
            self.fetch_sound(exchange, sound[1], headers)
            return
        call = CALLS.get((exchange.method, exchange.path))
        kind = exchange.headers.get("content-type", "").split(";")[0]
        if call is None:
            exchange.json(404, {"message": "Not found"})
        elif exchange.method == "POST" and kind != "application/json":
            exchange.json(415, {"message": "application/json is needed"})
        else:
            try:
                exchange.json(200, call(self, exchange), headers)
            except (KeyError, TypeError, ValueError) as error:
                exchange.json(400, {"message": f"bad request: {error}"})

    def fetch_sound(self, exchange, path, headers):
        """Hands on what the app's web server says, as LINE does."""
        url = urllib.parse.urljoin(self.sim.webhook_url, path)
        asked = exchange.headers.get("range")
        request = urllib.request.Request(
            url, headers={"Range": asked} if asked else {})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                for name in ("Accept-Ranges", "Content-Range"):
                    if name in answer.headers:
                        headers[name] = answer.headers[name]
                exchange.answer(answer.status, answer.read(),
                                answer.headers["Content-Type"], headers)
        except urllib.error.HTTPError as error:
            exchange.json(error.code, {"message": "no such sound"}, headers)
        except (OSError, http.client.HTTPException):
            exchange.json(502, {"message": "the app does not answer"},
                          headers)

    def say(self, exchange):
        given = exchange.parsed()
        text = str(given["text"])[:TEXT_MAX]
        if not text.strip():
            raise ValueError("text is empty")
        status, seconds = self.sim.say(str(given["user"]), text)
        return {"status": status, "seconds": round(seconds, 4)}

    def speak(self, exchange):
        given = exchange.parsed()
        audio = base64.b64decode(given["audio"], validate=True)
        words = str(given["words"])[:TEXT_MAX]
        event = self.sim.voice_event(str(given["user"]), audio, words)
        status, seconds = self.sim.send([event])
        return {"status": status, "seconds": round(seconds, 4)}

    def start_scene(self, exchange):
        name = exchange.parsed()["name"]
        if name not in SCENES:
            raise ValueError(f"no scene {name!r}")
        self.scene = Scene(self.sim, name)
        threading.Thread(target=self.scene.play, daemon=True).start()
        return self.scene.state()

    def settings(self, exchange):
        given = exchange.parsed()
        if "latency_ms" in given:
            self.sim.model.latency = max(0, int(given["latency_ms"])) / 1000
        if "fault" in given:
            fault = given["fault"]
            if fault is None:
                self.sim.faults.clear()
            else:
                self.sim.faults.add(fault["target"], fault["name"],
                                    fault.get("times", 1))
        return {}

    def events(self, exchange):
        cursor = int(exchange.query.get("cursor", 0))
        cursor, entries = self.sim.book.feed_since(cursor, POLL_SECONDS)
        return {"run": self.run, "cursor": cursor, "events": entries}

    def state(self, exchange):
        latency = self.sim.model.latency
        running = sum(call.ended is None
                      for call in list(self.sim.model_calls))
        return {
            "run": self.run, "app": self.ask_app(),
            "users": [{"key": key, "id": chat_id("U", key), "name": name,
                       "role": role} for key, name, role in USERS],
            "latency_ms": None if callable(latency) else round(latency * 1000),
            "model_running": running, "violations": len(self.sim.violations),
            "scenes": [{"name": name, "title": scene.title}
                       for name, scene in SCENES.items()],
            "scene": self.scene.state() if self.scene else None}

    def ask_app(self):
        """The app's own /debug/sessions, or why there is none."""
        if not self.debug_url:
            return {"error": "no --debug-url given"}
        request = urllib.request.Request(self.debug_url, headers={
            "Authorization": f"Bearer {self.admin_token}"})
        try:
            with urllib.request.urlopen(request, timeout=1) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return {"error": f"the app answers {error.code}"}
        except (OSError, ValueError):
            return {"error": "the app does not answer"}


CALLS = {
    ("POST", "/_sim/say"): Chat.say,
    ("POST", "/_sim/speak"): Chat.speak,
    ("POST", "/_sim/scene"): Chat.start_scene,
    ("POST", "/_sim/settings"): Chat.settings,
    ("GET", "/_sim/events"): Chat.events,
    ("GET", "/_sim/state"): Chat.state,
}

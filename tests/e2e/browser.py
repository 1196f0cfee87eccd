"""browser - headless Chromium, told what to do through a pipe.

    with Browser() as browser:
        page = browser.open("http://127.0.0.1:8081/")
        page.run("document.title")             # of what stands there now
        page.wait("document.querySelector('audio')", 10)
        page.errors                            # what the console complained of

The protocol is DevTools': JSON messages that end with a zero byte, through
descriptors 3 and 4 of the browser.  Nothing listens, and no name but that of
this machine is looked up.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAM = "chromium"
FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage
    --mute-audio --autoplay-policy=no-user-gesture-required --no-first-run
    --disable-background-networking --disable-component-update
    --disable-default-apps --disable-extensions --disable-sync
    --password-store=basic --remote-debugging-pipe""".split()
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
REPLY_S = 30
END_S = 10


class BrowserError(Exception):
    """It refused, or it did not answer."""


class Browser:
    """One browser with a profile of its own, gone afterwards."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="mededbot-browser-")
        self.number = 0
        self.pages = {}
        self.unread = b""
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def start(self):
        assert shutil.which(PROGRAM), f"no {PROGRAM}: scripts/deps.sh check"
        theirs_in, self.to = high_pipe()
        self.back, theirs_out = high_pipe()
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}',
                 "bash", PROGRAM, *FLAGS, NOWHERE,
                 f"--user-data-dir={self.folder}/profile"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=(theirs_in, theirs_out), start_new_session=True,
                env={**os.environ, "HOME": self.folder})
        os.close(theirs_in)
        os.close(theirs_out)

    def __exit__(self, *_):
        with contextlib.suppress(BrowserError, OSError):
            self.call("Browser.close")
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.to)
        os.close(self.back)
        self.remove()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, url):
        """A page, of which everything is noted from the beginning."""
        target = self.call("Target.createTarget", url="about:blank")
        session = self.call("Target.attachToTarget", flatten=True,
                            targetId=target["targetId"])["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Runtime", "Log", "Page"):
            page.call(f"{domain}.enable")
        page.call("Page.navigate", url=url)
        return page

    # the protocol

    def call(self, method, session=None, **params):
        """Asks for something and waits for the answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + REPLY_S
        while True:
            answer = self.next_message(end)
            if answer.get("id") == self.number:
                break
            self.note(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        return answer["result"]

    def note(self, event):
        page = self.pages.get(event.get("sessionId"))
        if page is not None:
            page.note(event.get("method"), event.get("params", {}))

    def next_message(self, end):
        while b"\0" not in self.unread:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.back], [], [], left)[0]:
                raise BrowserError("no answer")
            got = os.read(self.back, 65536)
            if not got:
                raise BrowserError("it has gone")
            self.unread += got
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)


class Page:
    """One page."""

    def __init__(self, browser, session):
        self.browser = browser
        self.session = session
        self.errors = []

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def note(self, method, params):
        """Keeps what a developer would see in red."""
        if method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled":
            if params["type"] in ("error", "warning", "assert"):
                self.errors.append(params["args"])
        elif method == "Log.entryAdded":
            if params["entry"]["level"] in ("error", "warning"):
                self.errors.append(params["entry"])

    def run(self, expression):
        """The value of a JavaScript expression, waited for if promised."""
        answer = self.call("Runtime.evaluate", expression=expression,
                           awaitPromise=True, returnByValue=True,
                           userGesture=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def choose_file(self, selector, path):
        """Puts a file into an input, as its dialog would."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)
        self.call("DOM.setFileInputFiles", nodeId=node["nodeId"],
                  files=[str(path)])

    def wait(self, expression, timeout):
        """Asks until the expression is true; its last value."""
        end = time.monotonic() + timeout
        while True:
            value = self.run(expression)
            if value or time.monotonic() > end:
                return value
            time.sleep(0.05)


def high_pipe():
    """A pipe whose descriptors are not 3 and 4."""
    ends = os.pipe()
    try:
        return [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    finally:
        for end in ends:
            os.close(end)

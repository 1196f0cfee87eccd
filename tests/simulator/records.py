"""records - what the simulator saw and did, for tests and the chat page.

One Book per simulator.  Every list of it grows under one lock, and every
change wakes those who wait.  Lists may be read at any time without the lock:
entries are appended, never moved; reset() starts new lists.

Shortcuts against the real thing: nothing is ever forgotten but by reset(),
and the feed of the chat page keeps its last FEED_MAX entries.
"""

import threading
import time

FEED_MAX = 5000


class Record(dict):
    """A dict whose keys can be read and written as attributes too."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self[name] = value


class Book:
    """All records of one simulator, and waiting for them."""

    def __init__(self):
        self.changed = threading.Condition()
        self.feed_start = 0
        self.clear()

    def clear(self):
        """Forgets everything; the feed goes on counting."""
        with self.changed:
            self.deliveries = []
            self.requests = []
            self.model_calls = []
            self.hearings = []
            self.loadings = []
            self.violations = []
            self.feed_start += len(getattr(self, "feed", []))
            self.feed = []
            self.changed.notify_all()

    def add(self, list_name, record):
        """Appends to the list of that name and returns the record."""
        with self.changed:
            getattr(self, list_name).append(record)
            self.changed.notify_all()
        return record

    def update(self, record, **values):
        """Changes a record that is already in a list."""
        with self.changed:
            record.update(values)
            self.changed.notify_all()

    def violation(self, text):
        """Notes that the app did what the real service refuses."""
        self.add("violations", text)

    def tell(self, kind, **values):
        """Adds an entry to the feed of the chat page."""
        entry = Record(kind=kind, t=int(time.time() * 1000), **values)
        with self.changed:
            self.feed.append(entry)
            if len(self.feed) > FEED_MAX:
                drop = len(self.feed) - FEED_MAX
                self.feed = self.feed[drop:]
                self.feed_start += drop
            self.changed.notify_all()

    def feed_since(self, cursor, timeout):
        """New feed entries after cursor; waits for the first one.

        Returns (next cursor, entries).  A cursor of another run, or one that
        fell out of the feed, starts at the oldest entry that is left.
        """
        def after():
            here = cursor - self.feed_start
            if 0 <= here <= len(self.feed):
                return self.feed[here:]
            return list(self.feed)

        with self.changed:
            self.changed.wait_for(after, timeout)
            return self.feed_start + len(self.feed), after()

    def wait_for(self, predicate, timeout):
        """Waits until predicate() is true; returns its last value.

        It is asked again at every change of a record, and every 50 ms since
        it may look at something outside.
        """
        end = time.monotonic() + timeout
        while True:
            value = predicate()
            left = end - time.monotonic()
            if value or left <= 0:
                return value
            with self.changed:
                self.changed.wait(min(left, 0.05))

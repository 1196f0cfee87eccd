"""verdict - what became of each event of a ledger.

Each acknowledged event ends in exactly one answer, apology or recorded drop.
The simulator's records say what the user saw, the store (tools/fates.c) what
was recorded:

    answered     the user saw the answer to this question, once
    apologised   one of our fixed sentences instead, once
    dropped ...  the store's word: dropped, slow_down, system_busy, old
    dead ...     a dead letter, and nothing that the user could be told
    discarded    a voice message whose user was busy when it was heard
    undecidable  a reply whose outcome nobody knows, and a push after the
                 token's time, or after a boot, which hides its age: the one
                 duplicate that cannot be avoided
    LOST         acknowledged, and nothing of the above
    DUPLICATE    seen twice otherwise
    STUCK        the job is still open when all should be over
    WRONG        somebody else's answer, one to an event that the store does
                 not know, or a drop that had no reason
    STRAY        a delivery to one of our users that belongs to no event

An event that was never acknowledged (refused) may be seen once at most.
"""

from collections import Counter, defaultdict

BAD = ("LOST", "DUPLICATE", "STUCK", "WRONG", "STRAY")
DROPS = ("dropped", "slow_down", "system_busy", "old")
# Why nothing reached the user; the other dead letters come with an apology.
UNTOLD = ("refused", "quota", "content", "expired", "undecided")
SORRY = {
    "System busy, try again",
    "Slow down please",
    "Request timed out, please try again",
    "I cannot answer this. Please ask a doctor.",
    "I have no answer. Please ask in other words.",
    "Something went wrong. Please try again later.",
    "I could not send my answer. Please retry.",
    "I could not hear you. Please say it again.",
    "I could not fetch your voice message. Please send it again.",
}
HEARD_S = 15.0  # the longest until a voice message is heard, or given up


class Entry:
    """One event: when it was posted and what came of it."""

    __slots__ = ("event", "user", "question", "posts", "acked", "seen",
                 "key", "fate", "job", "end")

    def __init__(self, event, user, question):
        self.event = event
        self.user = user
        self.question = question
        self.posts = []  # (when, status); 0: no answer
        self.acked = False
        self.seen = []  # deliveries
        self.key = self.fate = self.job = self.end = None

    @property
    def id(self):
        return self.event["webhookEventId"]

    @property
    def voice(self):
        return self.event["message"]["type"] == "audio"

    @property
    def discarded(self):
        return (self.voice and self.fate == "accepted" and self.end == "gone"
                and not self.seen)

    def waited_s(self):
        """From the acknowledgement to what the user saw first."""
        return self.seen[0].at - self.posts[-1][0]

    def __repr__(self):
        start = self.posts[0][0] if self.posts else 0
        posts = [f"{at - start:.3f}:{status}" for at, status in self.posts]
        seen = [f"{d.at - start:.3f}:{d.kind}:{texts_of(d)[:1]!r:.40}"
                for d in self.seen]
        return (f"{self.id} {self.question!r} posts={posts} seen={seen} "
                f"fate={self.fate} job={self.job} end={self.end}")


def texts_of(delivery):
    return [message["text"] for message in delivery.messages
            if message["type"] == "text"]


def is_spoken(entry):
    """Did its user get a sound?"""
    return any(message["type"] == "audio" for delivery in entry.seen
               for message in delivery.messages)


def other_key(key):
    """The retry key of the fallback text."""
    return f"{int(key, 16) ^ 1:032x}"


def summary_of(counts):
    """One line: what there should be first, what there should not be last."""
    first = ("posted", "acknowledged", "redelivered", "refused",
             "answered", "apologised", "undecidable")
    rest = sorted(set(counts) - set(first) - set(BAD))
    return " ".join(f"{name.replace(' ', '-')}={counts[name]}"
                    for name in (*first, *rest, *BAD))


class Verdict:
    """Every entry's fate."""

    def __init__(self):
        self.counts = Counter()
        self.sorry = Counter()  # which apologies
        self.entries = {}
        self.strays = []  # deliveries

    def add(self, name, entry):
        self.counts[name] += 1
        self.entries.setdefault(name, []).append(entry)

    def of(self, entry):
        """The fate of one entry."""
        return next(name for name, entries in self.entries.items()
                    if entry in entries)

    def __getitem__(self, name):
        """The entries of that fate."""
        return self.entries.get(name, [])

    @property
    def bad(self):
        return sum(self.counts[name] for name in BAD)

    @property
    def clean(self):
        return self.bad == 0

    def summary(self):
        return summary_of(self.counts)

    def explain(self):
        lines = [self.summary(), f"apologies: {dict(self.sorry)}"]
        for name in (*BAD, "undecidable"):
            lines += [f"{name} {entry}" for entry in self[name][:5]]
        lines += [f"STRAY {delivery}" for delivery in self.strays[:5]]
        return "\n".join(lines)

    def slowest(self, n=1):
        """The entries that were answered last, the slowest first."""
        seen = [entry for entries in self.entries.values()
                for entry in entries if entry.acked and entry.seen]
        return sorted(seen, key=Entry.waited_s, reverse=True)[:n]


class Judge:
    """Compares what was sent, what was seen and what the store says."""

    def __init__(self, entries, users, window, boots):
        self.entries = entries
        self.users = users
        self.window = window
        self.boots = boots
        self.verdict = Verdict()
        self.accepted = defaultdict(list)  # of each user
        for entry in entries:
            if entry.fate == "accepted":
                self.accepted[entry.user].append(entry)

    def judge(self, deliveries):
        verdict = self.verdict
        self.match(deliveries)
        for entry in self.entries:
            verdict.counts["posted"] += 1
            verdict.counts["acknowledged"] += entry.acked
            verdict.counts["redelivered"] += len(entry.posts) > 1
            verdict.add(self.fate_of(entry), entry)
        return verdict

    def match(self, deliveries):
        """Finds the event of each delivery.

        A reply has its token; a push has its retry key, or the fallback
        text's, which differs in the last bit, and mostly a quote.
        """
        of = {}
        for entry in self.entries:
            entry.seen = []
            of[entry.id] = of[entry.key] = of[other_key(entry.key)] = entry
            of[entry.event["message"].get("quoteToken", entry.id)] = entry
        for delivery in deliveries:
            key = (delivery.retry_key or "").replace("-", "").lower()
            entry = of.get(delivery.event_id) or of.get(key) or of.get(
                delivery.messages[0].get("quoteToken"))
            if entry is not None:
                entry.seen.append(delivery)
            elif delivery.user in self.users:
                self.verdict.counts["STRAY"] += 1
                self.verdict.strays.append(delivery)

    def fate_of(self, entry):
        if len(entry.seen) > 1:
            return "undecidable" if self.is_undecidable(entry) \
                else "DUPLICATE"
        if entry.end == "open":
            return "STUCK"
        if entry.seen:
            return self.what_was_seen(entry)
        if not entry.acked:
            return "refused"
        if entry.fate in DROPS:
            return self.why_dropped(entry)
        if entry.discarded:
            return self.why_discarded(entry)
        if entry.fate == "accepted" and entry.end in UNTOLD:
            return f"dead {entry.end}"
        return "LOST"

    def is_undecidable(self, entry):
        """Was the second one a push, after the token's time?"""
        if [d.kind for d in entry.seen] != ["reply", "push"]:
            return False
        reply, push = (delivery.at for delivery in entry.seen)
        if any(reply < boot < push for boot in self.boots):
            return True
        return push - entry.posts[-1][0] >= self.window

    def what_was_seen(self, entry):
        text = "\n".join(texts_of(entry.seen[0]))
        if f"About “{entry.question}”" in text:
            good = entry.fate == "accepted" and entry.voice == (
                text.startswith(f"You said: “{entry.question}”"))
            return "answered" if good else "WRONG"
        if text not in SORRY:
            return "WRONG"
        if entry.fate != "accepted":
            return f"dropped {entry.fate}"
        self.verdict.sorry[text] += 1
        return "apologised"

    def why_dropped(self, entry):
        """Dropped means that another question of the user's was open.

        A user is free again before he is told anything, so that one was not
        told of before this one came.
        """
        if entry.fate == "dropped" and not self.was_busy(entry, 0):
            return "WRONG"
        return f"dropped {entry.fate}"

    def why_discarded(self, entry):
        """The same, of the time until it was heard."""
        return "discarded" if self.was_busy(entry, HEARD_S) else "LOST"

    def was_busy(self, entry, later):
        """Was another question open, from its coming until later?"""
        return any(other is not entry and not other.discarded
                   and other.posts[0][0] <= entry.posts[-1][0] + later
                   and (not other.seen
                        or other.seen[-1].at >= entry.posts[0][0])
                   for other in self.accepted[entry.user])

"""crowd - many webhooks at the same time, and what came of each."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor


def at_once(jobs, threads=None):
    """Runs all functions side by side; their results in order."""
    jobs = list(jobs)
    threads = threads or len(jobs)
    barrier = threading.Barrier(threads)

    def run(i, job):
        if i < threads:
            barrier.wait()
        return job()

    with ThreadPoolExecutor(threads) as executor:
        return list(executor.map(run, range(len(jobs)), jobs))


def ask_all(sim, questions, threads=None, patience_s=0):
    """One webhook per user, all at once; user -> (status, sent at).

    questions: user -> text.  What is not answered 200 is delivered again
    until patience_s is over.
    """
    def ask(user, text):
        event = sim.text_event(user, text)

        def send():
            at = time.monotonic()
            status, _ = sim.send([event])
            while status != 200 and time.monotonic() - at < patience_s:
                status, _ = sim.redeliver(event)
            return status, at
        return send

    jobs = [ask(user, text) for user, text in questions.items()]
    return dict(zip(questions, at_once(jobs, threads)))


def answered(sim, users):
    """Of these users, those who saw something: user -> its records."""
    seen = {user: [] for user in users}
    for delivery in list(sim.deliveries):
        if delivery.user in seen:
            seen[delivery.user].append(delivery)
    return {user: got for user, got in seen.items() if got}


def wait_answered(sim, users, timeout):
    """Waits until every user saw something; returns who did."""
    users = set(users)

    def all_there():
        seen = {d.user for d in list(sim.deliveries)}
        return users <= seen
    sim.wait_for(all_there, timeout)
    return answered(sim, users)


def texts(deliveries):
    """The texts of some deliveries, in order."""
    return [message["text"] for delivery in deliveries
            for message in delivery.messages]

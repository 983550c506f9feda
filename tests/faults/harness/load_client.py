"""The well-behaved clients, as a process of their own. Standard input: one line of JSON, then nothing until it is to end. Standard output:
arrays of samples, a line each.

A client asks when it is due, over a connection that it keeps, and does not ask faster when it is late: latency counts from when a request was
due, so that a server that stands still for a second shows in a second's worth of requests. After a failure it begins anew a little later.
"""

import json
import ssl
import sys
import threading
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

from harness import reviews  # noqa: E402
from harness.connection import Broken, Connection, trust  # noqa: E402

PAUSE_AFTER_FAILURE = 0.02
BATCH = 0.05
REQUESTS = 5  # of a connection that is not kept


class Clients:
    def __init__(self, port: int, authorities: str, clients: int, rate: float):
        self._port = port
        self._context = trust(authorities)
        self._period = clients / rate
        self._lock = threading.Lock()
        self._samples: list = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(clients)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def take(self) -> list:
        with self._lock:
            samples, self._samples = self._samples, []
        return samples

    def _work(self, number: int) -> None:
        connection = None
        keeps = reviews.keeps(number)
        kinds = reviews.kinds(number)
        asked = 0
        due = time.monotonic() + self._period * (number % 16) / 16
        turn = 0
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            turn += 1
            kind = kinds[turn % len(kinds)]
            uid = str(uuid.uuid4())
            sent = 0.0
            outcome = detail = policy = ""
            allowed = False
            try:
                if connection is None:
                    connection = Connection(self._port, self._context)
                    asked = 0
                sent = time.monotonic()
                answer = connection.ask(reviews.request(uid, reviews.KINDS[kind].image))
                ended = time.monotonic()
                asked += 1
                outcome = "answered" if answer.status == 200 else f"status {answer.status}"
                if answer.status == 200:
                    response = json.loads(answer.body)["response"]
                    allowed = response["allowed"]
                    policy = response["auditAnnotations"]["policy"]
                    detail = response.get("status", {}).get("message", "")
                    if response["uid"] != uid:
                        outcome, detail = "answered", f"the answer of another: {response['uid']}"
                if answer.closes or (not keeps and asked >= REQUESTS):
                    connection.close()
                    connection = None
            except (OSError, Broken, ssl.SSLError, ValueError, KeyError) as error:
                ended = time.monotonic()
                # Whoever did not get a connection has asked nothing.
                outcome, detail = "failed" if sent else "refused", repr(error)
                if connection is not None:
                    connection.close()
                    connection = None
            with self._lock:
                self._samples.append((due, sent, ended, uid, kind, outcome, allowed, detail, policy, keeps))
            due = due + self._period if outcome == "answered" else time.monotonic() + PAUSE_AFTER_FAILURE
        if connection is not None:
            connection.close()


def main() -> None:
    clients = Clients(**json.loads(sys.stdin.readline()))
    clients.start()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(BATCH):
        print(json.dumps(clients.take()), flush=True)
    clients.stop()
    print(json.dumps(clients.take()), flush=True)


if __name__ == "__main__":
    main()

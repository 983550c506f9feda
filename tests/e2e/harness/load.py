"""Pods created at a fixed rate while something happens, each outcome counted exactly."""

import http.client
import json
import threading
import time
from collections import Counter

from .api import Api, url

_THREADS = 8
_BAD_ONE_IN = 5


class Load:
    """Used as a context. Every fifth pod names an image that the policy denies: a failure that lets pods in is seen as well.

    Outcomes: `created` and `denied` as they ought to be; `let in` (it should have been denied), `refused` (it should not) and
    `failed` (neither a decision nor a creation), the last two with what was answered in `details`.
    """

    def __init__(self, api: Api, namespace: str, good: dict, bad: dict, rate: float = 50):
        self.outcomes: Counter[str] = Counter()
        self.details: Counter[str] = Counter()
        self.slowest = 0.0
        self._api = api
        self._namespace = namespace
        self._pods = (good, bad)
        self._rate = rate
        self._lock = threading.Lock()
        self._next = 0
        self._stop = threading.Event()
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_THREADS)]

    def __enter__(self) -> "Load":
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.seconds = time.monotonic() - self._begun
        self._api.delete_all("Pod", self._namespace)

    @property
    def sent(self) -> int:
        with self._lock:
            return sum(self.outcomes.values())

    def wait_for(self, more: int) -> None:
        """Until so many more outcomes are known."""
        target = self.sent + more
        while self.sent < target:
            time.sleep(0.05)

    def assert_none_lost(self) -> str:
        """What is told of a load that nothing happened to."""
        lost = {name: count for name, count in self.outcomes.items() if name not in ("created", "denied")}
        assert not lost, f"{lost} of {self.sent} admissions at {self._rate:g}/s: {dict(self.details.most_common(5))}"
        assert self.outcomes["created"] and self.outcomes["denied"], f"the load did not run: {self.outcomes}"
        return (f"{self.outcomes['created']} created, {self.outcomes['denied']} denied, 0 lost in {self.seconds:.0f} s "
                f"({self.sent / self.seconds:.0f}/s, slowest {self.slowest * 1000:.0f} ms)")

    def _work(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                number = self._next
                self._next += 1
            pause = self._begun + number / self._rate - time.monotonic()
            if pause > 0 and self._stop.wait(pause):
                return
            self._create(number)

    def _create(self, number: int) -> None:
        bad = number % _BAD_ONE_IN == 0
        pod = self._pods[bad]
        pod = {**pod, "metadata": {**pod["metadata"], "name": f"load-{number}", "namespace": self._namespace}}
        begun = time.monotonic()
        try:
            status, body, _ = self._api.send("POST", url("Pod", self._namespace), pod)
            message = "" if status == 201 else json.loads(body).get("message", "")
        except (OSError, http.client.HTTPException, ValueError) as error:
            status, message = 0, repr(error)
        took = time.monotonic() - begun
        if status == 201:
            outcome = "let in" if bad else "created"
        elif status == 403 and "denied the request" in message:
            outcome = "denied" if bad else "refused"
        else:
            outcome = "failed"
        with self._lock:
            self.outcomes[outcome] += 1
            self.slowest = max(self.slowest, took)
            if outcome in ("failed", "refused"):
                self.details[f"{status} {message[:300]}"] += 1

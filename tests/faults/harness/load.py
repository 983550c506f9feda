"""The load: well-behaved clients in a process of their own (load_client.py), and what became of each request."""

import dataclasses
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from . import reviews

CLIENTS = 16
RATE = 320  # a second, of all together


@dataclasses.dataclass(frozen=True)
class Sample:
    due: float  # by time.monotonic(), which is the same in all processes
    sent: float  # 0: it was not
    ended: float
    uid: str
    kind: int
    outcome: str  # answered; refused: no connection was made, so nothing was asked; failed: no answer came; status NNN
    allowed: bool
    detail: str  # the denial's message, or what failed
    policy: str
    keeps: bool  # of a client that keeps its connection

    @property
    def latency(self) -> float:
        return self.ended - self.due

    @property
    def wrong(self) -> str:
        """What is wrong with the decision; empty where there is none."""
        return reviews.what_is_wrong(self.kind, self.allowed, self.detail, self.policy) if self.outcome == "answered" else ""

    @property
    def right(self) -> bool:
        return self.outcome == "answered" and not self.wrong


class Load:
    """Used as a context. `samples` grows in the order of answers, some 50 ms behind."""

    def __init__(self, port: int, authorities: Path, clients: int = CLIENTS, rate: float = RATE):
        self.samples: list[Sample] = []
        self._child = subprocess.Popen([sys.executable, str(Path(__file__).with_name("load_client.py"))],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._child.stdin.write(json.dumps({"port": port, "authorities": str(authorities), "clients": clients, "rate": rate}) + "\n")
        self._child.stdin.flush()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        """Until every request under way has its outcome."""
        if not self._child.stdin.closed:
            self._child.stdin.close()
            self._reader.join()
            self._child.wait()
            self._child.stdout.close()

    def first_right(self, since: float, within: float) -> float:
        """When the first request that was due since then was answered rightly. Raises AssertionError."""
        until = time.monotonic() + within
        seen = 0
        while time.monotonic() < until:
            for sample in self.samples[seen:]:
                seen += 1
                if sample.due >= since and sample.right:
                    return sample.ended
            time.sleep(0.01)
        raise AssertionError(f"no right answer within {within:g} s")

    def _read(self) -> None:
        for line in self._child.stdout:
            self.samples.extend(Sample(*values) for values in json.loads(line))


def percentile(samples: list[Sample], part: float = 0.99) -> float | None:
    latencies = sorted(sample.latency for sample in samples if sample.outcome == "answered")
    return latencies[min(len(latencies) - 1, int(len(latencies) * part))] if latencies else None

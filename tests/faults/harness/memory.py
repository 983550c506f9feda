"""What the server holds while time goes by: samples of its memory and descriptors, each second."""

import dataclasses
import statistics
import threading
import time
from collections.abc import Callable

from .server import Server


@dataclasses.dataclass(frozen=True)
class Held:
    at: float  # of time.monotonic()
    progress: float  # of what is measured against
    resident: int  # KiB
    descriptors: int


class Watch:
    """Used as a context: samples `server` until it is left. `progress` says how far things are."""

    def __init__(self, server: Server, progress: Callable[[], float]):
        self.samples: list[Held] = []
        self._server = server
        self._progress = progress
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def around(self, progress: float, width: float) -> Held:
        """What was sampled within `width` before this progress: the median of the memory, and the most descriptors."""
        near = [held for held in self.samples if progress - width <= held.progress <= progress] or self.samples[-1:]
        return Held(near[-1].at, progress, int(statistics.median(held.resident for held in near)),
                    max(held.descriptors for held in near))

    def _watch(self) -> None:
        while not self._stop.wait(1):
            status = self._server.status()
            self.samples.append(Held(time.monotonic(), self._progress(), status["resident"], status["descriptors"]))

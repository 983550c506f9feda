"""One server under load, the faults that are injected into it, and what came of it."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

from .load import Load, Sample, percentile
from .server import Server

BASELINE = 2  # seconds of load before the first fault
AFTERWARDS = 1.0  # and after the last one, in which all must be well
BOUND = 1.0  # seconds: the 99th percentile of good clients during a fault that does not stop the server


@dataclasses.dataclass
class Measures:
    """A row of the report."""
    injected: int
    answered: int
    wrong: int
    refused: int
    failed: int
    lost: int
    before: float  # 99th percentiles, seconds; during: None where the server was not there
    during: float | None
    recovery: float | None  # the longest, seconds; None where nothing was to recover


class Site:
    """Used as a context: serves under load from the beginning to the end. `finish` is called once, inside of it."""

    def __init__(self, server: Server, authorities):
        self.server = server
        self._authorities = authorities
        self._faults: list[tuple[float, float]] = []
        self._recoveries: list[float] = []
        self._injected = 0

    def __enter__(self) -> "Site":
        self.server.start()
        self.load = Load(self.server.port, self._authorities)
        try:
            # The first handshakes all come at once, and are no part of what is compared with.
            self.load.first_right(time.monotonic(), within=10)
            time.sleep(0.5)
            self.begun = time.monotonic()
            time.sleep(BASELINE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.server.end()
        self.load.stop()

    @contextlib.contextmanager
    def fault(self, times: int = 1) -> Iterator[None]:
        """What is injected within, `times` times."""
        begun = time.monotonic()
        yield
        self._injected += times
        self._faults.append((begun, time.monotonic()))

    def last_fault(self) -> tuple[float, float]:
        """Its begin and end."""
        return self._faults[-1]

    def injected(self, times: int) -> None:
        """So many more, of a fault that is not counted beforehand."""
        self._injected += times

    def recover(self, within: float = 5) -> float:
        """Waits for a right answer to a request that was due after the last fault; how long that took."""
        ended = self._faults[-1][1]
        self._recoveries.append(self.load.first_right(ended, within) - ended)
        return self._recoveries[-1]

    def recovered(self, seconds: float) -> None:
        """As recover, of another measure than an answer."""
        self._recoveries.append(seconds)

    def samples(self, since: float, until: float = float("inf")) -> list[Sample]:
        return [sample for sample in self.load.samples if since <= sample.due < until]

    def finish(self, away: bool = False, tolerates: tuple[str, ...] = (), of: Callable[[Sample], bool] = lambda _: True,
               elsewhere: bool = False) -> Measures:
        """Ends load and server, and asserts that all was well: every decision right, no request without an answer but those that
        `tolerates` names by outcome, during a fault; nothing of the audit log lost; the bound kept by those that `of` chooses.
        `away`: the fault took the server away, so there is no latency to speak of. `elsewhere`: records may be on standard output
        in place of the database."""
        time.sleep(AFTERWARDS)
        self.load.stop()
        samples = self.load.samples
        code = self.server.terminate()
        first, last = self._faults[0][0], self._faults[-1][1]
        # Recovered: by then nothing may fail any more.
        well = last + max([0.0, *self._recoveries]) + 0.5

        wrong = [sample for sample in samples if sample.wrong]
        refused = [sample for sample in samples if sample.outcome == "refused"]
        failed = [sample for sample in samples if sample.outcome not in ("answered", "refused")]
        bad = [sample for sample in refused + failed
               if not any(sample.outcome.startswith(name) for name in tolerates) or not first <= sample.ended <= well]
        lost = self._lost(samples, elsewhere)
        compared = [sample for sample in samples if of(sample)]
        before = percentile([sample for sample in compared if self.begun <= sample.due < first])
        during = None if away else percentile([sample for sample in compared if first <= sample.due < last])
        after = percentile([sample for sample in compared if well <= sample.due])
        measures = Measures(self._injected, sum(sample.outcome == "answered" for sample in samples), len(wrong), len(refused), len(failed),
                            len(lost), before, during, max(self._recoveries, default=None))

        assert not wrong, f"{len(wrong)} decisions are wrong: {wrong[0].wrong}"
        assert not bad, (f"{len(bad)} requests got no answer: {bad[0].outcome} {bad[0].ended - self._fault_before(bad[0]):.3f} s after a fault "
                         f"began, {bad[0].ended - bad[0].sent:.3f} s after it was sent: {bad[0].detail}")
        assert not lost, f"{len(lost)} of {measures.answered} answers are not in the audit log exactly once: {lost[:3]}"
        assert during is None or during <= BOUND, f"the 99th percentile during the fault is {during:.3f} s"
        assert after is None or after <= BOUND, f"the 99th percentile after the fault is {after:.3f} s"
        assert code == 0, f"the server ended with {code} at SIGTERM: {self.server.log()[-1000:]}"
        self.server.assert_verified()
        return measures

    def _fault_before(self, sample: Sample) -> float:
        return max([begun for begun, _ in self._faults if begun <= sample.ended], default=self.begun)

    def _lost(self, samples: list[Sample], elsewhere: bool) -> list[str]:
        """The uids that were answered and are not recorded exactly once, as what was answered."""
        stored = self.server.stored()
        if elsewhere:
            printed = self.server.printed()
            stored.update({key: 1 for key in printed if key not in stored})
        times: dict[str, int] = {}
        for (uid, _), count in stored.items():
            times[uid] = times.get(uid, 0) + count
        lost = []
        for sample in samples:
            if sample.outcome == "answered":
                decisions = ("Allowed", "Warned") if sample.allowed else ("Denied",)
                if times.get(sample.uid) != 1 or sum(stored[sample.uid, decision] for decision in decisions) != 1:
                    lost.append(sample.uid)
        return lost

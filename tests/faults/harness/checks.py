"""The list of checks, and how they are run: one after the other, each with a server, a load and a line of its own."""

import dataclasses
import re
import time
import traceback
from collections.abc import Callable

from .site import Measures

_CHECKS: list["Check"] = []


class Skip(Exception):
    """The check does not apply here; the text says why."""


@dataclasses.dataclass
class Check:
    title: str  # what is injected: a row's name in the report
    run: Callable
    name: str


@dataclasses.dataclass
class Result:
    check: Check
    outcome: str  # passed, failed, skipped
    text: str
    seconds: float
    measures: Measures | None


def check(title: str):
    """Declares a check. It is handed the World and returns Measures, or Measures and a text with what else was seen."""
    def declare(function):
        _CHECKS.append(Check(title, function, function.__name__))
        return function
    return declare


def chosen(pattern: str) -> list[Check]:
    return [entry for entry in _CHECKS if re.search(pattern, entry.name)]


def run_all(world, checks: list[Check]) -> list[Result]:
    results = []
    width = max((len(entry.name) for entry in checks), default=0)
    for entry in checks:
        begun = time.monotonic()
        measures = None
        try:
            seen = entry.run(world.of(entry.name))
            measures, text = seen if isinstance(seen, tuple) else (seen, "")
            outcome = "passed"
            text = "; ".join(part for part in (told(measures), text) if part)
        except Skip as skip:
            outcome, text = "skipped", str(skip)
        except Exception as error:  # a check that fails must not keep the others from running
            outcome, text = "failed", f"{type(error).__name__}: {error}" if not isinstance(error, AssertionError) else str(error)
            where = [frame for frame in traceback.extract_tb(error.__traceback__) if "/checks/" in frame.filename]
            if where:
                text += f" ({where[-1].filename.rsplit('/', 1)[-1]}:{where[-1].lineno})"
        result = Result(entry, outcome, text, time.monotonic() - begun, measures)
        results.append(result)
        print(f"{outcome:7} {entry.name:{width}} {result.seconds:6.1f} s  {entry.title}: {text}", flush=True)
    return results


def told(measures: Measures) -> str:
    latency = f"p99 {measures.before * 1000:.1f} ms"
    if measures.during is not None:
        latency += f", {measures.during * 1000:.1f} ms during the fault (x{measures.during / measures.before:.1f})"
    recovery = "" if measures.recovery is None else f", recovered in {measures.recovery:.2f} s"
    away = f", {measures.refused} refused and {measures.failed} failed" if measures.refused + measures.failed else ""
    return f"{measures.injected} injected, {measures.answered} answered{away}, 0 wrong, 0 lost, {latency}{recovery}"

"""The list of checks, and how they are run: one after the other on the same cluster, each with a line of its own."""

import dataclasses
import json
import re
import sys
import time
import traceback
from collections.abc import Callable

_CHECKS: list["Check"] = []


class Skip(Exception):
    """The check does not apply here; the text says why."""


@dataclasses.dataclass
class Check:
    title: str
    needs: tuple[str, ...]
    run: Callable
    name: str


def check(title: str, needs: str = ""):
    """Declares a check. It is handed the World and may return a text with what was seen. `needs` are capabilities of the World,
    blank separated: `replicas` (they are processes here), `controllers` (kube-controller-manager), `kubectl`."""
    def declare(function):
        _CHECKS.append(Check(title, tuple(needs.split()), function, function.__name__))
        return function
    return declare


def chosen(pattern: str) -> list[Check]:
    """The first, which installs, always."""
    return [entry for entry in _CHECKS if entry is _CHECKS[0] or re.search(pattern, entry.name)]


@dataclasses.dataclass
class Result:
    check: Check
    outcome: str  # passed, failed, skipped
    text: str
    seconds: float


def run_all(world, checks: list[Check]) -> list[Result]:
    results = []
    width = max(len(entry.name) for entry in checks)
    for entry in checks:
        begun = time.monotonic()
        try:
            missing = [need for need in entry.needs if need not in world.capabilities]
            if missing:
                raise Skip(f"needs {', '.join(missing)}")
            outcome, text = "passed", entry.run(world) or ""
        except Skip as skip:
            outcome, text = "skipped", str(skip)
        except Exception as error:  # a check that fails must not keep the others from running
            outcome, text = "failed", f"{type(error).__name__}: {error}" if not isinstance(error, AssertionError) else str(error)
            place = traceback.extract_tb(error.__traceback__)
            where = [frame for frame in place if "/checks/" in frame.filename]
            if where:
                text += f" ({where[-1].filename.rsplit('/', 1)[-1]}:{where[-1].lineno})"
        seconds = time.monotonic() - begun
        results.append(Result(entry, outcome, text, seconds))
        print(f"{outcome:7} {entry.name:{width}} {seconds:6.1f} s  {entry.title}{': ' + text if text else ''}", flush=True)
        if outcome == "failed" and entry is checks[0]:
            print("# without an installation there is nothing to check", file=sys.stderr, flush=True)
            return results
        if outcome == "failed":
            try:
                world.mend()
            except Exception as error:
                print(f"# the release could not be mended: {error}", file=sys.stderr, flush=True)
    return results


def as_json(results: list[Result], versions: dict[str, str]) -> str:
    return json.dumps({"versions": versions, "checks": [
        {"name": result.check.name, "title": result.check.title, "outcome": result.outcome, "text": result.text,
         "seconds": round(result.seconds, 1)} for result in results]}, indent=1)

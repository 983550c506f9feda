"""Results as Markdown, and their place in docs/reliability.md: between two comments that name the command."""

import os
import platform
import re
import subprocess
from pathlib import Path

from .checks import Result


def faults(results: list[Result], binary: Path) -> str:
    rows = [("fault", "injected", "answered", "wrong", "refused", "failed", "lost", "p99 before", "during", "ratio", "recovery")]
    for result in results:
        if result.measures is None:
            rows.append((result.check.title, f"skipped: {result.text}", *[""] * 9))
            continue
        seen = result.measures
        rows.append((result.check.title, f"{seen.injected:,}", f"{seen.answered:,}", f"{seen.wrong:,}", f"{seen.refused:,}", f"{seen.failed:,}",
                     f"{seen.lost:,}", _milliseconds(seen.before), _milliseconds(seen.during),
                     "" if seen.during is None else f"{seen.during / seen.before:.1f}", _seconds(seen.recovery)))
    return f"{environment(binary)}\n\n{table(rows, right_from=1)}"


def environment(binary: Path) -> str:
    """What was run on what."""
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    return f"acr-admission {version}, Linux {platform.release()}, {os.cpu_count()} cores, clients and faults on the same."


def table(rows: list[tuple[str, ...]], right_from: int) -> str:
    head, *body = rows
    rule = ["---"] * right_from + ["---:"] * (len(head) - right_from)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *body])


def write(document: Path, command: str, text: str) -> None:
    begin, end = f"<!-- {command} -->", f"<!-- end of {command} -->"
    old = document.read_text()
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(old):
        raise RuntimeError(f"{document} has no {begin} with its end")
    document.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", old))
    print(f"written to {document}")


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f} ms"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"

"""What good clients notice of 1,000 idle connections and 500 that send a byte a second."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from . import report, workload
from .load import Load, Measured, measure as measure_load, median, say
from .servers import CLIENT_CORE, Failed, Webhook
from .setting import Setting, described, versions

_IDLE, _SLOW = 1_000, 500
_CONNECTIONS = 16
_BAR = 2.0  # times the p99 without them


def measure(setting: Setting) -> report.Section:
    body = setting.file("idle.json", workload.review("3k"))
    load = Load(body, _CONNECTIONS)
    # All come from one address, which holds at most a quarter of all connections.
    server = Webhook("webhook", setting.binary, setting.new_folder("idle"), setting.certificates,
                     {"inventory": setting.inventory(10), "server": {"maxConnections": 10_000}})
    alone: list[Measured] = []
    beside: list[Measured] = []
    try:
        measure_load(server, load, 1)
        for _ in range(setting.rounds):
            alone.append(measure_load(server, load, setting.seconds))
            with _crowd(server.port, body) as there:
                say(f"  beside {there}")
                beside.append(measure_load(server, load, setting.seconds))
    finally:
        server.stop()
    return _section(setting, median(alone), median(beside))


@contextlib.contextmanager
def _crowd(port: int, body: Path) -> Iterator[str]:
    command = ["taskset", "-c", CLIENT_CORE, sys.executable, str(Path(__file__).resolve().parent / "crowd.py"), str(port), str(_IDLE),
               str(_SLOW), str(body)]
    crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = crowd.stdout.readline().strip()
        if line != f"{_IDLE} idle, {_SLOW} slow":
            raise Failed(f"the idle and slow clients are not there: {line or 'their program ended'}")
        yield line
        crowd.stdin.close()
        if rest := crowd.stdout.read().strip():
            raise Failed(rest)
    finally:
        crowd.kill()
        crowd.wait()


def _section(setting: Setting, alone: Measured, beside: Measured) -> report.Section:
    rows = [[words, report.count(one.requests_per_second), report.milliseconds(one.p50), report.milliseconds(one.p99), ratio,
             report.microseconds(one.processor), report.mebibytes(one.resident)]
            for words, one, ratio in ((f"{_CONNECTIONS} connections alone", alone, ""),
                                      (f"beside {_IDLE:,} idle and {_SLOW} slow ones", beside, report.bar(beside.p99 / alone.p99, _BAR)))]
    head = ["", "requests/s", "p50 ms", "p99 ms", f"p99 to the first (bar: {_BAR:g})", "CPU µs a request", "RSS MiB"]
    return report.Section("idle", report.table(head, rows) + "\n" + described(versions(setting.binary, ("wrk",))))

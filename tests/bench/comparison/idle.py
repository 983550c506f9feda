"""What good clients notice of 1,000 idle connections and 500 that send a byte a second."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import report, workload
from .load import FIRST, Load, Measured, measure as measure_load, median, say
from .servers import CLIENT_CORE, Failed, Webhook
from .setting import Setting, bench_program, described, require_built, versions

_CROWD = bench_program("crowd")
_IDLE, _SLOW = 1_000, 500
_CONNECTIONS = 16
_BAR = 2.0  # times the p99 without them
# The slowest hundredth is a matter of the milliseconds in which the machine does something else: of few rounds it is anybody's.
_ROUNDS = 2  # times the other sections'
_SECONDS = 6  # the webhook closes a slow one after 5: each comes back once
_LEAST_BACK = _SLOW * 9 // 10


def check() -> None:
    require_built(_CROWD)
    if subprocess.run([*FIRST, "true"], capture_output=True, check=False).returncode != 0:
        raise Failed(f"the section idle needs the right to `{' '.join(FIRST)}`, which root has")


def measure(setting: Setting) -> report.Section:
    body = setting.file("idle.json", workload.review("3k"))
    load = Load(body, _CONNECTIONS, first=True)
    # All come from one address, which holds at most a quarter of all connections.
    server = Webhook("webhook", setting.binary, setting.new_folder("idle"), setting.certificates,
                     {"inventory": setting.inventory(10), "server": {"maxConnections": 10_000}})
    alone: list[Measured] = []
    beside: list[Measured] = []
    try:
        measure_load(server, load, 1)
        for _ in range(_ROUNDS * setting.rounds):
            alone.append(measure_load(server, load, _SECONDS))
            with _crowd(server.port, body):
                beside.append(measure_load(server, load, _SECONDS))
            say(f"  p99 {alone[-1].p99 * 1e3:.2f} ms alone, {beside[-1].p99 * 1e3:.2f} beside the others")
    finally:
        server.stop()
    return _section(setting, median(alone), median(beside))


@contextlib.contextmanager
def _crowd(port: int, body: Path) -> Iterator[None]:
    command = ["taskset", "-c", CLIENT_CORE, str(_CROWD), str(port), str(_IDLE), str(_SLOW), str(body)]
    crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if crowd.stdout.readline() != "there\n":
            raise Failed("the idle and slow clients are not there: their program ended")
        yield
        crowd.stdin.close()
        left, back = (int(word) for word in crowd.stdout.read().split())
        if left != _IDLE or back < _LEAST_BACK:
            raise Failed(f"{left} of {_IDLE} idle connections were left, and {back} slow ones came back within {_SECONDS} s")
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

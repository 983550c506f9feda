"""How long a start takes from the saved inventory, and how much memory it leaves."""

import statistics
import time

from . import report
from .load import say
from .servers import Failed, Webhook
from .setting import Setting, described, versions

_COUNTS = (10, 10_000, 100_000)
_BAR_COUNT, _BAR_BYTES, _BAR_SECONDS = 10_000, 60e6, 0.3
_SETTLE = 3.0  # seconds after it is ready: the first look at the files is over


def measure(setting: Setting) -> report.Section:
    rows = []
    for count in _COUNTS:
        say(f"a start with {count} registries")
        inventory = setting.saved_inventory(count)
        ready, at_ready, settled = [], [], []
        for _ in range(setting.rounds):
            server = Webhook("start", setting.binary, setting.new_folder("start"), setting.certificates, {"inventory": inventory})
            try:
                if server.registries() != count:
                    raise Failed(f"of {count} registries {server.registries()} are there after the start:\n{server.tail()}")
                ready.append(server.seconds_to_ready)
                at_ready.append(server.resident_bytes())
                time.sleep(_SETTLE)
                settled.append(server.resident_bytes())
            finally:
                server.stop()
        seconds, first, last = statistics.median(ready), statistics.median(at_ready), statistics.median(settled)
        barred = count == _BAR_COUNT
        rows.append([report.count(count), f"{seconds * 1e3:,.0f}{_met(seconds, _BAR_SECONDS) if barred else ''}",
                     report.count(first / 1e6), f"{last / 1e6:,.0f}{_met(last, _BAR_BYTES) if barred else ''}"])
    head = ["registries", "ready after, ms (bar: 300)", "RSS when ready, MB", f"RSS {_SETTLE:g} s later, MB (bar: 60)"]
    return report.Section("start", report.table(head, rows) + "\n" + described(versions(setting.binary)))


def _met(value: float, limit: float) -> str:
    return " (met)" if value <= limit else " (**missed**)"

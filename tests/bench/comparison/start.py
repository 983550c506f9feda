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
        row = [report.count(count), report.count(seconds * 1e3), report.count(first / 1e6), report.count(last / 1e6)]
        if count == _BAR_COUNT:
            row[1] += f" ({report.verdict(seconds <= _BAR_SECONDS)})"
            row[3] += f" ({report.verdict(last <= _BAR_BYTES)})"
        rows.append(row)
    head = ["registries", "ready after, ms (bar: 300)", "RSS when ready, MB", f"RSS {_SETTLE:g} s later, MB (bar: 60)"]
    return report.Section("start", report.table(head, rows) + "\n" + described(versions(setting.binary)))

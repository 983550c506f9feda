"""Where the webhook's time goes: a flat profile of 3 KB reviews with auditing off."""

import concurrent.futures
import re
import subprocess
import time
from pathlib import Path

from . import report, workload
from .load import Load, measure as measure_load, say
from .servers import Failed, Webhook, run
from .setting import Setting, described, require, versions

_SECONDS = 4
_SHOWN = 30


def check() -> None:
    """Raises Failed when something is missing that measure needs."""
    require(["perf"], "linux-perf")


def measure(setting: Setting) -> report.Section:
    say("profile")
    body = setting.file("profile.json", workload.review("3k"))
    server = Webhook("webhook", setting.binary, setting.new_folder("profile"), setting.certificates, {"inventory": setting.inventory(10)})
    data = setting.folder / "perf.data"
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            load = other.submit(measure_load, server, Load(body, 16), _SECONDS + 2)
            time.sleep(1)
            # cpu-clock: virtual machines often have no other counter.
            run("perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-p", str(server.pid), "-o", data, "--", "sleep", str(_SECONDS))
            load.result()
    finally:
        server.stop()
    objects = _shares(data, "dso")
    functions = [(share, _function(name)) for share, name in _shares(data, "dso,symbol") if "kernel" not in name and " 0x0" not in name]
    text = (report.table(["where", "%"], [[_place(name), f"{share:.1f}"] for share, name in objects if share >= 0.5]) + "\n" +
            report.table(["function outside of the kernel", "%"], [[name, f"{share:.1f}"] for share, name in functions[:_SHOWN]]) + "\n")
    return report.Section("profile", text + described(versions(setting.binary, ("wrk", "perf"))))


def _shares(data: Path, keys: str) -> list[tuple[float, str]]:
    result = subprocess.run(["perf", "report", "-i", str(data), "--stdio", "--sort", keys, "--percent-limit", "0.2", "-q"],
                            capture_output=True, text=True, check=False)
    found = []
    for line in result.stdout.splitlines():
        match = re.match(r"\s*([\d.]+)%\s+(.+?)\s*$", line)
        if match:
            found.append((float(match.group(1)), match.group(2)))
    if not found:
        raise Failed(f"perf report shows nothing: {result.stderr.strip()}")
    return found


def _place(name: str) -> str:
    return "kernel" if "kernel" in name else name


def _function(name: str) -> str:
    """`libcrypto.so.3 [.] EVP_…` as it reads in a table."""
    place, _, symbol = re.sub(r"\s+", " ", name).partition(" ")
    symbol = symbol.removeprefix("[.] ").removesuffix(" - -")  # columns for what was not recorded
    return f"`{symbol[:90]}`" + ("" if place == "acr-admission" else f" ({place})")

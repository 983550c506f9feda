"""What an admission costs without its I/O: build/bench's admission_bench as a table, beside the bars."""

import json

from . import report
from .load import say
from .servers import SERVER_CORE, run
from .setting import Setting, bench_program, described, require_built, versions

_BENCH = bench_program("admission_bench")
_REPETITIONS = 3

_WORDS = {
    "ParseReference": "an image reference, parsed",
    "Decode": "a review of {0} bytes, decoded",
    "Decide": "a decision about a decoded review",
    "DecodeAndDecide": "a review of {0} bytes, decoded and decided",
    "FindRegistry": "a registry among {0}, looked up",
}
_MOST_NANOSECONDS = {"DecodeAndDecide/4096": 10_000}
_LEAST_BYTES = {"DecodeAndDecide/1048576": 1e9}  # a second


def check() -> None:
    """Raises Failed when something is missing that measure needs."""
    require_built(_BENCH)


def measure(setting: Setting) -> report.Section:
    say("functions")
    output = run("taskset", "-c", SERVER_CORE, _BENCH, "--benchmark_format=json", f"--benchmark_repetitions={_REPETITIONS}",
                 "--benchmark_min_time=0.2", "--benchmark_report_aggregates_only=true")
    rows = [_row(one) for one in json.loads(output)["benchmarks"] if one["aggregate_name"] == "median"]
    head = ["what", "CPU ns", "GB/s", "bar"]
    return report.Section("functions", report.table(head, rows) + "\n" + described(versions(setting.binary)))


def _row(one: dict) -> list[str]:
    name = one["run_name"]
    base, _, size = name.partition("/")
    words = _WORDS.get(base, base).format(f"{int(size):,}" if size else "")
    nanoseconds, speed = one["cpu_time"], one.get("bytes_per_second")
    judged = ""
    if name in _MOST_NANOSECONDS:
        judged = f"at most {_MOST_NANOSECONDS[name] / 1000:g} µs ({report.verdict(nanoseconds <= _MOST_NANOSECONDS[name])})"
    if name in _LEAST_BYTES:
        judged = f"at least {_LEAST_BYTES[name] / 1e9:g} GB/s ({report.verdict(speed >= _LEAST_BYTES[name])})"
    return [words, f"{nanoseconds:,.0f}" if nanoseconds >= 100 else f"{nanoseconds:.1f}", f"{speed / 1e9:.2f}" if speed else "", judged]

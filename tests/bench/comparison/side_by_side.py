"""nginx returning a constant beside the webhook, auditing off and every decision committed."""

from collections.abc import Callable

from . import report, svg, workload
from .load import Load, Measured, interleaved, say
from .servers import Nginx, Server, Webhook, committed
from .setting import Setting, described, versions

_SIZES = {"3k": "3 KB", "12k": "12 KB", "1m": "1 MB"}
_CONNECTIONS = (1, 16, 64)
_NAMES = ("nginx", "auditing off", "committed")
_PROCESSOR_BARS = (3.0, 5.0)  # times nginx, at most
_RATE_BARS = (0.35, 0.20)  # of nginx, at least


def measure(setting: Setting) -> report.Section:
    results: dict[tuple[str, int, bool], list[Measured]] = {}
    for size in _SIZES:
        for connections in _CONNECTIONS:
            results[size, connections, False] = _one(setting, size, connections, False)
    results["3k", 16, True] = _one(setting, "3k", 16, True)
    return _section(setting, results)


def _one(setting: Setting, size: str, connections: int, denied: bool) -> list[Measured]:
    """With servers of their own, so that each memory is of this load alone."""
    body = workload.review(size)
    if denied:
        body = workload.denied(body)
    file = setting.file(f"review-{size}{'-denied' if denied else ''}.json", body)
    say(f"{_SIZES[size]}{', denied' if denied else ''}, {connections} connections")
    servers: list[Server] = []
    try:
        inventory = setting.inventory(10)
        servers.append(Webhook("auditing off", setting.binary, setting.new_folder("off"), setting.certificates, {"inventory": inventory}))
        folder = setting.new_folder("committed")
        servers.append(Webhook("committed", setting.binary, folder, setting.certificates,
                               {"inventory": inventory, "audit": committed(folder)}))
        answer = servers[0].post(body)[1]
        servers.insert(0, Nginx(setting.new_folder("nginx"), setting.certificates, answer))
        load = Load(file, connections, "Denied" if denied else "Allowed")
        return interleaved([(server, load) for server in servers], setting.rounds, setting.seconds)
    finally:
        for server in servers:
            server.stop()


def _section(setting: Setting, results: dict[tuple[str, int, bool], list[Measured]]) -> report.Section:
    head = ["body, connections", "requests/s", "of nginx", "p50 ms", "p99 ms", "CPU µs a request", "times nginx", "RSS MiB"]
    rows = []
    for (size, connections, denied), (nginx, *ours) in results.items():
        words = f"{_SIZES[size]}{' denied' if denied else ''}, {connections}"
        rows.append([f"{words}: nginx", *_numbers(nginx, "", "")])
        for name, one, processor_bar, rate_bar in zip(_NAMES[1:], ours, _PROCESSOR_BARS, _RATE_BARS, strict=True):
            rate = one.requests_per_second / nginx.requests_per_second
            processor = one.processor / nginx.processor
            judged = (report.bar(rate, rate_bar, at_most=False), report.bar(processor, processor_bar))
            rows.append([f"{words}: {name}", *_numbers(one, *judged)])
    groups = [f"{words}, {connections}" for words in _SIZES.values() for connections in _CONNECTIONS]
    shown = [one for (_, _, denied), one in results.items() if not denied]

    def plot(title: str, unit: str, value: Callable[[Measured], float], bars: tuple[float, float]) -> str:
        series = {name: [value(ones[place]) for ones in shown] for place, name in enumerate(_NAMES)}
        return svg.bars(title, f"{unit}, by body and connections; dashed: what is to be reached", groups, series,
                        dict(zip(_NAMES[1:], bars, strict=True)))

    plots = {"side-by-side-cpu.svg": plot("Processor time a request", "µs", lambda one: one.processor * 1e6, _PROCESSOR_BARS),
             "side-by-side-rate.svg": plot("Requests a second", "requests", lambda one: one.requests_per_second, _RATE_BARS)}
    images = "\n![Processor time a request](performance/side-by-side-cpu.svg)\n\n![Requests a second](performance/side-by-side-rate.svg)\n\n"
    text = report.table(head, rows) + images + described(versions(setting.binary, ("nginx", "wrk", "openssl")))
    return report.Section("side-by-side", text, plots)


def _numbers(one: Measured, rate: str, processor: str) -> list[str]:
    return [report.count(one.requests_per_second), rate, report.milliseconds(one.p50), report.milliseconds(one.p99),
            report.microseconds(one.processor), processor, report.mebibytes(one.resident)]

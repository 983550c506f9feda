"""What grows with registries, exemptions, namespace caps, connections and threads."""

import os
from collections.abc import Callable

from . import report, svg, workload
from .load import Load, Measured, interleaved, say
from .servers import Server, Webhook
from .setting import Setting, described, versions

_NAMESPACE = "shop"
_CONNECTIONS = 16
_MOST_NAMES = 1000  # different registries that one load asks about
# A policy file holds at most 100,000 values, and the smallest exemption is 13.
_MOST_EXEMPTIONS = 7_600
# Seconds in which 2,000 connections are made. The server closes those that have asked nothing for 5.
_RAMP = 3

Points = list[tuple[int, Measured]]


def measure(setting: Setting) -> report.Section:
    axes = {
        "registries": ("registries in the inventory", _registries(setting)),
        "exemptions": ("exemptions, of which the last ones let the pod in", _exemptions(setting)),
        "caps": ("namespace caps, of which the last one makes a denial a warning", _caps(setting)),
        "connections": ("connections", _connections(setting)),
        "threads": ("threads, server and client on all cores", _threads(setting)),
    }
    text, plots = [], {}
    for name, (words, points) in axes.items():
        text.append(_table(words, points))
        text.append(f"\n![{words}](performance/scaling-{name}.svg)\n\n")
        plots[f"scaling-{name}.svg"] = _plot(words, points)
    return report.Section("scaling", "".join(text) + described(versions(setting.binary, ("wrk",))), plots)


def _together(setting: Setting, cases: dict[int, tuple[dict, Load]], cores: str | None = "0") -> Points:
    """A server for each value, all there at once and measured in turns; `cases` has its settings and its load."""
    servers: list[Server] = []
    try:
        for settings, _ in cases.values():
            servers.append(Webhook("webhook", setting.binary, setting.new_folder("scaling"), setting.certificates, settings, cores))
        loads = [load for _, load in cases.values()]
        measured = interleaved(list(zip(servers, loads, strict=True)), setting.rounds, setting.seconds)
        return list(zip(cases, measured, strict=True))
    finally:
        for server in servers:
            server.stop()


def _registries(setting: Setting) -> Points:
    body = setting.file("scaling.json", workload.review("3k"))
    cases = {}
    for count in (10, 1_000, 10_000, 100_000):
        known = [name for name in workload.registry_names(count) if name != workload.OPEN_NAME]
        asked = known[::max(1, len(known) // _MOST_NAMES)]
        names = setting.file(f"names-{count}", "".join(f"{name}\n" for name in asked))
        cases[count] = ({"inventory": setting.saved_inventory(count)}, Load(body, _CONNECTIONS, names=names))
    say("registries")
    return _together(setting, cases)


def _exemptions(setting: Setting) -> Points:
    return _policies(setting, "exemptions", workload.exemptions, "Allowed", _MOST_EXEMPTIONS)


def _caps(setting: Setting) -> Points:
    return _policies(setting, "caps", workload.namespace_caps, "Warned", 10_000)


def _policies(setting: Setting, name: str, policy: Callable[[int, str], str], outcome: str, most: int) -> Points:
    body = setting.file(f"{name}.json", workload.in_namespace(workload.denied(workload.review("3k")), _NAMESPACE))
    cases = {}
    for count in (0, 100, 1_000, most):
        file = setting.file(f"{name}-{count}.yaml", policy(count, _NAMESPACE))
        cases[count] = ({"inventory": setting.inventory(10), "policy": str(file)}, Load(body, _CONNECTIONS, outcome))
    say(name)
    return _together(setting, cases)


def _connections(setting: Setting) -> Points:
    body = setting.file("scaling.json", workload.review("3k"))
    # One address holds at most a quarter of all connections.
    settings = {"inventory": setting.inventory(10), "server": {"maxConnections": 10_000}}
    say("connections")
    loads = {count: Load(body, count, ramp=_RAMP if count > 128 else 1) for count in (1, 16, 128, 1_000, 2_000)}
    return _together(setting, {count: (settings, load) for count, load in loads.items()})


def _threads(setting: Setting) -> Points:
    body = setting.file("scaling.json", workload.review("3k"))
    cores = len(os.sched_getaffinity(0))
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64) if count < cores] + [cores]
    settings = {count: {"inventory": setting.inventory(10), "server": {"threads": count}} for count in counts}
    say("threads")
    return _together(setting, {count: (settings[count], Load(body, 64, threads=cores, core=None)) for count in counts}, None)


def _table(words: str, points: Points) -> str:
    first = points[0][1]
    rows = [[report.count(value), report.count(one.requests_per_second), f"{one.requests_per_second / first.requests_per_second:.2f}",
             report.milliseconds(one.p99), f"{one.p99 / first.p99:.2f}", report.microseconds(one.processor),
             f"{one.processor / first.processor:.2f}", report.mebibytes(one.resident)] for value, one in points]
    ratio = "to the first"
    return report.table([words, "requests/s", ratio, "p99 ms", ratio, "CPU µs a request", ratio, "RSS MiB"], rows)


def _plot(words: str, points: Points) -> str:
    across = [float(value) for value, _ in points]
    return svg.lines(f"By {words}", [
        ("requests a second", across, [one.requests_per_second for _, one in points]),
        ("p99, ms", across, [one.p99 * 1e3 for _, one in points]),
        ("processor time a request, µs", across, [one.processor * 1e6 for _, one in points])])

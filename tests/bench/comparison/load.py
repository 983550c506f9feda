"""One load on one server, and interleaved rounds of several."""

import contextlib
import dataclasses
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from .servers import CLIENT_CORE, Failed, Server, Webhook

_SCRIPT = Path(__file__).resolve().parent / "post.lua"
# Before everything else on its core, for a load that shares it with what is no part of the measurement.
FIRST = ["chrt", "--fifo", "1"]
_LOOK = 0.2  # seconds between two looks at memory


@dataclasses.dataclass
class Load:
    """What is sent. `ramp`: seconds that connections have before the first request, which are not measured."""
    body: Path
    connections: int
    expected: str = "Allowed"  # what every decision must be
    names: Path | None = None
    ramp: int = 0
    threads: int = 1
    core: str | None = CLIENT_CORE
    first: bool = False


@dataclasses.dataclass
class Measured:
    requests_per_second: float
    p50: float  # seconds
    p99: float
    processor: float  # seconds of processor time a request
    resident: float  # bytes, at most


def measure(server: Server, load: Load, seconds: int) -> Measured:
    """Raises Failed when a request failed or was decided otherwise than it must be."""
    command = ["wrk", "-t", str(load.threads), "-c", str(load.connections), "-d", f"{load.ramp + seconds}s", "--timeout", "10s",
               "-s", str(_SCRIPT), server.url, "--", str(load.body), str(load.names or "-"), str(load.ramp)]
    if load.first:
        command = [*FIRST, *command]
    if load.core is not None:
        command = ["taskset", "-c", load.core, *command]
    decided = server.decisions() if isinstance(server, Webhook) else {}
    # The client counts whole seconds of the clock: begun at the beginning of one, the ramp is as long as it is said to be.
    if load.ramp:
        time.sleep(1 - time.time() % 1)
    begin = time.monotonic()
    before = server.processor_seconds()
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    resident = 0
    ramping = load.ramp > 0
    while client.poll() is None:
        if ramping and time.monotonic() - begin >= load.ramp:
            before, ramping = server.processor_seconds(), False
        resident = max(resident, server.resident_bytes())
        with contextlib.suppress(subprocess.TimeoutExpired):
            client.wait(min(_LOOK, max(0.0, begin + load.ramp - time.monotonic())) if ramping else _LOOK)
    used = server.processor_seconds() - before
    output, trouble = client.communicate()
    if client.returncode != 0 or not output.strip():
        raise Failed(f"{' '.join(command)}: {trouble.strip() or output.strip()}")
    said = json.loads(output.splitlines()[-1])
    _check(server, load, said, decided)
    requests = said["requests"]
    return Measured(requests / (said["seconds"] - load.ramp), said["p50"] / 1e6, said["p99"] / 1e6, used / requests, resident)


def _check(server: Server, load: Load, said: dict, decided: dict[str, int]) -> None:
    where = f"{server.name}, {load.body.name}, {load.connections} connections"
    errors = {name: said[name] for name in ("connect", "read", "write", "status", "timeout") if said[name]}
    if errors or not said["requests"]:
        raise Failed(f"{where}: {said['requests']} requests, errors: {errors}\n{server.tail()}")
    if isinstance(server, Webhook):
        now = server.decisions()
        grown = {kind: now[kind] - decided.get(kind, 0) for kind in now if now[kind] != decided.get(kind, 0)}
        # The last of each connection may have been decided and not been read, and that of the measurement before have come late.
        if set(grown) != {load.expected} or not 0 <= grown[load.expected] - said["requests"] <= 2 * load.connections:
            raise Failed(f"{where}: {said['requests']} requests, all to be {load.expected}, were decided as {grown}")


def median(samples: list[Measured]) -> Measured:
    """Of each value on its own."""
    return Measured(*(statistics.median(getattr(sample, field.name) for sample in samples) for field in dataclasses.fields(Measured)))


def interleaved(cases: list[tuple[Server, Load]], rounds: int, seconds: int) -> list[Measured]:
    """The medians of each case. Rounds go through all cases one after the other, so that what disturbs the machine for a while disturbs
    all of them; servers that are not being measured are stopped (SIGSTOP), so that what one has left to do is not charged to another."""
    servers = list({id(server): server for server, _ in cases}.values())
    samples: list[list[Measured]] = [[] for _ in cases]
    for server in servers:
        server.pause()
    try:
        for turn in range(rounds + 1):  # the first, short one warms up
            for (server, load), kept in zip(cases, samples, strict=True):
                server.resume()
                sample = measure(server, load, seconds if turn else 1)
                server.pause()
                if turn:
                    kept.append(sample)
                    say(f"  {server.name}: {sample.requests_per_second:,.0f} requests/s, {sample.processor * 1e6:.1f} us each")
    finally:
        for server in servers:
            server.resume()
    return [median(kept) for kept in samples]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

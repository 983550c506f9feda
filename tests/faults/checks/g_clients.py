"""Clients that want to be served badly, or want others to be: each kind for some seconds, beside the good ones."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from harness import attack_client
from harness.checks import check

SECONDS = 3  # of an attack that repeats itself


def attacked(world, attack: str, expected: set[str], configuration=None, mostly: bool = False, **order):
    """Measures under this attack, every outcome of which is `expected`."""
    with world.site(configuration) as site:
        with site.fault(0):
            seen = launch(site, world, attack, **order)
        most = seen.pop("most at a time", 0)
        site.injected(seen.total())
        site.recover()
        unexpected = {outcome: count for outcome, count in seen.items() if outcome not in expected}
        assert not unexpected, f"{unexpected} of {seen.total()}"
        assert seen, "nothing was tried"
        uids = [uid for uid, _ in site.server.stored()]
        assert not [uid for uid in uids if uid.startswith(attack_client.SMUGGLED)], "a smuggled request was decided"
        text = ", ".join(f"{count} {outcome}" for outcome, count in seen.most_common())
        return site.finish(), text + (f", {most} at a time" if most else "")


def launch(site, world, attack: str, seconds: float = SECONDS, **order) -> Counter:
    order = {"attack": attack, "port": site.server.port, "authorities": str(world.authorities()), "seconds": seconds,
             "workers": 2, "pause": 0.02, "a_second": 200, "connections": 100, **order}
    client = subprocess.run([sys.executable, str(Path(attack_client.__file__))], input=json.dumps(order) + "\n", stdout=subprocess.PIPE,
                            text=True, check=True)
    return Counter(json.loads(client.stdout))


@check("plain HTTP to the TLS port")
def plain_http(world):
    return attacked(world, "plain_http", {"closed"})


@check("TLS 1.2 renegotiation")
def renegotiation(world):
    return attacked(world, "renegotiation", {"refused"})


@check("half-close, behind a request and in the middle of one")
def half_close(world):
    return attacked(world, "half_close", {"a whole: 200", "a half: closed"})


@check("heads of 64 KiB")
def giant_head(world):
    return attacked(world, "giant_head", {"431"})


@check("bodies over 16 MiB, announced or in chunks")
def giant_body(world):
    return attacked(world, "giant_body", {"413"}, workers=1, pause=0.1)


@check("smuggling: 20 heads that two parsers read differently")
def smuggling(world):
    return attacked(world, "smuggling", {"refused"})


@check("chunks with bad sizes and ends")
def bad_chunks(world):
    return attacked(world, "bad_chunks", {"refused"})


@check("20 requests pipelined")
def pipelined(world):
    return attacked(world, "pipelined", {"answered in order"}, pause=0.1)


@check("connections without a byte of TLS, 200 at a time")
def no_bytes(world):
    return attacked(world, "no_bytes", {"closed in time", "held to the end"}, seconds=6, connections=200)


@check("heads at two bytes a second, 100 at a time")
def slow_head(world):
    return attacked(world, "slow_head", {"closed in time", "held to the end"}, seconds=6.5)


@check("bodies at two bytes a second, 100 at a time")
def slow_body(world):
    return attacked(world, "slow_body", {"closed in time", "held to the end"}, seconds=11.5)


@check("500 connections at a byte a second")
def byte_a_second(world):
    return attacked(world, "byte_a_second", {"closed in time", "held to the end"}, seconds=7, connections=500, a_second=250)


@check("2,000 connections, each answered once and idle then")
def idle(world):
    server = {"server": '{address: "127.0.0.1:PORT", maxConnections: 3000}'}
    measures, text = attacked(world, "idle", {"held to the end"}, server, seconds=4, connections=2000, a_second=400)
    assert "2000 at a time" in text, text
    return measures, text


@check("2,000 connections that ask nothing, where 1,000 are allowed")
def flood(world):
    return attacked(world, "asks_nothing", {"closed", "held to the end"}, seconds=4, connections=2000, a_second=400)

"""Abusive clients, as a process of their own. Standard input: one line of JSON. Standard output, at the end: how often each outcome was seen.

Attacks come from addresses of 127.0.1.0/24, so that a quarter of the server's connections is not theirs together with the good clients'.
"""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

from harness import limits, reviews  # noqa: E402
from harness.connection import Broken, Connection, trust  # noqa: E402

IMAGE = reviews.KINDS[0].image
SMUGGLED = "smuggled"  # begins the uids of requests that nobody may answer


def source(number: int) -> str:
    return f"127.0.1.{1 + number % 250}"


class Target:
    def __init__(self, port: int, authorities: str):
        self.port = port
        self.context = trust(authorities)
        self._numbers = itertools.count()

    def connect(self) -> Connection:
        return Connection(self.port, self.context, source(next(self._numbers) % 8))

    def number(self) -> int:
        return next(self._numbers)


def answer_and_end(connection: Connection) -> str:
    """What one who sent something bad gets: a status, and the end of the connection."""
    try:
        status = str(connection.receive().status)
    except (Broken, ConnectionError, ssl.SSLError):
        return "closed"
    return status if connection.ended() else f"{status}, and the connection goes on"


def smuggled(target: Target) -> bytes:
    return reviews.request(f"{SMUGGLED}-{target.number()}", IMAGE)


# Once each: what is sent, and what becomes of it.

def plain_http(target: Target) -> str:
    with socket.create_connection(("127.0.0.1", target.port), 10, (source(0), 0)) as plain:
        try:
            plain.sendall(reviews.request(f"{SMUGGLED}-plain-{target.number()}", IMAGE))
            received = b""
            while data := plain.recv(4096):
                received += data
        except ConnectionError:
            pass
        return "answered in plain" if b"HTTP/" in received else "closed"


def renegotiation(target: Target) -> str:
    client = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{target.port}", "-tls1_2", "-bind", f"{source(0)}:0"],
                            input="R\n", capture_output=True, text=True, timeout=20, check=False)
    if "Cipher    : ECDHE" not in client.stdout:
        return "no TLS 1.2"
    return "refused" if "no renegotiation" in client.stderr else f"renegotiated: {client.stderr[-200:]}"


def half_close(target: Target) -> str:
    """The client's direction is shut down: behind a whole request, and in the middle of one."""
    whole = target.number() % 2 == 0
    data = reviews.request(f"half-close-{target.number()}", IMAGE)
    with target.connect() as connection:
        connection.send(data if whole else data[:len(data) // 2])
        with socket.socket(fileno=socket.dup(connection.socket.fileno())) as plain:
            plain.shutdown(socket.SHUT_WR)
        try:
            status = connection.receive().status
        except (Broken, ConnectionError, ssl.SSLError):
            return "a half: closed" if not whole else "a whole: closed"
        return f"a {'whole' if whole else 'half'}: {status}"


def giant_head(target: Target) -> str:
    with target.connect() as connection:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            connection.send(reviews.head(f"Content-Length: 2\r\nX-Padding: {'x' * limits.HEAD * 4}\r\n") + smuggled(target))
        return answer_and_end(connection)


def giant_body(target: Target) -> str:
    """One that says how large it is, and one that does not."""
    with target.connect() as connection:
        if target.number() % 2 == 0:
            connection.send(reviews.head(f"Content-Length: {1 << 30}\r\n") + b"{")
        else:
            connection.send(reviews.head("Transfer-Encoding: chunked\r\n"))
            piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                for _ in range(limits.BODY // 0x10000 + 16):
                    connection.send(piece)
        return answer_and_end(connection)


# Each makes one reader see one request, and another two: heads, with "{length}" for the length of the body that follows.
AMBIGUOUS_HEADS = [
    "Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n",
    "Content-Length: {length}\r\nContent-Length: 0\r\n",
    "Content-Length: {length}\r\nContent-Length: {length}\r\n",
    "Content-Length: {length}, 0\r\n",
    "Content-Length: +{length}\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 0x10\r\n",
    "Content-Length: 99999999999999999999999\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding:\x0bchunked\r\n",
    "X: y\r\n Content-Length: {length}\r\n",
    "X: y\nContent-Length: {length}\r\n",
    "X: y\0\r\nContent-Length: {length}\r\n",
    "Content-Length : {length}\r\n",
    "Host: elsewhere\r\nContent-Length: {length}\r\n",
]


def smuggling(target: Target) -> str:
    lines = AMBIGUOUS_HEADS[target.number() % len(AMBIGUOUS_HEADS)]
    inner = smuggled(target)
    body = b"0\r\n\r\n" + inner
    with target.connect() as connection:
        connection.send(reviews.head(lines.replace("{length}", str(len(body)))) + body)
        outcome = answer_and_end(connection)
        return "refused" if outcome in ("400", "411", "501") else f"{outcome}: {lines!r}"


BAD_CHUNKS = [b"zz\r\n{}\r\n", b"-1\r\n{}\r\n", b"FFFFFFFFFFFFFFFFF\r\n{}", b"2\r\n{}XX2\r\n", b"2\n{}\n", b"\r\n2\r\n{}\r\n", b"0x2\r\n{}\r\n",
              b"2;" + b"x" * limits.HEAD * 2 + b"\r\n{}\r\n"]


def bad_chunks(target: Target) -> str:
    with target.connect() as connection:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            connection.send(reviews.head("Transfer-Encoding: chunked\r\n") + BAD_CHUNKS[target.number() % len(BAD_CHUNKS)] + smuggled(target))
        outcome = answer_and_end(connection)
        return "refused" if outcome in ("400", "431") else outcome


def pipelined(target: Target) -> str:
    """Many requests before the first answer is read."""
    uids = [f"pipelined-{target.number()}" for _ in range(20)]
    with target.connect() as connection:
        connection.send(b"".join(reviews.request(uid, reviews.KINDS[number % len(reviews.KINDS)].image) for number, uid in enumerate(uids)))
        for number, uid in enumerate(uids):
            response = json.loads(connection.receive().body)["response"]
            kind = number % len(reviews.KINDS)
            if response["uid"] != uid or response["allowed"] != (kind in reviews.ALLOWED):
                return "another's answer"
    return "answered in order"


# For as long as the attack goes on: connections that are held, each by a task. They return what ended them.

async def open_tls(target: Target, number: int):
    return await asyncio.open_connection("127.0.0.1", target.port, ssl=target.context, server_hostname="localhost",
                                         local_addr=(source(number), 0))


async def held(reader, limit: float, feed=None) -> str:
    """How the server ends a connection of which it bears no more than `limit` seconds. `feed` sends until then."""
    begun = time.monotonic()
    feeding = asyncio.create_task(feed()) if feed else None
    try:
        received = await asyncio.wait_for(reader.read(4096), limit + 10)
    except (ConnectionError, ssl.SSLError):
        received = b""
    except asyncio.TimeoutError:
        return "held for ever"
    finally:
        if feeding:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError, ssl.SSLError):
                await feeding
    if received:
        return f"answered {received[:40]!r}"
    took = time.monotonic() - begun
    return "closed in time" if limit - 0.5 <= took <= limit + limits.LATE else f"closed after {took:.1f} s"


async def no_bytes(target: Target, number: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port, local_addr=(source(number % 8), 0))
    with contextlib.closing(writer):
        return await held(reader, limits.HANDSHAKE)


def dribbling(writer, data: bytes, period: float):
    async def feed() -> None:
        for byte in data:
            writer.write(bytes([byte]))
            await asyncio.sleep(period)
    return feed


async def slow_head(target: Target, number: int) -> str:
    reader, writer = await open_tls(target, number % 8)
    with contextlib.closing(writer):
        return await held(reader, limits.HEAD_TIME, dribbling(writer, reviews.head("Content-Length: 2\r\n"), 0.5))


async def byte_a_second(target: Target, number: int) -> str:
    reader, writer = await open_tls(target, number % 8)
    with contextlib.closing(writer):
        return await held(reader, limits.HEAD_TIME, dribbling(writer, reviews.head("Content-Length: 2\r\n"), 1))


async def slow_body(target: Target, number: int) -> str:
    reader, writer = await open_tls(target, number % 8)
    with contextlib.closing(writer):
        writer.write(reviews.head("Content-Length: 1000\r\n"))
        return await held(reader, limits.BODY_TIME, dribbling(writer, b" " * 1000, 0.5))


async def idle(target: Target, number: int) -> str:
    """Has had an answer, and asks no more."""
    reader, writer = await open_tls(target, number % 12)
    with contextlib.closing(writer):
        writer.write(reviews.request(f"idle-{number}", IMAGE))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        try:
            data = await reader.read(1)
        except (ConnectionError, ssl.SSLError):
            data = b""
        return "closed" if not data else "more came"


async def asks_nothing(target: Target, number: int) -> str:
    """Is made, and asks nothing: over the cap the oldest of these makes room."""
    reader, writer = await open_tls(target, number % 12)
    with contextlib.closing(writer):
        try:
            data = await reader.read(1)
        except (ConnectionError, ssl.SSLError):
            data = b""
        return "closed" if not data else "more came"


def repeat(attack, target: Target, seconds: float, workers: int, pause: float) -> Counter:
    outcomes: Counter = Counter()
    until = time.monotonic() + seconds

    def work() -> None:
        while time.monotonic() < until:
            try:
                outcome = attack(target)
            except (OSError, Broken, ssl.SSLError) as error:
                outcome = f"no connection: {error!r}"
            outcomes[outcome] += 1
            time.sleep(pause)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


async def hold(attack, target: Target, seconds: float, connections: int, a_second: int) -> Counter:
    """`connections` at a time, made at that rate, for so long after there were so many; one that ends is followed by another."""
    outcomes: Counter = Counter()
    until = float("inf")
    begun = held_now = 0

    async def one(number: int) -> None:
        nonlocal held_now
        held_now += 1
        outcomes["most at a time"] = max(outcomes["most at a time"], held_now)
        try:
            outcomes[await attack(target, number)] += 1
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError) as error:
            outcomes[f"no connection: {type(error).__name__}"] += 1
        except asyncio.CancelledError:
            outcomes["held to the end"] += 1
        held_now -= 1

    tasks: set = set()
    while time.monotonic() < until:
        for _ in range(max(1, a_second // 50)):
            if len(tasks) < connections:
                task = asyncio.create_task(one(begun))
                begun += 1
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                if begun == connections:
                    until = time.monotonic() + seconds
        await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    return outcomes


def main() -> None:
    order = json.loads(sys.stdin.readline())
    target = Target(order["port"], order["authorities"])
    attack = globals()[order["attack"]]
    if asyncio.iscoroutinefunction(attack):
        outcomes = asyncio.run(hold(attack, target, order["seconds"], order["connections"], order["a_second"]))
    else:
        outcomes = repeat(attack, target, order["seconds"], order["workers"], order["pause"])
    print(json.dumps(outcomes), flush=True)
    os._exit(0)  # the kernel closes thousands of connections sooner


if __name__ == "__main__":
    main()

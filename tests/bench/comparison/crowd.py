"""A crowd of clients beside the load: idle ones and slow ones. A program of its own, so that it can be placed and ended apart.

  crowd.py PORT IDLE SLOW BODY      prints one line when all of them are there, and ends with its standard input

Each idle connection has had one answer and asks nothing more. Each slow one sends a request a byte a second; when the server has closed
it, as it must, the next takes its place.
"""

import asyncio
import contextlib
import os
import ssl
import sys
from pathlib import Path

_TOGETHER = 20  # handshakes at a time: on a slow machine each must still end in time


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _request(body: bytes) -> bytes:
    head = ["POST /validate?timeout=10s HTTP/1.1", "Host: localhost", "Content-Type: application/json",
            f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


async def _idle(port: int, request: bytes, turns: asyncio.Semaphore, tls: ssl.SSLContext, kept: list) -> None:
    async with turns:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"an idle client was answered {head!r}")
    kept.append(writer)


async def _slow(port: int, request: bytes, turns: asyncio.Semaphore, tls: ssl.SSLContext, there: asyncio.Event) -> None:
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with turns:
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            there.set()
            for byte in request:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
                if writer.transport.is_closing():
                    break
            writer.transport.abort()


async def _run(port: int, idle: int, slow: int, body: bytes) -> None:
    turns, tls, request, kept = asyncio.Semaphore(_TOGETHER), _tls(), _request(body), []
    await asyncio.gather(*(_idle(port, request, turns, tls, kept) for _ in range(idle)))
    events = [asyncio.Event() for _ in range(slow)]
    slow_ones = [asyncio.create_task(_slow(port, request, turns, tls, event)) for event in events]
    await asyncio.gather(*(event.wait() for event in events))
    os.nice(19)  # from now on the load on the same core goes first: its latency is what is measured
    closed = sum(writer.transport.is_closing() for writer in kept)
    print(f"{len(kept) - closed} idle, {slow} slow", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    if any(writer.transport.is_closing() for writer in kept):
        print("an idle connection was closed", flush=True)
    for task in slow_ones:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]).read_bytes()))

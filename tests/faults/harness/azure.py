"""The project's fake Azure, and before it a gate through which the server under test reaches it, and which fails as Azure and networks do."""

import http.client
import http.server
import re
import ssl
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote

from .certificates import Authority

# What the gate does with a request.
PASS, SLOW, SILENT, THROTTLE, FAIL, GARBAGE, CUT = "pass", "slow", "silent", "429", "500", "garbage", "cut"
SLOW_BY = 3.0  # seconds
RETRY_AFTER = 1


class Azure:
    """Used as a context. `configuration` are the lines of a configuration that read from it."""

    def __init__(self, program: Path, registries: Path, folder: Path, authority: Authority, environment: dict[str, str] | None = None):
        self._folder = folder
        folder.mkdir()
        self._fake = subprocess.Popen([program, "--registries-file", registries, "--directory", folder], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True, env=environment)
        text = ""
        while "scope:" not in text:
            line = self._fake.stdout.readline()
            if not line:
                raise RuntimeError("fake-azure ended at once")
            text += line
        origin = re.search(r"https://[^\"]*", text)[0]
        self._backend = int(origin.rsplit(":", 1)[1])
        self._trust = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self._identity = authority.issue()
        self.mode = PASS
        self.seen: Counter[str] = Counter()  # requests by what was done with them
        self._gate: _Gate | None = None
        self._port = 0
        self.open()
        text = text.replace(origin, f"https://localhost:{self._port}").replace(str(folder / "ca.crt"), str(authority.certificate))
        self.configuration = {"inventory": text.removeprefix("inventory:") + "  refresh: 10s\n  saved: inventory.saved"}

    def __enter__(self) -> "Azure":
        return self

    def __exit__(self, *_) -> None:
        self.close()
        self._fake.terminate()
        self._fake.wait()
        self._fake.stdout.close()

    def open(self) -> None:
        self._gate = _Gate(self, self._port)
        self._port = self._gate.server_address[1]

    def close(self) -> None:
        """Connections are refused from now on, and those that are open end."""
        if self._gate:
            self._gate.end()
            self._gate = None

    def identity(self) -> tuple[Path, Path]:
        return self._identity

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        # A token is for the address that it was asked for, and pages name the next one's.
        here, there = f"localhost:{self._port}", f"localhost:{self._backend}"
        body = body.replace(here.encode(), there.encode()).replace(quote(here, "").encode(), quote(there, "").encode())
        connection = http.client.HTTPSConnection("localhost", self._backend, context=self._trust, timeout=10)
        try:
            connection.request(method, target, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read().replace(there.encode(), here.encode())
        finally:
            connection.close()


class _Gate(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, azure: Azure, port: int):
        self.azure = azure
        self.ended = threading.Event()
        self._open: set = set()
        super().__init__(("127.0.0.1", port), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*azure.identity())
        # Each connection's handshake is its own thread's.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    def get_request(self):
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_) -> None:
        pass  # the client went away

    def end(self) -> None:
        self.ended.set()
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            self.shutdown_request(connection)
        self._thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def _serve(self) -> None:
        azure = self.server.azure
        mode = azure.mode
        azure.seen[mode] += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if mode == SILENT:
            self.server.ended.wait(60)
            self.close_connection = True
            return
        if mode == SLOW:
            time.sleep(SLOW_BY)
        if mode in (PASS, SLOW):
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "content-length")}
            status, fields, content = azure.ask(self.command, self.path, headers, body)
            fields = [(name, value) for name, value in fields if name.lower() not in ("connection", "content-length", "keep-alive", "transfer-encoding")]
            return self._answer(status, fields, content)
        if mode == THROTTLE:
            return self._answer(429, [("Retry-After", str(RETRY_AFTER)), ("Content-Type", "application/json")],
                                b'{"error":{"code":"TooManyRequests","message":"slow down"}}')
        if mode == FAIL:
            return self._answer(500, [("Content-Type", "application/json")], b'{"error":{"code":"InternalServerError","message":"sorry"}}')
        if mode == GARBAGE:
            return self._answer(200, [("Content-Type", "application/json")], b'{"value":[{"id":"\x00\xff, "properties":{"loginServer":[[[')
        # CUT: an answer that ends in the middle.
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"value\":[")
        self.close_connection = True
        return None

    do_GET = do_POST = _serve

    def _answer(self, status: int, fields: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in [*fields, ("Content-Length", str(len(content)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        pass

"""One client's connection: TLS 1.2 or later to the server, HTTP/1.1 by hand, so that also what no library would send can be sent."""

import dataclasses
import socket
import ssl

TIMEOUT = 10  # seconds: of the API server for a webhook, by default


class Broken(Exception):
    """The connection ended, or what came is no answer."""


@dataclasses.dataclass
class Answer:
    status: int
    body: bytes
    closes: bool


def trust(authorities: str, **options) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authorities)
    for name, value in options.items():
        setattr(context, name, value)
    return context


class Connection:
    """Raises OSError or Broken; also when nothing comes for TIMEOUT seconds."""

    def __init__(self, port: int, context: ssl.SSLContext, source: str = "127.0.0.1", timeout: float = TIMEOUT):
        plain = socket.create_connection(("127.0.0.1", port), timeout, (source, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = context.wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise
        self._input = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, data: bytes) -> Answer:
        self.send(data)
        return self.receive()

    def receive(self) -> Answer:
        while b"\r\n\r\n" not in self._input:
            self._more()
        head, _, self._input = self._input.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if not status.startswith("HTTP/1.1 ") or not fields.get("content-length", "").isdigit():
            raise Broken(f"no answer: {head[:200]!r}")
        length = int(fields["content-length"])
        while len(self._input) < length:
            self._more()
        body, self._input = self._input[:length], self._input[length:]
        return Answer(int(status.split()[1]), body, fields.get("connection", "").lower() == "close")

    def ended(self) -> bool:
        """Whether the server ends the connection, and sends nothing before it does."""
        try:
            return not self._input and self.socket.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise Broken("the server ended the connection")
        self._input += data

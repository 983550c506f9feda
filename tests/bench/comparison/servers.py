"""The servers under measurement: nginx returning a constant, and acr-admission. Each is a process in a folder of its own."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 120.0  # seconds until a server must be ready: the largest inventory is read in some

SERVER_CORE = "0"
CLIENT_CORE = "1"


class Failed(Exception):
    """The measurement cannot go on, or would mean nothing. The text says why."""


def run(*command: str | Path) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failed(f"{' '.join(str(part) for part in command)}: {(result.stderr or result.stdout).strip()}")
    return result.stdout


def make_certificate(folder: Path) -> None:
    """tls.crt and tls.key, which sign themselves."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=acr-admission benchmark", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:10.123.0.1",
        "-keyout", folder / "tls.key", "-out", folder / "tls.crt")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process that answers at `url`, in a folder of its own, which ends with it. Whoever made it stops it."""

    def __init__(self, name: str, command: list[str], folder: Path, core: str | None = SERVER_CORE):
        self.name = name
        self.port = 0
        self.folder = folder
        self.log = folder / "log"
        pinned = ["taskset", "-c", core, *command] if core is not None else command
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(pinned, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=output, env=_environment())

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/validate?timeout=10s"

    def processor_seconds(self) -> float:
        """User and system time of all its threads since it began."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failed(f"{self.name} has ended:\n{self.tail()}")

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self._child.poll() is None:
            self.resume()
            self._child.terminate()
            try:
                self._child.wait(15)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def post(self, body: bytes) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=context)
        with contextlib.closing(connection):
            connection.request("POST", "/validate?timeout=10s", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()

    def _wait_until(self, ready: Callable[[], bool]) -> float:
        """Seconds until `ready()`. Stops the process when it never is."""
        begin = time.monotonic()
        while not ready():
            ended = self._child.poll() is not None
            if ended or time.monotonic() - begin > _PATIENCE:
                said = self.tail()
                self.stop()
                raise Failed(f"{self.name} {'ended at once' if ended else f'was not ready within {_PATIENCE:g} s'}:\n{said}")
            time.sleep(0.002)
        return time.monotonic() - begin


def _environment() -> dict[str, str]:
    """Without what would lead a server elsewhere than its configuration says."""
    return {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy") and not key.startswith("AZURE_")}


class Nginx(Server):
    """One worker that reads a request's body and returns `answer`. It decodes nothing."""

    def __init__(self, folder: Path, certificates: Path, answer: bytes):
        folder.mkdir()
        port = free_port()
        quoted = answer.decode().replace("\\", "\\\\").replace("'", "\\'")
        if "$" in quoted:
            raise Failed("nginx would take a part of the answer for a variable")
        (folder / "nginx.conf").write_text(f"""
daemon off;
master_process off;  # what serves is this process
worker_processes 1;
pid {folder}/pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  default_type application/json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  client_max_body_size 16m;
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_certificate {certificates}/tls.crt;
    ssl_certificate_key {certificates}/tls.key;
    ssl_protocols TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;
    location / {{ return 200 '{quoted}'; }}
  }}
}}
""")
        super().__init__("nginx", ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"], folder)
        self.port = port
        self._wait_until(lambda: _listens(port))


class Webhook(Server):
    """acr-admission. `settings` are sections of its configuration that replace or join the defaults below."""

    def __init__(self, name: str, binary: Path, folder: Path, certificates: Path, settings: dict, core: str | None = SERVER_CORE,
                 address: str = "127.0.0.1"):
        folder.mkdir()
        port, self.health_port = free_port(), free_port()
        configuration = {
            "server": {"address": f"{address}:{port}", "threads": 1, "drainDelay": "0s", **settings.get("server", {})},
            "health": {"address": f"127.0.0.1:{self.health_port}"},
            "tls": {"certificate": str(certificates / "tls.crt"), "key": str(certificates / "tls.key")},
            "audit": {"enabled": False},
            "log": {"level": "warning"},
        }
        configuration |= {key: value for key, value in settings.items() if key != "server"}
        (folder / "config.yaml").write_text(json.dumps(configuration))  # JSON is YAML
        super().__init__(name, [str(binary), "serve", "--config", str(folder / "config.yaml")], folder, core)
        self.port = port
        self.seconds_to_ready = self._wait_until(self.ready)

    def ready(self) -> bool:
        try:
            return self._health("/readyz")[0] == 200
        except OSError:
            return False

    def decisions(self) -> dict[str, int]:
        """How many of each kind since it began."""
        counted: dict[str, int] = {}
        for series, value in self._metrics("acr_admission_decisions_total{"):
            kind = series.partition('decision="')[2].partition('"')[0]
            counted[kind] = counted.get(kind, 0) + value
        return counted

    def registries(self) -> int:
        """In its inventory."""
        return sum(value for _, value in self._metrics("acr_admission_registries "))

    def _metrics(self, prefix: str) -> list[tuple[str, int]]:
        lines = self._health("/metrics")[1].decode().splitlines()
        return [(line, int(float(line.rpartition(" ")[2]))) for line in lines if line.startswith(prefix)]

    def _health(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.health_port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()


def committed(folder: Path) -> dict:
    """The audit settings of a server that commits every decision, in a database in `folder`, which never has to delete."""
    return {"database": str(folder / "audit.db"), "stdout": False, "retention": {"size": "64GiB"}}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

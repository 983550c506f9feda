"""The server under test: the release binary with a folder of its own, on ports that stay the same over its restarts."""

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from . import reviews
from .certificates import Authority

STARTS_WITHIN = 10  # seconds
STOPS_WITHIN = 20


def free_port() -> int:
    """One that no outgoing connection takes meanwhile."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def eventually(what: str, condition: Callable, within: float = 10):
    """What `condition` returns once that is true."""
    until = time.monotonic() + within
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > until:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(0.02)


def replace(path: Path, content: str | bytes) -> None:
    """As a whole: who reads sees the old or the new."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content.encode() if isinstance(content, str) else content)
    fresh.rename(path)


class Server:
    """`configuration` are lines of the configuration file that take the place of those with the same key."""

    def __init__(self, binary: Path, folder: Path, registries: Path, authority: Authority, configuration: dict[str, str],
                 environment: dict[str, str]):
        self.folder = folder
        self.database = folder / "audit.db"
        self.port = free_port()
        self._health_port = free_port()
        self._binary = binary
        self._environment = {**os.environ, **environment}
        self._child: subprocess.Popen | None = None
        self.serve_certificate(*authority.issue())
        shutil.copyfile(registries, folder / "registries.json")
        self.policy.write_text(reviews.STRICT)
        (folder / "definitions").mkdir()
        lines = {"server": f'{{address: "127.0.0.1:{self.port}", drainDelay: 100ms}}',
                 "health": f'{{address: "127.0.0.1:{self._health_port}"}}',
                 "tls": "{certificate: tls.crt, key: tls.key}",
                 "inventory": "{source: file, file: registries.json}",
                 "policy": "policy.yaml", "definitions": "definitions",
                 "audit": "{database: audit.db}", **configuration}
        lines["server"] = lines["server"].replace("PORT", str(self.port))
        (folder / "config.yaml").write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))

    @property
    def policy(self) -> Path:
        return self.folder / "policy.yaml"

    @property
    def pid(self) -> int:
        return self._child.pid

    def serve_certificate(self, certificate: Path, key: Path) -> None:
        replace(self.folder / "tls.key", key.read_bytes())
        replace(self.folder / "tls.crt", certificate.read_bytes())

    def start(self) -> None:
        self.launch()
        eventually("the server is ready", lambda: self._assert_running() or self.ready(), STARTS_WITHIN)

    def launch(self) -> None:
        """Without waiting until it is ready. What it prints is added to what the runs before printed."""
        with (self.folder / "collected.log").open("ab") as out, (self.folder / "server.log").open("ab") as log:
            self._child = subprocess.Popen([self._binary, "serve", "--config", self.folder / "config.yaml"], stdin=subprocess.DEVNULL,
                                           stdout=out, stderr=log, env=self._environment)

    def signal(self, number: int) -> None:
        self._child.send_signal(number)

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()

    def terminate(self) -> int:
        """The exit code."""
        self._child.send_signal(signal.SIGTERM)
        return self._child.wait(STOPS_WITHIN)

    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def exit_code(self) -> int | None:
        return self._child.poll()

    def end(self) -> None:
        """Whatever became of it."""
        if self.running():
            self._child.kill()
            self._child.wait()

    def get(self, path: str) -> tuple[int, str]:
        """Of the health listener; (0, …) when that cannot be reached."""
        connection = http.client.HTTPConnection("127.0.0.1", self._health_port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, repr(error)
        finally:
            connection.close()

    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def tells(self, text: str) -> bool:
        """Whether /readyz has it: what is wrong while it serves on."""
        return text in self.get("/readyz")[1]

    def metrics(self, name: str) -> Counter:
        """By labels, as they are written; without acr_admission_ in the name."""
        found: Counter = Counter()
        for line in self.get("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == f"acr_admission_{name}":
                found[series.partition("{")[2].rstrip("}")] += float(value)
        return found

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def status(self) -> dict[str, int]:
        """Of the process: resident KiB and open descriptors."""
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return {"resident": int(fields["VmRSS"].split()[0]), "descriptors": len(os.listdir(f"/proc/{self.pid}/fd"))}

    def audit(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([self._binary, "audit", *arguments], capture_output=True, text=True, check=False)

    def stored(self) -> Counter:
        """How often the database has each record, by (uid, decision)."""
        query = self.audit("--database", str(self.database), "--limit", "100000000", "-o", "jsonl")
        assert query.returncode == 0, f"the audit log cannot be read: {query.stderr.strip()}"
        return _records(query.stdout)

    def printed(self) -> Counter:
        """The same of standard output."""
        return _records((self.folder / "collected.log").read_text(errors="replace"))

    def assert_verified(self) -> None:
        verified = self.audit("verify", "--database", str(self.database), "--anchors", str(self.folder / "collected.log"))
        assert verified.returncode == 0 and "\nwhole: " in verified.stdout, f"audit verify: {verified.stdout}{verified.stderr}"

    def _assert_running(self) -> None:
        assert self.running(), f"the server ended with {self._child.returncode}: {self.log()[-1000:]}"


def _records(lines: str) -> Counter:
    found: Counter = Counter()
    for line in lines.splitlines():
        if line.startswith('{"time"') and line.endswith("}"):
            record = json.loads(line)
            found[record["uid"], record["decision"]] += 1
    return found

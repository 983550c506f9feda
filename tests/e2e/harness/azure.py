"""The project's fake Azure. It listens on loopback, as `localhost`: a relay on the node's address is where pods find that name."""

import contextlib
import json
import select
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import yaml

from .isolation import NODE_ADDRESS


class Azure:
    """Serves the registries of `registries`, an `az acr list` that may be changed by `change`. `inventory` is the part of a
    configuration that reads them."""

    def __init__(self, program: Path, registries: Path, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file = folder / "registries.json"
        shutil.copyfile(registries, self._file)
        self._child = subprocess.Popen([program, "--registries-file", str(self._file), "--directory", str(folder)],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines = []
        while not lines or "scope:" not in lines[-1]:
            line = self._child.stdout.readline()
            if not line:
                raise RuntimeError("fake-azure ended at once")
            lines.append(line)
        self.inventory: dict = yaml.safe_load("".join(lines))["inventory"]
        self._relay = _Relay(int(self.inventory["cloud"]["authority"].rsplit(":", 1)[-1]))

    def go_away(self) -> None:
        """Connections are refused from now on."""
        self._relay.close()

    def come_back(self) -> None:
        self._relay.open()

    def stop(self) -> None:
        self._relay.close()
        self._child.terminate()
        self._child.wait()
        self._child.stdout.close()

    def change(self, name: str, **members) -> None:
        registries = json.loads(self._file.read_text())
        next(registry for registry in registries if registry["name"] == name).update(members)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(registries))
        fresh.rename(self._file)

    def authority(self) -> str:
        return (self._folder / "ca.crt").read_text()

    def secret(self) -> bytes:
        return (self._folder / "client-secret").read_bytes()


class _Relay:
    """TCP from the node's address to the same port of loopback."""

    def __init__(self, port: int):
        self._port = port
        self._open: set[socket.socket] = set()
        self.open()

    def open(self) -> None:
        self._listener = socket.create_server((NODE_ADDRESS, self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        for side in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as server:
            self._open.add(client)
            other = {client: server, server: client}
            while True:
                for side in select.select(list(other), [], [])[0]:
                    data = side.recv(65536)
                    if not data:
                        self._open.discard(client)
                        return
                    other[side].sendall(data)

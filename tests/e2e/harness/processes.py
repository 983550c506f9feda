"""Child processes with their output in a file each."""

import signal
import subprocess
from pathlib import Path


class Process:
    def __init__(self, name: str, command: list[str], log: Path, **options):
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)

    @property
    def pid(self) -> int:
        return self._child.pid

    def running(self) -> bool:
        return self._child.poll() is None

    def returncode(self) -> int | None:
        return self._child.poll()

    def wait(self, seconds: float) -> bool:
        """Whether it ended in time."""
        try:
            self._child.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def stop(self, grace: float = 10) -> None:
        if self.running():
            self._child.send_signal(signal.SIGTERM)
            if not self.wait(grace):
                self._child.kill()
                self._child.wait()

    def tail(self, lines: int = 8) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

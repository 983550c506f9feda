"""Where and with what the measurements run: programs, folders, how long; and the words for that."""

import dataclasses
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import workload
from .servers import Failed, make_certificate

REPOSITORY = Path(__file__).resolve().parents[3]
_NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclasses.dataclass
class Setting:
    binary: Path
    folder: Path  # a temporary one
    rounds: int
    seconds: int  # of one measurement

    def __post_init__(self) -> None:
        self.certificates = self.new_folder("certificates")
        self.certificates.mkdir()
        make_certificate(self.certificates)
        self._inventories: dict[str, dict] = {}

    def new_folder(self, name: str) -> Path:
        """A path that is not there yet."""
        number = 0
        while (path := self.folder / f"{name}-{number}").exists():
            number += 1
        return path

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def inventory(self, count: int) -> dict:
        """The configuration's section of a file with so many registries."""
        def make(file: Path) -> dict:
            workload.write_inventory(file, count)
            return {"source": "file", "file": str(file)}
        return self._once(f"registries-{count}.json", make)

    def saved_inventory(self, count: int) -> dict:
        """The same of a start that has a saved inventory of just now, while Azure cannot be reached."""
        def make(file: Path) -> dict:
            workload.write_saved_inventory(file, count, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            nowhere = "https://127.0.0.1:1"  # nobody listens there: refused at once
            cloud = {"name": "Nowhere", "resourceManager": nowhere, "authority": nowhere, "registrySuffixes": ["registries.example"]}
            credential = {"kind": "clientSecret", "tenantId": _NOBODY, "clientId": _NOBODY,
                          "clientSecretFile": str(self.file("secret", "none"))}
            return {"source": "azure", "saved": str(file), "refresh": "24h", "cloud": cloud,
                    "azure": [{"credential": credential, "scope": {"subscriptions": [_NOBODY]}}]}
        return self._once(f"saved-{count}", make)

    def _once(self, name: str, make: Callable[[Path], dict]) -> dict:
        if name not in self._inventories:
            self._inventories[name] = make(self.folder / name)
        return self._inventories[name]


def bench_program(name: str) -> Path:
    """Where the preset bench builds it."""
    return REPOSITORY / "build/bench/tests/bench" / name


def require_built(program: Path) -> None:
    if not program.exists():
        raise Failed(f"there is no {program}: cmake --preset bench && cmake --build --preset bench --target {program.name}")


def require(programs: list[str], packages: str) -> None:
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise Failed(f"there is no {', '.join(missing)}; apt-get install -y --no-install-recommends {packages}")


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def described(programs: dict[str, str]) -> str:
    """One paragraph that says where the numbers above it are from."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    virtual = " (virtual)" if "hypervisor" in Path("/proc/cpuinfo").read_text() else ""
    versions = ", ".join(f"{name} {version}" for name, version in programs.items())
    command = " ".join(["tests/bench/compare", *sys.argv[1:]])
    return (f"_{processor()}{virtual}, {cores} cores, {memory:.0f} GiB, Linux {platform.release()}, {_distribution()}; {versions}. "
            f"`{command}`_\n")


def versions(binary: Path, others: tuple[str, ...] = ()) -> dict[str, str]:
    ways = {"nginx": (["nginx", "-v"], "/"), "wrk": (["wrk", "-v"], " "), "openssl": (["openssl", "version"], " "),
            "perf": (["perf", "--version"], " ")}
    found = {"acr-admission": _output([str(binary), "--version"]).split()[-1] + _commit()}
    for name in others:
        command, separator = ways[name]
        words = _output(command).splitlines()[0].split(separator)
        found[name] = words[-1].strip() if name in ("nginx", "perf") else words[1]
    return found


def _output(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def _commit() -> str:
    commit = _output(["git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"]).strip()
    return f" (tree at {commit})" if commit.isalnum() else ""


def _distribution() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "an unknown distribution"

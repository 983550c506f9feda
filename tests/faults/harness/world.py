"""What the checks run against: the programs, a folder for each check, and what they are told to do how often."""

import dataclasses
import os
import subprocess
from pathlib import Path

from . import azure
from .certificates import Authority
from .checks import Skip
from .server import Server
from .site import Site

REPOSITORY = Path(__file__).resolve().parents[3]
REGISTRIES = REPOSITORY / "examples/registries.json"


@dataclasses.dataclass
class World:
    binary: Path
    fake_azure: Path
    folder: Path
    rounds: int
    mounts: bool  # whether a mount namespace is our own
    authority: Authority = None  # of the server's certificate
    other_authority: Authority = None  # which the clients believe as well

    def of(self, name: str) -> "World":
        """The same with a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        return dataclasses.replace(self, folder=folder)

    def authorities(self, environment: dict[str, str] | None = None) -> Path:
        """Makes them, when they are not there yet; the file is what clients believe."""
        together = self.folder / "authorities.crt"
        if not together.exists():
            self.authority, self.other_authority = (Authority(self.folder / "authorities", name, environment) for name in ("first", "second"))
            together.write_bytes(self.authority.certificate.read_bytes() + self.other_authority.certificate.read_bytes())
        return together

    def azure(self) -> azure.Azure:
        self.authorities()
        return azure.Azure(self.fake_azure, REGISTRIES, self.folder / "azure", self.authority)

    def site(self, configuration: dict[str, str] | None = None, environment: dict[str, str] | None = None) -> Site:
        authorities = self.authorities()
        return Site(Server(self.binary, self.folder, REGISTRIES, self.authority, configuration or {}, environment or {}), authorities)

    def clock(self) -> tuple[Path, dict[str, str]]:
        """A file that holds by how many seconds the wall clock of a process with this environment is off (see clock_offset.c)."""
        library = self.folder / "clock_offset.so"
        compiler = subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, REPOSITORY / "tests/faults/clock_offset.c"],
                                  capture_output=True, text=True, check=False)
        if compiler.returncode != 0:
            raise Skip(f"cc cannot make clock_offset.so: {compiler.stderr.strip()}")
        offset = self.folder / "clock-offset"
        offset.write_bytes((0).to_bytes(8, "little", signed=True))
        return offset, {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(offset)}

    def unmount(self) -> None:
        """What `tmpfs` has mounted in any folder of a check."""
        for line in Path("/proc/self/mounts").read_text().splitlines():
            place = line.split()[1]
            if place.startswith(f"{self.folder}/"):
                subprocess.run(["umount", place], check=True)

    def tmpfs(self, name: str, size: str) -> Path:
        """A small file system that ends with this program."""
        if not self.mounts:
            raise Skip("only root can mount a small file system, in a mount namespace of its own")
        folder = self.folder / name
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "faults", str(folder)], check=True)
        return folder


def set_clock(offset_file: Path, seconds: int) -> None:
    """In place: the processes have it mapped."""
    with offset_file.open("r+b") as file:
        os.pwrite(file.fileno(), seconds.to_bytes(8, "little", signed=True), 0)

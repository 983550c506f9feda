"""The volume of the audit log is full, and has room again."""

import os
import time

from harness.checks import check
from harness.server import eventually

TOLD = "audit: records go to standard output"


def fill(file) -> None:
    """All that is left of the file system, to the last page."""
    with open(file, "ab", buffering=0) as rest:
        for piece in (65536, 4096):
            try:
                while True:
                    rest.write(b"\0" * piece)
            except OSError:
                continue


def full_disk(world, on_failure: str, **finish):
    volume = world.tmpfs("volume", "96m")
    site = world.site({"audit": f"{{database: volume/audit.db, onFailure: {on_failure}}}"})
    site.server.database = volume / "audit.db"
    with site:
        for _ in range(max(1, world.rounds // 2)):
            with site.fault():
                fill(volume / "rest")
                # What SQLite has in its files already is room, too.
                eventually("the full disk is told of", lambda: site.server.tells(TOLD), within=15)
                time.sleep(1.5)
            os.truncate(volume / "rest", 0)
            ended = time.monotonic()
            eventually("records go to the database again", lambda: not site.server.tells(TOLD))
            site.recover()
            site.recovered(time.monotonic() - ended)
            time.sleep(0.5)
        printed = sum(site.server.metrics("audit_commit_failures_total").values())
        assert printed, "no commit failed"
        return site.finish(elsewhere=True, **finish), f"{printed:.0f} commits failed"


@check("the audit volume full, `onFailure: admit`")
def disk_full(world):
    return full_disk(world, "admit")


@check("the audit volume full, `onFailure: refuse`")
def disk_full_refuse(world):
    # No decision without a record: those requests fail, and the API server's failurePolicy decides.
    return full_disk(world, "refuse", tolerates=("status 500",))

#!/usr/bin/env python3
"""Becomes a container: the first process of new namespaces lays out the file system, gives its rights up, and runs the command.

Run by kubelet.py as `container.py SPEC`. SPEC is a JSON file: root, mounts ([source, target, read only]), read_only, user, group,
groups, no_new_privileges, drop_capabilities, environment, command, folder.
"""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS = 38
PR_CAPBSET_DROP = 24
LAST_CAPABILITY = 40


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def place(root: Path, target: str, is_folder: bool) -> str:
    """The mount point, made where the image has none."""
    point = root / target.lstrip("/")
    if is_folder:
        point.mkdir(parents=True, exist_ok=True)
    elif not point.exists():
        point.parent.mkdir(parents=True, exist_ok=True)
        point.touch()
    return str(point)


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text())
    root = Path(spec["root"])
    mount("--make-rprivate", "/")
    mount("--bind", str(root), str(root))
    mount("-t", "proc", "proc", place(root, "/proc", True))
    for device in ("null", "zero", "random", "urandom"):
        mount("--bind", f"/dev/{device}", place(root, f"/dev/{device}", False))
    for source, target, read_only in sorted(spec["mounts"], key=lambda entry: entry[1]):
        point = place(root, target, os.path.isdir(source))
        mount("--bind", source, point)
        if read_only:
            mount("-o", "remount,bind,ro", point)
    if spec["read_only"]:
        mount("-o", "remount,bind,ro", str(root))

    libc = ctypes.CDLL(None, use_errno=True)
    os.chroot(root)
    os.chdir(spec["folder"])
    if spec["drop_capabilities"]:
        for capability in range(LAST_CAPABILITY + 1):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if spec["user"] is not None:
        os.setgroups(spec["groups"])
        os.setgid(spec["group"])
        os.setuid(spec["user"])
    if spec["no_new_privileges"] and libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    os.execve(spec["command"][0], spec["command"], spec["environment"])


if __name__ == "__main__":
    main()

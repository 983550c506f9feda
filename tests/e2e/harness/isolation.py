"""Network and mount namespaces of our own: whatever the control plane and the pods do stays in them, and ends with them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

MARK = "E2E_ISOLATED"
ONE_USER = "E2E_ONE_USER"  # set where there is no other user to run pods as

NODE_ADDRESS = "10.123.0.1"  # of the API server, as pods and webhooks see it
POD_GATEWAY = "10.123.255.254"
SERVICE_RANGE = "10.124.0.0/16"
KUBERNETES_SERVICE = "10.124.0.1"  # the first address of SERVICE_RANGE: the API server takes it for its own Service
BRIDGE = "pods"


def pod_address(number: int) -> str:
    """Of the pod of this number, from 1 on."""
    return f"10.123.{1 + number // 250}.{1 + number % 250}"


def enter() -> None:
    """Runs this program again in namespaces of its own, unless it is there already. Does not return the first time: it ends as the
    other one does, and hands on what it is told to end by."""
    if os.environ.get(MARK):
        # The first process of a process namespace ends by no signal that it does not handle.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        return
    command = ["unshare", "--net", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc"]
    environment = {**os.environ, MARK: "1"}
    if os.geteuid() != 0:
        command.append("--map-root-user")
        environment[ONE_USER] = "1"
    child = subprocess.Popen([*command, sys.executable, *sys.argv], env=environment, start_new_session=True)

    def hand_on(_number, _frame) -> None:
        for pid in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split():
            os.kill(int(pid), signal.SIGTERM)

    signal.signal(signal.SIGTERM, hand_on)
    signal.signal(signal.SIGINT, hand_on)
    sys.exit(child.wait())


def may_isolate() -> str:
    """Why namespaces cannot be made here; empty when they can."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    probe = "ip link set lo up && ip link add e2e-probe type bridge && ip link add e2e-a type veth peer name e2e-b"
    result = subprocess.run([*command, "sh", "-c", probe], capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stderr.strip() or "unshare failed"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def set_up_network() -> None:
    """The node's addresses on loopback, and a bridge that the pods hang on. No way leads out."""
    ip("link", "set", "lo", "up")
    ip("address", "add", f"{NODE_ADDRESS}/32", "dev", "lo")
    # There is no kube-proxy. The one Service that pods call is the API server's, which listens on the Service's own port.
    ip("address", "add", f"{KUBERNETES_SERVICE}/32", "dev", "lo")
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("address", "add", f"{POD_GATEWAY}/16", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")

"""Nodes that run the pods of one namespace as real processes (pod.py). Pods of other namespaces stay pending.

Also what a scheduler would do for them: each pod goes to the node, among those that take pods, that has the fewest of them.
"""

import http.client
import itertools
import sys
import threading
from pathlib import Path

from .api import STRATEGIC, Api, Refused
from .pod import PodRunner, now

_POLL = 0.25
_HEARTBEAT = 8.0


class Kubelet:
    """`node_api(name)` is the API as that node may use it."""

    def __init__(self, admin: Api, node_api, nodes: list[str], namespace: str, folder: Path, logs: Path, authority: str, image_root):
        self.nodes = nodes
        self.namespace = namespace
        self.hosts: dict[str, str] = {}  # further names in the pods' /etc/hosts, and their addresses
        self._headless: dict[str, list[str]] = {}  # what a cluster's DNS answers for headless Services, in the same files
        self._admin = admin
        self._node_api = {node: node_api(node) for node in nodes}
        self._folder = folder
        self._logs = logs
        self._authority = authority
        self._image_root = image_root
        self._runners: dict[str, PodRunner] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._stop = threading.Event()
        self._paused = threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(self._sync, _POLL), daemon=True),
                         threading.Thread(target=self._loop, args=(self._heartbeat, _HEARTBEAT), daemon=True)]

    def start(self) -> None:
        for index, node in enumerate(self.nodes):
            labels = {"kubernetes.io/hostname": node, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                      "topology.kubernetes.io/zone": f"zone-{index + 1}"}
            self._admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node, "labels": labels}})
        self._heartbeat()
        for thread in self._threads:
            thread.start()

    def runners(self) -> list[PodRunner]:
        """Of the replicas that are not ending."""
        with self._lock:
            return [runner for runner in self._runners.values() if "deletionTimestamp" not in runner.pod["metadata"] and
                    runner.pod["metadata"].get("ownerReferences") and not runner.over()]

    def hold(self, held: bool) -> None:
        """While held, no pod is given to a node: what is created stays pending."""
        (self._paused.set if held else self._paused.clear)()

    def stop(self) -> None:
        self._stop.set()
        for runner in list(self._runners.values()):
            runner.update(None)
        for runner in list(self._runners.values()):
            runner.join(10)

    def _loop(self, action, every: float) -> None:
        said = ""
        while not self._stop.wait(every):
            try:
                action()
                said = ""
            except (OSError, http.client.HTTPException, Refused) as error:
                if str(error) != said and not self._stop.is_set():  # once, not four times a second
                    said = str(error)
                    print(f"# kubelet: {error}", file=sys.stderr)

    def _sync(self) -> None:
        if not self._paused.is_set():
            self._bind()
        for service in self._admin.list("Service", self.namespace):
            if service["spec"].get("clusterIP") == "None":
                name = service["metadata"]["name"]
                slices = self._admin.list("EndpointSlice", self.namespace, f"kubernetes.io/service-name={name}")
                self._headless[f"{name}.{self.namespace}.svc"] = sorted(
                    {address for part in slices for endpoint in part.get("endpoints") or [] if endpoint["conditions"].get("ready")
                     for address in endpoint["addresses"]})
        seen = {}
        for node, api in self._node_api.items():
            for pod in api.list("Pod", fields=f"spec.nodeName={node}"):
                if pod["metadata"]["namespace"] == self.namespace:
                    seen[pod["metadata"]["uid"]] = (api, pod)
        with self._lock:
            for uid, (api, pod) in seen.items():
                if uid in self._runners:
                    self._runners[uid].update(pod)
                    continue
                if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
                    continue
                runner = PodRunner(api, pod, next(self._numbers), self._folder / uid, self._logs, self._authority, self._image_root,
                                   self.hosts, self._headless)
                self._runners[uid] = runner
                runner.start()
            for uid, runner in list(self._runners.items()):
                if uid not in seen:
                    runner.update(None)
                    if runner.over():
                        del self._runners[uid]

    def _bind(self) -> None:
        waiting = self._admin.list("Pod", self.namespace, fields="spec.nodeName=")
        if not waiting:
            return
        open_nodes = [node["metadata"]["name"] for node in self._admin.list("Node")
                      if node["metadata"]["name"] in self.nodes and not node["spec"].get("unschedulable")]
        for pod in waiting:
            if not open_nodes or "deletionTimestamp" in pod["metadata"]:
                continue
            placed = [runner.pod["spec"]["nodeName"] for runner in self.runners()]
            node = min(open_nodes, key=placed.count)
            metadata = pod["metadata"]
            self._admin.call("POST", f"/api/v1/namespaces/{self.namespace}/pods/{metadata['name']}/binding", {
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": metadata["name"], "namespace": self.namespace},
                "target": {"apiVersion": "v1", "kind": "Node", "name": node}})
            return  # the others at the next turn, when this one counts

    def _heartbeat(self) -> None:
        for node, api in self._node_api.items():
            moment = now()
            condition = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": moment,
                         "lastTransitionTime": moment}
            api.patch("Node", node, {"status": {
                "conditions": [condition], "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                "nodeInfo": {"machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "", "kubeletVersion": "e2e",
                             "containerRuntimeVersion": "e2e", "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64"},
            }}, None, "status", STRATEGIC)

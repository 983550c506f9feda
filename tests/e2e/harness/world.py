"""What a check is handed: the cluster, the release in it, and the few things that most checks do."""

import base64
import contextlib
import http.client
import itertools
import json
import re
import socket
import ssl
import subprocess
import time
import uuid
from pathlib import Path

from .api import Api, Refused, api_version, eventually, url
from .kubelet import Kubelet
from .load import Load
from .pod import PodRunner
from .release import Release

# Of examples/registries.json, by the default policy.
GOOD = "contoso.azurecr.io/shop/cart:1.4"
ALSO_GOOD = "contoso.azurecr.io/shop/cart:1.5"
BAD = "fabrikam.azurecr.io/billing:7.2"
BAD_REASON = "customer-managed-key"
FOREIGN = "docker.io/library/nginx:1.27"

WEBHOOK = "images.acr-admission.io"
WARNED_NAMESPACE = "e2e-warned"  # the values cap it to warnings

OURS = "acr-admission.io/e2e"  # label of the namespaces that the checks make

# What pods of the checks ask for: never more than a cluster has, where they really run.
_CONTAINER = {"resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}}


class _ReplicaConnection(http.client.HTTPSConnection):
    """To one replica, whose certificate is for the Service."""

    def __init__(self, address: str, server_name: str, authorities: str):
        super().__init__(address, 8443, timeout=20, context=ssl.create_default_context(cadata=authorities))
        self._server_name = server_name

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self._server_name)


class World:
    def __init__(self, api: Api, release: Release, kubectl: str, kubeconfig: str, folder: Path, kubelet: Kubelet | None,
                 control_plane, capabilities: set[str], binary: Path | None = None):
        self.api = api
        self.release = release
        self.kubelet = kubelet
        self.control_plane = control_plane
        self.folder = folder
        self.capabilities = capabilities
        self.binary = binary
        self.repository = Path(__file__).resolve().parents[3]
        self._kubectl = kubectl
        self._kubeconfig = kubeconfig
        self._numbers = itertools.count(1)
        self._run = uuid.uuid4().hex[:5]

    # Things of the checks.

    def namespace(self, name: str = "") -> str:
        """A new namespace, ready for pods."""
        name = name or f"e2e-{self._run}-{next(self._numbers)}"
        if not self.api.find("Namespace", name):
            self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {OURS: "true"}}})
        if "controllers" not in self.capabilities:
            with contextlib.suppress(Refused):
                self.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}})
        eventually(f"namespace {name} has its service account", lambda: self.api.find("ServiceAccount", "default", name))
        return name

    def template(self, *images: str) -> dict:
        """A pod's spec with these images."""
        return {"containers": [{"name": f"c{index}", "image": image, **_CONTAINER} for index, image in enumerate(images)],
                "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1}

    def pod(self, namespace: str, *images: str, name: str = "", **spec) -> dict:
        metadata = {"name": name or f"pod-{next(self._numbers)}", "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
                "spec": {**self.template(*images), **spec}}

    def workload(self, kind: str, namespace: str, *images: str, replicas: int = 1, name: str = "") -> dict:
        name = name or f"{kind.lower()}-{next(self._numbers)}"
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": self.template(*images)}
        thing = {"apiVersion": api_version(kind), "kind": kind, "metadata": {"name": name, "namespace": namespace}}
        selector = {"matchLabels": labels}
        if kind in ("Deployment", "ReplicaSet"):
            thing["spec"] = {"replicas": replicas, "selector": selector, "template": template}
        elif kind == "StatefulSet":
            thing["spec"] = {"replicas": replicas, "selector": selector, "serviceName": name, "template": template}
        elif kind == "DaemonSet":
            thing["spec"] = {"selector": selector, "template": template}
        elif kind == "ReplicationController":
            thing["spec"] = {"replicas": replicas, "selector": labels, "template": template}
        elif kind == "PodTemplate":
            thing["template"] = template
        elif kind in ("Job", "CronJob"):
            template["spec"]["restartPolicy"] = "Never"
            job = {"template": {"metadata": {}, "spec": template["spec"]}, "suspend": True}
            thing["spec"] = job if kind == "Job" else {"schedule": "0 3 * * *", "suspend": True, "jobTemplate": {"spec": job}}
        return thing

    def denied(self, action) -> str:
        """The message of the denial that `action` must meet."""
        try:
            action()
        except Refused as refused:
            assert refused.status == 403 and "denied the request" in refused.message, f"refused, but not by a decision: {refused}"
            return refused.message
        raise AssertionError("it was let in")

    def load(self, namespace: str, rate: float = 50) -> Load:
        return Load(self.api, namespace, self.pod(namespace, GOOD), self.pod(namespace, BAD), rate)

    # The world's edge.

    def kubectl(self, *arguments: str) -> str:
        command = [self._kubectl, "--kubeconfig", self._kubeconfig, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        if result.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout + result.stderr

    def metrics(self, address: str) -> dict[str, float]:
        """Series to value, of the replica at this address, without the common prefix."""
        status, text = self.health(address, "/metrics")
        assert status == 200, f"/metrics: {status}"
        series = {}
        for line in text.splitlines():
            match = re.fullmatch(r"acr_admission_(\S+(?: \S+=\S+)*) (\S+)", line)
            if match and not line.startswith("#"):
                series[match.group(1)] = float(match.group(2))
        return series

    def health(self, address: str, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(address, 8080, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def token(self, namespace: str, account: str, seconds: int = 3600) -> str:
        """Of a service account, which is made if there is none."""
        if not self.api.find("ServiceAccount", account, namespace):
            self.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}})
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}}
        return self.api.call("POST", url("ServiceAccount", namespace, account, "token"), request).body["status"]["token"]

    def ask_log(self, address: str, path: str, token: str | None) -> tuple[int, dict]:
        """The audit API of one replica."""
        authorities = base64.b64decode(self.release.ca_bundles()[0]).decode()
        connection = _ReplicaConnection(address, f"{self.release.name}.{self.release.namespace}.svc", authorities)
        try:
            connection.request("GET", f"/audit/v1/{path}", headers={"Authorization": f"Bearer {token}"} if token is not None else {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        """Of all ready replicas together."""
        return sum(value for address in self.release.ready_addresses() for series, value in self.metrics(address).items()
                   if series == name or series.startswith(name + "{"))

    def busiest(self) -> PodRunner:
        """The replica that is asked most just now: the API server keeps to its connections, and may leave another one idle."""
        def answered(runner: PodRunner) -> float:
            return sum(value for series, value in self.metrics(runner.address).items() if series.startswith("requests_total{"))

        runners = self.kubelet.runners()
        before = [answered(runner) for runner in runners]
        time.sleep(1)
        return max(zip(runners, before, strict=True), key=lambda entry: answered(entry[0]) - entry[1])[0]

    def mend(self) -> None:
        """Back to the release as it was installed first."""
        if self.kubelet:
            self.kubelet.hold(False)
        for node in self.api.list("Node"):
            if node["spec"].get("unschedulable"):
                self.api.patch("Node", node["metadata"]["name"], {"spec": {"unschedulable": None}})
        self.release.install()

    def clean_up(self) -> None:
        """The namespaces that were made, and the release's own."""
        for namespace in self.api.list("Namespace", selector=OURS):
            self.api.delete("Namespace", namespace["metadata"]["name"])
        self.api.delete("Namespace", self.release.namespace)

"""A small client of the Kubernetes API. Each thread has a connection of its own, kept open between requests."""

import http.client
import json
import re
import socket
import ssl
import threading
import time
import urllib.parse

_GROUPS = {
    "": ("/api/v1", {"Pod": "pods", "Secret": "secrets", "ConfigMap": "configmaps", "Namespace": "namespaces", "Node": "nodes",
                     "Service": "services", "ServiceAccount": "serviceaccounts", "PodTemplate": "podtemplates",
                     "ReplicationController": "replicationcontrollers"}),
    "apps": ("/apis/apps/v1", {"Deployment": "deployments", "ReplicaSet": "replicasets", "StatefulSet": "statefulsets",
                               "DaemonSet": "daemonsets"}),
    "batch": ("/apis/batch/v1", {"Job": "jobs", "CronJob": "cronjobs"}),
    "policy": ("/apis/policy/v1", {"PodDisruptionBudget": "poddisruptionbudgets"}),
    "discovery.k8s.io": ("/apis/discovery.k8s.io/v1", {"EndpointSlice": "endpointslices"}),
    "events.k8s.io": ("/apis/events.k8s.io/v1", {"Event": "events"}),
    "coordination.k8s.io": ("/apis/coordination.k8s.io/v1", {"Lease": "leases"}),
    "rbac.authorization.k8s.io": ("/apis/rbac.authorization.k8s.io/v1",
                                  {"Role": "roles", "RoleBinding": "rolebindings", "ClusterRole": "clusterroles",
                                   "ClusterRoleBinding": "clusterrolebindings"}),
    "admissionregistration.k8s.io": ("/apis/admissionregistration.k8s.io/v1",
                                     {"ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
                                      "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
                                      "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings"}),
}
_CLUSTER_SCOPED = {"Namespace", "Node", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration",
                   "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
_KINDS = {kind: (group, root, plural) for group, (root, kinds) in _GROUPS.items() for kind, plural in kinds.items()}

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

_IDLE_LIMIT = 30.0


class Refused(Exception):
    """Any answer but 2xx: the status code, and the message of the Status object."""

    def __init__(self, status: int, body: dict, what: str):
        self.status = status
        self.reason = body.get("reason", "")
        self.message = body.get("message", "")
        super().__init__(f"{what}: {status} {self.reason}: {self.message}")


class Answer:
    def __init__(self, status: int, body: dict, warnings: list[str]):
        self.status = status
        self.body = body
        self.warnings = warnings


def api_version(kind: str) -> str:
    group = _KINDS[kind][0]
    return f"{group}/v1" if group else "v1"


def url(kind: str, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
    _, root, plural = _KINDS[kind]
    parts = [root]
    if namespace and kind not in _CLUSTER_SCOPED:
        parts.append(f"namespaces/{namespace}")
    parts += [part for part in (plural, name, subresource) if part]
    return "/".join(parts)


class _NoDelayConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Api:
    """`certificate` and `key` are files of a client certificate. With `http://` (kubectl proxy) none is needed."""

    def __init__(self, server: str, authority: str = "", certificate: str = "", key: str = "", timeout: float = 60):
        self._server = urllib.parse.urlsplit(server)
        self._timeout = timeout
        self._local = threading.local()
        self._tls = None
        if self._server.scheme == "https":
            self._tls = ssl.create_default_context(cafile=authority)
            self._tls.load_cert_chain(certificate, key)

    def _connection(self) -> http.client.HTTPConnection:
        connection = getattr(self._local, "connection", None)
        # The server closes what is idle for 90 s. Only a connection that cannot have been closed is used again.
        if connection is not None and time.monotonic() - self._local.used > _IDLE_LIMIT:
            connection.close()
            connection = None
        self._local.used = time.monotonic()
        if connection is None:
            where = (self._server.hostname, self._server.port)
            connection = (_NoDelayConnection(*where, timeout=self._timeout, context=self._tls) if self._tls else
                          http.client.HTTPConnection(*where, timeout=self._timeout))
            self._local.connection = connection
        return connection

    def send(self, method: str, path: str, body: dict | None = None, content_type: str = "application/json",
             user: str = "", groups: tuple[str, ...] = ()) -> tuple[int, bytes, list[str]]:
        """One request, never repeated once it was sent. Status, body, warnings. `user` and `groups` are impersonated."""
        headers = [("Accept", "application/json"), ("Content-Type", content_type)]
        if user:
            headers.append(("Impersonate-User", user))
        headers += [("Impersonate-Group", group) for group in groups]
        data = b"" if body is None else json.dumps(body).encode()
        connection = self._connection()
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            connection.close()
            self._local.connection = None
            raise
        return response.status, content, _warnings(response.headers.get_all("Warning") or [])

    def call(self, method: str, path: str, body: dict | None = None, content_type: str = "application/json",
             user: str = "", groups: tuple[str, ...] = ()) -> Answer:
        status, content, warnings = self.send(method, path, body, content_type, user, groups)
        try:
            parsed = json.loads(content) if content else {}
        except ValueError:
            parsed = {"message": content.decode(errors="replace")}
        if not 200 <= status < 300:
            raise Refused(status, parsed if isinstance(parsed, dict) else {}, f"{method} {path}")
        return Answer(status, parsed, warnings)

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict:
        return self.call("GET", url(kind, namespace, name)).body

    def find(self, kind: str, name: str, namespace: str | None = None) -> dict | None:
        try:
            return self.get(kind, name, namespace)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def list(self, kind: str, namespace: str | None = None, selector: str = "", fields: str = "") -> list[dict]:
        query = {name: value for name, value in (("labelSelector", selector), ("fieldSelector", fields)) if value}
        suffix = "?" + urllib.parse.urlencode(query) if query else ""
        return self.call("GET", url(kind, namespace) + suffix).body["items"]

    def create(self, thing: dict, dry_run: bool = False, **who) -> Answer:
        path = url(thing["kind"], thing["metadata"].get("namespace")) + ("?dryRun=All" if dry_run else "")
        return self.call("POST", path, thing, **who)

    def patch(self, kind: str, name: str, patch: dict, namespace: str | None = None, subresource: str = "",
              content_type: str = MERGE, **who) -> Answer:
        return self.call("PATCH", url(kind, namespace, name, subresource), patch, content_type, **who)

    def delete(self, kind: str, name: str, namespace: str | None = None, now: bool = False, uid: str = "") -> None:
        """A thing that is not there is no error. `now`: without a grace period."""
        options: dict = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if now:
            options["gracePeriodSeconds"] = 0
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self.call("DELETE", url(kind, namespace, name), options)
        except Refused as refused:
            if refused.status not in (404, 409):
                raise

    def delete_all(self, kind: str, namespace: str) -> None:
        self.call("DELETE", url(kind, namespace), {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
                                                   "propagationPolicy": "Background"})


def _warnings(headers: list[str]) -> list[str]:
    """The texts of `299 - "text"` headers."""
    texts = []
    for header in headers:
        for text in re.findall(r'299 \S+ "((?:[^"\\]|\\.)*)"', header):
            texts.append(re.sub(r"\\(.)", r"\1", text))
    return texts


def eventually(what: str, probe, within: float = 30, every: float = 0.2):
    """The first true value of `probe()`. It is asked until `within` seconds have passed; failures count as false."""
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            value = probe()
            if value:
                return value
            last = value
        except (Refused, OSError, http.client.HTTPException, AssertionError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what} (last: {last})")
        time.sleep(every)

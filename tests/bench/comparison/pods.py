"""What the webhook adds to the creation of a pod by a real kube-apiserver, beside a webhook that decides nothing and an expression that the
API server evaluates itself. KUBEBUILDER_ASSETS names the folder of etcd and kube-apiserver; both run in namespaces of their own."""

import base64
import os
import statistics
import sys
import time
from pathlib import Path

from . import report
from .load import say
from .servers import Failed, Server, Webhook, committed, free_port
from .setting import REPOSITORY, Setting, bench_program, described, require_built, versions

sys.path.insert(0, str(REPOSITORY / "tests/e2e"))
from harness import isolation  # noqa: E402
from harness.api import Api, Refused, eventually, url  # noqa: E402
from harness.control_plane import ControlPlane  # noqa: E402

_ECHO = bench_program("echo_webhook")
_WAYS = {"none": "nothing", "policy": "a ValidatingAdmissionPolicy with one regex", "echo": "an echo webhook that decides nothing",
         "ours": "acr-admission, auditing off", "committed": "acr-admission, every decision committed"}
_OURS = ("ours", "committed")
_IMAGE = "contoso.azurecr.io/shop/cart:1.4"
_EXPRESSION = r"object.spec.containers.all(c, c.image.matches('^contoso\\.azurecr\\.io/.+'))"
_LABEL = "admission"
_BAR = 1.3  # times what the echo webhook adds
_BLOCKS = 5  # that the measurement is cut into, to see how far its parts agree


class _Plane(ControlPlane):
    """Without controllers: nothing runs beside what is measured."""

    @property
    def has_controllers(self) -> bool:
        return False


class _Echo(Server):
    def __init__(self, setting: Setting, address: str):
        folder = setting.new_folder("echo")
        folder.mkdir()
        port = free_port()
        tls = setting.certificates
        super().__init__("echo_webhook", [str(_ECHO), address, str(port), str(tls / "tls.crt"), str(tls / "tls.key")], folder, None)
        self.port = port


def assets() -> Path | None:
    named = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(named) if named else None


def check() -> None:
    """Raises Failed when something is missing that measure needs."""
    folder = assets()
    if folder is None or not all((folder / name).exists() for name in ("etcd", "kube-apiserver")):
        raise Failed(f"KUBEBUILDER_ASSETS={folder or ''} must name a folder that has etcd and kube-apiserver")
    require_built(_ECHO)
    if not os.environ.get(isolation.MARK) and (trouble := isolation.may_isolate()):
        raise Failed(f"namespaces of our own cannot be made here: {trouble}")


def enter() -> None:
    """Into namespaces of our own, in which this program begins anew."""
    isolation.enter()
    isolation.set_up_network()


def measure(setting: Setting) -> report.Section:
    plane = _Plane(assets(), setting.new_folder("plane"), [])
    servers: list[Server] = []
    try:
        api = plane.start()
        address = isolation.NODE_ADDRESS
        servers = [_Echo(setting, address)]
        ours: dict[str, Webhook] = {}
        for way in _OURS:
            folder = setting.new_folder(way)
            audit = {"audit": committed(folder)} if way == "committed" else {}
            ours[way] = Webhook(way, setting.binary, folder, setting.certificates, {"inventory": setting.inventory(10), **audit}, core=None,
                                address=address)
            servers.append(ours[way])
        _configure(api, setting, {"echo": servers[0], **ours})
        creations = setting.rounds * 1500
        before = {way: server.decisions() for way, server in ours.items()}
        samples = _create(api, creations)
        for way, server in ours.items():
            _check(server, before[way], creations)
        return _section(setting, plane, samples)
    finally:
        for server in servers:
            server.stop()
        plane.stop()


def _check(server: Webhook, before: dict[str, int], creations: int) -> None:
    decided = {kind: number - before[kind] for kind, number in server.decisions().items()}
    if any(number for kind, number in decided.items() if kind != "Allowed") or decided["Allowed"] < creations:
        raise Failed(f"{server.name}: at least {creations} pods were to be allowed, and nothing else; decided: {decided}")


def _configure(api: Api, setting: Setting, webhooks: dict[str, Server]) -> None:
    """A namespace for each way; each way is for its own namespace alone. All is in place from the beginning, so that pods of all of them
    can be created in turns."""
    authority = base64.b64encode((setting.certificates / "tls.crt").read_bytes()).decode()
    for way in _WAYS:
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": way, "labels": {_LABEL: way}}})
        api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": way}})
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"], "scope": "Namespaced"}
    for way, server in webhooks.items():
        there = f"https://{isolation.NODE_ADDRESS}:{server.port}/validate"
        api.create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": way},
                    "webhooks": [{"name": f"{way}.acr-admission.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                                  "failurePolicy": "Fail", "timeoutSeconds": 10, "clientConfig": {"url": there, "caBundle": authority},
                                  "rules": [rule], "namespaceSelector": {"matchLabels": {_LABEL: way}}}]})
    api.create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "policy"},
                "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]},
                         "validations": [{"expression": _EXPRESSION, "message": "not from contoso"}]}})
    api.create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": "policy"}, "spec": {"policyName": "policy", "validationActions": ["Deny"],
                         "matchResources": {"namespaceSelector": {"matchLabels": {_LABEL: "policy"}}}}})
    eventually("the ValidatingAdmissionPolicy refuses a foreign image", lambda: _refused(api, "policy", "docker.io/library/nginx:1.27"))
    for way in _OURS:
        eventually(f"{_WAYS[way]}, refuses a foreign image", lambda way=way: _refused(api, way, "docker.io/library/nginx:1.27"))


def _refused(api: Api, namespace: str, image: str) -> bool:
    try:
        api.create(_pod(namespace, "probe", image), dry_run=True)
    except Refused as refused:
        return refused.status in (403, 422)
    return False


def _pod(namespace: str, name: str, image: str = _IMAGE) -> dict:
    container = {"name": "cart", "image": image, "env": [{"name": f"SETTING_{number}", "value": "x" * 40} for number in range(12)],
                 "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
                 "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {"app": "cart"}},
            "spec": {"containers": [container], "automountServiceAccountToken": False}}


def _create(api: Api, creations: int) -> dict[str, list[float]]:
    """Seconds that each creation took, over one connection that is kept; one pod of each way after the other, the first in turns too."""
    ways = list(_WAYS)
    samples: dict[str, list[float]] = {way: [] for way in ways}
    warm_up = max(100, creations // 10)
    say(f"{creations} pods of each way")
    for number in range(warm_up + creations):
        for place in range(len(ways)):
            way = ways[(place + number) % len(ways)]
            path, pod = url("Pod", way), _pod(way, f"pod-{number}")
            begin = time.perf_counter()
            status, content, _ = api.send("POST", path, pod)
            took = time.perf_counter() - begin
            if status != 201:
                raise Failed(f"a pod in {way} was not created: {status} {content[:500]!r}")
            if number >= warm_up:
                samples[way].append(took)
    return samples


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def _section(setting: Setting, plane: ControlPlane, samples: dict[str, list[float]]) -> report.Section:
    medians = {way: statistics.median(values) for way, values in samples.items()}
    added = {way: medians[way] - medians["none"] for way in _WAYS}
    rows = []
    for way, words in _WAYS.items():
        row = [words, f"{medians[way] * 1e3:.3f}", f"{_p99(samples[way]) * 1e3:.2f}"]
        if way == "none":
            row += ["", "", ""]
        else:
            ratio = added[way] / added["echo"]
            row += [f"{added[way] * 1e3:.3f}", _spread(samples, way), report.bar(ratio, _BAR) if way in _OURS else f"{ratio:.2f}"]
        rows.append(row)
    head = ["admission", "median ms", "p99 ms", "adds to the median, ms", f"in each of {_BLOCKS} parts",
            f"to the echo webhook (bar: {_BAR:g})"]
    count = len(samples["none"])
    text = report.table(head, rows) + f"\n{count:,} pods of each way.\n\n" + described(
        {**versions(setting.binary), **{name: version for name, version in plane.versions().items() if name != "kube-controller-manager"}})
    return report.Section("cluster", text)


def _spread(samples: dict[str, list[float]], way: str) -> str:
    """The least and the most that it added in one part of the time."""
    size = len(samples[way]) // _BLOCKS
    parts = [statistics.median(samples[way][at:at + size]) - statistics.median(samples["none"][at:at + size])
             for at in range(0, size * _BLOCKS, size)]
    return f"{min(parts) * 1e3:.3f} to {max(parts) * 1e3:.3f}"

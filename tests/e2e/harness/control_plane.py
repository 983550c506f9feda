"""etcd, kube-apiserver and, where there is one, kube-controller-manager, on addresses of our own network namespace."""

import json
import subprocess
from pathlib import Path

from .api import Api, eventually
from .isolation import KUBERNETES_SERVICE, NODE_ADDRESS, SERVICE_RANGE
from .pki import Pki
from .processes import Process

ETCD = "http://127.0.0.1:2379"
ETCD_PEER = "http://127.0.0.1:2380"
SERVER = "https://127.0.0.1:443"  # the port of the Service `kubernetes`, so that pods reach it without a kube-proxy
# What the API server keeps of pods that are created, and of nothing else. From this level on webhooks' annotations are there.
AUDIT_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
                "rules": [{"level": "Metadata", "verbs": ["create"], "resources": [{"group": "", "resources": ["pods"]}]}, {"level": "None"}]}
ISSUER = "https://kubernetes.default.svc.cluster.local"


class ControlPlane:
    """`nodes`: names that get a client certificate of a kubelet, node-NAME.crt."""

    def __init__(self, assets: Path, folder: Path, nodes: list[str]):
        self.assets = assets
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.pki = Pki(folder / "pki")
        self.kubeconfig = folder / "admin.kubeconfig"
        self.audit_log = self.logs / "kube-audit.log"  # of the API server: a JSON object a line
        self.processes: list[Process] = []
        self._make_certificates(nodes)

    def _make_certificates(self, nodes: list[str]) -> None:
        pki = self.pki
        pki.authority("ca")
        pki.authority("front-proxy-ca")
        pki.certificate("apiserver", "ca", "/CN=kube-apiserver", "serverAuth",
                        "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
                        f"IP:127.0.0.1,IP:{NODE_ADDRESS},IP:{KUBERNETES_SERVICE}")
        pki.certificate("admin", "ca", "/O=system:masters/CN=admin", "clientAuth")
        pki.certificate("controller-manager", "ca", "/CN=system:kube-controller-manager", "clientAuth")
        pki.certificate("front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client", "clientAuth")
        for node in nodes:
            pki.certificate(f"node-{node}", "ca", f"/O=system:nodes/CN=system:node:{node}", "clientAuth")
        pki.signing_key("service-accounts")
        self._write_kubeconfig(self.kubeconfig, "admin")

    def _write_kubeconfig(self, file: Path, user: str) -> None:
        cluster = {"server": SERVER, "certificate-authority": str(self.pki.path("ca.crt"))}
        login = {"client-certificate": str(self.pki.path(f"{user}.crt")), "client-key": str(self.pki.path(f"{user}.key"))}
        file.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "e2e", "clusters": [{"name": "e2e", "cluster": cluster}],
            "users": [{"name": user, "user": login}], "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": user}}]}))

    def api(self, user: str) -> Api:
        return Api(SERVER, str(self.pki.path("ca.crt")), str(self.pki.path(f"{user}.crt")), str(self.pki.path(f"{user}.key")))

    @property
    def has_controllers(self) -> bool:
        return (self.assets / "kube-controller-manager").exists()

    def start(self) -> Api:
        self._start("etcd", "--name=e2e", f"--data-dir={self.folder / 'etcd'}",
                    f"--listen-client-urls={ETCD}", f"--advertise-client-urls={ETCD}", f"--listen-peer-urls={ETCD_PEER}",
                    f"--initial-advertise-peer-urls={ETCD_PEER}", f"--initial-cluster=e2e={ETCD_PEER}",
                    "--unsafe-no-fsync", "--log-level=warn")
        self.start_api_server()
        api = self.api("admin")
        eventually("the API server is ready", lambda: self._ready(api), within=90)
        if self.has_controllers:
            self._start_controllers()
            eventually("the controllers run", lambda: api.find("ServiceAccount", "default", "default"), within=60)
        return api

    def start_api_server(self) -> Process:
        pki = self.pki
        audit_policy = self.folder / "audit-policy.json"
        audit_policy.write_text(json.dumps(AUDIT_POLICY))
        return self._start(
            "kube-apiserver", "--bind-address=0.0.0.0", "--secure-port=443", f"--advertise-address={NODE_ADDRESS}",
            # Webhooks of a Service are called at the addresses of its EndpointSlices: nothing else routes here.
            "--enable-aggregator-routing=true",
            f"--etcd-servers={ETCD}", f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--client-ca-file={pki.path('ca.crt')}",
            f"--tls-cert-file={pki.path('apiserver.crt')}", f"--tls-private-key-file={pki.path('apiserver.key')}",
            "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
            f"--service-account-issuer={ISSUER}", f"--api-audiences={ISSUER}",
            f"--service-account-key-file={pki.path('service-accounts.pub')}",
            f"--service-account-signing-key-file={pki.path('service-accounts.key')}",
            f"--requestheader-client-ca-file={pki.path('front-proxy-ca.crt')}", "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={pki.path('front-proxy-client.crt')}",
            f"--proxy-client-key-file={pki.path('front-proxy-client.key')}",
            f"--audit-policy-file={audit_policy}", f"--audit-log-path={self.audit_log}",
            "--profiling=false")

    def _start_controllers(self) -> None:
        pki = self.pki
        kubeconfig = self.folder / "controller-manager.kubeconfig"
        self._write_kubeconfig(kubeconfig, "controller-manager")
        self._start(
            "kube-controller-manager", f"--kubeconfig={kubeconfig}", f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}", "--bind-address=127.0.0.1", f"--cert-dir={pki.folder / 'controller-manager'}",
            "--leader-elect=false", "--use-service-account-credentials=true",
            f"--service-account-private-key-file={pki.path('service-accounts.key')}", f"--root-ca-file={pki.path('ca.crt')}",
            f"--requestheader-client-ca-file={pki.path('front-proxy-ca.crt')}",
            # Namespaces and their pods go within seconds.
            "--concurrent-namespace-syncs=10", "--kube-api-qps=200", "--kube-api-burst=400")

    def _start(self, name: str, *arguments: str) -> Process:
        process = Process(name, [str(self.assets / name), *arguments], self.logs / f"{name}.log")
        self.processes.append(process)
        return process

    def _ready(self, api: Api) -> bool:
        for process in self.processes:
            if not process.running():
                raise RuntimeError(f"{process.name} ended at once:\n{process.tail()}")
        status, _, _ = api.send("GET", "/readyz")
        return status == 200

    def versions(self) -> dict[str, str]:
        found = {}
        for name in ("etcd", "kube-apiserver", "kube-controller-manager"):
            if (self.assets / name).exists():
                output = subprocess.run([self.assets / name, "--version"], capture_output=True, text=True, check=False).stdout
                found[name] = output.splitlines()[0].split()[-1] if output else "?"
        return found

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()

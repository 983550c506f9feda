"""The chart, installed with real helm, and what one asks about the release."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

from .api import Api, eventually


class HelmFailed(Exception):
    pass


def merged(*values: dict) -> dict:
    """Later mappings over earlier ones, as helm merges several --values."""
    result: dict = {}
    for value in values:
        for key, entry in value.items():
            result[key] = merged(result[key], entry) if isinstance(entry, dict) and isinstance(result.get(key), dict) else entry
    return result


class Release:
    """`values`: what every installation has. Methods that change it return when all replicas are ready."""

    name = "acr-admission"
    namespace = "acr-admission"

    def __init__(self, api: Api, helm: str, kubeconfig: str, chart: Path, values: dict):
        self._api = api
        self._helm = helm
        self._kubeconfig = kubeconfig
        self.chart = chart
        self.values = values

    def helm(self, *arguments: str) -> str:
        command = [self._helm, "--kubeconfig", self._kubeconfig, "--namespace", self.namespace, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if result.returncode != 0:
            raise HelmFailed(f"helm {' '.join(arguments)}: {result.stderr.strip() or result.stdout.strip()}")
        return result.stdout

    def version(self) -> str:
        return self.helm("version", "--template", "{{.Version}}")

    def install(self, extra: dict | None = None, chart: Path | None = None, wait: bool = True) -> str:
        """Installs or upgrades. What helm prints."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(merged(self.values, extra or {}), file)
            file.flush()
            server_side = ["--server-side=true"] if self.version() >= "v4" else []
            output = self.helm("upgrade", "--install", self.name, str(chart or self.chart), "--create-namespace", "--values", file.name,
                               *server_side)
        if wait:
            self.wait_ready()
        return output

    def uninstall(self) -> None:
        self.helm("uninstall", self.name)

    def chart_as(self, version: str, folder: Path) -> Path:
        """The same chart under another version, as `helm package` makes it."""
        copy = folder / f"chart-{version}"
        shutil.copytree(self.chart, copy, dirs_exist_ok=True)
        description = yaml.safe_load((copy / "Chart.yaml").read_text())
        description["version"] = version
        (copy / "Chart.yaml").write_text(yaml.safe_dump(description))
        self.helm("package", str(copy), "--destination", str(folder))
        return folder / f"{description['name']}-{version}.tgz"

    # What there is.

    def deployment(self) -> dict:
        return self._api.get("Deployment", self.name, self.namespace)

    def webhook(self) -> dict | None:
        return self._api.find("ValidatingWebhookConfiguration", self.name)

    def ca_bundles(self) -> list[str]:
        configuration = self.webhook() or {"webhooks": []}
        return [entry["clientConfig"].get("caBundle", "") for entry in configuration["webhooks"]]

    def pods(self) -> list[dict]:
        selector = self.deployment()["spec"]["selector"]["matchLabels"]
        pods = self._api.list("Pod", self.namespace, ",".join(f"{key}={value}" for key, value in selector.items()))
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def rolled_out(self) -> bool:
        deployment = self.deployment()
        status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
        return (status.get("observedGeneration", 0) >= deployment["metadata"]["generation"] and
                all(status.get(key, 0) == wanted for key in ("replicas", "updatedReplicas", "readyReplicas")) and
                len(self._ready_addresses()) == wanted)

    def wait_ready(self, within: float = 120) -> None:
        eventually("all replicas are ready, and none of an older generation is left", self.rolled_out, within)

    def _ready_addresses(self) -> set[str]:
        slices = self._api.list("EndpointSlice", self.namespace, f"kubernetes.io/service-name={self.name}")
        return {address for part in slices for endpoint in part.get("endpoints") or [] if endpoint["conditions"].get("ready")
                for address in endpoint["addresses"]}

    def ready_addresses(self) -> list[str]:
        return sorted(self._ready_addresses())

    def events(self) -> list[dict]:
        return [event for event in self._api.list("Event", self.namespace)
                if event.get("reportingController") == "acr-admission.io/webhook"]

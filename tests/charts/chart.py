"""Renders the chart with helm, for the tests beside this."""
import atexit
import copy
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
CHART = SOURCE / "charts" / "acr-admission"
HELM = os.environ.get("HELM") or shutil.which("helm")

# The namespace and the release that nothing else is said of.
NAMESPACE = "acr-admission"
RELEASE = "acr-admission"

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

# Values that between them reach every template, by what they are about. The matrix of the tests.
CASES = {
    "default": {},
    "audit": {"mode": "audit", "companionPolicy": {"enabled": True}},
    "workload identity": {
        "workloadIdentity": {"clientId": "0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b", "tenantId": "72f988bf-86f1-41af-91ab-2d7cd011db47",
                             "tokenExpirationSeconds": 86400},
        "inventory": {"azure": {"cloud": "AzureUSGovernment", "complianceStates": True, "ca": PEM, "identities": [
            {"scope": {"managementGroups": ["production"]}}, {"credential": {"kind": "managedIdentity"}}]}},
    },
    "cert-manager": {"certificates": {"mode": "certManager"}},
    "cert-manager with an issuer": {"certificates": {
        "mode": "certManager", "certManager": {"issuerRef": {"name": "platform", "kind": "ClusterIssuer"}}}},
    "own certificate": {"certificates": {"mode": "secret", "secret": {"name": "webhook-tls", "caBundle": PEM}},
                        "server": {"clientCA": PEM}},
    "no API server": {"certificates": {"mode": "secret", "secret": {"name": "webhook-tls", "caBundle": PEM}},
                      "kubernetes": {"saveInventory": False, "keepLastGoodPolicy": False}, "audit": {"events": False, "api": {"enabled": False}},
                      "scan": {"enabled": False}},
    "log that nobody asks": {"audit": {"events": False, "api": {"enabled": False}}},
    "log for all who view": {"audit": {"api": {"aggregateToView": True}}},
    "no scan": {"scan": {"enabled": False}},
    "scan that is seen in metrics and Events alone": {"scan": {"reports": False, "registryCompliances": False}},
    "PostgreSQL": {"cluster": "prod-weu", "audit": {"postgresql": {"host": "audit.postgres.database.azure.com", "port": 6432, "database": "audit", "user": "acr_writer",
                                            "existingSecret": "audit-postgresql", "caKey": "ca.crt", "retention": "365d"}}},
    "file": {"inventory": {"source": "file", "file": {"registries": "[]"}}},
    "file of somebody else": {"inventory": {"source": "file", "file": {"existingConfigMap": "registries", "key": "list.json"}}},
    "everything": {
        "cluster": "prod-weu",
        "autoscaling": {"enabled": True},
        "companionPolicy": {"enabled": True, "hosts": ["docker.io", "*.azurecr.io", "registry.local:5000"]},
        "commonAnnotations": {"example.com/owner": "platform"},
        "commonLabels": {"example.com/cost-centre": "42"},
        "definitions": {"ours": '{"policyRule": {}}', "mapped": {"policyRule": {}}},
        "extraContainers": [{"name": "sidecar", "image": "example.azurecr.io/sidecar:1"}],
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "extraEnvFrom": [{"secretRef": {"name": "more"}}],
        "extraManifests": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-extra"}}],
        "extraVolumes": [{"name": "partner", "secret": {"secretName": "partner"}}],
        "extraVolumeMounts": [{"name": "partner", "mountPath": "/partner"}],
        "grafanaDashboard": {"enabled": True},
        "imagePullSecrets": [{"name": "mirror"}],
        "networkPolicy": {"apiServer": {"cidrs": ["10.1.0.0/28", "fd00::/64"]}},
        "policy": {"exemptions": [{"name": "billing", "registries": ["legacy.azurecr.io"], "requirements": ["private-link"],
                                   "expires": "2027-03-31", "reason": "SEC-1"}]},
        "podAnnotations": {"example.com/pod": "yes"},
        "podLabels": {"example.com/pod": "yes"},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "webhook": {"excludedNamespaces": ["platform"]},
        "workloads": {"enabled": False},
    },
    "in the node's network": {"hostNetwork": True, "server": {"port": 9443, "healthPort": 9080, "listen": "::"}},
    "enforcer told to leave it": {"webhook": {"aksAdmissionsEnforcer": False}},
}


class HelmFailed(Exception):
    """What helm said on standard error."""


def helm(*arguments):
    result = subprocess.run([HELM, *arguments], capture_output=True, text=True, timeout=60, check=False)
    if result.returncode != 0:
        raise HelmFailed(result.stderr)
    return result.stdout


@functools.lru_cache(maxsize=None)
def _folder():
    folder = tempfile.mkdtemp(prefix="acr-admission-chart-")
    atexit.register(shutil.rmtree, folder)
    return pathlib.Path(folder)


def values_arguments(values):
    """--values of a file that holds them. Written as YAML, so that helm reads dates and numbers as it does a person's."""
    if not values:
        return []
    text = yaml.safe_dump(values)
    path = _folder() / f"{abs(hash(text))}.yaml"
    path.write_text(text)
    return ["--values", str(path)]


@functools.lru_cache(maxsize=None)
def _template(values_json, release, namespace, more):
    return helm("template", release, str(CHART), "--namespace", namespace, *values_arguments(json.loads(values_json)), *more)


def template(values=None, release=RELEASE, namespace=NAMESPACE, more=()):
    """The text that helm renders."""
    return _template(json.dumps(values or {}, sort_keys=True), release, namespace, tuple(more))


class Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):
    """Refuses duplicate keys, which helm and kubectl read as whichever they like."""


def _mapping(loader, node, deep=False):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    duplicates = {key for key in keys if keys.count(key) > 1}
    if duplicates:
        raise yaml.YAMLError(f"{node.start_mark}: duplicate keys {duplicates}")
    return {loader.construct_object(key, deep=True): loader.construct_object(value, deep=True) for key, value in node.value}


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


class Release:
    """The objects of one rendering."""

    def __init__(self, values=None, **kwargs):
        self.text = template(values, **kwargs)
        self.objects = [item for item in yaml.load_all(self.text, Loader=Loader) if item]

    def all(self, kind):
        return [item for item in self.objects if item["kind"] == kind]

    def one(self, kind, name=None):
        found = [item for item in self.all(kind) if name is None or item["metadata"]["name"] == name]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} objects {kind} {name or ''}; there are {[o['metadata']['name'] for o in self.all(kind)]}")
        return found[0]

    def pod(self):
        return self.one("Deployment")["spec"]["template"]["spec"]

    def container(self):
        return self.pod()["containers"][0]

    def webhooks(self):
        return {hook["name"]: hook for hook in self.one("ValidatingWebhookConfiguration")["webhooks"]}

    def config(self):
        return yaml.load(self.one("ConfigMap", RELEASE)["data"]["config.yaml"], Loader=Loader)

    def policy(self):
        return yaml.load(self.one("ConfigMap", RELEASE + "-policy")["data"]["policy.yaml"], Loader=Loader)


def merged(*values):
    """Values on values, as helm lays them: mappings merge, anything else is replaced."""
    result = {}
    for item in values:
        for key, value in item.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def metrics_in(expression):
    """Names of our metrics in a PromQL expression, without what a histogram adds to them."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"acr_admission_[a-z_]+", expression)}


def refusal(values, **kwargs):
    """What helm says to values that it refuses."""
    try:
        template(values, **kwargs)
    except HelmFailed as failed:
        return str(failed)
    raise AssertionError(f"accepted: {values}")


def default_values():
    return yaml.safe_load((CHART / "values.yaml").read_text())


if sys.version_info < (3, 11):
    raise SystemExit("the chart's tests need Python 3.11, which Debian 12 has")

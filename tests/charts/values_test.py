"""The values: each acts, is described, is bounded, and is refused with a message that helps."""
import json
import tempfile
import unittest

import chart_values
from chart import CASES, CHART, PEM, Release, default_values, merged, refusal, template

# For a value whose other setting cannot be made up from its type: that setting, and what else must be set for it to act.
OTHER = {
    "mode": "audit",
    "policy.requirements": [],
    "policy.sources": [],
    "policy.otherRegistries": "Warn", "policy.unknownRegistry": "Warn", "policy.unknownFinding": "Warn", "policy.staleVerdict.effect": "Warn",
    "policy.staleVerdict.after": "1h", "policy.driftGrace": "1h", "policy.workloads": "Off", "policy.maxEffect": "Warn", "policy.messages": "full",
    "policy.aliases": {"a.example": "a.azurecr.io"},
    "policy.namespaces": [{"names": ["sandbox"]}],
    "policy.exemptions": CASES["everything"]["policy"]["exemptions"],
    "definitions": {"ours": "{}"},
    "inventory.source": "file", "inventory.refresh": "5m", "inventory.primeTimeout": "5s",
    "inventory.azure.cloud": "AzureChinaCloud", "inventory.azure.apiVersion": "2025-11-01", "inventory.azure.discovery": "5m",
    "inventory.azure.identities": [{}], "inventory.azure.ca": PEM,
    "inventory.file.existingConfigMap": "theirs",
    "workloadIdentity.clientId": "0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b", "workloadIdentity.tenantId": "0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b",
    "workloadIdentity.tokenExpirationSeconds": 7200,
    "certificates.mode": "certManager",
    "certificates.managed.validity": "1h", "certificates.managed.caValidity": "1d", "certificates.managed.overlap.before": "1m",
    "certificates.managed.overlap.after": "1m", "certificates.certManager.duration": "1h", "certificates.certManager.renewBefore": "1h",
    "certificates.certManager.issuerRef": {"name": "theirs"}, "certificates.secret.caBundle": PEM + PEM,
    "webhook.excludedNamespaces": ["platform"], "webhook.annotations": {"a": "b"},
    "companionPolicy.hosts": ["a.example"],
    "server.listen": "::", "server.drainDelay": "1s", "server.clientCA": PEM,
    "audit.api.enabled": False,
    "audit.record": "denied", "audit.durability": "disk", "audit.onFailure": "refuse", "audit.retention.age": "1d", "audit.retention.size": "1GiB",
    "audit.postgresql.retention": "90d",
    "log.level": "debug", "storage.sizeLimit": "8Gi",
    "image.digest": "sha256:" + "a" * 64, "image.pullPolicy": "Always", "imagePullSecrets": [{"name": "a"}],
    "commonLabels": {"a": "b"}, "commonAnnotations": {"a": "b"}, "podLabels": {"a": "b"}, "podAnnotations": {"a": "b"},
    "podDisruptionBudget.minAvailable": 1,
    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
    "nodeSelector": {"a": "b"}, "tolerations": [], "affinity": {"nodeAffinity": {}}, "topologySpreadConstraints": [{"topologyKey": "rack"}],
    "updateStrategy": {"type": "Recreate"}, "dnsPolicy": "Default",
    "startupProbe": {"periodSeconds": 9}, "readinessProbe": {"periodSeconds": 9}, "livenessProbe": {"periodSeconds": 9},
    "podSecurityContext": {"runAsUser": 1000}, "securityContext": {"runAsUser": 1000},
    "extraEnv": [{"name": "A", "value": "b"}], "extraEnvFrom": [{"secretRef": {"name": "a"}}], "extraVolumes": [{"name": "a", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "a", "mountPath": "/a"}], "extraContainers": [{"name": "a", "image": "a:1"}],
    "extraManifests": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}],
    "serviceAccount.annotations": {"a": "b"},
    "networkPolicy.apiServer.cidrs": ["10.0.0.0/8"], "networkPolicy.apiServer.ports": [443], "networkPolicy.metricsFrom": [], "networkPolicy.dns": [],
    "networkPolicy.extraIngress": [{"ports": [{"port": 1}]}], "networkPolicy.extraEgress": [{"ports": [{"port": 1}]}],
    "serviceMonitor.apiVersion": "azmonitoring.coreos.com/v1", "serviceMonitor.labels": {"a": "b"}, "serviceMonitor.interval": "1m",
    "prometheusRule.labels": {"a": "b"}, "prometheusRule.runbookUrl": "https://wiki", "prometheusRule.disabled": ["AcrAdmissionSlow"],
    "prometheusRule.alertLabels": {"a": "b"},
    "grafanaDashboard.labels": {"a": "b"}, "grafanaDashboard.annotations": {"a": "b"},
}
CONTEXT = {
    "inventory.source": {"inventory": {"file": {"registries": "[]"}}},
    "inventory.file": CASES["file"],
    "inventory.file.existingConfigMap": {},
    "audit.postgresql": CASES["PostgreSQL"],
    "certificates.certManager": CASES["cert-manager"],
    "certificates.secret": CASES["own certificate"],
    "companionPolicy.hosts": {"companionPolicy": {"enabled": True}},
    "autoscaling": {"autoscaling": {"enabled": True}},
    "autoscaling.enabled": {},
    "serviceMonitor": {"serviceMonitor": {"enabled": True}},
    "serviceMonitor.enabled": {},
    "serviceAccount.create": {"serviceAccount": {"name": "theirs"}},
    "prometheusRule": {"prometheusRule": {"enabled": True}},
    "prometheusRule.enabled": {},
    "grafanaDashboard": {"grafanaDashboard": {"enabled": True}},
    "grafanaDashboard.enabled": {},
    "networkPolicy.apiServer.konnectivity": {"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.0/8"]}}},
    "workloadIdentity.tenantId": {"workloadIdentity": {"enabled": True}},
}


def longest_prefix(table, path):
    keys = path.split(".")
    for length in range(len(keys), 0, -1):
        if (found := ".".join(keys[:length])) in table:
            return table[found]
    return {}


def nested(path, value):
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def described():
    return chart_values.described((CHART / "values.yaml").read_text())


def leaves(values, prefix=""):
    """Paths of what is no mapping, or an empty one."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key


class EveryValue(unittest.TestCase):
    def other(self, path, value):
        if path in OTHER:
            return OTHER[path]
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return value + 1
        if isinstance(value, str):
            return "other"
        raise AssertionError(f"OTHER needs a setting for {path}")

    def test_changes_what_is_rendered(self):
        for path in described():
            with self.subTest(path):
                context = longest_prefix(CONTEXT, path)
                if path == "inventory.source":
                    # The file may only be set with its source.
                    self.assertNotEqual(template(), template(CASES["file"]))
                    continue
                if path == "inventory.file.existingConfigMap":
                    self.assertNotEqual(template(CASES["file"]), template(CASES["file of somebody else"]))
                    continue
                value = self.other(path, chart_values.value_at(default_values(), path))
                changed = merged(context, nested(path, value))
                self.assertNotEqual(template(context), template(changed))

    def test_is_described(self):
        paths = set(described())
        for leaf in leaves(default_values()):
            keys = leaf.split(".")
            with self.subTest(leaf):
                self.assertTrue({".".join(keys[:length]) for length in range(1, len(keys) + 1)} & paths, "no comment that begins with # --")

    def test_is_in_the_readme(self):
        readme = (CHART / "README.md").read_text()
        self.assertEqual(chart_values.with_table(readme, (CHART / "values.yaml").read_text()), readme, "run scripts/chart_values.py")
        for path in described():
            self.assertIn(f"| `{path}` |", readme)


class Schema(unittest.TestCase):
    def setUp(self):
        self.schema = json.loads((CHART / "values.schema.json").read_text())

    def resolved(self, schema):
        while "$ref" in schema:
            schema = self.schema["definitions"][schema["$ref"].removeprefix("#/definitions/")]
        return schema

    def test_knows_exactly_the_values_there_are(self):
        def compare(schema, values, path):
            schema = self.resolved(schema)
            if "properties" not in schema or path in ("resources", "certificates.certManager.issuerRef") or path.endswith("Probe"):
                return
            with self.subTest(path):
                self.assertEqual(set(values), set(schema["properties"]))
                # Of a chart that uses this one, other charts' global values come along.
                self.assertIs(path == "global", schema.get("additionalProperties", True))
            for key, value in values.items():
                if isinstance(value, dict):
                    compare(schema["properties"][key], value, f"{path}.{key}".lstrip("."))

        compare(self.schema, default_values(), "")

    def test_default_values_are_complete_without_their_file(self):
        # helm checks the defaults with every rendering; an empty value must be allowed to be written out, too.
        template(default_values())

    def test_refusals_name_the_place_and_what_is_expected(self):
        for values, place, *words in (
            ({"mode": "Enforce"}, "mode", "enforce", "audit"),
            ({"replcas": 3}, "", "replcas"),
            ({"image": {"tags": "1"}}, "image", "tags"),
            ({"image": {"digest": "abc"}}, "image.digest", "sha256:"),
            ({"replicas": 0}, "replicas", "1"),
            ({"replicas": "2"}, "replicas", "string", "integer"),
            ({"webhook": {"timeoutSeconds": 31}}, "webhook.timeoutSeconds", "30"),
            ({"webhook": {"failurePolicy": "Ignore"}}, "webhook", "failurePolicy"),
            ({"webhook": {"excludedNamespaces": ["dev-*"]}}, "webhook.excludedNamespaces.0", "pattern"),
            ({"server": {"drainDelay": "1m"}}, "server.drainDelay", "s$"),
            ({"policy": {"otherRegistries": "deny"}}, "policy.otherRegistries", "Deny", "Warn", "Audit", "Allow"),
            ({"policy": {"requirements": [{"definiton": "private-link"}]}}, "policy.requirements.0", "definiton"),
            ({"policy": {"exemptions": [{"name": "a", "requirements": ["private-link"], "expires": "2027-03-31"}]}}, "policy.exemptions.0", "reason"),
            ({"policy": {"driftGrace": "1 day"}}, "policy.driftGrace", "pattern"),
            ({"policy": {"requirements": None}}, "policy", "requirements"),
            ({"inventory": {"azure": {"cloud": "AzureUSGoverment"}}}, "inventory.azure.cloud", "AzureUSGovernment"),
            ({"inventory": {"azure": {"identities": [{"credential": {"kind": "secret"}}]}}}, "inventory.azure.identities.0.credential.kind", "clientSecret"),
            ({"certificates": {"mode": "self"}}, "certificates.mode", "managed", "certManager", "secret"),
            ({"certificates": {"secret": {"caBundle": "LS0tLS1CRUdJTg=="}}}, "certificates.secret.caBundle", "BEGIN CERTIFICATE"),
            ({"resources": {"limits": {"memory": None}}}, "resources.limits", "memory"),
            ({"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1"]}}}, "networkPolicy.apiServer.cidrs.0", "/"),
            ({"workloadIdentity": {"clientId": "acr-admission"}}, "workloadIdentity.clientId", "pattern"),
            ({"companionPolicy": {"hosts": ["*.azurecr.io/**"]}}, "companionPolicy.hosts.0", "pattern"),
            ({"fullnameOverride": "a" * 41}, "fullnameOverride"),
            ({"prometheusRule": {"disabled": ["Slow"]}}, "prometheusRule.disabled.0", "AcrAdmission"),
        ):
            with self.subTest(values):
                said = refusal(values)
                # As helm 4 and newer ones of helm 3 write a place, and as older ones do.
                new, old = "at '" + "".join("/" + key for key in place.split(".") if key) + "'", f"- {place or '(root)'}: "
                self.assertTrue(new in said or old in said, said)
                for word in words:
                    self.assertIn(word, said)


class Spelled(unittest.TestCase):
    """Values that YAML would read as something else."""

    def test_names_of_digits_and_words(self):
        release = Release({
            "serviceAccount": {"name": "123"}, "priorityClassName": "1000",
            "certificates": {"mode": "secret", "secret": {"name": "456", "caBundle": PEM}},
            "inventory": {"source": "file", "file": {"existingConfigMap": "789", "key": "yes"}},
        })
        pod = release.pod()
        self.assertEqual(("123", "1000"), (pod["serviceAccountName"], pod["priorityClassName"]))
        self.assertEqual("123", release.one("Pod")["spec"]["serviceAccountName"])
        self.assertEqual("123", release.one("ServiceAccount")["metadata"]["name"])
        self.assertEqual("123", release.one("RoleBinding")["subjects"][0]["name"])
        self.assertEqual("123", Release({"serviceAccount": {"name": "123"}}).one("ClusterRoleBinding", "acr-admission")["subjects"][0]["name"])
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        self.assertEqual("456", volumes["tls"]["secret"]["secretName"])
        self.assertEqual("789", volumes["inventory"]["configMap"]["name"])
        release = Release({"inventory": {"source": "file", "file": {"registries": "[]", "key": "yes"}}})
        self.assertEqual({"yes": "[]"}, release.one("ConfigMap", "acr-admission-registries")["data"])

    def test_off_without_quotes(self):
        # To YAML 1.1, which helm reads, it is the word for false.
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("policy: {workloads: Off}\n")
            file.flush()
            self.assertEqual("Off", Release(more=("--values", file.name)).policy()["workloads"])
        self.assertIn("workloads", refusal({"policy": {"workloads": True}}))

    def test_certificates_that_are_indented(self):
        indented = "\n\n  " + PEM + "\n"
        values = {"server": {"clientCA": indented}, "inventory": {"azure": {"ca": indented}}}
        data = Release(values).one("ConfigMap", "acr-admission")["data"]
        self.assertEqual([PEM, PEM], [data["client-ca.crt"], data["azure-ca.crt"]])

    def test_recreating_has_no_rolling_update(self):
        strategy = Release({"updateStrategy": {"type": "Recreate"}}).one("Deployment")["spec"]["strategy"]
        self.assertEqual({"type": "Recreate"}, strategy)

    def test_a_budget_of_none(self):
        budget = Release({"podDisruptionBudget": {"minAvailable": 0}}).one("PodDisruptionBudget")["spec"]
        self.assertEqual(0, budget["minAvailable"])
        self.assertNotIn("maxUnavailable", budget)


class Together(unittest.TestCase):
    """Values that do not go together."""

    def test_refusals_say_what_to_do(self):
        for values, said in (
            ({"image": {"tag": "latest"}}, "image.tag: latest names another image every day; set a version, or image.digest"),
            ({"serviceAccount": {"create": False}}, "serviceAccount.name: needed with serviceAccount.create=false"),
            ({"certificates": {"mode": "secret"}}, "certificates.secret.name: needed with certificates.mode=secret"),
            ({"certificates": {"mode": "secret", "secret": {"name": "a"}}}, "certificates.secret.caBundle: needed"),
            ({"inventory": {"source": "file"}}, "az acr list -o json > registries.json"),
            ({"inventory": {"source": "file", "file": {"registries": "[]", "existingConfigMap": "a"}}}, "exclude each other"),
            ({"inventory": {"file": {"registries": "[]"}}}, "has no meaning with inventory.source=azure"),
            ({"autoscaling": {"enabled": True, "minReplicas": 9}}, "autoscaling.minReplicas: is more than autoscaling.maxReplicas"),
            ({"server": {"healthPort": 8443}}, "server.healthPort: is server.port too"),
            ({"audit": {"retention": {"size": "2GiB"}}}, "storage.sizeLimit: is less than twice audit.retention.size"),
            ({"storage": {"sizeLimit": "1G"}}, "storage.sizeLimit: is less than twice audit.retention.size"),
            ({**CASES["no API server"], "scan": {}}, "scan.enabled: needs the Kubernetes API"),
            ({**CASES["no API server"], "audit": {"api": {"enabled": False}}}, "audit.events: needs the Kubernetes API, which with these values nobody"),
            ({**CASES["no API server"], "audit": {"events": False}}, "set audit.api.enabled=false, or kubernetes.keepLastGoodPolicy=true"),
            ({"audit": {"api": {"enabled": False, "aggregateToView": True}}}, "audit.api.aggregateToView: has no meaning"),
        ):
            with self.subTest(values):
                self.assertIn(said, refusal(values))

    def test_a_scratch_volume_that_holds_the_log(self):
        for size, limit in (("512MiB", "1Gi"), ("512MiB", "1024Mi"), ("512MiB", "1.5Gi"), ("1GiB", "2147483648"), ("1TiB", "3T"), ("1MiB", "2097.2k")):
            template({"audit": {"retention": {"size": size}}, "storage": {"sizeLimit": limit}})
        template({"audit": {"enabled": False}, "storage": {"sizeLimit": "64Mi"}})

    def test_names_that_no_service_can_have(self):
        for release in ("my.release", "1prod"):
            said = refusal({}, release=release)
            self.assertIn(f"the name {release}-acr-admission", said)
            self.assertIn("set fullnameOverride", said)
            template({"fullnameOverride": "prod"}, release=release)

    def test_all_of_it_at_once(self):
        said = refusal({"image": {"tag": "latest"}, "certificates": {"mode": "secret"}})
        self.assertEqual(3, said.count("\n- "))

    def test_no_workload_identity_in_kube_system(self):
        said = refusal(CASES["workload identity"], namespace="kube-system")
        self.assertIn("-n acr-admission --create-namespace", said)

    def test_files_of_values_may_be_json(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write("[]")
            file.flush()
            release = Release({"inventory": {"source": "file"}}, more=("--set-file", f"inventory.file.registries={file.name}"))
        self.assertEqual({"registries.json": "[]"}, release.one("ConfigMap", "acr-admission-registries")["data"])


if __name__ == "__main__":
    unittest.main()

"""config.yaml and policy.yaml: what the values say, and what the program takes."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import yaml

from chart import CASES, PEM, RELEASE, SOURCE, Release, merged, refusal

PROGRAM = os.environ.get("ACR_ADMISSION")
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
users: [{name: u, user: {token: nobody}}]
contexts: [{name: c, context: {cluster: c, user: u, namespace: acr-admission}}]
current-context: c
"""


class Config(unittest.TestCase):
    def test_managed_certificates_name_the_objects_of_the_release(self):
        release = Release()
        tls = release.config()["tls"]
        self.assertEqual("managed", tls["mode"])
        self.assertEqual("Opaque", release.one("Secret", tls["secret"])["type"])
        release.one("Service", tls["service"])
        release.one("ValidatingWebhookConfiguration", tls["webhookConfiguration"])
        self.assertEqual(("30d", "365d", {"before": "10m", "after": "1h"}), (tls["validity"], tls["caValidity"], tls["overlap"]))

    def test_what_is_kept_in_the_cluster_is_rendered_empty(self):
        release = Release()
        kept = release.config()["kubernetes"]
        for item in (release.one("Secret", kept["inventorySecret"]), release.one("ConfigMap", kept["policyConfigMap"]),
                     release.one("Secret", release.config()["tls"]["secret"])):
            self.assertEqual(set(), {"data", "stringData", "binaryData", "immutable"} & set(item))

    def test_kubernetes_is_there_when_it_is_needed(self):
        self.assertEqual({}, Release({"kubernetes": {"saveInventory": False, "keepLastGoodPolicy": False}}).config()["kubernetes"])
        self.assertEqual({"inventorySecret": "acr-admission-inventory", "policyConfigMap": "acr-admission-policy-last-good"},
                         Release(CASES["own certificate"]).config()["kubernetes"])

    def test_files_of_others(self):
        for case, secret in (("own certificate", "webhook-tls"), ("cert-manager", "acr-admission-serving")):
            release = Release(CASES[case])
            self.assertEqual({"certificate": "tls/tls.crt", "key": "tls/tls.key"}, release.config()["tls"])
            volume = next(volume for volume in release.pod()["volumes"] if volume["name"] == "tls")
            self.assertEqual(secret, volume["secret"]["secretName"])
            # Owner and fsGroup alone read the key.
            self.assertEqual(0o440, volume["secret"]["defaultMode"])
            self.assertEqual([], [item for item in release.all("Secret") if item["metadata"]["name"].endswith("-tls")])
        certificate = Release(CASES["cert-manager"]).one("Certificate", RELEASE)
        self.assertEqual("acr-admission-serving", certificate["spec"]["secretName"])
        name = "acr-admission.acr-admission.svc"
        self.assertEqual([name, name + ".cluster.local"], certificate["spec"]["dnsNames"])

    def test_cert_manager_issuers(self):
        release = Release(CASES["cert-manager"])
        certificate = release.one("Certificate", RELEASE)
        issuer = release.one("Issuer", certificate["spec"]["issuerRef"]["name"])
        authority = next(item for item in release.all("Certificate")
                         if item["spec"]["secretName"] == issuer["spec"]["ca"]["secretName"])
        self.assertIs(True, authority["spec"]["isCA"])
        self.assertEqual({}, release.one("Issuer", authority["spec"]["issuerRef"]["name"])["spec"]["selfSigned"])
        # A new key would be in caBundle at once, and in the pods when the kubelet has brought their files: minutes of refusals.
        self.assertEqual("Never", authority["spec"]["privateKey"]["rotationPolicy"])
        # No certificate outlives its authority, which is made anew after two thirds.
        hours = {item["metadata"]["name"]: int(item["spec"]["duration"].removesuffix("h")) for item in release.all("Certificate")}
        self.assertGreater(hours["acr-admission-ca"] // 3, 10 * hours["acr-admission"])
        own = Release(CASES["cert-manager with an issuer"])
        self.assertEqual([], own.all("Issuer"))
        self.assertEqual({"name": "platform", "kind": "ClusterIssuer"}, own.one("Certificate")["spec"]["issuerRef"])

    def test_inventory_from_azure(self):
        self.assertEqual("azure", Release().config()["inventory"]["source"])
        values = CASES["workload identity"]
        inventory = Release(values).config()["inventory"]
        self.assertEqual(values["inventory"]["azure"]["identities"], inventory["azure"])
        self.assertEqual("AzureUSGovernment", inventory["cloud"])
        self.assertIs(True, inventory["complianceStates"])
        cloud = {"name": "Stack", "resourceManager": "https://a", "authority": "https://b", "registrySuffixes": ["azsacr.example"]}
        self.assertEqual(cloud, Release({"inventory": {"azure": {"cloud": cloud}}}).config()["inventory"]["cloud"])

    def test_inventory_from_a_file(self):
        release = Release(CASES["file"])
        self.assertEqual({"source", "file", "saved", "primeTimeout"}, set(release.config()["inventory"]))
        self.assertEqual({"registries.json": "[]"}, release.one("ConfigMap", "acr-admission-registries")["data"])
        release = Release(CASES["file of somebody else"])
        volume = next(volume for volume in release.pod()["volumes"] if volume["name"] == "inventory")
        self.assertEqual({"name": "registries", "items": [{"key": "list.json", "path": "registries.json"}]}, volume["configMap"])

    def test_scratch_volume_holds_the_audit_log(self):
        release = Release()
        size = int(release.config()["audit"]["retention"]["size"].removesuffix("MiB"))
        limit = next(volume for volume in release.pod()["volumes"] if volume["name"] == "storage")["emptyDir"]["sizeLimit"]
        self.assertGreaterEqual(int(limit.removesuffix("Gi")) * 1024, 2 * size)

    def test_the_log_is_asked_where_there_is_one_and_an_api_server(self):
        self.assertIs(True, Release().config()["audit"]["api"])
        for values in (CASES["no API server"], CASES["log that nobody asks"], {"audit": {"enabled": False}}):
            self.assertNotIn("api", Release(values).config()["audit"])

    def test_replicas_find_each_other_by_the_headless_service(self):
        for values, port, authority in (({}, 8443, None), (CASES["in the node's network"], 9443, None),
                                        (CASES["cert-manager"], 8443, "tls/ca.crt"), (CASES["own certificate"], 8443, "replicas-ca.crt")):
            with self.subTest(values):
                release = Release(values)
                replicas = release.config()["audit"]["replicas"]
                self.assertEqual((f"acr-admission-replicas.acr-admission.svc:{port}", "acr-admission.acr-admission.svc", authority),
                                 (replicas["service"], replicas["serverName"], replicas.get("ca")))
                release.one("Service", "acr-admission-replicas")
                # What the API server is told to believe. The Secret has it, or it is rendered.
                if authority == "replicas-ca.crt":
                    self.assertEqual(PEM, release.one("ConfigMap", "acr-admission")["data"][authority])
                    self.assertIn(authority, [mount.get("subPath") for mount in release.container()["volumeMounts"]])
        for values in (CASES["no API server"], CASES["log that nobody asks"], {"audit": {"enabled": False}}):
            self.assertNotIn("replicas", Release(values).config()["audit"])

    def test_denials_are_told_where_there_is_a_log_and_an_api_server(self):
        self.assertIs(True, Release().config()["audit"]["events"])
        for values in (CASES["no API server"], CASES["log that nobody asks"], {"audit": {"enabled": False}}):
            self.assertNotIn("events", Release(values).config()["audit"])

    def test_records_go_to_postgresql_where_there_is_one(self):
        release = Release(CASES["PostgreSQL"])
        self.assertEqual({"host": "audit.postgres.database.azure.com", "port": 6432, "database": "audit", "user": "acr_writer",
                          "passwordFile": "postgresql/password", "tls": {"ca": "postgresql/ca.crt"}, "retention": "365d"},
                         release.config()["audit"]["postgresql"])
        volume = next(volume for volume in release.pod()["volumes"] if volume["name"] == "postgresql")
        self.assertEqual({"secretName": "audit-postgresql", "defaultMode": 0o440}, volume["secret"])
        mount = next(mount for mount in release.container()["volumeMounts"] if mount["name"] == "postgresql")
        self.assertEqual(("/etc/acr-admission/postgresql", True), (mount["mountPath"], mount["readOnly"]))
        for values in ({}, {"audit": {"postgresql": {"port": 6432}}}):
            self.assertNotIn("postgresql", Release(values).config()["audit"])

    def test_half_of_postgresql_is_refused(self):
        said = refusal({"audit": {"postgresql": {"host": "db.example", "database": "audit"}}})
        self.assertIn("audit.postgresql: database, user and existingSecret are needed", said)
        whole = {"host": "db.example", "database": "a", "user": "u", "existingSecret": "s"}
        self.assertIn("audit.postgresql.host: nothing is sent with audit.enabled=false",
                      refusal({"audit": {"enabled": False, "postgresql": whole}}))

    def test_the_audit_api_over_postgresql_needs_the_clusters_name(self):
        whole = {"host": "db.example", "database": "a", "user": "u", "existingSecret": "s"}
        self.assertIn("cluster: is empty; with audit.postgresql.host and audit.api.enabled set it",
                      refusal({"audit": {"postgresql": whole}}))
        Release({"cluster": "weu", "audit": {"postgresql": whole}})
        Release({"audit": {"postgresql": whole, "api": {"enabled": False}}})

    def test_each_address_of_the_headless_service_is_a_replica(self):
        for values, port in (({}, 8443), (CASES["in the node's network"], 9443)):
            release = Release(values)
            service = release.one("Service", "acr-admission-replicas")["spec"]
            self.assertEqual(("None", False), (service["clusterIP"], service["publishNotReadyAddresses"]))
            pods = release.one("Deployment")["spec"]
            self.assertLessEqual(pods["selector"]["matchLabels"].items(), service["selector"].items())
            self.assertLessEqual(service["selector"].items(), pods["template"]["metadata"]["labels"].items())
            self.assertEqual([port], [item["port"] for item in service["ports"]])
            self.assertIn(port, [item["containerPort"] for item in release.container()["ports"]])
        for values in (CASES["log that nobody asks"], {"audit": {"enabled": False}}):
            self.assertEqual(["acr-admission"], [item["metadata"]["name"] for item in Release(values).all("Service")])

    def test_definitions(self):
        data = Release(CASES["everything"]).one("ConfigMap", "acr-admission-definitions")["data"]
        self.assertEqual({"ours.json", "mapped.json"}, set(data))
        for text in data.values():
            self.assertEqual({"policyRule": {}}, json.loads(text))
        # Always mounted, so that adding one needs no new pods.
        self.assertNotIn("data", Release().one("ConfigMap", "acr-admission-definitions"))

    def test_default_policy_is_the_programs(self):
        text = (SOURCE / "docs" / "policy.md").read_text()
        documented = yaml.safe_load(text.split("```yaml\n", 1)[1].split("```", 1)[0])
        self.assertEqual(documented, Release().policy())

    def test_policy_is_rendered_as_it_is_given(self):
        values = CASES["everything"]["policy"]
        self.assertEqual(values["exemptions"], Release(CASES["everything"]).policy()["exemptions"])

    def test_audit_also_holds_what_enforce_would_decide_by(self):
        data = Release({"mode": "audit", "policy": {"maxEffect": "Warn"}}).one("ConfigMap", "acr-admission-policy")["data"]
        in_force, enforce = (yaml.safe_load(data[name]) for name in ("policy.yaml", "enforce.yaml"))
        self.assertEqual("Audit", in_force["maxEffect"])
        self.assertEqual({**in_force, "maxEffect": "Warn"}, enforce)
        self.assertEqual({"policy.yaml"}, set(Release().one("ConfigMap", "acr-admission-policy")["data"]))

    def test_a_date_stays_a_date(self):
        # YAML knows dates; helm may not make a time of one.
        text = ("policy: {exemptions: [{name: a, registries: [a.azurecr.io], requirements: [private-link], expires: 2027-03-31, "
                "reason: b}]}\n")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            release = Release(more=("--values", file.name))
        self.assertIn('expires: "2027-03-31"', release.one("ConfigMap", "acr-admission-policy")["data"]["policy.yaml"])


@unittest.skipUnless(PROGRAM, "ACR_ADMISSION names no program")
class Program(unittest.TestCase):
    """The program itself reads what was rendered."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="acr-admission-config-")
        cls.addClassCleanup(cls.folder.cleanup)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test",
             "-addext", "subjectAltName=DNS:acr-admission.acr-admission.svc", "-keyout", "tls.key", "-out", "tls.crt"], cwd=cls.folder.name, check=True, capture_output=True)

    def lay_out(self, values):
        """What the kubelet makes of the release's ConfigMaps and Secrets, in a folder."""
        root = pathlib.Path(tempfile.mkdtemp(dir=self.folder.name))
        release = Release(values)
        volumes = {volume["name"]: volume for volume in release.pod()["volumes"]}
        maps = {item["metadata"]["name"]: item.get("data", {}) for item in release.all("ConfigMap")}
        (root / "storage").mkdir()
        (root / "kubeconfig").write_text(KUBECONFIG)
        certificate = (pathlib.Path(self.folder.name) / "tls.crt").read_text()
        for mount in release.container()["volumeMounts"]:
            if not mount["mountPath"].startswith("/etc/acr-admission/"):
                continue
            path = root / mount["mountPath"].removeprefix("/etc/acr-admission/")
            volume = volumes[mount["name"]]
            if "secret" in volume:
                path.mkdir()
                (path / "password").write_text("secret")
                for name in ("tls.crt", "tls.key"):
                    (path / name).write_bytes((pathlib.Path(self.folder.name) / name).read_bytes())
                (path / "ca.crt").write_text(certificate)  # as cert-manager's
                continue
            data = maps.get(volume["configMap"]["name"], {"list.json": "[]"})
            data = {key: self.outside_a_pod(text, root) for key, text in data.items()}
            if "subPath" in mount:
                text = data[mount["subPath"]]
                path.write_text(certificate if mount["subPath"].endswith(".crt") else text)
                continue
            path.mkdir()
            renamed = {item["key"]: item["path"] for item in volume["configMap"].get("items", [])}
            for key, text in data.items():
                (path / renamed.get(key, key)).write_text(text)
        return root

    @staticmethod
    def outside_a_pod(text, root):
        """The same, for somebody who has neither the volume nor the service account."""
        text = text.replace("/var/lib/acr-admission", str(root / "storage"))
        text = text.replace("kubernetes: {}\n", "kubernetes:\n")
        return text.replace("\nkubernetes:\n", "\nkubernetes:\n  kubeconfig: kubeconfig\n")

    def validate(self, values):
        root = self.lay_out(values)
        environment = {"PATH": os.environ["PATH"], "AZURE_TENANT_ID": "72f988bf-86f1-41af-91ab-2d7cd011db47",
                       "AZURE_CLIENT_ID": "0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b", "AZURE_FEDERATED_TOKEN_FILE": "/nowhere/token"}
        return subprocess.run([PROGRAM, "validate", "--config", str(root / "config.yaml")], env=environment, capture_output=True, text=True,
                              timeout=60, check=False)

    def test_validate_takes_what_is_rendered(self):
        for name, values in CASES.items():
            if "definitions" in values:
                values = merged(values, {"definitions": self.definitions()})
            with self.subTest(name):
                result = self.validate(values)
                self.assertEqual((0, ""), (result.returncode, result.stderr))

    def test_validate_reads_the_rendered_policy(self):
        result = self.validate(merged(CASES["own certificate"], {"policy": {"requirements": [{"definition": "no-such"}]}}))
        self.assertEqual(2, result.returncode)
        self.assertIn("no-such", result.stderr)

    @staticmethod
    def definitions():
        built_in = SOURCE / "policy" / "definitions"
        return {"ours": (built_in / "private-link.json").read_text(), "mapped": json.loads((built_in / "restricted-network.json").read_text())}


if __name__ == "__main__":
    unittest.main()

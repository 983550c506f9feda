"""What holds for everything that is rendered, whatever the values."""
import pathlib
import re
import shutil
import tempfile
import unittest

import yaml

from chart import CASES, CHART, NAMESPACE, RELEASE, HelmFailed, Release, helm, merged, template, values_arguments

LONG = "a-release-whose-name-is-as-long-as-helm-lets-it-be-00"  # 53 characters
MIDDLE = "the-charts-name-fits-but-not-one-with-suffix-00"  # 47: 61 with the name of the chart, and no suffix fits

CLUSTER_KINDS = {"ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy",
                 "ValidatingAdmissionPolicyBinding", "CustomResourceDefinition"}


class EveryRelease(unittest.TestCase):
    def every_object(self, **kwargs):
        for name, values in CASES.items():
            release = Release(values, **kwargs)
            for item in release.objects:
                if not item["metadata"]["name"].endswith("-extra"):
                    yield name, item

    def test_lint_finds_nothing(self):
        for name, values in CASES.items():
            with self.subTest(name):
                said = helm("lint", "--strict", str(CHART), *values_arguments(values))
                self.assertIn("0 chart(s) failed", said)
                self.assertNotIn("[WARNING]", said)

    def test_the_same_each_time(self):
        for name, values in CASES.items():
            with self.subTest(name):
                arguments = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE, *values_arguments(values)]
                # An upgrade makes nothing anew, and a newer cluster changes nothing.
                again = helm(*arguments, "--is-upgrade", "--kube-version", "1.37.0", "--api-versions", "monitoring.coreos.com/v1")
                self.assertEqual(template(values), again)

    def test_nothing_asks_the_cluster_or_chance(self):
        wild = re.compile(r"\b(lookup|rand\w*|gen(CA|PrivateKey|SelfSignedCert\w*|SignedCert\w*)|uuidv4|now|date\w*|htmlDate|getHostByName)\b"
                          r"|\.Release\.(IsInstall|IsUpgrade|Revision)|\.Capabilities")
        for path in [*CHART.glob("templates/**/*.yaml"), *CHART.glob("templates/**/*.tpl"), CHART / "templates" / "NOTES.txt"]:
            for action in re.findall(r"\{\{.*?\}\}", path.read_text(), re.S):
                if not action.startswith(("{{/*", "{{- /*")):
                    with self.subTest(path.name):
                        self.assertIsNone(wild.search(re.sub(r'"[^"]*"', "", action)), action)

    def test_no_key_material(self):
        for name, item in self.every_object():
            with self.subTest(name, kind=item["kind"]):
                if item["kind"] == "Secret":
                    self.assertEqual({"apiVersion", "kind", "metadata", "type"}, set(item))
                    self.assertEqual("Opaque", item["type"])
        for values in CASES.values():
            self.assertNotIn("PRIVATE KEY", template(values))

    def test_labels(self):
        wanted = {
            "app.kubernetes.io/name": "acr-admission",
            "app.kubernetes.io/instance": RELEASE,
            "app.kubernetes.io/version": "0.1.0",
            "app.kubernetes.io/managed-by": "Helm",
            "app.kubernetes.io/part-of": "acr-admission",
            "helm.sh/chart": "acr-admission-0.1.0",
        }
        for name, item in self.every_object():
            with self.subTest(name, kind=item["kind"]):
                self.assertLessEqual(wanted.items(), item["metadata"]["labels"].items())

    def test_common_labels_and_annotations(self):
        values = CASES["everything"]
        for item in Release(merged(values, {"extraManifests": []})).objects:
            with self.subTest(item["kind"]):
                self.assertEqual("42", item["metadata"]["labels"]["example.com/cost-centre"])
                self.assertEqual("platform", item["metadata"]["annotations"]["example.com/owner"])
        pods = Release(values).one("Deployment")["spec"]["template"]["metadata"]
        self.assertEqual("42", pods["labels"]["example.com/cost-centre"])
        self.assertEqual("platform", pods["annotations"]["example.com/owner"])

    def test_namespaces(self):
        for name, item in self.every_object(namespace="elsewhere"):
            with self.subTest(name, kind=item["kind"]):
                self.assertEqual(None if item["kind"] in CLUSTER_KINDS else "elsewhere", item["metadata"].get("namespace"))

    def test_no_two_objects_of_one_name(self):
        for name, values in CASES.items():
            with self.subTest(name):
                names = [(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in Release(values).objects]
                self.assertEqual(len(names), len(set(names)))

    def test_names_fit_whatever_the_release_is_called(self):
        for release in (LONG, MIDDLE, "r"):
            for name, item in self.every_object(release=release):
                with self.subTest(name, kind=item["kind"], release=release):
                    if item["kind"] == "CustomResourceDefinition":
                        continue  # called what Kubernetes says, whatever the release
                    # A pod's name is its Deployment's and 17 characters, and must be a host name.
                    longest = 46 if item["kind"] == "Deployment" else 63
                    self.assertRegex(item["metadata"]["name"], rf"^[a-z]([-a-z0-9]{{0,{longest - 2}}}[a-z0-9])?$")
                    for value in item["metadata"]["labels"].values():
                        self.assertRegex(value, r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")

    def test_long_releases_that_differ_at_the_end_do_not_meet(self):
        names = {Release(release=LONG[:-1] + end).one("Deployment")["metadata"]["name"] for end in "01"}
        self.assertEqual(2, len(names))

    def test_names(self):
        for release, values, wanted in (
            ("acr-admission", {}, "acr-admission"),
            ("prod", {}, "prod-acr-admission"),
            ("prod", {"nameOverride": "guard"}, "prod-guard"),
            ("prod", {"fullnameOverride": "guard"}, "guard"),
        ):
            with self.subTest(wanted):
                rendered = Release(values, release=release)
                for kind in ("Deployment", "ServiceAccount", "ValidatingWebhookConfiguration", "NetworkPolicy"):
                    self.assertEqual(wanted, rendered.one(kind)["metadata"]["name"])
                self.assertEqual({wanted, wanted + "-replicas"}, {item["metadata"]["name"] for item in rendered.all("Service")})

    def test_references_between_objects_lead_somewhere(self):
        for name, values in CASES.items():
            with self.subTest(name):
                release = Release(values, release="other", namespace="elsewhere")
                text = release.text
                self.assertNotRegex(text, r"(?<![\w/-])acr-admission-(tls|policy|inventory|definitions|namespace-guard)")
                for binding in release.all("ValidatingAdmissionPolicyBinding"):
                    release.one("ValidatingAdmissionPolicy", binding["spec"]["policyName"])

    def test_extra_manifests_are_templates(self):
        text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Namespace }}-text'}\n"
        release = Release({"extraManifests": [text, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "{{ .Release.Name }}-map"}}]})
        release.one("ConfigMap", "acr-admission-text")
        release.one("Secret", "acr-admission-map")


class Notes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A copy of the chart that renders its notes as an object: only an installation shows them otherwise."""
        folder = tempfile.TemporaryDirectory(prefix="acr-admission-notes-")
        cls.addClassCleanup(folder.cleanup)
        cls.chart = pathlib.Path(folder.name) / "chart"
        shutil.copytree(CHART, cls.chart)
        notes = (cls.chart / "templates" / "NOTES.txt").read_text()
        (cls.chart / "templates" / "notes.yaml").write_text(
            '{{- define "notes" }}' + notes + '{{- end }}\nkind: Notes\nnotes: {{ include "notes" . | toJson }}\n')

    def notes(self, values=None, namespace=NAMESPACE):
        text = helm("template", RELEASE, str(self.chart), "--namespace", namespace, "--show-only", "templates/notes.yaml",
                    *values_arguments(values))
        return yaml.safe_load(text)["notes"]

    def test_tell_mode_denials_and_the_way_out(self):
        said = self.notes()
        self.assertIn("mode enforce", said)
        self.assertIn("kubectl delete validatingwebhookconfiguration acr-admission", said)
        self.assertIn("exec -n acr-admission deploy/acr-admission -- /usr/bin/acr-admission audit --config /etc/acr-admission/config.yaml "
                      "--since 1h --decision Denied", said)

    def test_lead_from_audit_to_enforce(self):
        said = self.notes({"mode": "audit"})
        self.assertIn("mode audit", said)
        # By the policy without the cap of this mode, or nothing would be refused.
        self.assertIn("check --config /etc/acr-admission/config.yaml", said)
        self.assertIn("--policy /etc/acr-admission/policy/enforce.yaml -", said)
        self.assertIn("--set mode=enforce", said)

    def test_tell_what_the_identity_needs(self):
        said = self.notes(CASES["workload identity"], namespace="elsewhere")
        self.assertIn("system:serviceaccount:elsewhere:acr-admission", said)
        for action in ("ContainerRegistry/registries/read", "privateEndpointConnections/read", "ResourceGraph/resources/read", "policyStates"):
            self.assertIn(action, said)
        self.assertIn("WARNING: workloadIdentity.clientId is not set", self.notes())

    def test_warn_of_one_replica(self):
        self.assertIn("WARNING: one replica", self.notes({"replicas": 1}))
        self.assertNotIn("one replica", self.notes())

    def test_tell_what_is_not_looked_at(self):
        said = self.notes({"webhook": {"excludedNamespaces": ["platform"]}}, namespace="elsewhere")
        self.assertIn("elsewhere, kube-system, aks-command, platform", said)
        self.assertIn("control-plane=true or kubernetes.azure.com/managedby=aks", said)
        self.assertNotIn("kubernetes.azure.com/managedby", self.notes(CASES["enforcer told to leave it"]))
        self.assertNotIn("WARNING: the namespace", said)
        self.assertIn("WARNING: the namespace default is not looked at", self.notes(namespace="default"))

    def test_tell_how_the_api_server_gets_in(self):
        self.assertIn("networkPolicy.apiServer.cidrs", self.notes())
        self.assertNotIn("networkPolicy.apiServer.cidrs", self.notes({"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.0/8"]}}}))
        self.assertIn("hostNetwork: no NetworkPolicy", self.notes({"hostNetwork": True}))
        self.assertIn("for a rolling update one node more than there are replicas", self.notes({"hostNetwork": True}))
        self.assertIn("networkPolicy.enabled is false", self.notes({"networkPolicy": {"enabled": False}}))


class ChartFile(unittest.TestCase):
    def test_what_catalogues_ask_for(self):
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        for key in ("apiVersion", "name", "description", "type", "version", "appVersion", "kubeVersion", "home", "icon", "sources", "maintainers"):
            self.assertIn(key, chart)
        self.assertRegex(chart["version"], r"^\d+\.\d+\.\d+$")
        annotations = chart["annotations"]
        self.assertEqual("MIT", annotations["artifacthub.io/license"])
        self.assertEqual("security", annotations["artifacthub.io/category"])
        self.assertIn(f":{chart['appVersion']}\n", annotations["artifacthub.io/images"])
        self.assertTrue(annotations["artifacthub.io/changes"])

    def test_clusters_without_what_is_rendered_are_refused(self):
        with self.assertRaisesRegex(HelmFailed, "1.29"):
            helm("template", RELEASE, str(CHART), "--kube-version", "1.29.9")
        # As AKS and others write versions.
        helm("template", RELEASE, str(CHART), "--kube-version", "1.30.0-gke.1")

    def test_version_of_the_program(self):
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        cmake = (CHART.parent.parent / "CMakeLists.txt").read_text()
        self.assertIn(f"project(acr-admission VERSION {chart['appVersion']} ", cmake)


if __name__ == "__main__":
    unittest.main()

"""The scan of what runs: its configuration, and what `kubectl get acr` shows."""
import re
import unittest

from chart import CASES, SOURCE, Release

CRD = "registrycompliances.acr-admission.io"
# The widest of each kind of cell: a registry whose name Azure made unique, counts of a large cluster, ages as kubectl writes them.
WIDEST = {"string": "False", "integer": "10000", "date": "47h"}
REGISTRY = "contoso-prod-01.azurecr.io"


def version(values=None):
    return Release(values).one("CustomResourceDefinition", CRD)["spec"]["versions"][0]


def columns(values=None, wide=True):
    return [column for column in version(values)["additionalPrinterColumns"] if wide or not column.get("priority")]


def with_requirements(*requirements):
    return {"policy": {"requirements": list(requirements)}}


def requirement_columns(*requirements):
    """(header, type of the condition) of each."""
    found = [(column["name"], re.search(r'type=="(.*)"', column["jsonPath"])) for column in columns(with_requirements(*requirements))]
    return [(name, match.group(1)) for name, match in found if match][1:]


class Config(unittest.TestCase):
    def test_names_the_lease_of_the_release(self):
        release = Release()
        scan = release.config()["scan"]
        self.assertEqual({"lease", "reports", "registryCompliances", "excludeNamespaces"}, set(scan))
        # Rendered empty: the replicas write who leads, and an upgrade leaves that alone.
        self.assertNotIn("spec", release.one("Lease", scan["lease"]))
        self.assertEqual((True, True), (scan["reports"], scan["registryCompliances"]))

    def test_leaves_out_what_the_webhook_leaves_out(self):
        release = Release({"webhook": {"excludedNamespaces": ["platform"]}}, namespace="elsewhere")
        for hook in release.webhooks().values():
            names = next(item["values"] for item in hook["namespaceSelector"]["matchExpressions"] if item["key"] == "kubernetes.io/metadata.name")
            self.assertEqual(names, release.config()["scan"]["excludeNamespaces"])
        self.assertIn("platform", release.config()["scan"]["excludeNamespaces"])

    def test_off(self):
        release = Release(CASES["no scan"])
        self.assertNotIn("scan", release.config())
        self.assertEqual([], release.all("Lease") + release.all("CustomResourceDefinition"))
        release = Release(CASES["scan that is seen in metrics and Events alone"])
        self.assertEqual((False, False), (release.config()["scan"]["reports"], release.config()["scan"]["registryCompliances"]))
        self.assertEqual([], release.all("CustomResourceDefinition"))


class Columns(unittest.TestCase):
    def test_default_policy(self):
        self.assertEqual(["Compliant", "CMK", "LINK", "NETWORK", "ENDPOINTS", "Workloads", "Observed"], [item["name"] for item in columns(wide=False)])
        self.assertEqual(["Pods", "Age"], [item["name"] for item in columns() if item.get("priority")])

    def test_fit_a_terminal(self):
        cells = [("NAME", REGISTRY)] + [(item["name"], WIDEST[item["type"]]) for item in columns(wide=False)]
        # kubectl keeps three blanks between columns, and ends a line without any.
        self.assertLessEqual(sum(max(map(len, cell)) + 3 for cell in cells) - 3, 100)

    def test_conditions_are_called_as_the_program_calls_them(self):
        for requirement, wanted in (
            ({"definition": "Private-Link"}, ("LINK", "private-link")),
            ({"definition": "D0793b48-0edc-4296-a390-4c75d1bdfd71"}, ("NETWORK", "restricted-network")),
            ({"definition": "/providers/Microsoft.Authorization/policyDefinitions/5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580"}, ("CMK", "customer-managed-key")),
            ({"definition": "ours"}, ("OURS", "ours")),
            ({"definition": "Tags are set"}, ("TAGS_ARE_S", "Tags_are_set")),
            ({"definition": "tags-must-be-set"}, ("TAGS-MUST", "tags-must-be-set")),
            ({"definition": "private-link", "name": "eu/link"}, ("EU_LINK", "eu_link")),
        ):
            with self.subTest(requirement):
                self.assertEqual([wanted], requirement_columns(requirement))

    def test_what_has_no_finding_has_no_column(self):
        self.assertEqual([("CMK", "customer-managed-key")],
                         requirement_columns({"definition": "customer-managed-key"}, {"definition": "private-link", "effect": "Disabled"},
                                             {"initiative": "ours"}))

    def test_many_requirements_are_shown_by_wide_alone(self):
        values = with_requirements(*({"definition": f"rule-{number}"} for number in range(9)))
        self.assertEqual([f"RULE-{number}" for number in range(4)], [item["name"] for item in columns(values, wide=False)][1:5])
        self.assertEqual(5, sum(1 for item in columns(values) if item.get("priority") and item["name"].startswith("RULE-")))

    def test_every_built_in_definition_has_a_header(self):
        rows = re.findall(r"^\| `([a-z0-9-]+)` \| .* \| (`[0-9a-f-]{36}`|none.*) \| [0-9.]+(?:-preview)? \|$",
                          (SOURCE / "docs" / "definitions.md").read_text(), re.M)
        self.assertGreater(len(rows), 15)
        for name, guid in rows:
            with self.subTest(name):
                [(header, _)] = requirement_columns({"definition": name})
                self.assertNotEqual(name.upper()[:10].rstrip("-"), header)
                self.assertLessEqual(len(header), 10)
                if guid.startswith("`"):
                    self.assertEqual([(header, name)], requirement_columns({"definition": guid.strip("`")}))


class Schema(unittest.TestCase):
    def test_status_is_a_subresource_that_nothing_is_pruned_from(self):
        found = version()
        self.assertEqual({"status": {}}, found["subresources"])
        status = found["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
        # What scan/registry_compliance.cc writes.
        self.assertEqual({"loginServer", "resourceId", "observed", "workloads", "pods", "conditions"}, set(status))
        self.assertEqual(("map", ["type"]), (status["conditions"]["x-kubernetes-list-type"], status["conditions"]["x-kubernetes-list-map-keys"]))
        self.assertEqual({"type", "status", "reason", "message", "lastTransitionTime"}, set(status["conditions"]["items"]["properties"]))

    def test_group_and_names_are_the_programs(self):
        spec = Release().one("CustomResourceDefinition", CRD)["spec"]
        source = (SOURCE / "scan" / "registry_compliance.h").read_text()
        for constant, wanted in (("Group", spec["group"]), ("Version", spec["versions"][0]["name"]), ("Resource", spec["names"]["plural"]),
                                 ("Kind", spec["names"]["kind"])):
            self.assertIn(f'kCompliance{constant} = "{wanted}"', source)
        self.assertEqual(("Cluster", ["acr"]), (spec["scope"], spec["names"]["shortNames"]))


if __name__ == "__main__":
    unittest.main()

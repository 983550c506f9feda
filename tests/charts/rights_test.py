"""What the pods may do in the cluster: exactly what the program needs, on objects by name."""
import unittest

from chart import CASES, Release


def rights(role):
    """(group, resource, verb, name or None) of a role."""
    return {
        (group, resource, verb, name)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [None])
    }


TLS = {("", "secrets", verb, "acr-admission-tls") for verb in ("get", "update")}
INVENTORY = {("", "secrets", verb, "acr-admission-inventory") for verb in ("get", "update")}
POLICY = {("", "configmaps", verb, "acr-admission-policy-last-good") for verb in ("get", "update")} | {("", "configmaps", "create", None)}
EVENTS = {("events.k8s.io", "events", verb, None) for verb in ("create", "patch")}
SECRETS = {("", "secrets", "create", None)}
LEASE = {("coordination.k8s.io", "leases", verb, "acr-admission-scan") for verb in ("get", "update")} | {("coordination.k8s.io", "leases", "create", None)}
# Of the scan, in all namespaces: of pods and their owners it only reads.
RUNNING = {(group, resource, verb, None) for group, resource in (("", "pods"), ("apps", "replicasets"), ("batch", "jobs")) for verb in ("list", "watch")}
KEPT = ("list", "create", "patch", "delete")
REPORTS = {(group, resource, verb, None) for group, resource in (("openreports.io", "reports"), ("wgpolicyk8s.io", "policyreports")) for verb in KEPT}
COMPLIANCES = {("acr-admission.io", "registrycompliances", verb, None) for verb in KEPT} | {
    ("acr-admission.io", "registrycompliances/status", "patch", None)}
# Served by the replicas alone.
DECISIONS = {("acr-admission.io", "decisions", verb, None) for verb in ("get", "list")}
# Names of the cluster's roles, beside the one for the webhook configuration.
OF_THE_LOG = {"acr-admission-events", "acr-admission-audit-viewer"}
OF_THE_SCAN = {"acr-admission-scan", "acr-admission-registry-viewer"}
CONFIGURATION = {("admissionregistration.k8s.io", "validatingwebhookconfigurations", verb, "acr-admission") for verb in ("get", "patch")}


class Rights(unittest.TestCase):
    def test_managed_certificates(self):
        release = Release()
        self.assertEqual(TLS | INVENTORY | SECRETS | POLICY | LEASE | EVENTS, rights(release.one("Role")))
        self.assertEqual(CONFIGURATION, rights(release.one("ClusterRole", "acr-admission")))

    def test_certificates_of_others_need_neither_their_secret_nor_the_webhook_configuration(self):
        for case in ("cert-manager", "own certificate"):
            release = Release(CASES[case])
            self.assertEqual(INVENTORY | SECRETS | POLICY | LEASE | EVENTS, rights(release.one("Role")))
            self.assertEqual(OF_THE_LOG | OF_THE_SCAN, {item["metadata"]["name"] for item in release.all("ClusterRole")})

    def test_each_right_goes_with_what_needs_it(self):
        release = Release({"kubernetes": {"saveInventory": False}})
        self.assertEqual(TLS | SECRETS | POLICY | LEASE | EVENTS, rights(release.one("Role")))
        release = Release({"kubernetes": {"keepLastGoodPolicy": False}})
        self.assertEqual(TLS | INVENTORY | SECRETS | LEASE | EVENTS, rights(release.one("Role")))
        release = Release({"scan": {"enabled": False}})
        self.assertEqual(TLS | INVENTORY | SECRETS | POLICY | EVENTS, rights(release.one("Role")))

    def test_no_rights_and_no_token_where_no_api_server_is_talked_to(self):
        release = Release(CASES["no API server"])
        self.assertEqual([], [item for item in release.objects if item["kind"].startswith(("Role", "ClusterRole"))])
        self.assertIs(False, release.pod()["automountServiceAccountToken"])
        self.assertNotIn("kubernetes", release.config())

    def test_bound_to_the_account_of_the_pods(self):
        for values, account in (({}, "acr-admission"), ({"serviceAccount": {"name": "other"}}, "other"),
                                ({"serviceAccount": {"create": False, "name": "theirs"}}, "theirs")):
            with self.subTest(values):
                release = Release(values, namespace="elsewhere")
                self.assertEqual(account, release.pod()["serviceAccountName"])
                bindings = release.all("RoleBinding") + release.all("ClusterRoleBinding")
                self.assertEqual(6, len(bindings))
                for binding in bindings:
                    self.assertEqual([{"kind": "ServiceAccount", "name": account, "namespace": "elsewhere"}], binding["subjects"])
                    if binding["roleRef"]["name"] != "system:auth-delegator":  # the API server's own
                        release.one(binding["roleRef"]["kind"], binding["roleRef"]["name"])

    def test_token_is_mounted_by_the_pods_that_need_it_alone(self):
        release = Release()
        self.assertIs(False, release.one("ServiceAccount")["automountServiceAccountToken"])
        self.assertIs(True, release.pod()["automountServiceAccountToken"])
        # helm's test reads the same configuration, which names the account.
        self.assertIs(True, release.one("Pod")["spec"]["automountServiceAccountToken"])

    def test_who_may_ask_the_log_is_told_by_the_api_server(self):
        release = Release()
        self.assertEqual(DECISIONS, rights(release.one("ClusterRole", "acr-admission-audit-viewer")))
        self.assertEqual({"acr-admission", "acr-admission-events", "acr-admission-audit-viewer", "acr-admission-scan", "system:auth-delegator"},
                         {item["roleRef"]["name"] for item in release.all("ClusterRoleBinding")})

    def test_the_scan_reads_no_secrets_and_writes_what_it_makes_alone(self):
        self.assertEqual(RUNNING | EVENTS | REPORTS | COMPLIANCES, rights(Release().one("ClusterRole", "acr-admission-scan")))
        self.assertEqual(RUNNING | EVENTS | COMPLIANCES, rights(Release({"scan": {"reports": False}}).one("ClusterRole", "acr-admission-scan")))
        release = Release(CASES["scan that is seen in metrics and Events alone"])
        self.assertEqual(RUNNING | EVENTS, rights(release.one("ClusterRole", "acr-admission-scan")))
        self.assertNotIn("acr-admission-registry-viewer", [item["metadata"]["name"] for item in release.all("ClusterRole")])
        self.assertFalse(OF_THE_SCAN & {item["metadata"]["name"] for item in Release(CASES["no scan"]).all("ClusterRole")})

    def test_who_may_view_the_cluster_sees_the_registries(self):
        role = Release().one("ClusterRole", "acr-admission-registry-viewer")
        self.assertEqual("true", role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"])
        self.assertEqual({("acr-admission.io", "registrycompliances", verb, None) for verb in ("get", "list", "watch")}, rights(role))

    def test_denials_are_told_in_every_namespace(self):
        self.assertEqual(EVENTS, rights(Release().one("ClusterRole", "acr-admission-events")))

    def test_the_rights_for_the_log_go_with_what_needs_them(self):
        for values, names in (({"events": False}, {"acr-admission", "acr-admission-audit-viewer", "system:auth-delegator"}),
                              ({"api": {"enabled": False}}, {"acr-admission", "acr-admission-events"}),
                              ({"enabled": False}, {"acr-admission"})):
            with self.subTest(values):
                release = Release({"audit": values, "scan": {"enabled": False}})
                self.assertEqual(names, {item["roleRef"]["name"] for item in release.all("ClusterRoleBinding")})
                self.assertEqual(names - {"system:auth-delegator"}, {item["metadata"]["name"] for item in release.all("ClusterRole")})

    def test_all_who_view_may_ask_the_log_only_where_that_is_wanted(self):
        label = "rbac.authorization.k8s.io/aggregate-to-view"
        for values, expected in (({}, False), (CASES["log for all who view"], True)):
            role = Release(values).one("ClusterRole", "acr-admission-audit-viewer")
            self.assertEqual(expected, role["metadata"]["labels"].get(label) == "true")

    def test_roles_can_be_left_to_others(self):
        release = Release({"rbac": {"create": False}})
        self.assertEqual([], [item for item in release.objects if "rbac" in item["apiVersion"]])


if __name__ == "__main__":
    unittest.main()

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
CONFIGURATION = {("admissionregistration.k8s.io", "validatingwebhookconfigurations", verb, "acr-admission") for verb in ("get", "patch")}


class Rights(unittest.TestCase):
    def test_managed_certificates(self):
        release = Release()
        self.assertEqual(TLS | INVENTORY | SECRETS | POLICY | EVENTS, rights(release.one("Role")))
        self.assertEqual(CONFIGURATION, rights(release.one("ClusterRole")))

    def test_certificates_of_others_need_neither_their_secret_nor_the_webhook_configuration(self):
        for case in ("cert-manager", "own certificate"):
            release = Release(CASES[case])
            self.assertEqual(INVENTORY | SECRETS | POLICY | EVENTS, rights(release.one("Role")))
            self.assertEqual([], release.all("ClusterRole") + release.all("ClusterRoleBinding"))

    def test_each_right_goes_with_what_needs_it(self):
        release = Release({"kubernetes": {"saveInventory": False}})
        self.assertEqual(TLS | SECRETS | POLICY | EVENTS, rights(release.one("Role")))
        release = Release({"kubernetes": {"keepLastGoodPolicy": False}})
        self.assertEqual(TLS | INVENTORY | SECRETS | EVENTS, rights(release.one("Role")))

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
                for kind in ("RoleBinding", "ClusterRoleBinding"):
                    binding = release.one(kind)
                    self.assertEqual([{"kind": "ServiceAccount", "name": account, "namespace": "elsewhere"}], binding["subjects"])
                    release.one(binding["roleRef"]["kind"], binding["roleRef"]["name"])

    def test_token_is_mounted_by_the_pods_that_need_it_alone(self):
        release = Release()
        self.assertIs(False, release.one("ServiceAccount")["automountServiceAccountToken"])
        self.assertIs(True, release.pod()["automountServiceAccountToken"])
        # helm's test reads the same configuration, which names the account.
        self.assertIs(True, release.one("Pod")["spec"]["automountServiceAccountToken"])

    def test_roles_can_be_left_to_others(self):
        release = Release({"rbac": {"create": False}})
        self.assertEqual([], [item for item in release.objects if "rbac" in item["apiVersion"]])


if __name__ == "__main__":
    unittest.main()

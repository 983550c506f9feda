"""What the API server is told to send, and what it does when it gets no answer."""
import base64
import unittest

from chart import CASES, PEM, Release

IMAGES = "images.acr-admission.io"
WORKLOADS = "workloads.acr-admission.io"


def rules(webhook):
    """(group, resource, operation) of everything that is sent."""
    return {
        (group, resource, operation)
        for rule in webhook["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for operation in rule["operations"]
    }


def expressions(webhook):
    return {item["key"]: (item["operator"], item["values"]) for item in webhook["namespaceSelector"]["matchExpressions"]}


class WebhookConfiguration(unittest.TestCase):
    def test_both_entries_are_there_whatever_the_values(self):
        for name, values in CASES.items():
            with self.subTest(name):
                self.assertEqual([IMAGES, WORKLOADS], list(Release(values).webhooks()))

    def test_images_are_sent_on_create_update_and_debug(self):
        self.assertEqual(
            {("", "pods", "CREATE"), ("", "pods", "UPDATE"), ("", "pods/ephemeralcontainers", "UPDATE")},
            rules(Release().webhooks()[IMAGES]),
        )

    def test_workloads_are_sent_on_create_and_update(self):
        resources = [
            ("apps", "deployments"), ("apps", "replicasets"), ("apps", "statefulsets"), ("apps", "daemonsets"),
            ("batch", "jobs"), ("batch", "cronjobs"), ("", "replicationcontrollers"), ("", "podtemplates"),
        ]
        self.assertEqual(
            {(group, resource, operation) for group, resource in resources for operation in ("CREATE", "UPDATE")},
            rules(Release().webhooks()[WORKLOADS]),
        )

    def test_contract_with_the_api_server(self):
        for name, values in CASES.items():
            for hook in Release(values).webhooks().values():
                with self.subTest(name, hook=hook["name"]):
                    self.assertEqual(["v1"], hook["admissionReviewVersions"])
                    self.assertEqual("Equivalent", hook["matchPolicy"])
                    self.assertEqual("NoneOnDryRun", hook["sideEffects"])
                    self.assertEqual(5, hook["timeoutSeconds"])
                    # Whoever writes an object sets its labels.
                    self.assertEqual({}, hook["objectSelector"])
                    self.assertEqual(
                        {"name": "acr-admission", "namespace": "acr-admission", "path": "/validate", "port": 443},
                        hook["clientConfig"]["service"],
                    )
                    for rule in hook["rules"]:
                        self.assertEqual("Namespaced", rule["scope"])
                        self.assertEqual(["v1"], rule["apiVersions"])

    def test_the_service_that_is_called_leads_to_the_port_that_serves(self):
        for name, values in CASES.items():
            with self.subTest(name):
                release = Release(values)
                called = release.webhooks()[IMAGES]["clientConfig"]["service"]
                service = release.one("Service", called["name"])
                self.assertEqual(called["namespace"], service["metadata"]["namespace"])
                port = next(port for port in service["spec"]["ports"] if port["port"] == called["port"])
                container = next(p for p in release.container()["ports"] if p["name"] == port["targetPort"])
                address = release.config()["server"]["address"]
                self.assertTrue(address.endswith(f":{container['containerPort']}"), address)

    def test_timeout_is_the_value(self):
        for hook in Release({"webhook": {"timeoutSeconds": 3}}).webhooks().values():
            self.assertEqual(3, hook["timeoutSeconds"])

    def test_mode_decides_failure_policy_and_cap_together(self):
        for values, failure, cap in (
            ({}, "Fail", "Deny"),
            ({"mode": "enforce", "policy": {"maxEffect": "Warn"}}, "Fail", "Warn"),
            ({"mode": "audit"}, "Ignore", "Audit"),
            ({"mode": "audit", "policy": {"maxEffect": "Deny"}}, "Ignore", "Audit"),
        ):
            with self.subTest(values):
                release = Release(values)
                self.assertEqual({failure}, {hook["failurePolicy"] for hook in release.webhooks().values()})
                self.assertEqual(cap, release.policy()["maxEffect"])

    def test_namespaces_that_are_left_out(self):
        for hook in Release({"webhook": {"excludedNamespaces": ["platform", "kube-system"]}}, namespace="elsewhere").webhooks().values():
            self.assertEqual(
                ("NotIn", ["elsewhere", "kube-system", "aks-command", "platform"]),
                expressions(hook)["kubernetes.io/metadata.name"],
            )

    def test_enforcer_finds_its_own_words(self):
        for hook in Release().webhooks().values():
            wanted = [
                {"key": "control-plane", "operator": "NotIn", "values": ["true"]},
                {"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]},
            ]
            for item in wanted:
                self.assertIn(item, hook["namespaceSelector"]["matchExpressions"])
        metadata = Release().one("ValidatingWebhookConfiguration")["metadata"]
        self.assertNotIn("admissions.enforcer/disabled", metadata["labels"])

    def test_enforcer_can_be_told_to_leave_it(self):
        release = Release(CASES["enforcer told to leave it"])
        metadata = release.one("ValidatingWebhookConfiguration")["metadata"]
        self.assertEqual("true", metadata["labels"]["admissions.enforcer/disabled"])
        self.assertEqual("true", metadata["annotations"]["admissions.enforcer/disabled"])
        for hook in release.webhooks().values():
            self.assertEqual(["kubernetes.io/metadata.name"], list(expressions(hook)))

    def test_only_updates_that_leave_the_spec_alone_are_not_sent(self):
        for hook in Release().webhooks().values():
            self.assertEqual(
                ["request.operation != 'UPDATE' || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec"],
                [condition["expression"] for condition in hook["matchConditions"]],
            )

    def test_workloads_are_switched_off_by_a_condition_alone(self):
        on, off = Release().webhooks(), Release({"workloads": {"enabled": False}}).webhooks()
        self.assertEqual(["false"], [condition["expression"] for condition in off[WORKLOADS].pop("matchConditions")])
        on[WORKLOADS].pop("matchConditions")
        self.assertEqual(on, off)

    def test_ca_bundle_is_rendered_only_where_nobody_else_writes_it(self):
        for name, values in CASES.items():
            with self.subTest(name):
                bundles = {hook["clientConfig"].get("caBundle") for hook in Release(values).webhooks().values()}
                own = values.get("certificates", {}).get("mode") == "secret"
                self.assertEqual({base64.b64encode(PEM.encode()).decode()} if own else {None}, bundles)

    def test_cert_manager_injects_from_the_certificate_of_this_release(self):
        release = Release(CASES["cert-manager"], namespace="elsewhere")
        annotation = release.one("ValidatingWebhookConfiguration")["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
        namespace, name = annotation.split("/")
        certificate = release.one("Certificate", name)
        self.assertEqual(namespace, certificate["metadata"]["namespace"])
        self.assertEqual(namespace, "elsewhere")
        self.assertIn("acr-admission.elsewhere.svc", certificate["spec"]["dnsNames"])


if __name__ == "__main__":
    unittest.main()

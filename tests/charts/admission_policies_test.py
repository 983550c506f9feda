"""The policies that run in the API server. What they answer is tried end to end; here is what may not get lost."""
import unittest

from chart import CASES, Release

GUARD = "acr-admission-namespace-guard"
COMPANION = "acr-admission-companion"


def policy(values, name):
    return Release(values).one("ValidatingAdmissionPolicy", name)["spec"]


def resources(spec):
    return {
        (resource, operation)
        for rule in spec["matchConstraints"]["resourceRules"]
        for resource in rule["resources"]
        for operation in rule["operations"]
    }


def expressions(spec):
    return [item["expression"] for part in ("matchConditions", "variables", "validations") for item in spec.get(part, [])]


class NamespaceGuard(unittest.TestCase):
    def test_watches_every_way_to_label_a_namespace(self):
        spec = policy({}, GUARD)
        self.assertEqual("Fail", spec["failurePolicy"])
        self.assertEqual(
            {(name, operation) for name in ("namespaces", "namespaces/status", "namespaces/finalize") for operation in ("CREATE", "UPDATE")},
            resources(spec),
        )
        # Nothing that a namespace's labels could take out of its scope.
        self.assertEqual({}, spec["matchConstraints"]["namespaceSelector"])
        self.assertEqual({}, spec["matchConstraints"]["objectSelector"])

    def test_constraints_are_whole(self):
        # To server-side apply they are one value: what the API server adds to them would be a conflict.
        for name in (GUARD, COMPANION):
            constraints = policy(CASES["everything"], name)["matchConstraints"]
            self.assertEqual({"matchPolicy", "namespaceSelector", "objectSelector", "resourceRules"}, set(constraints))
            for rule in constraints["resourceRules"]:
                self.assertEqual({"apiGroups", "apiVersions", "operations", "resources", "scope"}, set(rule))

    def test_watches_each_label_and_name_that_the_webhook_leaves_out(self):
        values = {"webhook": {"excludedNamespaces": ["platform"]}}
        text = " ".join(expressions(policy(values, GUARD)))
        for hook in Release(values).webhooks().values():
            for item in hook["namespaceSelector"]["matchExpressions"]:
                for value in item["values"]:
                    self.assertIn(f"'{value}'", text)
                if item["key"] != "kubernetes.io/metadata.name":
                    self.assertIn(f"variables.labels['{item['key']}'] == '{item['values'][0]}'", text)

    def test_refuses_what_is_new_to_whoever_may_not(self):
        validations = [item["expression"] for item in policy({}, GUARD)["validations"]]
        self.assertEqual(3, len(validations))
        for expression in validations:
            self.assertTrue(expression.endswith(" || variables.mayUpdate"), expression)
        for expression in validations[:2]:
            self.assertRegex(expression, r"^!\('([^']+)' in variables\.labels && .*\) \|\| \('\1' in variables\.oldLabels && [^!]*\)")
        self.assertTrue(validations[2].startswith("request.operation != 'CREATE' || !has(object.metadata.name) || !("))

    def test_asks_for_the_right_to_update_this_webhook_configuration(self):
        text = " ".join(expressions(Release({}, release="other").one("ValidatingAdmissionPolicy")["spec"]))
        self.assertIn("resource('validatingwebhookconfigurations').name('other-acr-admission').check('update')", text)

    def test_refuses_but_in_audit_mode(self):
        for values, actions in (({}, ["Deny"]), ({"mode": "audit"}, ["Warn", "Audit"])):
            binding = Release(values).one("ValidatingAdmissionPolicyBinding", GUARD)["spec"]
            self.assertEqual({"policyName": GUARD, "validationActions": actions}, binding)

    def test_can_be_left_out(self):
        release = Release({"namespaceLabelGuard": {"enabled": False}})
        self.assertEqual([], [item for item in release.objects if item["kind"].startswith("ValidatingAdmissionPolicy")])


class CompanionPolicy(unittest.TestCase):
    def test_is_off_unless_asked_for(self):
        self.assertEqual([GUARD], [item["metadata"]["name"] for item in Release().all("ValidatingAdmissionPolicy")])

    def test_has_the_scope_of_the_webhook(self):
        values = CASES["everything"]
        spec = policy(values, COMPANION)
        self.assertEqual("Fail", spec["failurePolicy"])
        self.assertEqual({("pods", "CREATE"), ("pods", "UPDATE"), ("pods/ephemeralcontainers", "UPDATE")}, resources(spec))
        hook = Release(values).webhooks()["images.acr-admission.io"]
        self.assertEqual(hook["namespaceSelector"], spec["matchConstraints"]["namespaceSelector"])

    def test_looks_at_every_place_of_an_image(self):
        variables = {item["name"]: item["expression"] for item in policy(CASES["everything"], COMPANION)["variables"]}
        for place in ("containers", "initContainers", "ephemeralContainers", "volumes"):
            self.assertIn(f"object.spec.{place}", variables["images"])
            self.assertIn(f"oldObject.spec.{place}", variables["oldImages"])

    def test_what_is_not_asked(self):
        conditions = [item["expression"] for item in policy(CASES["everything"], COMPANION)["matchConditions"]]
        # A node's mirror pods run whatever is answered; what leaves the spec alone changes no image.
        self.assertEqual("!has(request.userInfo.groups) || !('system:nodes' in request.userInfo.groups)", conditions[0])
        hook = Release(CASES["everything"]).webhooks()["images.acr-admission.io"]
        self.assertEqual([item["expression"] for item in hook["matchConditions"]], conditions[1:])

    def test_every_image_must_be_known_or_have_been_there(self):
        spec = policy(CASES["everything"], COMPANION)
        self.assertRegex(spec["variables"][2]["expression"], r"^variables\.images\.filter\(i, !\(?i")
        self.assertEqual(["variables.images == variables.oldImages || variables.refused.all(i, i in variables.oldImages)"],
                         [item["expression"] for item in spec["validations"]])

    def test_hosts_are_compared_whole(self):
        refused = {item["name"]: item["expression"] for item in policy(CASES["everything"], COMPANION)["variables"]}["refused"]
        self.assertIn(r'matches("^(docker\\.io(:443)?|[a-z0-9-]+\\.azurecr\\.io(:443)?|registry\\.local:5000)/")', refused)
        # Names without a host are Docker Hub's, and only stand beside it.
        self.assertIn("!i.contains('/')", refused)
        refused = policy({"companionPolicy": {"enabled": True}}, COMPANION)["variables"][2]["expression"]
        self.assertNotIn("!i.contains('/')", refused)

    def test_refuses_but_in_audit_mode(self):
        for mode, actions in (("enforce", ["Deny"]), ("audit", ["Warn", "Audit"])):
            release = Release({"mode": mode, "companionPolicy": {"enabled": True}})
            self.assertEqual(actions, release.one("ValidatingAdmissionPolicyBinding", COMPANION)["spec"]["validationActions"])


if __name__ == "__main__":
    unittest.main()

"""What the cluster itself guards: who may take a namespace out of scope, and what the replicas may do."""

from harness.api import Refused, eventually
from harness.checks import check

LABELS = ({"control-plane": "true"}, {"kubernetes.azure.com/managedby": "aks"})


def role(world, name: str, rules: list[dict], user: str) -> None:
    rbac = "rbac.authorization.k8s.io"
    for thing in ({"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
                  {"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
                   "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
                   "subjects": [{"kind": "User", "apiGroup": rbac, "name": user}]}):
        world.api.delete(thing["kind"], name)
        world.api.create(thing)


@check("only who may update the webhook configuration may take a namespace out of its scope")
def namespace_guard(world):
    namespaces = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "create", "update", "patch"]}
    configurations = {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["validatingwebhookconfigurations"], "verbs": ["update"]}
    role(world, "e2e-namespaces", [namespaces], "e2e-anna")
    role(world, "e2e-security", [namespaces, configurations], "e2e-berta")
    anna, berta = {"user": "e2e-anna"}, {"user": "e2e-berta"}
    try:
        for labels in LABELS:
            namespace = world.namespace()
            label = next(iter(labels))

            def refused():
                try:
                    world.api.patch("Namespace", namespace, {"metadata": {"labels": labels}}, **anna)
                except Refused as error:
                    return error.message
                world.api.patch("Namespace", namespace, {"metadata": {"labels": {label: None}}})
                return None

            message = eventually(f"{label} is refused", refused)
            assert "ValidatingAdmissionPolicy" in message and label in message, message
            world.api.patch("Namespace", namespace, {"metadata": {"labels": {"team": "shop"}}}, **anna)
            world.api.patch("Namespace", namespace, {"metadata": {"labels": labels}}, **berta)
            # What has the label already may be changed by those who could not have given it.
            world.api.patch("Namespace", namespace, {"metadata": {"labels": {"team": "cart"}}}, **anna)
            world.api.patch("Namespace", namespace, {"metadata": {"labels": {label: None}}}, **anna)
        try:
            world.api.create({"apiVersion": "v1", "kind": "Namespace",
                              "metadata": {"name": "e2e-born-out-of-scope", "labels": LABELS[0]}}, **anna)
            raise AssertionError("a namespace with the label was created")
        except Refused as error:
            assert "ValidatingAdmissionPolicy" in error.message, error
        return message
    finally:
        for name in ("e2e-namespaces", "e2e-security"):
            world.api.delete("ClusterRole", name)
            world.api.delete("ClusterRoleBinding", name)


@check("the replicas' service account may do what they need, and nothing more")
def least_rights(world):
    account = world.release.deployment()["spec"]["template"]["spec"]["serviceAccountName"]
    user = f"system:serviceaccount:{world.release.namespace}:{account}"
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{world.release.namespace}", "system:authenticated")

    def may(verb: str, group: str, resource: str, name: str = "", namespace: str = world.release.namespace) -> bool:
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "name": name, "namespace": namespace}}}
        return world.api.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, user=user,
                              groups=groups).body["status"]["allowed"]

    configuration = ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "acr-admission", "")
    needed = [("get", "", "secrets", "acr-admission-tls"), ("update", "", "secrets", "acr-admission-tls"),
              ("get", "", "secrets", "acr-admission-inventory"), ("update", "", "secrets", "acr-admission-inventory"),
              ("create", "", "secrets"), ("create", "", "configmaps"), ("create", "events.k8s.io", "events"),
              ("patch", "events.k8s.io", "events"), ("create", "events.k8s.io", "events", "", "default"),
              ("patch", "events.k8s.io", "events", "", "default"), ("create", "authentication.k8s.io", "tokenreviews", "", ""),
              ("create", "authorization.k8s.io", "subjectaccessreviews", "", ""), ("list", "acr-admission.io", "decisions", "", ""),
              ("get", "acr-admission.io", "decisions", "", ""), ("get", "", "configmaps", "acr-admission-policy-last-good"),
              ("update", "", "configmaps", "acr-admission-policy-last-good"), ("get", *configuration), ("patch", *configuration),
              ("list", "", "pods", "", ""), ("watch", "", "pods", "", ""), ("list", "apps", "replicasets", "", ""),
              ("watch", "apps", "replicasets", "", ""), ("list", "batch", "jobs", "", ""), ("watch", "batch", "jobs", "", ""),
              ("get", "coordination.k8s.io", "leases", "acr-admission-scan"), ("update", "coordination.k8s.io", "leases", "acr-admission-scan"),
              ("create", "coordination.k8s.io", "leases"),
              *((verb, group, resource, "", "") for verb in ("list", "create", "patch", "delete") for group, resource in (
                  ("acr-admission.io", "registrycompliances"), ("openreports.io", "reports"), ("wgpolicyk8s.io", "policyreports")))]
    forbidden = [("get", "", "secrets", "another"), ("list", "", "secrets"), ("watch", "", "secrets"),
                 ("delete", "", "secrets", "acr-admission-tls"),
                 ("get", "", "secrets", "acr-admission-tls", "default"), ("create", "", "secrets", "", "default"),
                 ("update", "", "configmaps", "acr-admission-policy"), ("create", "", "pods"), ("get", "", "pods"), ("delete", "", "pods"),
                 ("get", "apps", "replicasets"), ("patch", "apps", "replicasets"), ("list", "apps", "deployments", "", ""),
                 ("update", "coordination.k8s.io", "leases", "another"), ("get", "coordination.k8s.io", "leases", "acr-admission-scan", "kube-system"),
                 ("get", "events.k8s.io", "events"), ("list", "events.k8s.io", "events", "", "default"),
                 ("delete", "events.k8s.io", "events", "", "default"), ("create", "", "serviceaccounts", "", ""),
                 ("create", configuration[0], configuration[1], "", ""), ("delete", *configuration), ("update", *configuration),
                 ("patch", configuration[0], configuration[1], "another", ""), ("get", "", "nodes", "", "")]
    lacks = [entry for entry in needed if not may(*entry)]
    exceeds = [entry for entry in forbidden if may(*entry)]
    assert not lacks and not exceeds, f"lacks {lacks}, exceeds {exceeds}"

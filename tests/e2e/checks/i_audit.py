"""What is left of a decision: an Event on the owner of what was denied, and annotations in the API server's own audit log."""

import json

from checks.c_policy import changed, policy_text, set_policy
from harness.api import eventually
from harness.checks import check
from harness.world import BAD, BAD_REASON, GOOD, WEBHOOK

REASON = "ImageDenied"


@check("whose pods are denied is told why by an Event on the ReplicaSet, one for each replica that denied", "controllers replicas kubectl")
def denial_event(world):
    namespace = world.namespace()
    before = policy_text(world)
    # So that a ReplicaSet is let in, and its pods are not.
    set_policy(world, changed(world, workloads="Warn"))
    try:
        name = eventually("the Deployment is let in",
                          lambda: world.api.create(world.workload("Deployment", namespace, BAD, replicas=3))).body["metadata"]["name"]
        selector = f"reason={REASON}"
        seen = eventually("kubectl shows the Event", lambda: json.loads(
            world.kubectl("get", "events.events.k8s.io", "-n", namespace, "--field-selector", selector, "-o", "json"))["items"])
        [replica_set] = world.api.list("ReplicaSet", namespace)
        for event in seen:
            regarding = event["regarding"]
            assert (regarding["apiVersion"], regarding["kind"], regarding["name"], regarding["uid"], regarding["namespace"]) == (
                "apps/v1", "ReplicaSet", replica_set["metadata"]["name"], replica_set["metadata"]["uid"], namespace), regarding
            assert (event["type"], event["action"], event["reportingController"]) == ("Warning", "Deny", "acr-admission.io/webhook"), event
            assert BAD_REASON in event["note"] and "audit uid " in event["note"], event["note"]
        described = world.kubectl("describe", "replicaset", "-n", namespace, replica_set["metadata"]["name"])
        assert REASON in described and BAD_REASON in described, described
        # The controller tries again and again, and each try is another denial with another uid.
        denied = 'decisions_total{decision="Denied"'
        tries = eventually("it was denied again", lambda: (count := sum(
            value for address in world.release.ready_addresses() for series, value in world.metrics(address).items()
            if series.startswith(denied))) >= 6 and count)
        told = [event for event in world.api.list("Event", namespace) if event.get("reason") == REASON]
        writers = [event["reportingInstance"] for event in told]
        assert len(set(writers)) == len(writers) <= len(world.release.pods()), writers
        world.api.delete("Deployment", name, namespace)
        return f"{len(told)} Events for {tries:g} denials"
    finally:
        set_policy(world, before)
        eventually("Deployments are denied again",
                   lambda: world.denied(lambda: world.api.create(world.workload("Deployment", namespace, BAD, replicas=0))))


@check("the API server's audit log has the decision, its registries, requirements and policy as annotations", "replicas")
def audit_annotations(world):
    namespace = world.namespace()
    good = world.api.create(world.pod(namespace, GOOD)).body["metadata"]["name"]
    bad = world.pod(namespace, BAD)
    world.denied(lambda: world.api.create(bad))

    def annotations(pod: str) -> dict:
        for line in world.control_plane.audit_log.read_text().splitlines():
            entry = json.loads(line)
            reference = entry.get("objectRef", {})
            if (reference.get("namespace"), reference.get("name")) == (namespace, pod):
                prefix = f"{WEBHOOK}/"
                return {key.removeprefix(prefix): value for key, value in entry["annotations"].items() if key.startswith(prefix)}
        return {}

    allowed = eventually("the creation that was let in is logged", lambda: annotations(good))
    assert allowed["decision"] == "Allowed" and allowed["registries"] == GOOD.split("/")[0], allowed
    assert "requirements" not in allowed or not allowed["requirements"], allowed
    denied = eventually("the one that was denied is logged too", lambda: annotations(bad["metadata"]["name"]))
    assert denied["decision"] == "Denied" and denied["registries"] == BAD.split("/")[0], denied
    assert BAD_REASON in denied["requirements"], denied
    assert denied["policy"].startswith("sha256:") and denied["policy"] == allowed["policy"], denied
    return ", ".join(f"{key}={value[:40]}" for key, value in sorted(denied.items()))

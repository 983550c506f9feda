"""The policy's way into a running release, and what happens when it is wrong."""

import yaml

from harness.api import APPLY, eventually, url
from harness.checks import check
from harness.world import BAD, BAD_REASON, FOREIGN, GOOD

POLICY = "acr-admission-policy"


def policy_text(world) -> str:
    return world.api.get("ConfigMap", POLICY, world.release.namespace)["data"]["policy.yaml"]


def set_policy(world, text: str) -> None:
    """In the name of whoever applied the ConfigMap: helm shall find no other owner of it."""
    thing = world.api.get("ConfigMap", POLICY, world.release.namespace)
    manager = next(entry["manager"] for entry in thing["metadata"]["managedFields"] if entry["operation"] == "Apply")
    metadata = {key: thing["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in thing["metadata"]}
    thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"policy.yaml": text}}
    world.api.call("PATCH", f"{url('ConfigMap', world.release.namespace, POLICY)}?fieldManager={manager}&force=true", thing, APPLY)


def changed(world, **changes) -> str:
    return yaml.safe_dump({**yaml.safe_load(policy_text(world)), **changes})


@check("a policy that is changed in its ConfigMap is in force without a restart", "replicas")
def policy_changed(world):
    namespace = world.namespace()
    before = policy_text(world)
    pods = {pod["metadata"]["uid"] for pod in world.release.pods()}
    world.denied(lambda: world.api.create(world.pod(namespace, FOREIGN)))
    sources = yaml.safe_load(before)["sources"]
    set_policy(world, changed(world, sources=[*sources, {"images": ["docker.io/**"], "action": "Allow"}]))
    # Replicas may differ for a moment: each has to say yes once, and each is asked by its turn.
    eventually("both replicas allow it", lambda: all([world.api.create(world.pod(namespace, FOREIGN)) for _ in range(10)]))
    set_policy(world, before)
    eventually("it is denied again", lambda: [world.denied(lambda: world.api.create(world.pod(namespace, FOREIGN))) for _ in range(10)])
    assert {pod["metadata"]["uid"] for pod in world.release.pods()} == pods, "pods were restarted"


@check("with workloads: Warn a Deployment is warned about, and its ReplicaSet tells why no pod comes", "controllers replicas")
def refused_replica_set(world):
    namespace = world.namespace()
    before = policy_text(world)
    set_policy(world, changed(world, workloads="Warn"))
    try:
        def create():
            return world.api.create(world.workload("Deployment", namespace, BAD))

        answer = eventually("the Deployment is let in", create)
        assert any(BAD_REASON in text for text in answer.warnings), answer.warnings
        name = answer.body["metadata"]["name"]

        def failure():
            for replica_set in world.api.list("ReplicaSet", namespace):
                for condition in replica_set.get("status", {}).get("conditions", []):
                    if condition["type"] == "ReplicaFailure":
                        return condition["message"]
            return None

        message = eventually("the ReplicaSet tells of its failure", failure)
        assert BAD_REASON in message and "denied the request" in message, message
        assert not world.api.list("Pod", namespace)
        world.api.delete("Deployment", name, namespace)
    finally:
        set_policy(world, before)
    eventually("Deployments are denied again",
               lambda: world.denied(lambda: world.api.create(world.workload("Deployment", namespace, BAD, replicas=0))))


@check("a policy with a mistake is not taken by who runs, and a start uses the last good one and says so", "replicas")
def bad_policy(world):
    namespace = world.namespace()
    before = policy_text(world)
    eventually("the last good policy is kept", lambda: world.api.get(
        "ConfigMap", f"{world.release.name}-policy-last-good", world.release.namespace).get("data") or world.api.get(
        "ConfigMap", f"{world.release.name}-policy-last-good", world.release.namespace).get("binaryData"))
    set_policy(world, before + "\nrequirement: []\n")
    try:
        eventually("each replica says that its policy is stale",
                   lambda: all(world.metrics(address).get("policy_stale") == 1 for address in world.release.ready_addresses()))
        world.denied(lambda: world.api.create(world.pod(namespace, BAD)))
        world.api.create(world.pod(namespace, GOOD))

        victim = world.kubelet.runners()[0]
        old = world.api.get("Pod", victim.pod_name, world.release.namespace)
        world.api.delete("Pod", victim.pod_name, world.release.namespace)
        eventually("the pod is gone", lambda: not any(pod["metadata"]["uid"] == old["metadata"]["uid"] for pod in
                                                     world.api.list("Pod", world.release.namespace)), within=60)
        world.release.wait_ready()
        fresh = max(world.kubelet.runners(), key=lambda runner: runner.pod["metadata"]["creationTimestamp"])
        assert world.metrics(fresh.address).get("policy_last_good") == 1, "the metric does not say it"
        _, text = world.health(fresh.address, "/readyz")
        assert "last good" in text, text
        eventually("an Event says it", lambda: [event for event in world.release.events()
                                               if event.get("regarding", {}).get("name") == fresh.pod_name and "policy" in event["note"]])
        world.denied(lambda: world.api.create(world.pod(namespace, BAD)))
        world.api.create(world.pod(namespace, GOOD))
    finally:
        set_policy(world, before)
    eventually("all is well again", lambda: all(
        world.metrics(address).get("policy_stale") == 0 and world.metrics(address).get("policy_last_good") == 0
        for address in world.release.ready_addresses()))

"""What people see when they create and change things."""

from harness.api import STRATEGIC, Refused, eventually
from harness.checks import check
from harness.world import ALSO_GOOD, BAD, BAD_REASON, FOREIGN, GOOD, WARNED_NAMESPACE, WEBHOOK


@check("a pod of a compliant registry is created")
def allow(world):
    pod = world.api.create(world.pod(world.namespace(), GOOD))
    assert not pod.warnings, pod.warnings


@check("a pod of a registry that is not compliant is refused, with what is wrong and what mends it")
def deny(world):
    namespace = world.namespace()
    message = world.denied(lambda: world.api.create(world.pod(namespace, BAD)))
    for part in (f'admission webhook "{WEBHOOK}" denied the request', BAD, BAD_REASON, "to mend: "):
        assert part in message, f"no {part!r} in: {message}"
    assert not world.api.list("Pod", namespace)


@check("every kind of container is looked at")
def deny_each_container(world):
    namespace = world.namespace()
    init = {**world.template(BAD)["containers"][0], "name": "init"}
    world.denied(lambda: world.api.create(world.pod(namespace, GOOD, BAD)))
    world.denied(lambda: world.api.create(world.pod(namespace, GOOD, initContainers=[init])))


@check("an image from elsewhere is refused")
def deny_foreign(world):
    namespace = world.namespace()
    world.denied(lambda: world.api.create(world.pod(namespace, FOREIGN)))
    world.denied(lambda: world.api.create(world.pod(namespace, "nginx")))


@check("a namespace that is capped to warnings gets the pod, and the person a warning")
def warn(world):
    namespace = world.namespace(WARNED_NAMESPACE)
    answer = world.api.create(world.pod(namespace, BAD))
    assert any(BAD_REASON in text for text in answer.warnings), answer.warnings
    return answer.warnings[0]


@check("a dry run is decided alike, leaves no pod, and is counted as one")
def dry_run(world):
    namespace = world.namespace()
    world.api.create(world.pod(namespace, GOOD), dry_run=True)
    world.denied(lambda: world.api.create(world.pod(namespace, BAD), dry_run=True))
    assert not world.api.list("Pod", namespace)
    if "replicas" in world.capabilities:
        counted = sum(value for address in world.release.ready_addresses() for series, value in world.metrics(address).items()
                      if series.startswith("decisions_total{") and 'dry_run="true"' in series)
        assert counted >= 2, f"counted {counted}"


@check("kubectl debug: an ephemeral container is decided", "kubectl")
def kubectl_debug(world):
    namespace = world.namespace()
    world.api.create(world.pod(namespace, GOOD, name="target"))
    debug = ("-n", namespace, "debug", "target", "--image-pull-policy=IfNotPresent", "--profile=general")
    try:
        world.kubectl(*debug, f"--image={BAD}")
        raise AssertionError("it was let in") from None
    except AssertionError as error:
        assert "denied the request" in str(error), error
    world.kubectl(*debug, f"--image={ALSO_GOOD}")
    containers = world.api.get("Pod", "target", namespace)["spec"]["ephemeralContainers"]
    assert [entry["image"] for entry in containers] == [ALSO_GOOD], containers


@check("an image volume is decided")
def image_volume(world):
    namespace = world.namespace()

    def pod(reference):
        return world.pod(namespace, GOOD, volumes=[{"name": "data", "image": {"reference": reference, "pullPolicy": "IfNotPresent"}}])

    world.denied(lambda: world.api.create(pod(BAD)))
    world.api.create(pod(ALSO_GOOD))


@check("every kind of workload is refused to whoever applies it, and created with good images")
def workloads(world):
    namespace = world.namespace()
    kinds = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController", "PodTemplate")
    for kind in kinds:
        message = world.denied(lambda kind=kind: world.api.create(world.workload(kind, namespace, BAD)))
        assert "workloads.acr-admission.io" in message, message
        world.api.create(world.workload(kind, namespace, GOOD, replicas=0))
    return ", ".join(kinds)


@check("a PodTemplate, which has no spec of its own, is updated")
def pod_template(world):
    namespace = world.namespace()
    thing = world.api.create(world.workload("PodTemplate", namespace, GOOD)).body
    name = thing["metadata"]["name"]
    world.api.patch("PodTemplate", name, {"metadata": {"labels": {"touched": "yes"}}}, namespace)
    container = thing["template"]["spec"]["containers"][0]["name"]

    def change(image):
        world.api.patch("PodTemplate", name, {"template": {"spec": {"containers": [{"name": container, "image": image}]}}}, namespace,
                        content_type=STRATEGIC)

    change(ALSO_GOOD)
    world.denied(lambda: change(BAD))


@check("a CronJob's job and pod are decided when they are made", "controllers")
def cron_job(world):
    namespace = world.namespace()
    world.denied(lambda: world.api.create(world.workload("CronJob", namespace, BAD)))
    cron = world.workload("CronJob", namespace, GOOD)
    cron["spec"] |= {"schedule": "* * * * *", "suspend": False}
    cron["spec"]["jobTemplate"]["spec"]["suspend"] = False
    world.api.create(cron)
    pod = eventually("the CronJob's pod is there", lambda: world.api.list("Pod", namespace), within=75, every=1)[0]
    assert pod["spec"]["containers"][0]["image"] == GOOD
    world.api.delete("CronJob", cron["metadata"]["name"], namespace)


@check("an update that leaves the images alone passes, also when the registry is refused today")
def update_of_what_runs(world):
    namespace = world.namespace(WARNED_NAMESPACE)
    bad = world.api.create(world.pod(namespace, BAD)).body["metadata"]["name"]
    world.api.patch("Pod", bad, {"metadata": {"labels": {"touched": "yes"}, "finalizers": ["e2e.example/held"]}}, namespace)
    world.api.patch("Pod", bad, {"spec": {"activeDeadlineSeconds": 3600}}, namespace)
    world.api.delete("Pod", bad, namespace, now=True)
    world.api.patch("Pod", bad, {"metadata": {"finalizers": None}}, namespace)
    eventually("the pod is gone", lambda: not world.api.find("Pod", bad, namespace))


@check("an update to another image is decided")
def update_of_an_image(world):
    namespace = world.namespace()
    name = world.api.create(world.pod(namespace, GOOD)).body["metadata"]["name"]

    def change(image):
        world.api.patch("Pod", name, {"spec": {"containers": [{"name": "c0", "image": image}]}}, namespace, content_type=STRATEGIC)

    change(ALSO_GOOD)
    world.denied(lambda: change(BAD))


@check("updates of a pod with 1,000 containers cost no more than the API server's CEL allows")
def thousand_containers(world):
    namespace = world.namespace()
    pod = world.pod(namespace, *[GOOD] * 1000, name="many")
    world.api.create(pod)
    world.api.patch("Pod", "many", {"metadata": {"labels": {"touched": "yes"}}}, namespace)

    def change(image):
        world.api.patch("Pod", "many", {"spec": {"containers": [{"name": "c999", "image": image}]}}, namespace, content_type=STRATEGIC)

    change(ALSO_GOOD)
    world.denied(lambda: change(BAD))
    deployment = world.workload("Deployment", namespace, *[GOOD] * 1000, replicas=0, name="many")
    world.api.create(deployment)
    world.api.patch("Deployment", "many", {"metadata": {"labels": {"touched": "yes"}}}, namespace)
    world.api.patch("Deployment", "many", {"spec": {"minReadySeconds": 1}}, namespace)


@check("exec and eviction are none of our business")
def exec_and_eviction(world):
    namespace = world.namespace(WARNED_NAMESPACE)
    name = world.api.create(world.pod(namespace, BAD)).body["metadata"]["name"]
    if "replicas" in world.capabilities:  # nothing runs here, so exec ends at the API server, which has no node to ask
        try:
            world.api.call("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/exec?command=true&stdout=true")
        except Refused as refused:
            assert "webhook" not in refused.message and refused.status != 403, refused
    world.api.call("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction",
                   {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}})
    eventually("the pod is gone", lambda: not world.api.find("Pod", name, namespace))


@check("a mirror pod is let in when a node makes it, and refused from anyone else who carries the annotation", "replicas")
def mirror_pod(world):
    namespace = world.namespace()
    node = world.api.list("Node")[0]["metadata"]

    def mirror(name):
        pod = world.pod(namespace, BAD, name=name, nodeName=node["name"])
        pod["metadata"] |= {"annotations": {"kubernetes.io/config.mirror": "e2e"}, "ownerReferences": [
            {"apiVersion": "v1", "kind": "Node", "name": node["name"], "uid": node["uid"], "controller": True}]}
        return pod

    world.api.create(mirror("by-the-node"), user=f"system:node:{node['name']}", groups=("system:nodes", "system:authenticated"))
    world.denied(lambda: world.api.create(mirror("by-somebody")))
    world.api.delete("Pod", "by-the-node", namespace, now=True)

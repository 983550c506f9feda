"""What runs already: a registry that turns is seen by whoever asks kubectl, reads Events, scrapes metrics or looks at reports."""

import collections
import contextlib
import json
import random
import subprocess

from checks.c_policy import policy_text
from harness.api import APPLY, eventually, url
from harness.checks import check
from harness.world import GOOD

REGISTRY = GOOD.split("/")[0]
REQUIREMENT = "private-link"
REPORT = "policyreports.wgpolicyk8s.io"
# Judged at most every 10 s; a Lease is taken over within 15 s of its holder's end.
SOON = 60

# The least that the resource of the ecosystem is: its own definition is larger, and refuses nothing that is written here.
REPORT_DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": REPORT},
    "spec": {"group": "wgpolicyk8s.io", "scope": "Namespaced",
             "names": {"kind": "PolicyReport", "listKind": "PolicyReportList", "plural": "policyreports", "singular": "policyreport"},
             "versions": [{"name": "v1alpha2", "served": True, "storage": True, "schema": {
                 "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def registries(world) -> list[dict]:
    name = f"{world.release.name}-registries"
    return json.loads(world.api.get("ConfigMap", name, world.release.namespace)["data"]["registries.json"])


def set_registries(world, listed: list[dict]) -> None:
    """In the name of whoever applied the ConfigMap: helm shall find no other owner of it."""
    name = f"{world.release.name}-registries"
    thing = world.api.get("ConfigMap", name, world.release.namespace)
    manager = next(entry["manager"] for entry in thing["metadata"]["managedFields"] if entry["operation"] == "Apply")
    metadata = {key: thing["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in thing["metadata"]}
    thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"registries.json": json.dumps(listed)}}
    world.api.call("PATCH", f"{url('ConfigMap', world.release.namespace, name)}?fieldManager={manager}&force=true", thing, APPLY)


def without_private_link(listed: list[dict]) -> list[dict]:
    return [{**entry, "privateEndpointConnections": []} if entry["loginServer"] == REGISTRY else entry for entry in listed]


@contextlib.contextmanager
def inventory_put_back(world):
    before = registries(world)
    try:
        yield before
    finally:
        set_registries(world, before)
        namespace = world.namespace()
        # Each replica says so for itself, and each is asked by its turn.
        eventually("images of the registry are let in again", lambda: all([world.api.create(world.pod(namespace, GOOD)) for _ in range(10)]), within=SOON)


@contextlib.contextmanager
def reports_known(world):
    """The cluster knows reports, and the replicas begin in such a cluster."""
    world.api.call("POST", DEFINITIONS, REPORT_DEFINITION)
    try:
        world.kubectl("wait", "--for=condition=Established", f"crd/{REPORT}", "--timeout=30s")
        before = world.release.ready_addresses()
        world.kubectl("rollout", "restart", "-n", world.release.namespace, f"deployment/{world.release.name}")
        world.release.wait_ready()
        # What turns before its first judgement is no news to a leader, and what is written may still be its predecessor's.
        eventually("the new leader has judged", lambda: len(now := leaders(world)) == 1 and now[0] not in before and
                   world.metrics(now[0]).get("scan_last_success_timestamp_seconds", 0) > 0, within=SOON)
        yield
    finally:
        world.api.call("DELETE", f"{DEFINITIONS}/{REPORT}")
        world.release.install()


def compliance(world, registry: str = REGISTRY) -> dict:
    return json.loads(world.kubectl("get", "acr", registry, "-o", "json"))


def condition(world, kind: str) -> dict:
    return next(entry for entry in compliance(world)["status"]["conditions"] if entry["type"] == kind)


def row(world, *arguments: str) -> dict[str, str]:
    """What a person reads in the line of the registry, by header."""
    lines = world.kubectl("get", "acr", REGISTRY, *arguments).splitlines()
    assert len(lines) == 2 and all(len(line) <= 100 for line in lines), lines
    return dict(zip(lines[0].split(), lines[1].split(), strict=True))


def violations(world, namespace: str) -> dict[str, float]:
    """Requirement to workloads, of all replicas."""
    found: dict[str, float] = {}
    for address in world.release.ready_addresses():
        for series, value in world.metrics(address).items():
            if series.startswith("running_violations{") and f'namespace="{namespace}"' in series:
                requirement = series.split('requirement="')[1].split('"')[0]
                found[requirement] = found.get(requirement, 0) + value
    return found


def leaders(world) -> list[str]:
    return [address for address in world.release.ready_addresses() if world.metrics(address).get("scan_leader")]


def leader(world):
    """The replica that scans, which is to be one."""
    [address] = eventually("one replica scans", lambda: (found := leaders(world)) and len(found) == 1 and found, within=SOON)
    return next(runner for runner in world.kubelet.runners() if runner.address == address)


def holder(world) -> str:
    lease = world.api.get("Lease", f"{world.release.name}-scan", world.release.namespace)
    return lease["spec"].get("holderIdentity", "")


def scanned(world, listed: list[dict], namespace: str) -> list[dict]:
    """The violations that the command finds in the namespace, with the same registries and policy."""
    files = {"scan-registries.json": json.dumps(listed), "scan-policy.yaml": policy_text(world)}
    for name, text in files.items():
        (world.folder / name).write_text(text)
    result = subprocess.run([world.binary, "scan", "--kubeconfig", world.control_plane.kubeconfig, "--registries", world.folder / "scan-registries.json",
                             "--policy", world.folder / "scan-policy.yaml", "--namespace", namespace, "-o", "json"],
                            capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode in (0, 1), result.stderr
    found = json.loads(result.stdout)
    assert (result.returncode == 1) == (found["workloads"]["refused"] > 0), found
    return found["violations"]


@check("a registry that loses its private link is seen in kubectl get acr, a condition, Events, a metric, a report, and by the command",
       "controllers replicas kubectl")
def drift(world):
    namespace, idle = world.namespace(), world.namespace()
    with reports_known(world), inventory_put_back(world) as before:
        name = world.api.create(world.workload("Deployment", namespace, GOOD, replicas=3)).body["metadata"]["name"]
        eventually("the controllers made its pods", lambda: len(world.api.list("Pod", namespace)) == 3)
        eventually("its registry is an object", lambda: compliance(world)["status"], within=SOON)
        world.kubectl("wait", "--for=condition=Compliant", f"acr/{REGISTRY}", f"--timeout={SOON}s")
        eventually("the Deployment is counted", lambda: int(row(world)["WORKLOADS"]) >= 1, within=SOON)
        good = row(world)
        assert [good[header] for header in ("COMPLIANT", "CMK", "LINK", "NETWORK", "ENDPOINTS")] == ["True"] * 5, good
        assert violations(world, namespace) == {}, violations(world, namespace)
        since = {entry["type"]: entry["lastTransitionTime"] for entry in compliance(world)["status"]["conditions"]}
        assert scanned(world, before, namespace) == []

        set_registries(world, without_private_link(before))
        world.kubectl("wait", f"--for=condition={REQUIREMENT}=False", f"acr/{REGISTRY}", f"--timeout={SOON}s")
        bad = row(world)
        assert [bad[header] for header in ("COMPLIANT", "CMK", "LINK", "NETWORK")] == ["False", "True", "False", "True"], bad
        told = condition(world, REQUIREMENT)
        assert told["reason"] == "NonCompliant" and "; to mend: " in told["message"], told
        assert told["lastTransitionTime"] > since[REQUIREMENT], "the time of the turn is told"
        assert condition(world, "customer-managed-key")["lastTransitionTime"] == since["customer-managed-key"], "what did not turn keeps its time"
        described = world.kubectl("describe", "acr", REGISTRY)
        assert told["message"][:60] in described, described

        seen = eventually("the metric counts the Deployment once", lambda: violations(world, namespace).get(REQUIREMENT) == 1 and
                          violations(world, namespace), within=SOON)
        assert violations(world, idle) == {}, "of a namespace in which nothing runs"

        def events(where: str) -> list[dict]:
            return [event for event in world.api.list("Event", where) if event["reason"] == "RegistryDrifted" and REGISTRY in event["note"]]

        # One that could not be written is tried again after a minute.
        [event] = eventually("an Event in the namespace tells of it", lambda: events(namespace), within=SOON + 75)
        assert REQUIREMENT in event["note"] and event["type"] == "Warning", event
        assert (event["regarding"]["kind"], event["regarding"]["name"]) == ("Deployment", name), event
        assert events(idle) == [], "nothing is told where nothing runs from it"
        eventually("an Event on the registry tells of it", lambda: any(
            event["regarding"].get("kind") == "RegistryCompliance" and event["regarding"].get("name") == REGISTRY for event in events("default")))

        def report(where: str) -> dict | None:
            items = json.loads(world.kubectl("get", REPORT, "-n", where, "-o", "json"))["items"]
            return next((item for item in items if item["metadata"]["name"] == "acr-admission"), None)

        line = eventually("a report in the namespace tells of it", lambda: next(
            (line for line in (report(namespace) or {"results": []})["results"] if line["policy"] == REQUIREMENT), None), within=SOON)
        assert (line["result"], line["properties"]["registry"]) == ("fail", REGISTRY), line
        assert [(resource["kind"], resource["name"]) for resource in line["resources"]] == [("Deployment", name)], line
        assert not (report(idle) or {}).get("results"), report(idle)

        [found] = scanned(world, registries(world), namespace)
        assert (found["kind"], found["name"], found["pods"], found["effect"]) == ("Deployment", name, 3, "Deny"), found
        assert {finding["requirement"] for finding in found["findings"]} == set(seen), (found, seen)

        set_registries(world, before)
        world.kubectl("wait", "--for=condition=Compliant", f"acr/{REGISTRY}", f"--timeout={SOON}s")
        eventually("the metric is gone", lambda: violations(world, namespace) == {}, within=SOON)
        eventually("the report has no such line", lambda: not [
            line for line in (report(namespace) or {"results": []})["results"] if line["policy"] == REQUIREMENT], within=SOON)
        world.api.delete("Deployment", name, namespace)
    return f"{bad['WORKLOADS']} workloads, {told['message'][:80]}"


@check("whoever scans is killed (-9), then deleted: another takes over, and sees what turned in between", "replicas kubectl")
def leader_change(world):
    with inventory_put_back(world) as before:
        eventually("its registry is an object", lambda: condition(world, "Compliant")["status"] == "True", within=SOON)
        first, held = leader(world), holder(world)
        first.kill()
        set_registries(world, without_private_link(before))
        # Either the other replica or the same one's next process: both have to see the Lease left alone for 15 s.
        eventually("another process scans", lambda: holder(world) not in ("", held) and leaders(world), within=SOON)
        world.kubectl("wait", "--for=condition=Compliant=False", f"acr/{REGISTRY}", f"--timeout={SOON}s")
        world.release.wait_ready()

        second, held = leader(world), holder(world)
        world.api.delete("Pod", second.pod_name, world.release.namespace)
        set_registries(world, before)
        eventually("another replica scans", lambda: holder(world) not in ("", held) and second.address not in leaders(world), within=SOON)
        world.kubectl("wait", "--for=condition=Compliant", f"acr/{REGISTRY}", f"--timeout={SOON}s")
        world.release.wait_ready()
        leader(world)
    return f"the Lease is {holder(world)}'s"


@check("the object of a vanished registry goes and comes back, one that somebody deleted does too, and an upgrade leaves them", "replicas kubectl")
def vanished_registry(world):
    gone = "adatum.azurecr.io"
    with inventory_put_back(world) as before:
        eventually("there is an object for each registry", lambda: {entry["loginServer"] for entry in before} == {
            item["metadata"]["name"] for item in json.loads(world.kubectl("get", "acr", "-o", "json"))["items"]}, within=SOON)
        uid = compliance(world)["metadata"]["uid"]
        set_registries(world, [entry for entry in before if entry["loginServer"] != gone])
        world.kubectl("wait", "--for=delete", f"acr/{gone}", f"--timeout={SOON}s")
        set_registries(world, before)
        eventually("it is back", lambda: compliance(world, gone)["status"], within=SOON)
        world.kubectl("delete", "acr", gone)
        leading = leader(world)
        world.api.delete("Pod", leading.pod_name, world.release.namespace)
        # Who takes over reads what is there.
        eventually("what somebody deleted is back", lambda: compliance(world, gone)["status"], within=SOON)
        world.release.wait_ready()
        world.release.install({"policy": {"requirements": [{"definition": REQUIREMENT}]}})
        header = world.kubectl("get", "acr").splitlines()[0].split()
        assert header == ["NAME", "COMPLIANT", "LINK", "WORKLOADS", "OBSERVED"], header
        eventually("what is not required has no condition", lambda: [entry["type"] for entry in compliance(world)["status"]["conditions"]] == [
            "Compliant", REQUIREMENT], within=SOON)
        assert compliance(world)["metadata"]["uid"] == uid, "objects survive an upgrade"
        world.release.install()
        eventually("and has one again", lambda: len(compliance(world)["status"]["conditions"]) == 5, within=SOON)


PODS, DEPLOYMENTS = 2_000, 20


@check("thousands of pods: what is known of them is what a fresh list has, through scaling, deletions and an API server that restarts",
       "controllers replicas kubectl")
def thousands(world):
    chance = random.Random(7)
    spaces = [world.namespace() for _ in range(4)]
    deployments = []
    for index in range(DEPLOYMENTS):
        thing = world.workload("Deployment", spaces[index % len(spaces)], GOOD, replicas=PODS // DEPLOYMENTS)
        world.api.create(thing)
        deployments.append((thing["metadata"]["namespace"], thing["metadata"]["name"]))
    excluded = {"kube-system", world.release.namespace}

    def there() -> int:
        return sum(pod["metadata"]["namespace"] not in excluded and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
                   for pod in world.api.list("Pod"))

    def is_settled() -> bool:
        wanted = sum(thing["spec"]["replicas"] for space in spaces for thing in world.api.list("Deployment", space))
        made = sum(len(world.api.list("Pod", space)) for space in spaces)
        assert made == wanted, f"{made} pods are made, {wanted} are wanted"
        return True

    def is_known() -> bool:
        known, present = world.metrics(leader(world).address)["scan_pods"], there()
        assert known == present, f"{known} pods are known, {present} are there"
        return True

    eventually("the controllers made its pods", is_settled, within=180, every=2)
    eventually("all are known", is_known, within=SOON, every=1)
    most = there()
    for turn in range(6):
        for space, name in chance.sample(deployments, 6):
            if chance.random() < 0.5:
                world.api.patch("Deployment", name, {"spec": {"replicas": chance.randrange(2 * PODS // DEPLOYMENTS)}}, space)
            else:
                world.api.delete_all("Pod", space)
                break
        if turn == 2:  # watches end, and what happens meanwhile is in no event of theirs
            # Whom a restart interrupts while it creates pods waits for them in vain: a ReplicaSet then stays without for minutes.
            eventually("the controllers are done before the restart", is_settled, within=180, every=2)
            server = next(process for process in world.control_plane.processes if process.name == "kube-apiserver" and process.running())
            server.stop()
            world.control_plane.processes.append(world.control_plane.start_api_server())
            eventually("the API server is back", lambda: world.api.send("GET", "/readyz")[0] == 200, within=90)
    eventually("the controllers are done", is_settled, within=180, every=2)
    eventually("what is known is what is there", is_known, within=SOON, every=1)

    with inventory_put_back(world) as before:
        eventually("its registry is an object", lambda: compliance(world)["status"], within=SOON)
        set_registries(world, without_private_link(before))
        world.kubectl("wait", f"--for=condition={REQUIREMENT}=False", f"acr/{REGISTRY}", f"--timeout={SOON}s")
        for space in spaces:
            found = collections.Counter(finding["requirement"] for workload in scanned(world, registries(world), space)
                                        for finding in {finding["requirement"]: finding for finding in workload["findings"]}.values())
            eventually(f"{space}: the metric says what the command finds", lambda space=space, found=found: violations(world, space) == found,
                       within=SOON, every=1)
    for space, name in deployments:
        world.api.delete("Deployment", name, space)
    eventually("nothing of them is left", lambda: not any(world.api.list("Pod", space) for space in spaces), within=180, every=2)
    eventually("and nothing of them is known", is_known, within=SOON, every=1)
    return f"{most} pods, {there()} when they were gone"

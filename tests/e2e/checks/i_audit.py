"""What is left of a decision: an Event on the owner of what was denied, and annotations in the API server's own audit log."""

import base64
import contextlib
import json
import re

from checks.c_policy import changed, policy_text, set_policy
from harness.api import eventually
from harness.checks import check
from harness.world import BAD, BAD_REASON, GOOD, WEBHOOK

REASON = "ImageDenied"
RBAC = "rbac.authorization.k8s.io"


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


def uid_of(message: str) -> str:
    return re.search(r"audit uid (\S+)", message).group(1)


@contextlib.contextmanager
def viewers(world, shop: str, bank: str):
    """Tokens of who may read the log of all namespaces, of `shop` alone, and of none."""
    def binding(kind: str, account: str, **metadata) -> dict:
        return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": {"name": f"e2e-{account}", **metadata},
                "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": f"{world.release.name}-audit-viewer"},
                "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": bank}]}

    tokens = {account: world.token(bank, account) for account in ("auditor", "developer", "nobody")}
    world.api.create(binding("ClusterRoleBinding", "auditor"))
    world.api.create(binding("RoleBinding", "developer", namespace=shop))
    try:
        yield tokens
    finally:
        world.api.delete("ClusterRoleBinding", "e2e-auditor")


@check("over HTTPS the log shows each what RBAC lets them see, and nobody anything else", "replicas")
def who_reads(world):
    shop, bank = world.namespace(), world.namespace()
    uids = {namespace: uid_of(world.denied(lambda: world.api.create(world.pod(namespace, BAD)))) for namespace in (shop, bank)}
    seen = {}
    with viewers(world, shop, bank) as tokens:
        addresses = world.release.ready_addresses()

        def records(account: str, query: str) -> set[str]:
            """Of all replicas together."""
            found = set()
            for address in addresses:
                status, body = world.ask_log(address, f"decisions?since=10m&{query}", tokens[account])
                assert status == 200, (status, body)
                found |= {record["uid"] for record in body["decisions"]}
            return found

        eventually("all of it is there", lambda: set(uids.values()) <= records("auditor", "decision=Denied"))
        assert records("auditor", f"namespace={shop}") == {uids[shop]}
        eventually("the developer sees shop", lambda: records("developer", f"namespace={shop}") == {uids[shop]})
        for account, path, wanted in (
                ("auditor", f"decisions/{uids[bank]}", 200), ("auditor", "summary?since=1h", 200),
                ("auditor", "decisions/no-such-uid", 404), ("auditor", "decisions?colour=red", 400),
                ("developer", f"decisions/{uids[shop]}", 200), ("developer", f"summary?since=1h&namespace={shop}", 200),
                # As if it were not there.
                ("developer", f"decisions/{uids[bank]}", 404),
                ("developer", "decisions", 403), ("developer", f"decisions?namespace={bank}", 403), ("developer", "summary", 403),
                ("developer", f"decisions?namespace={shop[:-1]}*", 403),
                ("nobody", "decisions", 403), ("nobody", f"decisions?namespace={shop}", 403), ("nobody", f"decisions/{uids[shop]}", 404)):
            statuses = set()
            for address in addresses:
                status, body = world.ask_log(address, path, tokens[account])
                statuses.add(status)
                assert status != 403 or "decisions.acr-admission.io" in body["error"], body
            # One that has not recorded it may not know it.
            assert wanted in statuses and statuses <= {wanted, 404}, (account, path, statuses)
            seen[wanted] = seen.get(wanted, 0) + 1
        for address in addresses:
            expired = world.token(bank, "auditor").split(".")
            claims = json.loads(base64.urlsafe_b64decode(expired[1] + "=="))
            expired[1] = base64.urlsafe_b64encode(json.dumps({**claims, "exp": 1}).encode()).decode().rstrip("=")
            for token in (None, "bogus", ".".join(expired)):
                status, body = world.ask_log(address, "decisions", token)
                assert status == 401, (token, status, body)
                seen[status] = seen.get(status, 0) + 1
        # A token that was good, of an account that is gone.
        world.api.delete("ServiceAccount", "nobody", bank)
        eventually("it is nobody's", lambda: world.ask_log(address, "decisions", tokens["nobody"])[0] == 401, within=90)
    return ", ".join(f"{count} of {status}" for status, count in sorted(seen.items()))


@check("a replica answers for all of them, and names the one that does not answer, whose records are there again when it is", "replicas")
def replicas_merge(world):
    namespace = world.namespace()
    with viewers(world, namespace, namespace) as tokens:
        with world.load(namespace) as load:
            load.wait_for(200)
        load.assert_none_lost()
        total = load.outcomes["created"] + load.outcomes["denied"]
        first, other = world.kubelet.runners()

        def ask(runner, query: str) -> dict:
            status, body = world.ask_log(runner.address, f"decisions?namespace={namespace}&{query}", tokens["auditor"])
            assert status == 200, (status, body)
            return body

        def everything(runner, scope: str) -> list[str]:
            """By pages, which must be whole."""
            uids: list[str] = []
            cursor = ""
            while cursor is not None:
                body = ask(runner, f"limit=77&scope={scope}" + (f"&cursor={cursor}" if cursor else ""))
                assert not body.get("incomplete"), body["incomplete"]
                uids += [record["uid"] for record in body["decisions"]]
                cursor = body["next"]
            assert len(set(uids)) == len(uids), "a record came twice"
            return uids

        parts = [everything(runner, "replica") for runner in (first, other)]
        assert len(parts[0]) + len(parts[1]) == total, (len(parts[0]), len(parts[1]), total)
        for runner in (first, other):
            merged = everything(runner, "cluster")
            assert set(merged) == set(parts[0]) | set(parts[1]), (len(merged), len(parts[0]), len(parts[1]))

        other.freeze(True)  # it takes connections, and says nothing
        try:
            body = ask(first, "limit=1000")
        finally:
            other.freeze(False)
        assert [other.address in entry["replica"] for entry in body["incomplete"]] == [True], body["incomplete"]
        assert {record["uid"] for record in body["decisions"]} == set(parts[0])
        silent = body["incomplete"][0]["reason"]

        world.release.wait_ready()
        eventually("both answer again", lambda: len(everything(first, "cluster")) == total)
        other.kill()
        body = ask(first, "limit=1000")
        assert [other.address in entry["replica"] for entry in body["incomplete"]] == [True], body["incomplete"]
        world.release.wait_ready()
        eventually("nothing is lost", lambda: len(everything(first, "cluster")) == total)
    return f"{len(parts[0])} + {len(parts[1])} records; {silent}"

"""The release goes, and with it everything that names it."""

from harness.api import Refused, eventually
from harness.checks import check
from harness.world import BAD


def everything(world):
    """Every object that the API can list, but Events and what Kubernetes keeps about itself."""
    roots = ["/api/v1"] + [f"/apis/{group['preferredVersion']['groupVersion']}" for group in world.api.call("GET", "/apis").body["groups"]]
    for root in roots:
        for resource in world.api.call("GET", root).body["resources"]:
            if "list" in resource["verbs"] and "/" not in resource["name"] and resource["kind"] != "Event":
                try:
                    for item in world.api.call("GET", f"{root}/{resource['name']}").body["items"]:
                        yield resource["kind"], item
                except Refused as refused:
                    assert refused.status in (404, 405), refused


@check("uninstalling leaves nothing behind, and nothing in the way")
def uninstall(world):
    name, namespace = world.release.name, world.release.namespace
    world.release.uninstall()

    def left() -> list[str]:
        found = []
        for kind, item in everything(world):
            metadata = item["metadata"]
            if kind == "Namespace":
                continue
            if metadata["name"].startswith(name) or (name in str(metadata.get("labels")) and kind != "Node"):
                found.append(f"{kind} {metadata.get('namespace', '')}/{metadata['name']}")
        return found

    try:
        eventually("everything is gone", lambda: not left(), within=90, every=1)
    except AssertionError:
        raise AssertionError(f"left behind: {left()}") from None
    world.api.create(world.pod(world.namespace(), BAD))

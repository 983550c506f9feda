"""The registries come from Azure: the project's fake one, which can be changed and taken away."""

import base64
import contextlib
import time

from harness.api import eventually
from harness.azure import Azure
from harness.checks import Skip, check
from harness.isolation import NODE_ADDRESS
from harness.world import BAD, GOOD

_SECRET = "e2e-azure"
OPEN = "northwind-d4dafvhpevapbeaz.azurecr.io/web/front:3"  # answers from any network


@contextlib.contextmanager
def release_with_azure(world):
    program = world.binary.parent / "tests/support/fake-azure"
    if not program.exists():
        raise Skip(f"there is no {program}: cmake --build --preset release --target fake-azure")
    azure = Azure(program, world.repository / "examples/registries.json", world.folder / "azure")
    try:
        world.kubelet.hosts["localhost"] = NODE_ADDRESS
        world.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": _SECRET, "namespace": world.release.namespace},
                          "data": {"client-secret": base64.b64encode(azure.secret()).decode()}})
        identities = azure.inventory["azure"]
        identities[0]["credential"]["clientSecretFile"] = "/etc/acr-admission/azure/client-secret"
        world.release.install({
            "inventory": {"source": "azure", "refresh": "10s", "file": {"registries": ""}, "azure": {
                "cloud": azure.inventory["cloud"], "ca": azure.authority(), "identities": identities}},
            "extraVolumes": [{"name": "azure", "secret": {"secretName": _SECRET, "defaultMode": 0o440}}],
            "extraVolumeMounts": [{"name": "azure", "mountPath": "/etc/acr-admission/azure", "readOnly": True}]})
        yield azure
    finally:
        azure.stop()
        world.kubelet.hosts.clear()
        world.release.install()
        world.api.delete("Secret", _SECRET, world.release.namespace)


@check("registries are read from Azure; who has mended one is admitted; and all replicas start while Azure is away",
       "replicas")
def azure_away(world):
    namespace = world.namespace()
    with release_with_azure(world) as azure:
        eventually("a good pod is created", lambda: world.api.create(world.pod(namespace, GOOD)))
        world.denied(lambda: world.api.create(world.pod(namespace, BAD)))
        world.denied(lambda: world.api.create(world.pod(namespace, OPEN)))
        azure.change("northwind", networkRuleSet={"defaultAction": "Deny", "ipRules": []}, publicNetworkAccess="Disabled")
        eventually("the mended registry's pod is created", lambda: world.api.create(world.pod(namespace, OPEN)))

        saved = f"{world.release.name}-inventory"
        eventually("the inventory is kept in the Secret",
                   lambda: world.api.get("Secret", saved, world.release.namespace).get("data"), within=60)
        azure.go_away()
        replicas = world.kubelet.runners()
        for replica in replicas:
            world.api.delete("Pod", replica.pod_name, world.release.namespace)
        begun = time.monotonic()
        eventually("every replica has ended", lambda: all(replica.over() for replica in replicas), within=60)
        world.release.wait_ready()
        took = time.monotonic() - begun
        world.api.create(world.pod(namespace, GOOD))
        message = world.denied(lambda: world.api.create(world.pod(namespace, BAD)))
        azure.come_back()
        for address in world.release.ready_addresses():
            # By then they have backed off for up to a minute.
            eventually("the new replicas read from Azure again",
                       lambda address=address: world.metrics(address).get('azure_reads_total{read="list",result="ok"}', 0) > 0, within=150)
    return f"ready after {took:.0f} s, without Azure: {message.splitlines()[0]}"

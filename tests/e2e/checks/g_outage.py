"""Nobody is there to decide: what the cluster does then is what the chart's mode says, and it gets out of it by itself."""

import contextlib

from harness.api import Refused, eventually
from harness.checks import check
from harness.world import BAD, FOREIGN, GOOD


@contextlib.contextmanager
def outage(world):
    """Every replica is gone, and none comes back meanwhile."""
    world.kubelet.hold(True)
    replicas = world.kubelet.runners()
    try:
        for replica in replicas:
            world.api.delete("Pod", replica.pod_name, world.release.namespace)
        eventually("every replica has drained", lambda: all(replica.over() for replica in replicas) and
                   not world.release.ready_addresses(), within=60)
        yield
    finally:
        world.kubelet.hold(False)
        world.release.wait_ready()


@check("mode enforce, no replica: pods fail, but for those of the system and of the release itself", "replicas")
def outage_in_enforce(world):
    namespace = world.namespace()
    with outage(world):
        try:
            world.api.create(world.pod(namespace, GOOD))
            raise AssertionError("a pod was let in")
        except Refused as refused:
            message = refused.message
            assert refused.status == 500 and "failed calling webhook" in message, refused
        for excluded in ("kube-system", world.release.namespace):
            world.api.create(world.pod(world.namespace(excluded), GOOD, name="e2e-outage"))
            world.api.delete("Pod", "e2e-outage", excluded, now=True)
    eventually("pods are created again", lambda: world.api.create(world.pod(namespace, GOOD)))
    return message


@check("the companion policy keeps a floor while no replica is there", "replicas")
def companion(world):
    namespace = world.namespace()
    world.release.install({"companionPolicy": {"enabled": True}})

    def refused(*images):
        try:
            world.api.create(world.pod(namespace, *images))
        except Refused as error:
            return error.message if "ValidatingAdmissionPolicy" in error.message else ""
        return ""

    with outage(world):
        message = eventually("an image from elsewhere is refused", lambda: refused(FOREIGN))
        assert refused("nginx") and refused(GOOD, "contoso.azurecr.io.example.com/cart:1")
        assert not refused(GOOD)  # refused by the webhook's failurePolicy, not by this
    world.api.create(world.pod(namespace, GOOD))
    world.release.install()
    return message


@check("mode audit: nothing is refused, with replicas or without, and what would have been is recorded", "replicas")
def audit_mode(world):
    namespace = world.namespace()
    world.release.install({"mode": "audit"})
    eventually("a bad pod is let in", lambda: world.api.create(world.pod(namespace, BAD)))
    log = "".join(runner.log() for runner in world.kubelet.runners())
    assert f'"namespace":"{namespace}"' in log and "NonCompliant" in log, "the audit log does not have it"
    with outage(world):
        world.api.create(world.pod(namespace, BAD))
    world.release.install()
    eventually("it is denied again", lambda: world.denied(lambda: world.api.create(world.pod(namespace, BAD))))


@check("the API server and every replica stop and start again: no deadlock", "replicas")
def cluster_restart(world):
    namespace = world.namespace()
    server = next(process for process in world.control_plane.processes if process.name == "kube-apiserver")
    server.stop()
    for runner in world.kubelet.runners():
        runner.kill()
    world.control_plane.processes.append(world.control_plane.start_api_server())
    eventually("the API server is back", lambda: world.api.send("GET", "/readyz")[0] == 200, within=90)
    world.release.wait_ready()
    eventually("pods are created", lambda: world.api.create(world.pod(namespace, GOOD)), within=60)
    world.denied(lambda: world.api.create(world.pod(namespace, BAD)))

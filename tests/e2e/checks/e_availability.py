"""Pods are created at 50 a second while replicas come and go. None is lost, and none slips through."""

import threading

from harness.api import eventually
from harness.checks import check


@check("a rollout under 50 creates a second loses none", "kubectl")
def rollout(world):
    old = world.kubelet.runners() if world.kubelet else []
    with world.load(world.namespace()) as load:
        load.wait_for(100)
        world.kubectl("-n", world.release.namespace, "rollout", "restart", f"deployment/{world.release.name}")
        world.release.wait_ready()
        eventually("the old replicas have drained", lambda: all(runner.over() for runner in old), within=60)
        load.wait_for(100)
    codes = {runner.pod_name: [code for _, code in runner.exit_codes] for runner in old}
    assert not any(code for ended in codes.values() for code in ended), f"replicas ended with {codes}"
    return load.assert_none_lost()


@check("a node drained by eviction under 50 creates a second loses none, and the disruption budget holds", "replicas controllers")
def drain(world):
    node = world.kubelet.nodes[0]
    lowest = len(world.release.ready_addresses())
    done = threading.Event()

    def watch():
        nonlocal lowest
        while not done.wait(0.1):
            lowest = min(lowest, len(world.release.ready_addresses()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with world.load(world.namespace()) as load:
            load.wait_for(100)
            world.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s")
            world.release.wait_ready()
            load.wait_for(100)
        left = [runner.pod_name for runner in world.kubelet.runners() if runner.pod["spec"]["nodeName"] == node]
    finally:
        done.set()
        watcher.join()
        world.kubectl("uncordon", node)
    assert lowest >= 1, "for a moment no replica was ready"
    assert not left, f"{left} stayed"
    return load.assert_none_lost()


@check("an upgrade from an older chart by server-side apply, under 50 creates a second, loses none and keeps the caBundle")
def upgrade(world):
    old = world.release.chart_as("0.0.1", world.folder)
    world.release.install({"log": {"level": "warning"}, "podLabels": {"generation": "old"}}, chart=old)
    before = world.release.ca_bundles()
    assert all(before), "the caBundle is empty"
    assert "0.0.1" in world.release.deployment()["metadata"]["labels"]["helm.sh/chart"]
    with world.load(world.namespace()) as load:
        load.wait_for(100)
        world.release.install({"server": {"drainDelay": "6s"}, "podLabels": {"generation": "new"}})
        load.wait_for(100)
    assert world.release.ca_bundles() == before, "the caBundle changed"
    assert "0.0.1" not in world.release.deployment()["metadata"]["labels"]["helm.sh/chart"]
    world.release.install()
    return load.assert_none_lost()


@check("a replica that is killed (-9) costs no more than what it had in hand, and comes back", "replicas")
def killed(world):
    with world.load(world.namespace()) as load:
        load.wait_for(100)
        victim = world.busiest()
        victim.kill()
        eventually("the replica was restarted", lambda: any(
            status["restartCount"] for status in
            world.api.get("Pod", victim.pod_name, world.release.namespace)["status"]["containerStatuses"]))
        world.release.wait_ready()
        load.wait_for(100)
    assert not load.outcomes["let in"] and not load.outcomes["refused"], load.outcomes
    lost = load.outcomes["failed"]
    # What had been sent to it when it died, and what was sent until the API server knew: connections are refused at once, and the
    # endpoint stays for a probe or two.
    assert lost < load.sent / 10, f"{lost} of {load.sent} failed: {load.details.most_common(3)}"
    return f"{lost} of {load.sent} failed, none let in"

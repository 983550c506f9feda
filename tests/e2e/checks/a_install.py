"""The chart goes in: every object passes the server's own validation, and the replicas become ready with nothing but their RBAC."""

from harness.checks import check


@check("the chart installs, and all replicas become ready")
def install(world):
    world.release.install()
    addresses = world.release.ready_addresses()
    return f"{len(addresses)} replicas at {', '.join(addresses)}"


@check("helm test passes", "replicas")
def helm_test(world):
    world.release.helm("test", world.release.name, "--timeout", "60s")

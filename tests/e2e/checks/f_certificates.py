"""The certificates that the replicas make themselves: rotation that nobody notices, and every way to break them.

Certificates live for half a minute here and authorities for one and a half, so that whole rotations are seen.
"""

import base64
import socket
import ssl
import time

from harness.api import eventually
from harness.checks import check
from harness.pki import Pki
from harness.world import BAD, GOOD

HEALED = 15  # seconds, as promised
SHORT = {"certificates": {"managed": {"validity": "30s", "caValidity": "90s", "overlap": {"before": "10s", "after": "10s"}}}}


def authorities(world) -> set[str]:
    """Of the caBundle, which must be the same in every entry."""
    bundles = world.release.ca_bundles()
    assert len(set(bundles)) == 1, "the entries' caBundles differ"
    text = base64.b64decode(bundles[0]).decode()
    return {"-----BEGIN CERTIFICATE-----" + part for part in text.split("-----BEGIN CERTIFICATE-----")[1:]}


def served(world) -> list[str]:
    """The leaf that each replica serves."""
    return [ssl.get_server_certificate((address, 8443)) for address in world.release.ready_addresses()]


def trusted(world) -> bool:
    """Whether every replica serves what the caBundle vouches for."""
    context = ssl.create_default_context(cadata=base64.b64decode(world.release.ca_bundles()[0]).decode())
    for address in world.release.ready_addresses():
        connection = socket.create_connection((address, 8443), timeout=5)
        with context.wrap_socket(connection, server_hostname=f"{world.release.name}.{world.release.namespace}.svc"):
            pass
    return True


def tls_secret(world) -> dict | None:
    return world.api.find("Secret", f"{world.release.name}-tls", world.release.namespace)


def repairs(world, what: str) -> float:
    return world.metric(f'certificate_repairs_total{{what="{what}"}}')


def told(world, reason: str, known: set[str]) -> str:
    """What an Event says that came, or came again, since `known` was taken."""
    return eventually(f"there is an Event {reason}", lambda: [
        event["note"] for event in world.release.events() if event["reason"] == reason and stamp(event) not in known])[0]


def stamp(event: dict) -> str:
    return f"{event['metadata']['uid']}/{event['metadata']['resourceVersion']}"


def stamps(world) -> set[str]:
    return {stamp(event) for event in world.release.events()}


@check("a fresh installation makes its own authority, and every replica serves what the caBundle vouches for", "replicas")
def first_certificate(world):
    world.release.uninstall()
    eventually("all pods are gone", lambda: not world.api.list("Pod", world.release.namespace), within=60)
    world.release.install(SHORT)
    eventually("the caBundle is there", lambda: all(world.release.ca_bundles()), within=HEALED)
    eventually("it vouches for what is served", lambda: trusted(world))
    namespace = world.namespace()
    eventually("pods are created", lambda: world.api.create(world.pod(namespace, GOOD)))
    assert len(set(served(world))) == 1, "replicas serve different certificates"


@check("an authority and its leaves are replaced under 50 creates a second, and no admission is lost", "replicas")
def rotation(world):
    first, seen, leaves, most = authorities(world), set(), set(), 0
    with world.load(world.namespace()) as load:
        deadline = time.monotonic() + 240
        while True:  # until what was trusted at first no longer is
            now = authorities(world)
            seen |= now
            most = max(most, len(now))
            leaves |= set(served(world))
            if len(now) == 1 and not now & first:
                break
            assert time.monotonic() < deadline, f"{len(seen)} authorities, {len(leaves)} leaves seen in 240 s"
            time.sleep(0.5)
        load.wait_for(100)
    assert most == 2, f"{most} authorities were trusted at a time"
    assert len(leaves) >= 3, f"only {len(leaves)} leaves were served"
    for what in ("ca", "leaf"):
        assert world.metric(f'certificate_rotations_total{{what="{what}"}}') >= 1, f"no rotation of a {what} was counted"
    return f"{len(seen)} authorities, {len(leaves)} leaves: {load.assert_none_lost()}"


@check("a replica that is killed (-9) in the middle of a rotation does not stop it", "replicas")
def killed_in_rotation(world):
    first = authorities(world)
    with world.load(world.namespace()) as load:
        eventually("a new authority is trusted beside the old one", lambda: len(authorities(world)) == 2, within=120)
        victim = world.busiest()
        victim.kill()
        eventually("it was killed", lambda: any(code for _, code in victim.exit_codes))
        eventually("the old one is gone", lambda: len(authorities(world)) == 1 and not authorities(world) & first, within=120)
        load.wait_for(100)
    world.release.wait_ready()
    assert not load.outcomes["let in"] and not load.outcomes["refused"], load.outcomes
    for text in load.details:
        assert "x509" not in text and "tls:" not in text, f"the rotation itself failed admissions: {text}"
    assert trusted(world)
    return f"{load.outcomes['failed']} of {load.sent} failed by the kill, none by a certificate"


@check("a deleted Secret is made again, and no admission is lost", "replicas")
def secret_deleted(world):
    known, count = stamps(world), repairs(world, "secret_missing")
    with world.load(world.namespace()) as load:
        load.wait_for(50)
        world.api.delete("Secret", f"{world.release.name}-tls", world.release.namespace)
        begun = time.monotonic()
        eventually("the Secret is back", lambda: (tls_secret(world) or {}).get("data"), within=HEALED)
        took = time.monotonic() - begun
        time.sleep(HEALED)
        load.wait_for(50)
    labels = tls_secret(world)["metadata"]["labels"]
    assert labels.get("app.kubernetes.io/part-of") == "acr-admission", labels
    assert repairs(world, "secret_missing") > count, "it was not counted"
    note = told(world, "CertificateSecretMissing", known)
    assert trusted(world)
    return f"after {took:.0f} s; {load.assert_none_lost()}; {note}"


@check("a Secret full of garbage is replaced, and no admission is lost", "replicas")
def secret_garbage(world):
    known, count = stamps(world), repairs(world, "secret_invalid")
    garbage = base64.b64encode(b"garbage").decode()
    keys = list(tls_secret(world)["data"])
    with world.load(world.namespace()) as load:
        load.wait_for(50)
        world.api.patch("Secret", f"{world.release.name}-tls", {"data": {key: garbage for key in keys}}, world.release.namespace)
        begun = time.monotonic()
        eventually("the Secret is well again", lambda: garbage not in tls_secret(world)["data"].values(), within=HEALED)
        took = time.monotonic() - begun
        time.sleep(HEALED)
        load.wait_for(50)
    assert repairs(world, "secret_invalid") > count, "it was not counted"
    note = told(world, "CertificateSecretInvalid", known)
    assert trusted(world)
    return f"after {took:.0f} s; {load.assert_none_lost()}; {note}"


@check("an emptied caBundle is filled again", "replicas")
def ca_bundle_emptied(world):
    known, count = stamps(world), repairs(world, "ca_bundle")
    configuration = world.release.webhook()
    world.api.call("PATCH", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/acr-admission",
                   [{"op": "remove", "path": f"/webhooks/{index}/clientConfig/caBundle"}
                    for index in range(len(configuration["webhooks"]))], "application/json-patch+json")
    begun = time.monotonic()
    eventually("the caBundle is back", lambda: all(world.release.ca_bundles()), within=HEALED)
    took = time.monotonic() - begun
    namespace = world.namespace()
    eventually("pods are created", lambda: world.api.create(world.pod(namespace, GOOD)))
    eventually("it is counted", lambda: repairs(world, "ca_bundle") > count)
    return f"after {took:.0f} s; {told(world, 'CaBundleRepaired', known)}"


@check("a deleted webhook configuration stays deleted, until the chart is applied again", "replicas")
def configuration_deleted(world):
    known = stamps(world)
    namespace = world.namespace()
    world.api.delete("ValidatingWebhookConfiguration", world.release.name)
    addresses = world.release.ready_addresses()
    eventually("each replica tells that it is not there", lambda: all(
        world.metrics(address)["webhook_configuration_present"] == 0 for address in addresses), within=HEALED)
    note = told(world, "WebhookConfigurationMissing", known)
    time.sleep(2 * HEALED)  # three rounds of the replicas
    assert world.release.webhook() is None, "it was made again"
    world.api.create(world.pod(namespace, BAD))  # the break-glass works
    world.release.install(SHORT)
    eventually("the caBundle is back", lambda: all(world.release.ca_bundles()), within=HEALED)
    eventually("the metric too", lambda: all(world.metrics(address)["webhook_configuration_present"] == 1
                                            for address in world.release.ready_addresses()), within=HEALED)
    eventually("it denies again", lambda: world.denied(lambda: world.api.create(world.pod(namespace, BAD))))
    return note


@check("a certificate of one's own, in a Secret that is replaced: the new one is served without a restart", "replicas")
def own_secret(world):
    name, namespace = world.release.name, world.release.namespace
    pki = Pki(world.folder / "own-pki")
    pki.authority("webhook-ca")

    def secret() -> dict:
        pki.certificate("webhook", "webhook-ca", "/CN=webhook", "serverAuth", f"DNS:{name}.{namespace}.svc")
        return {f"tls.{kind}": base64.b64encode(pki.path(f"webhook.{kind}").read_bytes()).decode() for kind in ("crt", "key")}

    world.release.uninstall()
    eventually("all pods are gone", lambda: not world.api.list("Pod", namespace), within=60)
    world.api.create({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": secret(),
                      "metadata": {"name": "own-tls", "namespace": namespace}})
    own = {"name": "own-tls", "caBundle": pki.path("webhook-ca.crt").read_text()}
    world.release.install({"certificates": {"mode": "secret", "secret": own}})
    first = served(world)
    with world.load(world.namespace()) as load:
        load.wait_for(50)
        world.api.patch("Secret", "own-tls", {"data": secret()}, namespace)
        eventually("every replica serves the new one", lambda: not set(served(world)) & set(first))
        load.wait_for(50)
    assert trusted(world)
    world.release.uninstall()
    world.api.delete("Secret", "own-tls", namespace)
    eventually("all pods are gone", lambda: not world.api.list("Pod", namespace), within=60)
    world.release.install()
    return load.assert_none_lost()

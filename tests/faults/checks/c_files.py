"""Files that the server watches are replaced, by good ones and by bad ones."""

import ssl
import time

from harness import reviews
from harness.checks import check
from harness.server import eventually, replace

# Looked at more often than the 2 s of the default: what is half written is met more often, too.
OFTEN = {"inventory": "{source: file, file: registries.json, refresh: 100ms}"}

OLD_CERTIFICATE = "certificate: the older one serves"
OLD_POLICY = "policy: the older one is in force"
OLD_INVENTORY = "inventory: the older one is in force"


def served(site) -> str:
    """The certificate that the next handshake shows, in PEM."""
    return ssl.get_server_certificate(("127.0.0.1", site.server.port), timeout=5)


def in_pem(certificate) -> str:
    return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(certificate.read_text()))


@check("the certificate replaced, by one of another authority")
def certificate(world):
    with world.site() as site:
        for turn in range(world.rounds):
            authority = (world.other_authority, world.authority)[turn % 2]
            fresh = authority.issue()
            with site.fault():
                site.server.serve_certificate(*fresh)
                wanted = in_pem(fresh[0])
                eventually("the new certificate serves", lambda: served(site) == wanted)
            begun, ended = site.last_fault()
            site.recovered(ended - begun)
        return site.finish(), "recovery: until the new one served"


@check("a bad certificate: no PEM, half of a file, another's key, empty, gone")
def bad_certificate(world):
    with world.site(OFTEN) as site:
        good = world.authority.issue()
        other_key = world.authority.issue()[1]
        site.server.serve_certificate(*good)
        wanted = in_pem(good[0])
        eventually("the first certificate serves", lambda: served(site) == wanted)
        folder = site.server.folder
        half = good[0].read_bytes()[:200]
        for name, content in [("tls.crt", b"this is no certificate"), ("tls.crt", half), ("tls.key", other_key.read_bytes()),
                              ("tls.key", b""), ("tls.crt", None)]:
            with site.fault():
                if content is None:
                    (folder / name).unlink()
                else:
                    replace(folder / name, content)
                eventually("the bad certificate is told of", lambda: site.server.tells(OLD_CERTIFICATE))
                assert served(site) == wanted, "another certificate serves"
            site.server.serve_certificate(*good)
            begun = time.monotonic()
            eventually("all is well again", lambda: not site.server.tells(OLD_CERTIFICATE))
            site.recovered(time.monotonic() - begun)
        return site.finish(), "recovery: until the good one was taken"


def await_policy(site, policy: str, within: float = 8) -> None:
    """Until a request was decided by it."""
    wanted = reviews.digest(policy)
    begun = time.monotonic()
    eventually("the new policy decides", lambda: any(sample.policy == wanted for sample in site.load.samples[-50:]
                                                     if sample.due >= begun), within)


@check("the policy replaced")
def policy(world):
    with world.site() as site:
        for turn in range(world.rounds):
            fresh = (reviews.LENIENT, reviews.STRICT)[turn % 2]
            with site.fault():
                replace(site.server.policy, fresh)
                await_policy(site, fresh)
            begun, ended = site.last_fault()
            site.recovered(ended - begun)
        return site.finish(), "recovery: until the new one decided"


@check("a bad policy: half of a file, no YAML, unknown keys, binary, empty, gone")
def bad_policy(world):
    with world.site(OFTEN) as site:
        half = reviews.LENIENT[:reviews.LENIENT.index("private-link") + 4]
        for content in (half, "requirements: [", reviews.STRICT + "maxEfect: Audit\n", "\0\xff" * 1000, "", None):
            with site.fault():
                if content is None:
                    site.server.policy.unlink()
                else:
                    # As an editor writes it, not as a whole.
                    site.server.policy.write_bytes(content.encode("latin-1"))
                eventually("the bad policy is told of", lambda: site.server.tells(OLD_POLICY))
            # Decisions are right by the old one, or the check fails.
            site.server.policy.write_text(reviews.STRICT)
            begun = time.monotonic()
            eventually("all is well again", lambda: not site.server.tells(OLD_POLICY))
            site.recovered(time.monotonic() - begun)
        return site.finish(), "recovery: until the good one was taken"


@check("definitions: a new one, half of a file, gone while the policy asks for it")
def definitions(world):
    with world.site(OFTEN) as site:
        file = site.server.folder / "definitions/not-contoso.json"
        with site.fault():
            replace(file, reviews.NOT_CONTOSO)
            replace(site.server.policy, reviews.NO_CONTOSO)
            await_policy(site, reviews.NO_CONTOSO)
        for content in (reviews.NOT_CONTOSO[:60], None):
            with site.fault():
                if content is None:
                    file.unlink()
                else:
                    file.write_text(content)
                eventually("the bad definition is told of", lambda: site.server.tells(OLD_POLICY))
                time.sleep(0.5)
            replace(file, reviews.NOT_CONTOSO)
            begun = time.monotonic()
            eventually("all is well again", lambda: not site.server.tells(OLD_POLICY))
            site.recovered(time.monotonic() - begun)
        return site.finish(), "recovery: until the good one was taken"


@check("the inventory replaced; half of a file, no JSON, gone")
def inventory(world):
    with world.site(OFTEN) as site:
        file = site.server.folder / "registries.json"
        good = file.read_text()
        for content in (good[:len(good) // 2], "az: command not found", None):
            with site.fault():
                if content is None:
                    file.unlink()
                else:
                    file.write_text(content)
                eventually("the bad inventory is told of", lambda: site.server.tells(OLD_INVENTORY))
                time.sleep(0.5)
            file.write_text(good)
            begun = time.monotonic()
            eventually("all is well again", lambda: not site.server.tells(OLD_INVENTORY))
            site.recovered(time.monotonic() - begun)
        return site.finish(), "recovery: until the good one was taken"

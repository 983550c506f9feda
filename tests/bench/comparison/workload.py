"""What is sent, and what the webhook knows: reviews, registries, policies. The same every time."""

import functools
import hashlib
import json
import random
import re
import uuid
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
BODIES = HERE.parent / "bodies"
REGISTRIES = HERE.parents[1] / "data/registries"

COMPLIANT = "composed_fully-compliant_cmk_pec_private_data-endpoint.json"
OPEN = "premium_open_2023-11-01-preview.json"

NAMED = "contoso"  # the registry that the bodies' images are from
OPEN_NAME = "fabrikam"  # the one that meets nothing

_ID = re.compile(r"(?!0{8}-)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # but for the subscription's, which is nobody's
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+")
_BEGINNING = date(2020, 1, 1)

# An inventory of at most 256 MiB is read: where there are more registries than this, they lack what nothing is judged by.
MOST_WHOLE = 50_000


def review(size: str) -> bytes:
    """An AdmissionReview of a new pod. 3k: one container; 12k: three and a migration, with probes and environment; 1m: of the same
    pod with an environment that fills it up, near the most that an object may have."""
    if size != "1m":
        return (BODIES / f"pod-{size}.json").read_bytes()
    body = json.loads((BODIES / "pod-12k.json").read_bytes())
    environment = body["request"]["object"]["spec"]["containers"][0]["env"]
    one = len(json.dumps({"name": "SETTING_00000", "value": "x" * 48}, separators=(",", ":"))) + 1
    missing = (1 << 20) - len(_compact(body))
    environment += [{"name": f"SETTING_{number:05}", "value": "x" * 48} for number in range(missing // one)]
    return _compact(body)


def denied(body: bytes) -> bytes:
    """The same review of images from the registry that meets nothing."""
    return body.replace(NAMED.encode(), OPEN_NAME.encode())


def in_namespace(body: bytes, namespace: str) -> bytes:
    changed = json.loads(body)
    changed["request"]["namespace"] = changed["request"]["object"]["metadata"]["namespace"] = namespace
    return _compact(changed)


def registry_names(count: int) -> list[str]:
    """NAMED and OPEN_NAME are among them."""
    return [NAMED, OPEN_NAME] + [f"registry{number:06}" for number in range(count - 2)]


def write_inventory(file: Path, count: int) -> None:
    """As a list of Azure Resource Manager."""
    with file.open("w") as out:
        for number, name in enumerate(registry_names(count)):
            out.write(',\n' if number else '{"value":[\n')
            out.write(_registry(name, count))
        out.write("\n]}\n")


def write_saved_inventory(file: Path, count: int, observed: str) -> None:
    """As docs/saved-inventory.md tells. `observed`: when, as in 2026-11-23T12:00:00Z."""
    digest = hashlib.sha256()
    with file.open("wb") as out:
        def line(value: dict) -> None:
            text = _compact(value) + b"\n"
            digest.update(text)
            out.write(text)

        line({"format": "acr-admission inventory", "version": 1, "saved": observed, "complete": True})
        for name in sorted(registry_names(count)):
            body = json.loads(_registry(name, count))
            line({"loginServer": body["properties"]["loginServer"], "name": name, "resourceId": body["id"], "observed": observed,
                  "lastCompliant": {}, "body": body})
        out.write(_compact({"checksum": f"sha256:{digest.hexdigest()}"}) + b"\n")


def exemptions(count: int, namespace: str) -> str:
    """A policy with so many exemptions, of which the last ones, one for each requirement, let the open registry in from `namespace`;
    without any it is let in by maxEffect."""
    if not count:
        return _policy() + "maxEffect: Audit\n"
    others = [(f"e{number}", f"n{number}", REQUIRED[number % len(REQUIRED)]) for number in range(count - len(REQUIRED))]
    last = [(f"l{number}", namespace, name) for number, name in enumerate(REQUIRED)]
    return _policy() + "exemptions:\n" + "".join(
        f"- {{name: {name},namespaces: [{where}],requirements: [{requirement}],expires: 2099-01-01,reason: r}}\n"
        for name, where, requirement in others + last)


def namespace_caps(count: int, namespace: str) -> str:
    """A policy that names so many namespaces in which it only warns, `namespace` last; without any it only warns at all."""
    if not count:
        return _policy() + "maxEffect: Warn\n"
    names = [f"n{number}" for number in range(count - 1)] + [namespace]
    return _policy() + "namespaces:\n" + "".join(f"- {{names: [{name}],maxEffect: Warn}}\n" for name in names)


REQUIRED = ("customer-managed-key", "private-link", "restricted-network")


def _policy() -> str:
    """The default one."""
    requirements = "".join(f"- {{definition: {name}, effect: Deny}}\n" for name in REQUIRED)
    return ("apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements:\n" + requirements +
            "- {definition: dedicated-data-endpoints, effect: Audit, parameters: {acceptPrivateEndpoint: true}}\n"
            'sources:\n- {images: ["mcr.microsoft.com/**", "registry.k8s.io/**"], action: Allow}\n')


def _compact(value: dict) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@functools.cache
def _template(file: str, lean: bool) -> tuple[str, str]:
    """A registry as Azure described it, and its name."""
    body = json.loads((REGISTRIES / file).read_text())
    if lean:
        body = {key: value for key, value in body.items() if key not in ("identity", "systemData", "tags")}
    return _compact(body).decode(), body["name"]


def _registry(name: str, among: int) -> str:
    """Alike but for what every registry has of its own: its name, the ids of what it uses, and its times."""
    text, was = _template(OPEN if name == OPEN_NAME else COMPLIANT, among > MOST_WHOLE)
    rng = random.Random(name)
    ids: dict[str, str] = {}
    text = _ID.sub(lambda match: ids.setdefault(match[0], str(uuid.UUID(int=rng.getrandbits(128)))), text.replace(was, name))
    return _TIME.sub(lambda _: _BEGINNING.fromordinal(_BEGINNING.toordinal() + rng.randrange(2000)).strftime("%Y-%m-%dT")
                     + f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}.{rng.randrange(10 ** 7):07}", text)

"""What is sent, and what the webhook knows: reviews, registries, policies. The same every time."""

import hashlib
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
BODIES = HERE.parent / "bodies"
REGISTRIES = HERE.parents[1] / "data/registries"

COMPLIANT = "composed_fully-compliant_cmk_pec_private_data-endpoint.json"
OPEN = "premium_open_2023-11-01-preview.json"

NAMED = "contoso"  # the registry that the bodies' images are from
OPEN_NAME = "fabrikam"  # the one that meets nothing


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
            out.write(_registry(name))
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
            body = json.loads(_registry(name))
            line({"loginServer": body["properties"]["loginServer"], "name": name, "resourceId": body["id"], "observed": observed,
                  "lastCompliant": {}, "body": body})
        out.write(_compact({"checksum": f"sha256:{digest.hexdigest()}"}) + b"\n")


def exemptions(count: int, namespace: str) -> str:
    """A policy with so many exemptions, of which the last ones, one for each requirement, let the open registry in from `namespace`."""
    lines = ["{name: e%d,namespaces: [n%d],requirements: [%s],expires: 2099-01-01,reason: r}" % (number, number, REQUIRED[number % 3])
             for number in range(max(0, count - len(REQUIRED)))]
    if count:
        lines += ["{name: l%d,namespaces: [%s],requirements: [%s],expires: 2099-01-01,reason: r}" % (number, namespace, name)
                  for number, name in enumerate(REQUIRED)]
    return _policy() + ("exemptions:\n" + "".join(f"- {line}\n" for line in lines) if lines else "")


def namespace_caps(count: int, namespace: str) -> str:
    """A policy that names so many namespaces in which it only warns; `namespace` is the last one."""
    if not count:
        return _policy()
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


def _template(file: str) -> tuple[str, str]:
    """The registry as Azure described it, and its name."""
    body = json.loads((REGISTRIES / file).read_text())
    return _compact(body).decode(), body["name"]


_TEMPLATES: dict[str, tuple[str, str]] = {}


def _registry(name: str) -> str:
    file = OPEN if name == OPEN_NAME else COMPLIANT
    if file not in _TEMPLATES:
        _TEMPLATES[file] = _template(file)
    text, was = _TEMPLATES[file]
    return text.replace(was, name)

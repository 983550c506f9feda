"""What the clients ask, and what must come of it."""

import dataclasses
import hashlib
import json


@dataclasses.dataclass(frozen=True)
class Kind:
    """A pod of one image. `says` is part of the denial's message by the policy STRICT; empty where that allows it."""
    image: str
    says: str = ""


KINDS = [
    Kind("mcr.microsoft.com/dotnet/aspnet:9.0"),
    Kind("contoso.azurecr.io/shop/cart:1.4"),
    Kind("fabrikam.azurecr.io/pay/ledger:2", "fabrikam.azurecr.io does not meet customer-managed-key"),
    Kind("wingtip.azurecr.io/toys/robot:7", "wingtip.azurecr.io does not meet private-link"),
    Kind("docker.io/library/nginx:1.27", "docker.io"),
]
ALLOWED = [number for number, kind in enumerate(KINDS) if not kind.says]


def kinds(client: int) -> list[int]:
    """What a client asks for, in turn: half of them what is allowed, the others what is denied, which may have to wait for Azure."""
    return [number for number in range(len(KINDS)) if (number in ALLOWED) == (client % 2 == 0)]


def keeps(client: int) -> bool:
    """Whether a client keeps its connection. Of each half every fourth does not: new ones must be served as well."""
    return client // 2 % 4 != 0


_HEAD = "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\n"
_REQUIREMENTS = """requirements:
  - {definition: customer-managed-key, effect: Deny}
  - {definition: private-link, effect: Deny}
  - {definition: restricted-network, effect: Deny}
"""
_SOURCES = "sources:\n  - {images: [\"mcr.microsoft.com/**\"], action: Allow}\n"

STRICT = _HEAD + _REQUIREMENTS + _SOURCES
LENIENT = STRICT + "maxEffect: Audit\n"
NO_CONTOSO = _HEAD + _REQUIREMENTS + "  - {definition: not-contoso, effect: Deny}\n" + _SOURCES

# A definition of one's own, which NO_CONTOSO asks for.
NOT_CONTOSO = json.dumps({"policyRule": {"if": {"allOf": [
    {"field": "type", "equals": "Microsoft.ContainerRegistry/registries"}, {"field": "name", "equals": "contoso"}]}, "then": {"effect": "deny"}}})


def digest(policy: str) -> str:
    return "sha256:" + hashlib.sha256(policy.encode()).hexdigest()


_DIGESTS = {digest(STRICT): "strict", digest(LENIENT): "lenient", digest(NO_CONTOSO): "no contoso"}


def what_is_wrong(number: int, allowed: bool, message: str, policy: str) -> str:
    """Of an answer to KINDS[number], by the policy whose digest it names; empty: nothing."""
    name = _DIGESTS.get(policy)
    says = KINDS[number].says
    if name is None:
        return f"decided by an unknown policy {policy}"
    if name == "lenient":
        says = ""
    if name == "no contoso" and number == 1:
        says = "does not meet not-contoso"
    if allowed != (not says):
        return f"{KINDS[number].image} was {'allowed' if allowed else 'denied: ' + message} by the policy {name}"
    if not allowed and (says not in message or "audit uid" not in message):
        return f"{KINDS[number].image} was denied with another message: {message}"
    return ""


def review(uid: str, image: str, padding: int = 0) -> bytes:
    """An AdmissionReview of a new pod; `padding` bytes larger."""
    return json.dumps({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": uid, "operation": "CREATE", "name": "cart", "namespace": "shop", "dryRun": False,
            "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:authenticated"]},
            "object": {"apiVersion": "v1", "kind": "Pod",
                       "metadata": {"name": "cart", "namespace": "shop", "annotations": {"padding": "x" * padding}},
                       "spec": {"containers": [{"name": "cart", "image": image}]}}}}).encode()


def request(uid: str, image: str, extra: str = "") -> bytes:
    body = review(uid, image)
    return head(f"Content-Length: {len(body)}\r\n{extra}") + body


def head(lines: str) -> bytes:
    """Of a POST; `lines` with their ends."""
    return (f"POST /validate?timeout=10s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{lines}\r\n").encode()

"""The bounds of webhook/limits.h that the abusive clients run into, read from there: seconds and bytes."""

import re
from pathlib import Path

_HEADER = (Path(__file__).resolve().parents[3] / "webhook/limits.h").read_text()


def _milliseconds(name: str) -> float:
    return int(re.search(rf"\b{name}\{{([0-9']+)\}};", _HEADER)[1].replace("'", "")) / 1000


def _bytes(name: str) -> int:
    product = 1
    for factor in re.search(rf"\b{name} = ([0-9 *]+);", _HEADER)[1].split("*"):
        product *= int(factor)
    return product


HANDSHAKE = _milliseconds("handshake")
HEAD_TIME = _milliseconds("head")
BODY_TIME = _milliseconds("body")
FIRST_REQUEST = _milliseconds("first_request")
HEAD = _bytes("head_bytes")
BODY = _bytes("body_bytes")
LATE = 1.5  # deadlines are looked at every 250 ms, and the clients are busy

"""What the sandbox was asked, for a test to look at."""

import hashlib
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue
from pydantic_core import from_json

__all__ = ["ReceivedRequest", "ReceivedRequests", "fingerprint", "without_keys"]

_KEY_HEADERS: Final = (
    "authorization",
    "x-api-key",
    "api-key",
    "x-amz-security-token",
)
_SIGNER: Final = re.compile(r"(?<=Credential=)[^/,\s]+")


def fingerprint(key: str) -> str:
    """`sha256:` and the first 12 hex digits of the key's SHA-256."""
    # Header bytes that are no UTF-8 reach Python as surrogates.
    digest = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()
    return f"sha256:{digest[:12]}"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it came in.

    `path` is as sent, with its query. Header names are in lower case, values of a
    repeated header are joined by `, `. Keys in headers are fingerprints
    (`Bearer sha256:…`, `AWS4-HMAC-SHA256 Credential=sha256:…/20260102/…`) unless the
    sandbox was told to keep them in full.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> JsonValue:
        """The body parsed; `ValueError` if it is no JSON."""
        parsed: JsonValue = from_json(self.body)
        return parsed


class ReceivedRequests:
    """The latest *limit* requests, and how many there were in all."""

    def __init__(self, *, limit: int) -> None:
        self._latest: deque[ReceivedRequest] = deque(maxlen=limit)
        self._count = 0

    @property
    def latest(self) -> tuple[ReceivedRequest, ...]:
        """Oldest first."""
        return tuple(self._latest)

    @property
    def count(self) -> int:
        return self._count

    def add(self, request: ReceivedRequest) -> None:
        self._latest.append(request)
        self._count += 1

    def forget(self) -> None:
        self._latest.clear()
        self._count = 0


def without_keys(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Replace the credentials in *headers* (names in lower case) by fingerprints."""
    masked = {name: _masked(headers[name]) for name in _KEY_HEADERS if name in headers}
    return MappingProxyType({**headers, **masked})


def _masked(value: str) -> str:
    if _SIGNER.search(value):
        return _SIGNER.sub(lambda key_id: fingerprint(key_id[0]), value)
    scheme, space, key = value.partition(" ")
    if not space:
        return fingerprint(value)
    return f"{scheme} {fingerprint(key)}"

"""Signing requests to AWS (Signature Version 4), for services that take JSON.

Pure: time comes in, and headers go out. Source: AWS General Reference, "Create a signed
AWS API request"; of Bedrock's runtime the path is signed as it is sent, percent-encoded
once more, and the hash of the body needs no header.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

__all__ = ["AwsKeys", "signature_headers"]

_ALGORITHM = "AWS4-HMAC-SHA256"
_END = "aws4_request"
_UNRESERVED = "-_.~"  # RFC 3986, section 2.3, beside letters and digits


@dataclass(frozen=True, slots=True)
class AwsKeys:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def signature_headers(
    keys: AwsKeys,
    *,
    method: str,
    host: str,
    path: str,
    query: str = "",
    headers: Mapping[str, str],
    body: bytes,
    region: str,
    service: str,
    now: datetime,
) -> dict[str, str]:
    """Return the headers that sign a request, to be added to it.

    *host* is the `Host` header, with a port that is not the scheme's own. *path* and
    *query* are percent-encoded, as they are sent. *headers* are those to be signed
    besides `host` and the ones returned; whatever is not signed may change on the way.
    """
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"X-Amz-Date": moment}
    if keys.session_token is not None:
        added["X-Amz-Security-Token"] = keys.session_token
    signed = _canonical_headers({**headers, **added, "host": host})
    names = ";".join(signed)
    canonical = "\n".join(
        (
            method,
            quote(path, safe=f"/{_UNRESERVED}"),
            "&".join(sorted(filter(None, query.split("&")), key=_by_name_and_value)),
            *(f"{name}:{value}" for name, value in signed.items()),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{moment[:8]}/{region}/{service}/{_END}"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    words = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashed}"
    signature = _signature(keys.secret_access_key, scope, words)
    return added | {
        "Authorization": f"{_ALGORITHM} Credential={keys.access_key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    }


def _canonical_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Sort by name in lower case; runs of spaces in a value count as one."""
    lowered = {name.lower(): value for name, value in headers.items()}
    return {name: " ".join(lowered[name].split()) for name in sorted(lowered)}


def _by_name_and_value(parameter: str) -> tuple[str, str]:
    name, _, value = parameter.partition("=")
    return name, value


def _signature(secret: str, scope: str, words: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), words):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()

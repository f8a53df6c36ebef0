"""AWS Signature Version 4: what is signed, and with what.

Algorithm: AWS Identity and Access Management User Guide, "Create a signed AWS API
request".
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, unquote

__all__ = ["ALGORITHM", "Authorization", "SignedRequest", "signature"]

ALGORITHM: Final = "AWS4-HMAC-SHA256"

_TERMINATOR: Final = "aws4_request"
_UNRESERVED: Final = "-_.~"
_PARAMETERS: Final = ("Credential", "SignedHeaders", "Signature")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it was sent: path and query still encoded, the body's bytes.

    Header names are in lower case, values of a repeated header joined by commas.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def time(self) -> str:
        """When it was signed, as `20260102T030405Z`; empty if it does not say."""
        return self.headers.get("x-amz-date", "")

    @property
    def body_hash(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the header of this name says."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, header: str) -> Self:
        """Read a header; raises `ValueError` naming what it lacks."""
        algorithm, _, rest = header.partition(" ")
        if algorithm != ALGORITHM:
            raise ValueError(f"Unsupported AWS 'algorithm': '{algorithm}'.")
        parameters = dict(re.findall(r"(\w+)=([^,\s]*)", rest))
        for name in _PARAMETERS:
            if not parameters.get(name):
                raise ValueError(f"Authorization header requires '{name}' parameter.")
        scope = parameters["Credential"].split("/")
        if len(scope) != 5 or scope[-1] != _TERMINATOR:  # noqa: PLR2004 - five parts
            raise ValueError("Credential must be <key id>/<date>/<region>/<service>/")
        access_key_id, date, region, service, _ = scope
        return cls(
            access_key_id=access_key_id,
            date=date,
            region=region,
            service=service,
            signed_headers=tuple(parameters["SignedHeaders"].split(";")),
            signature=parameters["Signature"],
        )

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{_TERMINATOR}"


def signature(
    request: SignedRequest, authorization: Authorization, secret_access_key: str
) -> str:
    """Sign *request* as its sender should have; 64 hex digits."""
    canonical = canonical_request(request, authorization.signed_headers)
    text = "\n".join(
        (
            ALGORITHM,
            request.time,
            authorization.scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    return _mac(_signing_key(authorization, secret_access_key), text).hex()


def canonical_request(request: SignedRequest, signed_headers: tuple[str, ...]) -> str:
    """Write the request in the form that is hashed.

    Every service but S3 encodes the path once more. Dot segments are left alone: no
    path here has any.
    """
    headers = (
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n"
        for name in signed_headers
    )
    return "\n".join(
        (
            request.method,
            quote(request.path, safe=f"/{_UNRESERVED}"),
            _canonical_query(request.query),
            "".join(headers),
            ";".join(signed_headers),
            request.body_hash,
        )
    )


def _canonical_query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return "&".join(
        f"{name}={value}"
        for name, value in sorted(
            (_encoded_once(name), _encoded_once(value)) for name, _, value in pairs
        )
    )


def _encoded_once(text: str) -> str:
    return quote(unquote(text), safe=_UNRESERVED)


def _signing_key(authorization: Authorization, secret_access_key: str) -> bytes:
    key = f"AWS4{secret_access_key}".encode()
    for part in authorization.scope.split("/"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

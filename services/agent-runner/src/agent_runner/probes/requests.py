"""What is sent to a provider to try it, and to have its models listed. Pure.

Sources: the API references of OpenAI and Anthropic; the service models of `bedrock` and
`bedrock-runtime` in botocore. A key goes to no other origin than the provider's own: a
custom endpoint of Bedrock's runtime is asked for the list, too.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlencode, urlsplit

from shared.aws_signature import AwsKeys, signature_headers
from shared.contracts.credentials import LeasedCredential, ProviderType

__all__ = ["ProbeRequest", "models_request", "profiles_request", "trial_call"]

_WORDS = "Hi"
_FEW_TOKENS = 16  # fewer are refused by models that reason before they answer
_ANTHROPIC_VERSION = "2023-06-01"
_LONGEST_PAGE = 1000
_SERVICE = "bedrock"  # signs for the runtime and for the control plane
_RUNTIME = re.compile(
    r"https://bedrock-runtime(?P<fips>-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?P<suffix>amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws)"
)


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """*url* is percent-encoded and must be sent as it is."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = b""


def trial_call(
    credential: LeasedCredential, *, model: str | None, now: datetime
) -> ProbeRequest:
    """Make the cheapest call: a few tokens of *model*; without one, a list is free.

    Bedrock needs a model: to list them is a permission that agents do without.
    """
    match credential.type:
        case ProviderType.OPENAI if model:
            return _post(credential, "/chat/completions", _openai_body(model))
        case ProviderType.ANTHROPIC if model:
            return _post(credential, "/v1/messages", _anthropic_body(model))
        case ProviderType.BEDROCK:
            return _converse(credential, model or "", now)
        case ProviderType.OPENAI | ProviderType.ANTHROPIC:
            return models_request(credential, region=None, after=None, now=now)


def models_request(
    credential: LeasedCredential,
    *,
    region: str | None,
    after: str | None,
    now: datetime,
) -> ProbeRequest:
    """Ask for the models, of a list in pages for those *after* one."""
    match credential.type:
        case ProviderType.OPENAI:
            return _get(credential, "/models")
        case ProviderType.ANTHROPIC:
            page = {"limit": _LONGEST_PAGE} | ({"after_id": after} if after else {})
            return _get(credential, f"/v1/models?{urlencode(page)}")
        case ProviderType.BEDROCK:
            return _listed(credential, "/foundation-models", {}, region, now)


def profiles_request(
    credential: LeasedCredential,
    *,
    region: str | None,
    after: str | None,
    now: datetime,
) -> ProbeRequest:
    """Ask Bedrock for the inference profiles that AWS defines."""
    page = {"type": "SYSTEM_DEFINED", "maxResults": str(_LONGEST_PAGE)}
    page |= {"nextToken": after} if after else {}
    return _listed(credential, "/inference-profiles", page, region, now)


def _get(credential: LeasedCredential, path: str) -> ProbeRequest:
    return ProbeRequest("GET", credential.base_url + path, _key_headers(credential))


def _post(credential: LeasedCredential, path: str, body: bytes) -> ProbeRequest:
    headers = _key_headers(credential) | {"Content-Type": "application/json"}
    return ProbeRequest("POST", credential.base_url + path, headers, body)


def _key_headers(credential: LeasedCredential) -> dict[str, str]:
    key = credential.fields["api_key"].get_secret_value()
    if credential.type is ProviderType.ANTHROPIC:
        return {"x-api-key": key, "anthropic-version": _ANTHROPIC_VERSION}
    return {"Authorization": f"Bearer {key}"}


def _openai_body(model: str) -> bytes:
    messages = [{"role": "user", "content": _WORDS}]
    return _json(
        {"model": model, "messages": messages, "max_completion_tokens": _FEW_TOKENS}
    )


def _anthropic_body(model: str) -> bytes:
    messages = [{"role": "user", "content": _WORDS}]
    return _json({"model": model, "messages": messages, "max_tokens": 1})


def _converse(credential: LeasedCredential, model: str, now: datetime) -> ProbeRequest:
    body = {
        "messages": [{"role": "user", "content": [{"text": _WORDS}]}],
        "inferenceConfig": {"maxTokens": 1},
    }
    return _signed(
        credential,
        "POST",
        f"{credential.base_url}/model/{quote(model, safe='')}/converse",
        _json(body),
        region=credential.aws_region or "",
        now=now,
    )


def _listed(
    credential: LeasedCredential,
    path: str,
    query: Mapping[str, str],
    region: str | None,
    now: datetime,
) -> ProbeRequest:
    region = region or credential.aws_region or ""
    address = _control_plane(credential.base_url, region) + path
    if query:
        address += "?" + urlencode(query, quote_via=quote, safe="")
    return _signed(credential, "GET", address, b"", region=region, now=now)


def _control_plane(base_url: str, region: str) -> str:
    """Find the control plane beside AWS's own runtime, in any of its regions."""
    runtime = _RUNTIME.fullmatch(base_url)
    if runtime is None:
        return base_url
    return f"https://bedrock{runtime['fips'] or ''}.{region}.{runtime['suffix']}"


def _signed(
    credential: LeasedCredential,
    method: str,
    url: str,
    body: bytes,
    *,
    region: str,
    now: datetime,
) -> ProbeRequest:
    """Sign with the key pair, or show the bearer key."""
    headers = {"Content-Type": "application/json"} if body else {}
    secrets = {
        name: each.get_secret_value() for name, each in credential.fields.items()
    }
    if "api_key" in secrets:
        headers["Authorization"] = f"Bearer {secrets['api_key']}"
        return ProbeRequest(method, url, headers, body)
    address = urlsplit(url)
    signature = signature_headers(
        AwsKeys(
            secrets["aws_access_key_id"],
            secrets["aws_secret_access_key"],
            secrets.get("aws_session_token"),
        ),
        method=method,
        host=address.netloc,
        path=address.path,
        query=address.query,
        headers=headers,
        body=body,
        region=region,
        service=_SERVICE,
        now=now,
    )
    return ProbeRequest(method, url, headers | signature, body)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()

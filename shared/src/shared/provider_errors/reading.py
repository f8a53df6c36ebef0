"""Reading what a provider's answer says of its failure: names, message, parameter.

Shapes: the references of the three APIs. Bodies that are something else (HTML of an
edge server, nothing at all) say nothing, and the status alone explains them.
"""

import json
from collections.abc import Mapping
from typing import Any

from .rows import ErrorSource, Failure

__all__ = ["failure_in", "failure_in_event"]

_IN_A_STREAM = 200
_LONGEST_BYTES = 1024 * 1024  # whoever reads longer ones holds others up


def failure_in(
    source: ErrorSource, *, status: int, headers: Mapping[str, str], body: bytes
) -> Failure:
    """Read an answer of 400 or more; *headers* ignore case, or are in lower case."""
    return _read(
        source, status, _object(body), name=headers.get("x-amzn-errortype", "")
    )


def failure_in_event(
    source: ErrorSource, event: Mapping[str, Any], *, name: str = ""
) -> Failure:
    """Read the data of a stream's error event, which comes under status 200.

    *name* is what Bedrock's binary stream says beside the data (`:exception-type`).
    """
    return _read(source, _IN_A_STREAM, event, name=name)


def _read(
    source: ErrorSource, status: int, fields: Mapping[str, Any], *, name: str
) -> Failure:
    match source:
        case ErrorSource.OPENAI:
            return _openai(status, fields)
        case ErrorSource.ANTHROPIC:
            return _anthropic(status, fields)
        case ErrorSource.BEDROCK | ErrorSource.STS | ErrorSource.KMS:
            return _aws(status, fields, name)


def _openai(status: int, fields: Mapping[str, Any]) -> Failure:
    """Read `error`, an object or only its message, or the body itself."""
    error = fields.get("error", fields)
    if not isinstance(error, dict):
        error = {"message": error}
    return Failure(
        status,
        names=_names(error.get("code"), error.get("type")),
        message=_text(error.get("message") or error.get("detail")),
        param=_text(error.get("param")) or None,
    )


def _anthropic(status: int, fields: Mapping[str, Any]) -> Failure:
    error = fields.get("error")
    if not isinstance(error, dict):
        error = {"message": error or fields.get("message")}
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    return Failure(
        status,
        names=_names(code, error.get("type")),
        message=_text(error.get("message")),
    )


def _aws(status: int, fields: Mapping[str, Any], given: str) -> Failure:
    """Read the name as botocore does: from the header, else from the body.

    Claude's own errors are shaped as Anthropic's.
    """
    if isinstance(fields.get("error"), dict):
        return _anthropic(status, fields)
    name = given or _text(fields.get("code")) or _text(fields.get("__type"))
    return Failure(
        status,
        names=_names(_exception(name)),
        message=_text(fields.get("message") or fields.get("Message")),
    )


def _exception(name: str) -> str:
    """Strip the address behind `:` and the namespace before `#`.

    Inside a stream a name begins in lower case: `throttlingException`.
    """
    bare = name.partition(":")[0].rpartition("#")[2]
    return bare if "_" in bare else bare[:1].upper() + bare[1:]


def _names(*given: object) -> tuple[str, ...]:
    return tuple(str(each) for each in given if each)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(body: bytes) -> Mapping[str, Any]:
    if len(body) > _LONGEST_BYTES:
        return {}
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}

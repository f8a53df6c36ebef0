import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from agent_runner.proxy.anthropic.wire_format import ANTHROPIC
from agent_runner.proxy.headers import value_of, values_of
from agent_runner.proxy.wire_format import Asked, Fields, Outgoing, Reply
from agent_runner.used import Used
from shared.contracts.credentials import LeasedCredential
from shared.errors import (
    AppError,
    LimitedError,
    ModelNotAllowedError,
    UnavailableError,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BODY = b'{"model":"claude-opus-5-5"}'


def credential(**more: Any) -> LeasedCredential:
    return LeasedCredential.model_validate(
        {
            "provider_id": UUID(int=1),
            "type": "anthropic",
            "name": "Main",
            "use_case": None,
            "base_url": "https://api.anthropic.com",
            "enabled": True,
            "version": 1,
            "fields": {"api_key": "sk-ant-real"},
            **more,
        }
    )


def asked(*fields: tuple[bytes, bytes], path: str = "messages") -> Asked:
    route = ANTHROPIC.route_of("POST", path, "")
    return Asked(route, ANTHROPIC.read_request(route, BODY), fields)


def sent(*fields: tuple[bytes, bytes], **more: Any) -> Outgoing:
    return ANTHROPIC.outgoing(asked(*fields), credential(**more), NOW)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ([(b"x-api-key", b"k")], "k"),
        ([(b"authorization", b"Bearer k")], "k"),
        ([(b"authorization", b"Bearer k"), (b"x-api-key", b"k")], "k"),
        ([(b"authorization", b"Bearer k"), (b"x-api-key", b"other")], ""),
        ([(b"authorization", b"Basic k"), (b"x-api-key", b"")], ""),
        ([(b"x-api-key", b"\xff")], ""),
        ([], ""),
    ],
)
def test_the_key_is_read_wherever_an_sdk_puts_it(fields: Fields, key: str) -> None:
    assert ANTHROPIC.key_of(fields) == key


def test_exactly_one_credential_goes_out() -> None:
    outgoing = sent((b"authorization", b"Bearer agt_1"), (b"x-api-key", b"agt_1"))

    assert values_of(outgoing.fields, b"x-api-key") == ["sk-ant-real"]
    assert values_of(outgoing.fields, b"authorization") == []
    assert "sk-ant-real" not in repr(outgoing)


def test_the_version_and_the_betas_pass_untouched() -> None:
    outgoing = sent((b"anthropic-version", b"2026-10-21"), (b"anthropic-beta", b"a,b"))

    assert value_of(outgoing.fields, b"anthropic-version") == "2026-10-21"
    assert value_of(outgoing.fields, b"anthropic-beta") == "a,b"


@pytest.mark.parametrize("base_url", ["https://x/prefix", "https://x/prefix/"])
def test_the_path_follows_the_base_url(base_url: str) -> None:
    assert sent(base_url=base_url).url == "https://x/prefix/v1/messages"


def test_without_a_key_nothing_goes_out() -> None:
    with pytest.raises(UnavailableError):
        sent(fields={})


def test_counting_tokens_uses_none() -> None:
    answer = Reply(200, [], b'{"input_tokens":2095}')

    report = ANTHROPIC.outcome_of(asked(path="messages/count_tokens"), answer).report

    assert report.usage == Used(input_tokens=0, output_tokens=0)


@pytest.mark.parametrize(
    ("path", "content_type", "is_stream"),
    [
        ("messages", "text/event-stream", True),
        ("messages", "application/json", False),
        ("messages/count_tokens", "text/event-stream", False),
    ],
)
def test_only_a_message_comes_as_a_stream(
    path: str, content_type: str, *, is_stream: bool
) -> None:
    stream = ANTHROPIC.stream_of(asked(path=path), content_type)

    assert (stream is not None) is is_stream


@pytest.mark.parametrize(
    ("error", "status", "kind", "advice"),
    [
        (ModelNotAllowedError("No."), 403, "permission_error", "false"),
        (UnavailableError("No."), 503, "overloaded_error", ""),
        (LimitedError("No."), 429, "rate_limit_error", ""),
        (AppError("No."), 500, "api_error", ""),
    ],
)
def test_a_refusal_has_anthropics_shape(
    error: AppError, *, status: int, kind: str, advice: str
) -> None:
    reply = ANTHROPIC.refusal(error, "req-1")

    assert reply.status == status
    assert json.loads(reply.body) == {
        "type": "error",
        "error": {
            "type": kind,
            "message": "No.",
            "details": {"error_code": error.code.lower()},
        },
        "request_id": "req-1",
    }
    assert value_of(reply.fields, b"x-ag2trust-error") == error.code
    assert value_of(reply.fields, b"request-id") == "req-1"
    assert value_of(reply.fields, b"x-request-id") == "req-1"
    assert value_of(reply.fields, b"x-should-retry") == advice

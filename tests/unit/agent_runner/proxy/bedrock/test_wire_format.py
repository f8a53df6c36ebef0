import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from agent_runner.proxy.bedrock.wire_format import BEDROCK
from agent_runner.proxy.headers import value_of, values_of
from agent_runner.proxy.provider_failures import (
    ProviderFailedError,
    RedirectedError,
    failure_of,
)
from agent_runner.proxy.wire_format import Asked, Outgoing
from shared.aws_signature import AwsKeys, signature_headers
from shared.contracts.credentials import LeasedCredential
from shared.errors import (
    AppError,
    InvalidAgentTokenError,
    LimitedError,
    MalformedError,
    ModelNotAllowedError,
    TooLargeError,
    UnavailableError,
    WireFormatMismatchError,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = b'{"messages":[]}'
PAIR = {"aws_access_key_id": "AKIDREAL", "aws_secret_access_key": "secret-real"}
SIGNED = b"AWS4-HMAC-SHA256 Credential=%b/20260102/us-east-1/bedrock/aws4_request, "


def credential(**more: Any) -> LeasedCredential:
    return LeasedCredential.model_validate(
        {
            "provider_id": UUID(int=1),
            "type": "bedrock",
            "name": "Main",
            "use_case": None,
            "base_url": "https://bedrock-runtime.eu-west-1.amazonaws.com",
            "aws_region": "eu-west-1",
            "enabled": True,
            "version": 1,
            "fields": PAIR,
            **more,
        }
    )


def sent(*fields: tuple[bytes, bytes], **more: Any) -> Outgoing:
    route = BEDROCK.route_of("POST", "model/amazon.nova-pro-v1:0/converse", "")
    asked = Asked(route, BEDROCK.read_request(route, BODY), fields)
    return BEDROCK.outgoing(asked, credential(**more), NOW)


@pytest.mark.parametrize(
    ("authorization", "key"),
    [
        (SIGNED % b"agt_1" + b"SignedHeaders=host, Signature=0", "agt_1"),
        (b"AWS4-HMAC-SHA256 SignedHeaders=host, Credential=AKID/2026/x, S=1", "AKID"),
        (b"AWS4-HMAC-SHA256 SignedHeaders=host,Credential=AKID/2026/x", "AKID"),
        (b"Bearer ABSK1", "ABSK1"),
        (b"AWS4-HMAC-SHA256 Credential=agt_1", ""),
        (b"AWS4-HMAC-SHA256 Credential=/2026", ""),
        (b"AWS4-HMAC-SHA256 XCredential=a/b", ""),
        (b"AWS4-ECDSA-P256-SHA256 Credential=agt_1/2026/bedrock", ""),
        (b"AWS4-HMAC-SHA256 Credential=\xff\xfe/2026", ""),
        (b"Basic x", ""),
        (b"", ""),
    ],
)
def test_the_key_is_the_one_in_the_credential_scope(
    authorization: bytes, key: str
) -> None:
    assert BEDROCK.key_of([(b"authorization", authorization)]) == key


@pytest.mark.parametrize("piece", [b",Credential=a", b" Credential=", b"Credential=a"])
def test_a_signature_of_many_beginnings_is_looked_through_once(piece: bytes) -> None:
    value = b"AWS4-HMAC-SHA256 " + piece * (1024 * 1024 // len(piece))

    assert BEDROCK.key_of([(b"authorization", value)]) == ""


def test_a_request_is_signed_anew_with_the_providers_keys() -> None:
    outgoing = sent(
        (b"authorization", SIGNED % b"agt_1" + b"Signature=0"),
        (b"x-amz-date", b"20200101T000000Z"),
        (b"x-amz-security-token", b"of the agent"),
        (b"content-type", b"application/json"),
        (b"x-amzn-bedrock-trace", b"ENABLED"),
        (b"user-agent", b"Boto3"),
        fields={**PAIR, "aws_session_token": "session-real"},
    )

    expected = signature_headers(
        AwsKeys("AKIDREAL", "secret-real", "session-real"),
        method="POST",
        host="bedrock-runtime.eu-west-1.amazonaws.com",
        path="/model/amazon.nova-pro-v1%3A0/converse",
        headers={
            "Content-Type": "application/json",
            "X-Amzn-Bedrock-Trace": "ENABLED",
        },
        body=BODY,
        region="eu-west-1",
        service="bedrock",
        now=NOW,
    )
    assert {
        name: values_of(outgoing.fields, name.lower().encode()) for name in expected
    } == {name: [value] for name, value in expected.items()}
    assert value_of(outgoing.fields, b"user-agent") == "Boto3"
    assert "secret-real" not in repr(outgoing)


@pytest.mark.parametrize(
    ("base_url", "url", "host"),
    [
        ("https://vpce-1.example/", "https://vpce-1.example/model/", "vpce-1.example"),
        ("http://10.0.0.1:8443/x", "http://10.0.0.1:8443/x/model/", "10.0.0.1:8443"),
    ],
)
def test_an_endpoint_of_its_own_keeps_its_prefix_and_signs_its_port(
    base_url: str, url: str, host: str
) -> None:
    outgoing = sent(base_url=base_url)

    expected = signature_headers(
        AwsKeys("AKIDREAL", "secret-real"),
        method="POST",
        host=host,
        path=outgoing.url.partition(host)[2],
        headers={},
        body=BODY,
        region="eu-west-1",
        service="bedrock",
        now=NOW,
    )
    assert outgoing.url == f"{url}amazon.nova-pro-v1%3A0/converse"
    assert value_of(outgoing.fields, b"authorization") == expected["Authorization"]


def test_a_bearer_key_goes_out_unsigned() -> None:
    outgoing = sent(fields={"api_key": "ABSKreal"})

    assert values_of(outgoing.fields, b"authorization") == ["Bearer ABSKreal"]
    assert value_of(outgoing.fields, b"x-amz-date") == ""


@pytest.mark.parametrize(
    "more",
    [{"fields": {}}, {"fields": {"aws_access_key_id": "AKID"}}, {"aws_region": None}],
)
def test_without_keys_or_a_region_nothing_goes_out(more: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError):
        sent(**more)


@pytest.mark.parametrize(
    ("error", "status", "exception"),
    [
        (MalformedError("No."), 400, "ValidationException"),
        (WireFormatMismatchError("No."), 400, "ValidationException"),
        (InvalidAgentTokenError("No."), 403, "UnrecognizedClientException"),
        (ModelNotAllowedError("No."), 403, "AccessDeniedException"),
        (TooLargeError("No."), 413, "ValidationException"),
        (LimitedError("No."), 429, "ThrottlingException"),
        (AppError("No."), 500, "InternalServerException"),
        (UnavailableError("No."), 503, "ServiceUnavailableException"),
    ],
)
def test_a_refusal_is_an_exception_that_boto3_knows(
    error: AppError, *, status: int, exception: str
) -> None:
    reply = BEDROCK.refusal(error, "req-1")

    assert reply.status == status
    assert json.loads(reply.body) == {"message": "No."}
    assert value_of(reply.fields, b"x-amzn-errortype") == exception
    assert value_of(reply.fields, b"x-amzn-requestid") == "req-1"
    assert value_of(reply.fields, b"x-request-id") == "req-1"
    assert value_of(reply.fields, b"x-ag2trust-error") == error.code


@pytest.mark.parametrize(
    ("cause", "status", "exception"),
    [
        (ConnectionResetError(), 502, "InternalServerException"),
        (RedirectedError(), 424, "ModelErrorException"),
    ],
)
def test_a_failure_that_is_final_has_a_status_that_is_not_tried_again(
    cause: Exception, status: int, exception: str
) -> None:
    failure = ProviderFailedError(failure_of(cause, has_answered=False))

    reply = BEDROCK.refusal(failure, "req-1")

    assert reply.status == status
    assert value_of(reply.fields, b"x-amzn-errortype") == exception


def test_a_client_is_told_in_milliseconds_when_to_come_back() -> None:
    reply = BEDROCK.refusal(LimitedError("No.", retry_after_seconds=1.25), "req-1")

    assert value_of(reply.fields, b"x-amz-retry-after") == "1250"
    assert value_of(reply.fields, b"retry-after") == "2"

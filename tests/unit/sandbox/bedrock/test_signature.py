"""Our signatures against golden vectors, and against botocore's signer."""

import hashlib
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from ag2trust_sandbox.bedrock.signature import (
    Authorization,
    SignedRequest,
    canonical_request,
    signature,
)

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SONNET = "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/invoke"
PROFILE = (
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile"
    "%2Fus.anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream"
)


def golden(path: str, token: str | None) -> tuple[SignedRequest, Authorization]:
    headers = {
        "content-type": "application/json",
        "host": HOST,
        "x-amz-date": "20260102T030405Z",
    }
    if token is not None:
        headers["x-amz-security-token"] = token
    request = SignedRequest("POST", path, "", headers, b'{"a":1}')
    signed = ";".join(sorted(headers))
    authorization = Authorization.parse(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/bedrock/"
        f"aws4_request, SignedHeaders={signed}, Signature=0"
    )
    return request, authorization


@pytest.mark.parametrize(
    ("path", "token", "canonical_hash", "expected"),
    [
        (
            SONNET,
            None,
            "813e613dc99cadb4df4710f7c036a8541db3161bed81b7ea13550c07c03e738e",
            "b8022c308e1f763c7e6711789356bc364f59e2594f5d5f2a24190be9be4944d6",
        ),
        (
            SONNET,
            "TOKEN",
            "b47e0bbc8e48a1c9432c3b62e4453b636affb098704887f3beda53fa53b3e3f3",
            "ebcdd1e348826ff697afa6740cfff49940aef0ac82af3fb3cb660c760a9b144d",
        ),
        (
            PROFILE,
            None,
            "8bd838c94a8b89bcf8bdd235d5121c71087b9a81b5d17adab74bcb458f2ea551",
            "81bc11fca0922e382135fd05e6f14a35a43c279ac13ca76da94547d63f6eeb10",
        ),
        (
            PROFILE,
            "TOKEN",
            "df1d42df84919efe955a3398883bf9cd7c641bc28eae6ab546655aa0158323fe",
            "f9a2d695ba2c8f6468403d674e98826d966474a636592ea7214e13f32579187d",
        ),
    ],
)
def test_a_request_is_signed_as_the_golden_vector(
    path: str, token: str | None, canonical_hash: str, expected: str
) -> None:
    request, authorization = golden(path, token)

    canonical = canonical_request(request, authorization.signed_headers)

    assert hashlib.sha256(canonical.encode()).hexdigest() == canonical_hash
    assert signature(request, authorization, SECRET) == expected


SEGMENTS = st.text(st.sampled_from("abc:.-_~%2F3A+@!*'()"), min_size=1, max_size=12)
VALUES = st.text(st.sampled_from("ab =&;,:\"'"), max_size=12)


@given(
    path=st.lists(SEGMENTS, min_size=1, max_size=3),
    query=st.dictionaries(st.sampled_from("bac"), VALUES, max_size=3),
    value=VALUES,
    body=st.binary(max_size=40),
)
def test_whatever_botocore_signs_we_sign_the_same(
    path: list[str], query: dict[str, str], value: str, body: bytes
) -> None:
    sent_path = "".join(f"/{segment}" for segment in path).replace("/.", "/_")
    sent_query = "&".join(f"{name}={quote(text)}" for name, text in query.items())
    sent = AWSRequest(
        method="POST",
        url=f"http://{HOST}{sent_path}?{sent_query}",
        headers={"X-Custom": value},
        data=body,
    )
    SigV4Auth(Credentials("AKID", SECRET, "TOKEN"), "bedrock", "eu-west-1").add_auth(
        sent
    )

    authorization = Authorization.parse(sent.headers["Authorization"])
    received = SignedRequest(
        method="POST",
        path=sent_path,
        query=sent_query,
        headers={
            "host": HOST,
            **{name.lower(): value for name, value in sent.headers.items()},
        },
        body=body,
    )

    assert authorization.region == "eu-west-1"
    assert signature(received, authorization, SECRET) == authorization.signature


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("AWS3 Credential=a/b/c/d/aws4_request", "Unsupported AWS 'algorithm': 'AWS3'"),
        ("AWS4-HMAC-SHA256", "requires 'Credential' parameter"),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request", "'SignedHeaders'"),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=h",
            "requires 'Signature' parameter",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0",
            "Credential must be",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/aws4_request, SignedHeaders=h, Signature=0",
            "Credential must be",
        ),
    ],
)
def test_a_malformed_header_is_named(header: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Authorization.parse(header)

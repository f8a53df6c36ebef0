"""Our signature against the one that botocore makes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from shared.aws_signature import AwsKeys, signature_headers

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CLAUDE = "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/invoke"
PROFILE = (
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2F"
    "us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream"
)

printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
unreserved = st.text("abcXYZ019-_.~", min_size=1)
segments = st.one_of(unreserved, st.just("a%3Ab"), st.just("c:d"), st.just("e%2Ff"))
paths = st.lists(segments.filter(lambda each: set(each) != {"."}), min_size=1).map(
    lambda each: "/" + "/".join(each)
)
queries = st.lists(st.tuples(unreserved, unreserved), unique_by=lambda each: each[0])
names = st.sampled_from(
    ["content-type", "X-Amzn-Bedrock-Trace", "x-amzn-bedrock-accept", "accept"]
)


def signed(
    path: str = CLAUDE,
    *,
    token: str | None = None,
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = b'{"a":1}',
    now: datetime = NOW,
) -> dict[str, str]:
    return signature_headers(
        AwsKeys("AKIDEXAMPLE", SECRET, token),
        method="POST",
        host=HOST,
        path=path,
        query=query,
        headers={"Content-Type": "application/json"} if headers is None else headers,
        body=body,
        region="us-east-1",
        service="bedrock",
        now=now,
    )


class Oracle(SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """botocore's signer at a moment of our choice."""

    def sign(self, request: AWSRequest, now: datetime) -> str:
        request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        words = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(words, request))
        authorization: str = request.headers["Authorization"]
        return authorization


@pytest.mark.parametrize(
    ("path", "token", "signature"),
    [
        (
            CLAUDE,
            None,
            "b8022c308e1f763c7e6711789356bc364f59e2594f5d5f2a24190be9be4944d6",
        ),
        (
            CLAUDE,
            "TOKEN",
            "ebcdd1e348826ff697afa6740cfff49940aef0ac82af3fb3cb660c760a9b144d",
        ),
        (
            PROFILE,
            None,
            "81bc11fca0922e382135fd05e6f14a35a43c279ac13ca76da94547d63f6eeb10",
        ),
        (
            PROFILE,
            "TOKEN",
            "f9a2d695ba2c8f6468403d674e98826d966474a636592ea7214e13f32579187d",
        ),
    ],
)
def test_the_signatures_that_were_recorded(
    path: str, token: str | None, signature: str
) -> None:
    headers = signed(path, token=token)

    assert headers["Authorization"].endswith(f"Signature={signature}")
    assert headers["X-Amz-Date"] == "20260102T030405Z"
    assert headers.get("X-Amz-Security-Token") == token


@given(
    path=paths,
    query=queries,
    headers=st.dictionaries(names, printable),
    body=st.binary(),
    token=st.none() | printable,
    now=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_botocore_signs_alike(
    *,
    path: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    token: str | None,
    now: datetime,
) -> None:
    told = "&".join(f"{name}={value}" for name, value in query)
    credentials = Credentials("AKIDEXAMPLE", SECRET, token)
    request = AWSRequest(
        method="POST",
        url=f"https://{HOST}{path}" + (f"?{told}" if told else ""),
        headers=headers,
        data=body,
    )

    theirs = Oracle(credentials, "bedrock", "us-east-1").sign(request, now)
    ours = signed(
        path,
        token=token,
        query=told,
        headers=headers,
        body=body,
        now=now.replace(tzinfo=UTC),
    )

    assert ours["Authorization"] == theirs


def test_a_moment_is_the_same_in_every_time_zone() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))

    assert signed(now=elsewhere) == signed()


@pytest.mark.parametrize(
    "change", [{"body": b'{"a":2}'}, {"token": "T"}, {"path": CLAUDE + "x"}]
)
def test_whatever_changes_changes_the_signature(change: dict[str, object]) -> None:
    assert signed(**change)["Authorization"] != signed()["Authorization"]  # type: ignore[arg-type]  # as given


def test_keys_do_not_show_themselves() -> None:
    shown = repr(AwsKeys("id", "the-key", "the-token"))

    assert "the-key" not in shown
    assert "the-token" not in shown

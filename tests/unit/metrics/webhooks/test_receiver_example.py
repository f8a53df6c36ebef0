"""The example of a receiver believes what we sign, and nothing else."""

import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from metrics.webhooks.signing import headers_of

EXAMPLE = Path(__file__).parents[4] / "examples" / "webhooks" / "receive.py"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BODY = b'{"type":"alert.opened","timestamp":"2026-01-01T12:00:00Z","data":{}}'


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLE))


def signed() -> dict[str, str]:
    return headers_of(UUID(int=1), BODY, secret=SecretStr(SECRET), at=NOON)


def test_what_we_sign_is_believed(example: dict[str, Any]) -> None:
    told = example["verified"](signed(), BODY, secret=SECRET, now=NOON.timestamp())

    assert told["type"] == "alert.opened"


@pytest.mark.parametrize(
    ("changed", "body", "later"),
    [
        ({}, BODY.replace(b"opened", b"closed"), timedelta()),
        ({"webhook-id": "another"}, BODY, timedelta()),
        ({"webhook-timestamp": "1767268801"}, BODY, timedelta()),
        ({"webhook-timestamp": "noon"}, BODY, timedelta()),
        ({"webhook-signature": "v1,AAAA"}, BODY, timedelta()),
        ({"webhook-signature": ""}, BODY, timedelta()),
        ({"webhook-signature": "v1,\xe9"}, BODY, timedelta()),
        ({}, BODY, timedelta(minutes=6)),
        ({}, BODY, timedelta(minutes=-6)),
    ],
)
def test_what_was_changed_or_kept_back_is_not(
    example: dict[str, Any], changed: dict[str, str], body: bytes, later: timedelta
) -> None:
    now = (NOON + later).timestamp()

    with pytest.raises(example["UnbelievableError"]):
        example["verified"](signed() | changed, body, secret=SECRET, now=now)


def test_another_secret_does_not_do(example: dict[str, Any]) -> None:
    other = "whsec_" + "A" * 32

    with pytest.raises(example["UnbelievableError"]):
        example["verified"](signed(), BODY, secret=other, now=NOON.timestamp())

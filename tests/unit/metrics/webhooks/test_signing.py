"""Signatures as Standard Webhooks compute them."""

from datetime import UTC, datetime
from uuid import UUID

from pydantic import SecretStr

from metrics.webhooks.signing import headers_of, signature_of

SECRET = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_vector_of_the_reference_implementations_is_met() -> None:
    signature = signature_of(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        secret=SECRET,
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_attempt_says_what_it_signs() -> None:
    delivery_id = UUID(int=7)

    headers = headers_of(delivery_id, b"{}", secret=SECRET, at=NOON)

    assert headers == {
        "content-type": "application/json",
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(int(NOON.timestamp())),
        "webhook-signature": signature_of(
            str(delivery_id), int(NOON.timestamp()), b"{}", secret=SECRET
        ),
    }

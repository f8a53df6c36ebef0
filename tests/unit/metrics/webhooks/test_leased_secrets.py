"""The secrets of webhooks in memory: the pinned service's own, for a while."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr

from metrics.webhooks.leased_secrets import LeasedSecrets
from shared.bus import answer
from shared.contracts.base import Signed
from shared.contracts.leasing import SealedLease
from shared.contracts.webhook_secrets import (
    LEASE_WEBHOOK_SECRET,
    WEBHOOK_LEASE_PURPOSE,
    WEBHOOK_LEASE_REPLY_PURPOSE,
    LeasedWebhook,
    WebhookLeaseRequest,
    webhook_lease_binding,
)
from shared.errors import LeaseRefusedError
from shared.identity import Identity
from shared.ids import new_id
from shared.sealing import seal
from shared.signing import signed_bytes, verify
from shared.testing import FakeBus, FakeClock

LIFETIME = timedelta(minutes=10)
WEBHOOK = UUID(int=1)


class Credentials:
    """Answers as the credentials service does, *bound* to the question it is asked."""

    def __init__(self, metrics: Identity, clock: FakeClock) -> None:
        self.identity = Identity.generate()
        self.asked = 0
        self.bound: Callable[[bytes], bytes] = webhook_lease_binding
        self._metrics = metrics
        self._clock = clock

    async def lease(self, signed: Signed) -> SealedLease:
        self.asked += 1
        request = verify(
            signed,
            WebhookLeaseRequest,
            purpose=WEBHOOK_LEASE_PURPOSE,
            of=self._metrics.public,
        )
        leased = LeasedWebhook(
            webhook_id=request.webhook_id,
            url=SecretStr("https://hooks.example.com/t"),
            secret=SecretStr(f"whsec_{'A' * 32}"),
        )
        sealed = seal(
            leased.model_dump_json().encode(),
            to=request.public_key,
            info=self.bound(signed.body),
        )
        words = signed_bytes(WEBHOOK_LEASE_REPLY_PURPOSE, signed.body, sealed)
        return SealedLease(
            lease_id=new_id(),
            expires_at=self._clock() + LIFETIME,
            sealed=sealed,
            signature=self.identity.sign(words),
        )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def metrics() -> Identity:
    return Identity.generate()


@pytest.fixture
def credentials(metrics: Identity, clock: FakeClock) -> Credentials:
    return Credentials(metrics, clock)


@pytest.fixture
def secrets(
    credentials: Credentials, metrics: Identity, clock: FakeClock
) -> LeasedSecrets:
    bus = FakeBus()
    bus.serve(answer(LEASE_WEBHOOK_SECRET, credentials.lease))
    return LeasedSecrets(
        bus=bus, identity=metrics, credentials=credentials.identity.public, now=clock
    )


async def test_a_secret_is_leased_once_while_the_lease_lasts(
    secrets: LeasedSecrets, credentials: Credentials, clock: FakeClock
) -> None:
    first = await secrets.of(new_id(), WEBHOOK)
    clock.advance(LIFETIME - timedelta(seconds=1))
    second = await secrets.of(new_id(), WEBHOOK)

    assert first.url.get_secret_value() == "https://hooks.example.com/t"
    assert second is first
    assert credentials.asked == 1


async def test_after_it_ended_it_is_leased_again(
    secrets: LeasedSecrets, credentials: Credentials, clock: FakeClock
) -> None:
    await secrets.of(new_id(), WEBHOOK)
    clock.advance(LIFETIME)
    secrets.forget_ended()
    await secrets.of(new_id(), WEBHOOK)

    assert credentials.asked == 2


async def test_what_is_forgotten_is_leased_again(
    secrets: LeasedSecrets, credentials: Credentials
) -> None:
    await secrets.of(new_id(), WEBHOOK)
    secrets.forget(WEBHOOK)
    await secrets.of(new_id(), WEBHOOK)

    assert credentials.asked == 2


async def test_what_is_forgotten_while_it_is_leased_is_leased_again(
    secrets: LeasedSecrets, credentials: Credentials
) -> None:
    def forgotten(body: bytes) -> bytes:
        secrets.forget(WEBHOOK)
        return webhook_lease_binding(body)

    credentials.bound = forgotten
    await secrets.of(new_id(), WEBHOOK)
    await secrets.of(new_id(), WEBHOOK)

    assert credentials.asked == 2


async def test_an_answer_that_another_signed_is_refused(
    secrets: LeasedSecrets, credentials: Credentials
) -> None:
    credentials.identity = Identity.generate()

    with pytest.raises(LeaseRefusedError):
        await secrets.of(new_id(), WEBHOOK)


async def test_an_answer_to_another_question_is_refused(
    secrets: LeasedSecrets, credentials: Credentials
) -> None:
    credentials.bound = lambda _: webhook_lease_binding(b"another")

    with pytest.raises(LeaseRefusedError):
        await secrets.of(new_id(), WEBHOOK)

"""Secrets of webhooks: sealed at rest, and leased to metrics alone."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from ag2trust.testing import BusAs, Stack
from credentials.app import serving
from shared.contracts.base import Service
from shared.contracts.master_key import RewrapStatus
from shared.errors import (
    ConflictError,
    CredentialsFrozenError,
    CredentialTamperedError,
    InvalidError,
    LeaseRefusedError,
    MalformedError,
    UnavailableError,
)
from shared.identity import Identity
from shared.ids import new_id

from .conftest import Superuser
from .receiving import ORIGIN, SECRET, URL, Metrics
from .rotation import Rotation, key_id_of
from .speaking import Operator

pytestmark = pytest.mark.integration

WEBHOOK = new_id()
OTHER_SECRET = f"whsec_{'B' * 32}"


@pytest_asyncio.fixture
async def metrics(
    stack: Stack, bus_as: BusAs, operator: Operator
) -> AsyncIterator[Metrics]:
    async with bus_as(Service.METRICS) as bus:
        yield Metrics(
            bus,
            operator.org_id,
            stack.identity(Service.METRICS),
            stack.identity(Service.CREDENTIALS).public,
        )


async def _reasons(superuser: Superuser) -> list[str]:
    rows = await superuser.fetch(
        "SELECT details FROM audit WHERE act = 'lease.refused' ORDER BY id"
    )
    return [str(row["details"]) for row in rows]


@pytest.mark.usefixtures("service")
async def test_metrics_gets_what_was_kept(metrics: Metrics) -> None:
    await metrics.keep(WEBHOOK)

    leased = await metrics.lease(WEBHOOK)

    assert leased.url.get_secret_value() == URL
    assert leased.secret.get_secret_value() == SECRET


@pytest.mark.usefixtures("service")
async def test_neither_url_nor_secret_is_readable_at_rest(
    metrics: Metrics, superuser: Superuser
) -> None:
    await metrics.keep(WEBHOOK)
    await metrics.lease(WEBHOOK)

    rows = await superuser.fetch("SELECT * FROM webhook_secret, webhook_lease, audit")

    written = str([dict(row) for row in rows])
    assert ORIGIN in written
    assert "token-in-the-path" not in written
    assert SECRET.removeprefix("whsec_") not in written


@pytest.mark.usefixtures("service")
async def test_every_lease_is_in_the_audit(
    metrics: Metrics, superuser: Superuser
) -> None:
    await metrics.keep(WEBHOOK)
    await metrics.lease(WEBHOOK)
    await metrics.forget(WEBHOOK)

    acts = await superuser.fetch("SELECT act, object_id FROM audit ORDER BY position")

    assert [tuple(row) for row in acts] == [
        ("webhook_secret.kept", WEBHOOK),
        ("lease.granted", WEBHOOK),
        ("webhook_secret.forgotten", WEBHOOK),
    ]


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("signer", [Service.AGENT_RUNNER, Service.GATEWAY])
async def test_no_other_identity_gets_it(
    stack: Stack, metrics: Metrics, superuser: Superuser, signer: Service
) -> None:
    await metrics.keep(WEBHOOK)

    with pytest.raises(LeaseRefusedError):
        await metrics.leased(metrics.signed(WEBHOOK, by=stack.identity(signer)))

    [reason] = await _reasons(superuser)
    assert "not enrolled" in reason


@pytest.mark.usefixtures("service")
async def test_words_in_the_name_of_metrics_need_its_signature(
    metrics: Metrics, superuser: Superuser
) -> None:
    await metrics.keep(WEBHOOK)
    foreign = metrics.signed(WEBHOOK, by=Identity.generate())
    forged = foreign.model_copy(update={"signer": metrics.identity.public.nkey})

    with pytest.raises(LeaseRefusedError):
        await metrics.leased(forged)

    [reason] = await _reasons(superuser)
    assert "does not fit" in reason


@pytest.mark.usefixtures("service")
async def test_a_request_is_answered_once(metrics: Metrics) -> None:
    await metrics.keep(WEBHOOK)
    signed = metrics.signed(WEBHOOK)
    await metrics.leased(signed)

    with pytest.raises(LeaseRefusedError):
        await metrics.leased(signed)


@pytest.mark.usefixtures("service")
async def test_a_late_request_is_no_right_denied_but_clocks_that_differ(
    metrics: Metrics, superuser: Superuser
) -> None:
    await metrics.keep(WEBHOOK)
    late = datetime.now(UTC) - timedelta(minutes=1)

    with pytest.raises(UnavailableError, match="clocks"):
        await metrics.leased(metrics.signed(WEBHOOK, issued_at=late))

    [reason] = await _reasons(superuser)
    assert "not made just now" in reason


@pytest.mark.usefixtures("service")
async def test_another_organization_has_no_such_webhook(metrics: Metrics) -> None:
    await metrics.keep(WEBHOOK)

    with pytest.raises(LeaseRefusedError):
        await replace(metrics, org_id=new_id()).lease(WEBHOOK)


@pytest.mark.usefixtures("service")
async def test_what_is_forgotten_is_gone(
    metrics: Metrics, superuser: Superuser
) -> None:
    await metrics.keep(WEBHOOK)
    await metrics.lease(WEBHOOK)

    await metrics.forget(WEBHOOK)
    await metrics.forget(WEBHOOK)

    with pytest.raises(LeaseRefusedError):
        await metrics.lease(WEBHOOK)
    assert await superuser.fetchval("SELECT count(*) FROM webhook_secret") == 0


@pytest.mark.usefixtures("service")
async def test_what_is_kept_again_takes_the_place_of_what_was_kept(
    metrics: Metrics,
) -> None:
    await metrics.keep(WEBHOOK)

    await metrics.keep(WEBHOOK, secret=OTHER_SECRET)

    leased = await metrics.lease(WEBHOOK)
    assert leased.secret.get_secret_value() == OTHER_SECRET


@pytest.mark.usefixtures("service")
async def test_a_webhook_never_leads_to_another_origin(metrics: Metrics) -> None:
    await metrics.keep(WEBHOOK)

    elsewhere = "https://elsewhere.example.com"
    with pytest.raises(ConflictError):
        await metrics.keep(WEBHOOK, origin=elsewhere, url=f"{elsewhere}/hook")

    assert (await metrics.lease(WEBHOOK)).url.get_secret_value() == URL


@pytest.mark.usefixtures("service")
async def test_a_submission_is_for_one_webhook(metrics: Metrics) -> None:
    with pytest.raises(MalformedError):
        await metrics.keep(WEBHOOK, sealed_for=new_id())


@pytest.mark.usefixtures("service")
async def test_a_url_of_another_origin_than_is_told_is_refused(
    metrics: Metrics,
) -> None:
    with pytest.raises(InvalidError):
        await metrics.keep(WEBHOOK, origin="https://innocent.example.com")


@pytest.mark.usefixtures("service")
async def test_a_secret_whose_origin_was_changed_does_not_open(
    metrics: Metrics, superuser: Superuser
) -> None:
    await metrics.keep(WEBHOOK)
    await superuser.execute("UPDATE webhook_secret SET origin = 'https://evil.example'")

    with pytest.raises(CredentialTamperedError):
        await metrics.lease(WEBHOOK)

    [noted] = await superuser.fetch("SELECT * FROM audit WHERE act = 'lease.failed'")
    assert json.loads(noted["details"])["code"] == CredentialTamperedError.code


async def test_while_all_is_frozen_nothing_is_leased(
    rotation: Rotation, metrics: Metrics
) -> None:
    async with serving(rotation.old):
        await metrics.keep(WEBHOOK)
        await rotation.freeze()

        with pytest.raises(CredentialsFrozenError):
            await metrics.lease(WEBHOOK)

        await rotation.unfreeze()
        assert (await metrics.lease(WEBHOOK)).webhook_id == WEBHOOK


async def test_a_rewrap_brings_them_under_the_new_master_key_too(
    rotation: Rotation, metrics: Metrics, superuser: Superuser
) -> None:
    alone = rotation.new.model_copy(update={"retired_master_key_files": ()})
    async with serving(rotation.old):
        await metrics.keep(WEBHOOK)

    async with serving(rotation.new):
        before = await rotation.state()
        ended = await rotation.done()

    async with serving(alone):
        leased = await metrics.lease(WEBHOOK)
    [noted] = await rotation.noted("credential.rewrapped")
    assert before.data_keys == {key_id_of(rotation.old): 1}
    assert (ended.status, ended.rewrapped) == (RewrapStatus.COMPLETED, 1)
    assert (noted["object_kind"], noted["object_id"]) == ("webhook", WEBHOOK)
    assert leased.url.get_secret_value() == URL
    key_ids = await superuser.fetch("SELECT master_key_id FROM webhook_secret")
    assert [row["master_key_id"] for row in key_ids] == [key_id_of(rotation.new)]


async def test_a_webhooks_secret_that_was_tampered_with_is_told_and_gone_past(
    rotation: Rotation, metrics: Metrics, superuser: Superuser
) -> None:
    async with serving(rotation.old):
        await metrics.keep(WEBHOOK)
    await superuser.execute("UPDATE webhook_secret SET origin = 'https://evil.example'")

    async with serving(rotation.new):
        ended = await rotation.done()

    [noted] = await rotation.noted("credential.not_rewrapped")
    assert (ended.status, ended.unreadable) == (RewrapStatus.FAILED, 1)
    assert noted["object_kind"] == "webhook"

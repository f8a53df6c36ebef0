"""Assuming roles over the wire: moto for the shapes, our own STS for faults."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.sts.models import AssumedRole, STSBackend
from pydantic import SecretStr

from credentials.leases.role_sessions import Role, RoleSession, RoleSessions
from credentials.leases.sts import AwsSts
from shared.errors import (
    CredentialsMissingError,
    RoleRefusedError,
    StsUnavailableError,
)
from shared.testing import FakeClock

from .fake_sts import ROLE, FakeSts, Fault, running_fake_sts

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("aws_account")]

PATIENCE = timedelta(minutes=1)  # a machine may be busy with other tests
AKIA = "AKIAIOSFODNN7EXAMPLE"
SOURCE = {
    "aws_access_key_id": SecretStr(AKIA),
    "aws_secret_access_key": SecretStr("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
}
ASSUMED = Role(
    org_id=UUID(int=1),
    provider_id=UUID(int=2),
    provider_name="Main",
    credential_version=1,
    arn=ROLE,
    region="eu-central-1",
    external_id="ag2trust-of-this-organization",
)


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeSts]:
    async with running_fake_sts() as running:
        yield running


@pytest.fixture
def sts(fake: FakeSts) -> AwsSts:
    return AwsSts(endpoint_url=fake.url, allow_ambient=False, patience=PATIENCE)


@pytest.fixture
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def test_a_role_is_assumed_for_a_minute(sts: AwsSts, fake: FakeSts) -> None:
    session = await sts.assume(ASSUMED, SOURCE)

    assert {
        name: each.get_secret_value() for name, each in session.secrets.items()
    } == {
        "aws_access_key_id": "ASIAOFSESSION0000001",
        "aws_secret_access_key": "secret-of-session-1",
        "aws_session_token": "token-of-session-1",
    }
    left = session.expires_at - datetime.now(UTC)
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)
    assert fake.callers == [AKIA]
    [form] = fake.asked
    assert form["Action"] == "AssumeRole"
    assert form["RoleArn"] == ROLE
    assert form["ExternalId"] == "ag2trust-of-this-organization"
    assert form["RoleSessionName"] == f"ag2trust-{ASSUMED.provider_id}"
    assert form["DurationSeconds"] == "3600"


async def test_motos_sts_lends_a_role_too(moto: str) -> None:
    sts = AwsSts(endpoint_url=moto, allow_ambient=False)

    session = await sts.assume(ASSUMED, SOURCE)

    assert session.secrets["aws_access_key_id"].get_secret_value().startswith("ASIA")
    left = session.expires_at - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(minutes=61)


@pytest.fixture
def moto_lends_for_a_minute(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Botocore would ask for no session that is so short."""
    assume_role = STSBackend.assume_role

    def for_a_minute(backend: STSBackend, **asked: Any) -> AssumedRole:
        return assume_role(backend, **asked | {"duration": 60})

    monkeypatch.setattr(STSBackend, "assume_role", for_a_minute)
    return moto


async def test_motos_keys_of_a_minute_serve_all_and_are_replaced_before_they_end(
    moto_lends_for_a_minute: str,
) -> None:
    clock = FakeClock(datetime.now(UTC))
    sts = AwsSts(
        endpoint_url=moto_lends_for_a_minute,
        allow_ambient=False,
        now=clock,
        patience=PATIENCE,
    )
    sessions = RoleSessions(sts, now=clock)

    served = await asyncio.gather(
        *(sessions.session(ASSUMED, SOURCE) for _ in range(100))
    )
    [first] = {_key_id(each): each for each in served}.values()
    left = first.expires_at - datetime.now(UTC)
    clock.advance(first.expires_at - clock() - timedelta(seconds=5))
    replaced = await sessions.session(ASSUMED, SOURCE)

    assert left <= timedelta(seconds=60)
    assert _key_id(replaced) != _key_id(first)


async def test_our_own_identity_is_used_by_setting_alone(fake: FakeSts) -> None:
    lent = AwsSts(endpoint_url=fake.url, allow_ambient=True)
    kept = AwsSts(endpoint_url=fake.url, allow_ambient=False)

    await lent.assume(ASSUMED, {})
    with pytest.raises(CredentialsMissingError) as raised:
        await kept.assume(ASSUMED, {})

    assert fake.callers == [AKIA]
    assert "ALLOW_AMBIENT" in str(raised.value.details)


async def test_without_any_identity_the_role_is_refused(
    fake: FakeSts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    sts = AwsSts(endpoint_url=fake.url, allow_ambient=True)

    with pytest.raises(RoleRefusedError) as raised:
        await sts.assume(ASSUMED, {})

    assert raised.value.details["explanation"]["code"] == "INVALID_CREDENTIALS"  # type: ignore[index, call-overload] # JSON
    assert fake.asked == []


@pytest.mark.parametrize(
    ("sts_error", "code"),
    [
        ("AccessDenied", "ACCESS_DENIED"),
        ("InvalidClientTokenId", "INVALID_CREDENTIALS"),
        ("SignatureDoesNotMatch", "INVALID_CREDENTIALS"),
        ("ExpiredTokenException", "CREDENTIALS_EXPIRED"),
        ("RegionDisabledException", "INVALID_CONFIGURATION"),
        ("ValidationError", "INVALID_CONFIGURATION"),
        ("SomethingNew", "ROLE_REFUSED"),
    ],
)
async def test_a_refusal_is_explained_by_its_name(
    sts: AwsSts, fake: FakeSts, sts_error: str, code: str
) -> None:
    fake.faults.append(Fault(sts_error))

    with pytest.raises(RoleRefusedError) as raised:
        await sts.assume(ASSUMED, SOURCE)

    explanation = raised.value.details["explanation"]
    assert isinstance(explanation, dict)
    assert (explanation["code"], explanation["provider_error"]) == (code, sts_error)
    assert explanation["cause"]
    assert explanation["fix"]


async def test_a_refusal_by_the_trust_policy_names_the_external_id(
    sts: AwsSts, fake: FakeSts
) -> None:
    fake.external_id = "another"

    with pytest.raises(RoleRefusedError) as raised:
        await sts.assume(ASSUMED, SOURCE)

    assert ASSUMED.external_id in str(raised.value.details)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("Throttling", status=400),
        Fault("InternalFailure", status=500),
        Fault("ServiceUnavailable", status=503),
        Fault(body="<html>bad gateway</html>", status=502),
        Fault(body="this is no xml", status=200),
        Fault(body="<AssumeRoleResponse/>", status=200),
    ],
)
async def test_trouble_that_passes_is_told_as_such(
    sts: AwsSts, fake: FakeSts, fault: Fault
) -> None:
    fake.faults += [fault] * 3

    with pytest.raises(StsUnavailableError) as raised:
        await sts.assume(ASSUMED, SOURCE)

    assert raised.value.retry_after_seconds


async def test_trouble_that_passes_at_once_is_not_noticed(
    sts: AwsSts, fake: FakeSts
) -> None:
    fake.faults.append(Fault("ServiceUnavailable", status=503))

    session = await sts.assume(ASSUMED, SOURCE)

    assert session.secrets
    assert len(fake.asked) == 2


async def test_silence_ends_while_somebody_still_waits_for_the_answer(
    fake: FakeSts,
) -> None:
    sts = AwsSts(
        endpoint_url=fake.url,
        allow_ambient=False,
        patience=timedelta(milliseconds=100),
    )
    fake.released.clear()

    async with asyncio.timeout(PATIENCE.total_seconds()):
        with pytest.raises(StsUnavailableError, match="does not answer"):
            await sts.assume(ASSUMED, SOURCE)


async def test_nobody_there_is_no_crash(fake: FakeSts) -> None:
    del fake
    sts = AwsSts(endpoint_url="http://127.0.0.1:9", allow_ambient=False)

    with pytest.raises(StsUnavailableError):
        await sts.assume(ASSUMED, SOURCE)


def _key_id(session: RoleSession) -> str:
    return session.secrets["aws_access_key_id"].get_secret_value()

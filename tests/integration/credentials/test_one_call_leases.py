"""Leases for one call that an operator asked for: a test, a model list, a trial."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ConfigDict

from shared.bus import NatsBus
from shared.contracts.base import Message, Question, Signed
from shared.contracts.credentials import LEASE_PURPOSE, ProviderSubmission
from shared.contracts.master_key import FREEZE
from shared.errors import (
    AppError,
    BaseUrlForbiddenError,
    CredentialsExpiredError,
    CredentialsFrozenError,
    CredentialsMissingError,
    InvalidError,
    LeaseRefusedError,
    MalformedError,
    ProviderIncompleteError,
)
from shared.ids import new_id
from shared.signing import sign

from .conftest import Superuser
from .speaking import API_KEY, KEY_PAIR, OPERATOR, SESSION, Operator, Runner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]


class Words(Message):
    """Any words, as one may sign who keeps to no contract."""

    model_config = ConfigDict(extra="allow")


OF_ONE_CALL = ["test", "models", "trial"]
SUBMISSION = {"name": "Main", "type": "openai", "api_key": f" {API_KEY}\n"}


def _trial(operator: Operator, runner: Runner, **fields: Any) -> tuple[Signed, UUID]:
    """Sign for the trial of what an operator submits; return also the id it is of."""
    provider_id = new_id()
    submission = ProviderSubmission.model_validate(SUBMISSION | fields)
    sealed = operator.sealed(submission.model_dump_json(), provider_id)
    signed = runner.signed(
        purpose="trial", actor=OPERATOR, provider_id=provider_id, submission=sealed
    )
    return signed, provider_id


async def _request(purpose: str, operator: Operator, runner: Runner) -> Signed:
    """Sign a request that is granted."""
    if purpose == "trial":
        return _trial(operator, runner)[0]
    provider = await operator.create()
    return runner.signed(purpose=purpose, actor=OPERATOR, provider_id=provider.id)


async def _acts(superuser: Superuser) -> list[tuple[str, str, dict[str, Any]]]:
    rows = await superuser.fetch(
        "SELECT act, actor_id, details FROM audit WHERE act LIKE 'lease.%' ORDER BY id"
    )
    return [(row["act"], row["actor_id"], json.loads(row["details"])) for row in rows]


@pytest.mark.parametrize("purpose", OF_ONE_CALL)
async def test_the_secret_is_leased_for_a_minute_without_any_agent(
    operator: Operator, runner: Runner, purpose: str
) -> None:
    signed = await _request(purpose, operator, runner)

    lease = await runner.ask(signed)

    leased = runner.opened(lease, signed)
    assert leased.fields["api_key"].get_secret_value() == API_KEY
    assert leased.base_url == "https://api.openai.com/v1"
    assert lease.expires_at - datetime.now(UTC) <= timedelta(minutes=1)


@pytest.mark.parametrize("purpose", OF_ONE_CALL)
async def test_the_audit_tells_who_asked_and_which_runner_got_it(
    operator: Operator, runner: Runner, superuser: Superuser, purpose: str
) -> None:
    signed = await _request(purpose, operator, runner)

    lease = await runner.ask(signed)

    [(act, actor_id, details)] = await _acts(superuser)
    version = {} if purpose == "trial" else {"credential_version": 1}
    assert (act, actor_id) == ("lease.granted", OPERATOR.id)
    assert details == version | {
        "lease_id": str(lease.lease_id),
        "purpose": purpose,
        "runner": "runner-1",
        "epoch": 1,
    }


@pytest.mark.parametrize("purpose", OF_ONE_CALL)
async def test_nothing_is_leased_that_the_audit_does_not_hold(
    operator: Operator, runner: Runner, superuser: Superuser, purpose: str
) -> None:
    signed = await _request(purpose, operator, runner)
    await superuser.execute("REVOKE INSERT ON audit FROM credentials")

    with pytest.raises(AppError):
        await runner.ask(signed)

    assert await superuser.fetchval("SELECT count(*) FROM lease") == 0


async def test_what_is_on_trial_is_kept_nowhere(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    signed, _ = _trial(operator, runner)

    await runner.ask(signed)

    for table in ("provider", "credential_version", "use"):
        assert await superuser.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608 - our own table names
    [lease] = await superuser.fetch("SELECT t::text AS told FROM lease t")
    assert API_KEY not in lease["told"]
    assert API_KEY.encode().hex() not in lease["told"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"api_key": None, "allow_incomplete": True}, ProviderIncompleteError),
        ({"base_url": "http://169.254.169.254/v1"}, BaseUrlForbiddenError),
        ({"api_key": "two words"}, InvalidError),
        (KEY_PAIR | {"aws_access_key_id": "AGPAIOSFODNN7EXAMPLE"}, InvalidError),
        (KEY_PAIR | {"aws_region": "us-nowhere-1"}, InvalidError),
    ],
)
async def test_a_trial_is_refused_as_the_creation_would_be(
    operator: Operator,
    runner: Runner,
    superuser: Superuser,
    fields: dict[str, Any],
    error: type[AppError],
) -> None:
    signed, _ = _trial(operator, runner, **fields)

    with pytest.raises(error) as raised:
        await runner.ask(signed)

    assert raised.value.details["fields"]
    assert await _acts(superuser) == []


async def test_a_submission_that_was_sealed_for_another_provider_does_not_open(
    operator: Operator, runner: Runner
) -> None:
    sealed = operator.sealed(json.dumps(SUBMISSION), new_id())
    signed = runner.signed(
        purpose="trial", actor=OPERATOR, provider_id=new_id(), submission=sealed
    )

    with pytest.raises(MalformedError):
        await runner.ask(signed)


@pytest.mark.parametrize("purpose", ["test", "models"])
async def test_what_is_not_ready_says_so(
    operator: Operator, runner: Runner, superuser: Superuser, purpose: str
) -> None:
    incomplete = await operator.create("One", api_key=None, allow_incomplete=True)
    ended = await operator.create(
        "Two",
        **SESSION,
        aws_session_expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    await superuser.execute(
        "UPDATE provider SET aws_session_expires_at = now() WHERE id = $1", ended.id
    )
    about: dict[str, Any] = {"purpose": purpose, "actor": OPERATOR}

    with pytest.raises(CredentialsMissingError):
        await runner.ask(runner.signed(**about, provider_id=incomplete.id))
    with pytest.raises(CredentialsExpiredError):
        await runner.ask(runner.signed(**about, provider_id=ended.id))


@pytest.mark.parametrize("purpose", ["test", "models"])
async def test_a_provider_of_nobody_or_of_another_organization_is_refused(
    operator: Operator,
    stranger: Operator,
    runner: Runner,
    superuser: Superuser,
    purpose: str,
) -> None:
    theirs = await stranger.create()
    await operator.create()

    for provider_id in (theirs.id, new_id()):
        signed = runner.signed(purpose=purpose, actor=OPERATOR, provider_id=provider_id)
        with pytest.raises(LeaseRefusedError):
            await runner.ask(signed)

    reasons = [details["reason"] for _, _, details in await _acts(superuser)]
    assert reasons == ["there is no such provider"] * 2


@pytest.mark.parametrize("purpose", OF_ONE_CALL)
async def test_a_request_serves_once(
    operator: Operator, runner: Runner, superuser: Superuser, purpose: str
) -> None:
    signed = await _request(purpose, operator, runner)
    await runner.ask(signed)

    with pytest.raises(LeaseRefusedError):
        await runner.ask(signed)

    assert [act for act, _, _ in await _acts(superuser)] == [
        "lease.granted",
        "lease.refused",
    ]


@pytest.mark.parametrize("purpose", OF_ONE_CALL)
async def test_while_all_is_frozen_nothing_is_leased(
    operator: Operator,
    runner: Runner,
    gateway: NatsBus,
    superuser: Superuser,
    purpose: str,
) -> None:
    signed = await _request(purpose, operator, runner)
    await gateway.ask(FREEZE, Question(org_id=operator.org_id, actor=OPERATOR))

    with pytest.raises(CredentialsFrozenError):
        await runner.ask(signed)

    assert await superuser.fetchval("SELECT count(*) FROM lease") == 0


@pytest.mark.parametrize(
    "words",
    [
        {"purpose": "agent"},
        {
            "purpose": "agent",
            "agent_id": str(new_id()),
            "actor": {"kind": "user", "id": "a"},
        },
        {"purpose": "test"},
        {"purpose": "test", "agent_id": str(new_id())},
        {"purpose": "models", "submission": "AAAA"},
        {"purpose": "trial", "actor": {"kind": "user", "id": "ada"}},
        {"purpose": "everything"},
    ],
)
async def test_words_that_do_not_fit_their_purpose_are_refused(
    operator: Operator, runner: Runner, superuser: Superuser, words: dict[str, Any]
) -> None:
    signed = await _request("test", operator, runner)
    usual = json.loads(signed.body) | {"actor": None, "purpose": None}

    with pytest.raises(LeaseRefusedError):
        await runner.ask(
            sign(Words(**(usual | words)), purpose=LEASE_PURPOSE, by=runner.identity)
        )

    assert await superuser.fetchval("SELECT count(*) FROM lease") == 0

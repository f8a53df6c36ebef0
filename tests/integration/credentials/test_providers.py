"""Providers: made once, told without their secrets, listed, and removed."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from structlog.contextvars import bound_contextvars

from ag2trust.testing import Stack
from shared.bus import NatsBus
from shared.contracts.base import Empty, Service
from shared.contracts.credentials import (
    CREATE_PROVIDER,
    PING,
    PROVIDER_CHANGED,
    CreateProvider,
    ProviderChanged,
    ProviderLimits,
    ProviderStatus,
    ProviderType,
)
from shared.errors import (
    BaseUrlForbiddenError,
    ConflictError,
    InvalidError,
    MalformedError,
    NameTakenError,
    ProviderInUseError,
    ProviderNotFoundError,
)
from shared.ids import new_id

from .conftest import Superuser
from .speaking import API_KEY, Agent, Operator, Runner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]

HEARD_WITHIN_SECONDS = 20


async def test_a_ping_is_answered(gateway: NatsBus) -> None:
    assert await gateway.ask(PING, Empty()) == Empty()


async def test_a_provider_is_told_as_it_was_given_but_for_its_secret(
    operator: Operator,
) -> None:
    provider_id = new_id()

    created = await operator.create(
        "  Main  ",
        provider_id=provider_id,
        use_case="support",
        labels={"team": "one"},
        base_url="https://GATEWAY.example/v1/",
        limits={"requests_per_minute": 60},
        enabled=False,
        api_key=f"  {API_KEY}\n",
    )

    assert created == await operator.get(provider_id)
    assert created.id == provider_id
    assert created.name == "Main"
    assert created.type is ProviderType.OPENAI
    assert created.use_case == "support"
    assert created.labels == {"team": "one"}
    assert created.base_url == "https://gateway.example/v1"
    assert created.limits == ProviderLimits(requests_per_minute=60)
    assert not created.enabled
    assert created.status is ProviderStatus.READY
    assert created.credential.hint == "…wxyz"
    assert (created.version, created.credential.version) == (1, 1)
    assert API_KEY not in created.model_dump_json()


async def test_a_repeated_submission_makes_one_provider(
    operator: Operator, superuser: Superuser
) -> None:
    provider_id = new_id()

    told = await asyncio.gather(
        *(operator.create(provider_id=provider_id) for _ in range(10))
    )

    assert [*told] == [told[0]] * 10
    assert await superuser.fetchval("SELECT count(*) FROM provider") == 1
    assert await superuser.fetchval("SELECT count(*) FROM audit") == 1


async def test_a_submission_repeated_after_a_change_tells_the_change(
    operator: Operator,
) -> None:
    provider_id = (await operator.create()).id
    changed = await operator.update(provider_id, name="Second", api_key="sk-new")

    assert await operator.create(provider_id=provider_id) == changed


@pytest.mark.parametrize(
    "fields", [{"name": "Second"}, {"api_key": "sk-another"}, {"enabled": False}]
)
async def test_another_submission_for_the_same_id_is_a_conflict(
    operator: Operator, fields: dict[str, Any]
) -> None:
    provider_id = (await operator.create()).id

    with pytest.raises(ConflictError):
        await operator.create(provider_id=provider_id, **fields)


async def test_a_name_is_taken_once_per_organization(
    operator: Operator, stranger: Operator
) -> None:
    await operator.create("Main")
    other = await operator.create("main")

    with pytest.raises(NameTakenError):
        await operator.create("Main")
    with pytest.raises(NameTakenError):
        await operator.update(other.id, name="Main")

    assert (await stranger.create("Main")).name == "Main"


async def test_the_same_id_in_another_organization_is_another_provider(
    operator: Operator, stranger: Operator
) -> None:
    provider_id = (await operator.create("Main")).id

    await stranger.create("Theirs", provider_id=provider_id)

    assert (await operator.get(provider_id)).name == "Main"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"api_key": ""}, InvalidError),
        ({"api_key": "sk one"}, InvalidError),
        ({"base_url": "https://user@gateway.example"}, InvalidError),
        ({"base_url": "https://169.254.169.254/v1"}, BaseUrlForbiddenError),
    ],
)
async def test_what_cannot_be_used_is_neither_created_nor_changed(
    operator: Operator, fields: dict[str, Any], error: type[InvalidError]
) -> None:
    provider = await operator.create()

    with pytest.raises(error):
        await operator.create("Second", **fields)
    with pytest.raises(error):
        await operator.update(provider.id, **fields)

    assert (await operator.list()).data == [provider]


async def test_a_submission_opens_for_the_provider_it_was_sealed_for_alone(
    operator: Operator, gateway: NatsBus
) -> None:
    words = json.dumps({"name": "Main", "type": "openai", "api_key": API_KEY})
    sealed = operator.sealed(words, new_id())

    with pytest.raises(MalformedError):
        await gateway.ask(
            CREATE_PROVIDER,
            CreateProvider(
                org_id=operator.org_id,
                actor=operator.actor,
                provider_id=new_id(),
                sealed=sealed,
            ),
        )


async def test_a_submission_to_another_service_does_not_open(
    stack: Stack, operator: Operator
) -> None:
    mistaken = replace(operator, credentials=stack.identity(Service.GATEWAY).public)

    with pytest.raises(MalformedError):
        await mistaken.create()


async def test_wrong_fields_are_named_without_what_they_hold(
    operator: Operator, gateway: NatsBus
) -> None:
    provider_id = new_id()
    words = json.dumps({"name": "", "type": "openai", "api_key": [API_KEY]})

    with pytest.raises(InvalidError) as raised:
        await gateway.ask(
            CREATE_PROVIDER,
            CreateProvider(
                org_id=operator.org_id,
                actor=operator.actor,
                provider_id=provider_id,
                sealed=operator.sealed(words, provider_id),
            ),
        )

    told = json.dumps(raised.value.details)
    assert '"name"' in told
    assert '"api_key"' in told
    assert API_KEY not in told + raised.value.message


async def test_providers_are_listed_newest_first_in_pages(
    operator: Operator, stranger: Operator
) -> None:
    created = [await operator.create(f"Number {each}") for each in range(5)]
    await stranger.create("Theirs")

    first = await operator.list(limit=2)
    second = await operator.list(limit=2, cursor=first.next_cursor)
    third = await operator.list(limit=2, cursor=second.next_cursor)

    assert first.data + second.data + third.data == created[::-1]
    assert [len(each.data) for each in (first, second, third)] == [2, 2, 1]
    assert third.next_cursor is None


async def test_a_page_that_is_just_full_is_the_last(operator: Operator) -> None:
    await operator.create()

    assert (await operator.list(limit=1)).next_cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "1", "'; DROP TABLE provider; --"])
async def test_a_cursor_that_is_none_is_refused(
    operator: Operator, cursor: str
) -> None:
    with pytest.raises(InvalidError):
        await operator.list(cursor=cursor)


async def test_a_deleted_provider_is_gone_with_its_secret(
    operator: Operator, superuser: Superuser
) -> None:
    provider_id = (await operator.create()).id

    await operator.delete(provider_id)

    with pytest.raises(ProviderNotFoundError):
        await operator.get(provider_id)
    with pytest.raises(ProviderNotFoundError):
        await operator.update(provider_id, enabled=False)
    with pytest.raises(ProviderNotFoundError):
        await operator.delete(provider_id)
    assert await superuser.fetchval("SELECT count(*) FROM credential_version") == 0


async def test_a_provider_in_use_is_not_deleted_and_names_its_agents(
    operator: Operator, runner: Runner
) -> None:
    provider = await operator.create()
    provider_id, ada, bob = provider.id, new_id(), new_id()
    await runner.claim(bob, provider_id, name="Bob")
    await runner.claim(ada, provider_id, name="Ada")

    with pytest.raises(ProviderInUseError) as raised:
        await operator.delete(provider_id)

    assert raised.value.details == {
        "agents": [
            {"id": str(ada), "name": "Ada"},
            {"id": str(bob), "name": "Bob"},
        ]
    }
    assert await operator.get(provider_id) == provider


async def test_a_provider_is_deleted_once_its_last_agent_has_released_it(
    operator: Operator, runner: Runner
) -> None:
    provider_id = (await operator.create()).id
    agent = Agent(runner, provider_id)
    await agent.claim()
    await agent.lease()
    await runner.release(agent.id, generation=2)

    assert await operator.delete(provider_id) == Empty()


async def test_the_provider_of_another_organization_is_not_found(
    operator: Operator, stranger: Operator
) -> None:
    created = await operator.create()

    with pytest.raises(ProviderNotFoundError):
        await stranger.get(created.id)
    with pytest.raises(ProviderNotFoundError):
        await stranger.update(created.id, api_key="sk-theirs")
    with pytest.raises(ProviderNotFoundError):
        await stranger.delete(created.id)

    assert await operator.get(created.id) == created


async def test_changes_and_deletions_are_signalled_to_runners(
    operator: Operator, runner_bus: NatsBus
) -> None:
    heard: asyncio.Queue[ProviderChanged] = asyncio.Queue()
    provider_id = (await operator.create()).id
    expected = ProviderChanged(org_id=operator.org_id, provider_id=provider_id)

    async with (
        runner_bus.hearing(PROVIDER_CHANGED, heard.put_nowait),
        asyncio.timeout(HEARD_WITHIN_SECONDS),
    ):
        await operator.update(provider_id, enabled=False)
        assert await heard.get() == expected
        await operator.delete(provider_id)
        assert await heard.get() == expected

    assert heard.empty()


async def test_every_act_is_in_the_audit_with_its_actor_and_request(
    operator: Operator, superuser: Superuser
) -> None:
    with bound_contextvars(request_id="request-1"):
        provider_id = (await operator.create()).id
        await operator.update(provider_id, name="Second", api_key="sk-new")
        await operator.delete(provider_id)

    rows = await superuser.fetch("SELECT * FROM audit ORDER BY id")
    assert [(row["act"], json.loads(row["details"])) for row in rows] == [
        ("provider.created", {"name": "Main"}),
        ("provider.updated", {"changed": ["name", "api_key"]}),
        ("provider.deleted", {"name": "Second"}),
    ]
    for row in rows:
        assert row["org_id"] == operator.org_id
        assert (row["actor_kind"], row["actor_id"]) == ("api_key", "key-1")
        assert (row["object_kind"], row["object_id"]) == ("provider", provider_id)
        assert row["request_id"] == "request-1"

from uuid import UUID

import pytest

from shared.contracts.agent_runner import GET_AGENT, RESTART_AGENT, AgentStatus
from shared.contracts.agent_types import (
    CREATE_AGENT_TYPE,
    DELETE_AGENT_TYPE,
    GET_AGENT_TYPE,
    LIST_AGENT_TYPES,
    MODELS_IN_USE,
    UPDATE_AGENT_TYPE,
    AgentType,
    AgentTypePatch,
    AgentTypeQuestion,
    AgentTypeSubmission,
    CreateAgentType,
    ModelsQuestion,
    ProviderFeature,
    UpdateAgentType,
)
from shared.contracts.base import PageQuestion
from shared.contracts.credentials import ProviderType
from shared.errors import (
    AgentTypeInUseError,
    AgentTypeNotFoundError,
    ConflictError,
    InvalidError,
    NameTakenError,
    PreconditionFailedError,
    ProviderNotFoundError,
)
from shared.ids import new_id

from .runner_house import ACTOR, House

pytestmark = pytest.mark.integration

SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"


async def make(
    house: House, *, agent_type_id: UUID | None = None, **fields: object
) -> AgentType:
    given = {
        "name": "Helper",
        "slug": "helper",
        "provider_id": house.provider_id,
        "model": "gpt-4o",
    }
    return await house.bus.ask(
        CREATE_AGENT_TYPE,
        CreateAgentType(
            org_id=house.org_id,
            actor=ACTOR,
            agent_type_id=agent_type_id or new_id(),
            submission=AgentTypeSubmission.model_validate(given | fields),
        ),
    )


async def change(
    house: House, agent_type: AgentType, if_version: int | None = None, **fields: object
) -> AgentType:
    return await house.bus.ask(
        UPDATE_AGENT_TYPE,
        UpdateAgentType(
            org_id=house.org_id,
            actor=ACTOR,
            agent_type_id=agent_type.id,
            patch=AgentTypePatch.model_validate(fields),
            if_version=if_version,
        ),
    )


def question(house: House, agent_type_id: UUID) -> AgentTypeQuestion:
    return AgentTypeQuestion(
        org_id=house.org_id, actor=ACTOR, agent_type_id=agent_type_id
    )


async def test_a_type_allows_its_own_model_unless_it_says_more(house: House) -> None:
    agent_type = await make(house)

    assert agent_type.allowed_models == ["gpt-4o"]
    assert (await change(house, agent_type, model="gpt-4o-mini")).allowed_models == [
        "gpt-4o-mini"
    ]


async def test_a_type_allows_what_reaches_beyond_a_call_only_if_it_says_so(
    house: House,
) -> None:
    plain = await make(house)
    features = [ProviderFeature.STORED_OBJECTS, ProviderFeature.HOSTED_TOOLS]

    wide = await change(house, plain, provider_features=[*features, *features])
    kept = await change(house, wide, temperature=0.5)

    assert plain.provider_features == []
    assert wide.provider_features == kept.provider_features == sorted(features)
    assert (await change(house, kept, provider_features=[])).provider_features == []


async def test_a_change_is_a_new_version_and_clears_what_is_null(house: House) -> None:
    first = await make(house, temperature=0.5, max_tokens=100)

    second = await change(house, first, temperature=None, name="Better helper")

    assert (first.version, second.version) == (1, 2)
    assert second.temperature is None
    assert second.max_tokens == 100
    assert second.name == "Better helper"


async def test_running_agents_keep_their_version_until_they_restart(
    house: House,
) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    current = await house.bus.ask(GET_AGENT_TYPE, question(house, agent.agent_type_id))
    await change(house, current, system_prompt="Be brief.")

    before = await house.bus.ask(GET_AGENT, house.question(agent.id))
    await house.bus.ask(RESTART_AGENT, house.question(agent.id))
    puppet = await house.launched()
    _, configuration = await puppet.get("configuration")
    after = await house.until(agent.id, AgentStatus.RUNNING)

    assert before.restart_required
    assert before.agent_type_version == 1
    assert configuration["system_prompt"] == "Be brief."
    assert not after.restart_required
    assert after.agent_type_version == 2


async def test_names_and_slugs_are_unique(house: House) -> None:
    await make(house)

    with pytest.raises(NameTakenError, match="named"):
        await make(house, slug="other")
    with pytest.raises(NameTakenError, match="slug"):
        await make(house, name="Other")


async def test_making_one_twice_makes_one(house: House) -> None:
    agent_type_id = new_id()

    made = [await make(house, agent_type_id=agent_type_id) for _ in range(2)]

    assert made[0] == made[1]


async def test_it_needs_a_provider_that_is_there(house: House) -> None:
    with pytest.raises(ProviderNotFoundError):
        await make(house, provider_id=new_id())


async def test_its_model_must_be_allowed(house: House) -> None:
    with pytest.raises(InvalidError):
        await make(house, allowed_models=["gpt-4o-mini"])


async def test_a_change_of_an_older_version_is_refused(house: House) -> None:
    agent_type = await make(house)
    await change(house, agent_type, model="gpt-4o-mini")

    with pytest.raises(PreconditionFailedError):
        await change(house, agent_type, if_version=1, model="o4")


async def test_one_that_agents_have_cannot_be_deleted(house: House) -> None:
    agent = await house.make_agent()

    with pytest.raises(AgentTypeInUseError) as caught:
        await house.bus.ask(DELETE_AGENT_TYPE, question(house, agent.agent_type_id))

    assert caught.value.details == {
        "agents": [{"id": str(agent.id), "name": agent.name}]
    }


async def test_a_deleted_one_is_gone(house: House) -> None:
    agent_type = await make(house)

    await house.bus.ask(DELETE_AGENT_TYPE, question(house, agent_type.id))

    with pytest.raises(AgentTypeNotFoundError):
        await house.bus.ask(GET_AGENT_TYPE, question(house, agent_type.id))
    with pytest.raises((AgentTypeNotFoundError, ConflictError)):
        await change(house, agent_type, model="o4")


async def test_the_list_comes_in_pages_newest_first(house: House) -> None:
    made = [await make(house, name=f"Type {n}", slug=f"type-{n}") for n in range(5)]
    seen: list[UUID] = []
    cursor = None

    while True:
        page = await house.bus.ask(
            LIST_AGENT_TYPES,
            PageQuestion(org_id=house.org_id, actor=ACTOR, limit=2, cursor=cursor),
        )
        seen += [each.id for each in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == [each.id for each in reversed(made)]


async def test_models_of_a_bedrock_provider_are_checked_at_making_and_at_changes(
    house: House,
) -> None:
    house.credentials.type, house.credentials.region = ProviderType.BEDROCK, "us-east-1"

    with pytest.raises(InvalidError) as raised:
        await make(house)
    agent_type = await make(house, model=SONNET)
    with pytest.raises(InvalidError):
        await change(house, agent_type, model="gpt-4o")

    assert "'field': 'model'" in str(raised.value.details)


async def test_the_models_in_use_are_those_of_newest_and_running_versions(
    house: House,
) -> None:
    agent = await house.make_agent()
    await make(house, model="o4", allowed_models=["o4", "o3"])
    agent_type = await house.bus.ask(
        GET_AGENT_TYPE, question(house, agent.agent_type_id)
    )
    await house.start(agent.id)
    await change(house, agent_type, model="gpt-5")
    other = await house.bus.ask(
        MODELS_IN_USE,
        ModelsQuestion(org_id=house.org_id, actor=ACTOR, provider_id=new_id()),
    )

    used = await house.bus.ask(
        MODELS_IN_USE,
        ModelsQuestion(org_id=house.org_id, actor=ACTOR, provider_id=house.provider_id),
    )

    assert used.models == ["gpt-4o", "gpt-5", "o3", "o4"]
    assert other.models == []

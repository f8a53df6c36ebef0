from dataclasses import replace
from uuid import UUID

from pydantic import SecretStr

from agent_runner.hosted_agents import HostedAgent
from agent_runner.repositories.messages import Host

from .external.objects import NOON, ORG, PROVIDER, FakeLeases, agent


async def hosted(key: str) -> HostedAgent:
    """Host an agent whose process was given *key*, which is leased for it."""
    kind = agent(1)
    lease = await FakeLeases().obtain(
        org_id=ORG, agent_id=kind.id, provider_id=PROVIDER
    )
    made = HostedAgent(
        host=Host(agent_id=kind.id, runner="runner-1", epoch=1, incarnation=1),
        org_id=ORG,
        name="ada",
        agent_type=kind.agent_type,
        lease=lease,
        address="127.0.0.1",
        token="agent_token_1",
        started_at=NOON,
    )
    made.deliver({key})
    lease_key(made, key)
    return made


def lease_key(made: HostedAgent, key: str) -> None:
    credential = made.lease.credential.model_copy(
        update={"fields": {"api_key": SecretStr(key)}}
    )
    made.lease = replace(made.lease, id=UUID(int=99), credential=credential)


async def test_a_replaced_key_is_a_secret_as_long_as_a_process_has_it() -> None:
    made = await hosted("sk-before")

    lease_key(made, "sk-after")

    assert made.secrets == {"agent_token_1", "sk-before", "sk-after"}
    assert "sk-before" in made.leased_secrets
    assert made.was_given("sk-before")
    assert not made.was_given("sk-after")
    assert "sk-before" not in repr(made)

"""External agents and leases as the tests of this folder need them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from agent_runner.leases import HeldLease
from agent_runner.repositories.external_agents import Change, ExternalAgent
from shared.agent_tokens import hash_token
from shared.contracts.agent_types import AgentRuntime, AgentType, Resources
from shared.contracts.credentials import LeasedCredential

__all__ = ["NOON", "ORG", "PROVIDER", "FakeLeases", "Seconds", "agent", "change"]

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORG = UUID(int=1)
PROVIDER = UUID(int=2)
LIFETIME = timedelta(hours=1)


@dataclass
class Seconds:
    """A monotonic clock that stands still."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def change(number: int, agent_number: int, token: str | None) -> Change:
    """Make change *number*: from then on the agent has this token, or none."""
    return Change(
        agent_id=UUID(int=100 + agent_number),
        number=number,
        agent=agent(agent_number, token) if token else None,
    )


def agent(
    number: int = 1, token: str = "", *, provider_id: UUID = PROVIDER
) -> ExternalAgent:
    return ExternalAgent(
        id=UUID(int=100 + number),
        org_id=ORG,
        agent_type=AgentType(
            id=UUID(int=3),
            version=1,
            name="external",
            slug="external",
            use_case=None,
            labels={},
            provider_id=provider_id,
            model="gpt-4o",
            allowed_models=["gpt-4o"],
            system_prompt="",
            temperature=None,
            max_tokens=None,
            resources=Resources(),
            runtime=AgentRuntime.EXTERNAL,
            created_at=NOON,
            updated_at=NOON,
        ),
        token_hash=hash_token(token),
    )


class FakeLeases:
    """Leases everything for an hour, or raises *trouble*; remembers who asked."""

    def __init__(self) -> None:
        self.now = NOON
        self.asked_by: list[UUID] = []
        self.trouble: BaseException | None = None

    async def obtain(
        self, *, org_id: UUID, agent_id: UUID, provider_id: UUID
    ) -> HeldLease:
        del org_id
        self.asked_by.append(agent_id)
        if self.trouble is not None:
            raise self.trouble
        return HeldLease(
            id=UUID(int=len(self.asked_by)),
            credential=LeasedCredential.model_validate(
                {
                    "provider_id": provider_id,
                    "type": "openai",
                    "name": "openai",
                    "use_case": None,
                    "base_url": "http://127.0.0.1:1/v1",
                    "enabled": True,
                    "version": 1,
                    "fields": {"api_key": "sk-1"},
                }
            ),
            obtained_at=self.now,
            expires_at=self.now + LIFETIME,
        )

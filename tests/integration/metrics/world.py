"""What an organization and its neighbours did, drawn from a seed."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from shared.bus import NatsBus
from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import INGEST, CallRecord, MessageRecord
from shared.ids import new_id

from .records import AnyRecord, batch, random_call, random_message, random_time

__all__ = ["World"]

_IN_BETWEEN = 0.3

_MODELS = (
    (ProviderType.OPENAI, "gpt-5"),
    (ProviderType.OPENAI, "gpt-9-imaginary"),
    (ProviderType.ANTHROPIC, "claude-haiku-4-5"),
    (ProviderType.BEDROCK, "us.amazon.nova-pro-v1:0"),
)


@dataclass
class World:
    """What an organization and its neighbours did, drawn from a seed."""

    draw: random.Random
    org_id: UUID = field(default_factory=new_id)
    calls: list[CallRecord] = field(default_factory=list)
    messages: list[MessageRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        agents = [new_id() for _ in range(4)]
        types = [new_id() for _ in range(2)]
        providers = [new_id() for _ in range(3)]
        for _ in range(self.draw.randrange(150, 250)):
            provider_type, model = self.draw.choice(_MODELS)
            self.calls.append(
                random_call(
                    self.draw,
                    org_id=self.org_id,
                    agent_id=self.draw.choice(agents),
                    agent_type_id=self.draw.choice(types),
                    provider_id=self.draw.choice(providers),
                    provider_type=provider_type,
                    model=model,
                    use_case=self.draw.choice(["support", "", None]),
                    labels=self.draw.choice([{}, {"a": "b"}, {"a": "c", "d": "="}]),
                    explanation=self.draw.choice([None, _busy()]),
                )
            )
        for _ in range(60):
            self.messages.append(
                random_message(
                    self.draw,
                    org_id=self.org_id,
                    agent_id=self.draw.choice(agents),
                    agent_type_id=self.draw.choice(types),
                )
            )

    async def ship(
        self, runner: NatsBus, *, in_between: Callable[[], Awaitable[None]]
    ) -> None:
        """Send it in pieces, mixed, with what another organization did."""
        agent_id = self.calls[0].agent_id
        records: list[AnyRecord] = [
            *self.calls,
            *self.messages,
            *(random_call(self.draw, agent_id=agent_id) for _ in range(20)),
            *(random_message(self.draw, agent_id=agent_id) for _ in range(20)),
        ]
        self.draw.shuffle(records)
        source = new_id()
        for start in range(0, len(records), 40):
            piece = records[start : start + 40]
            await runner.ask(INGEST, batch(source, piece, start=start + 1))
            if self.draw.random() < _IN_BETWEEN:
                await in_between()

    def period(self) -> tuple[datetime, datetime]:
        """Draw bounds: any moment, a bound of a rollup, or that of a call."""
        ends = sorted(
            self.draw.choice([random_time(self.draw), each.started_at])
            for each in self.draw.sample(self.calls, 2)
        )
        return ends[0], ends[1] + timedelta(microseconds=1)

    def calls_within(self, since: datetime, until: datetime) -> list[CallRecord]:
        return [each for each in self.calls if since <= each.started_at < until]

    def messages_within(self, since: datetime, until: datetime) -> list[MessageRecord]:
        return [each for each in self.messages if since <= each.finished_at < until]


def _busy() -> Explanation:
    return Explanation(
        code="RATE_LIMITED", message="Busy.", cause="Many.", fix="Wait.", retryable=True
    )

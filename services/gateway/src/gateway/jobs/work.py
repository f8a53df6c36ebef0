"""A job at work: what it is, for whom, and the questions it puts in their name."""

from dataclasses import dataclass
from uuid import UUID

from shared.contracts.agent_runner import AgentQuestion
from shared.contracts.agent_types import AgentTypeQuestion
from shared.contracts.base import PageQuestion
from shared.contracts.jobs import Job
from shared.contracts.probes import ProbeProvider
from shared.contracts.rotations import RotationQuestion

__all__ = ["LONGEST_PAGE", "Work"]

LONGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Work:
    org_id: UUID
    job: Job

    @property
    def old(self) -> UUID:
        """Return the provider that a rotation is of."""
        return _there(self.job.provider_id)

    @property
    def new(self) -> UUID:
        """Return the provider that a rotation moves to."""
        return _there(self.job.to_provider_id)

    def learned(self, **facts: object) -> Job:
        return self.job.model_copy(update=facts)

    def page(self, cursor: str | None) -> PageQuestion:
        return PageQuestion(
            org_id=self.org_id, actor=self.job.actor, limit=LONGEST_PAGE, cursor=cursor
        )

    def agent(self, agent_id: UUID) -> AgentQuestion:
        return AgentQuestion(
            org_id=self.org_id, actor=self.job.actor, agent_id=agent_id
        )

    def agent_type(self, agent_type_id: UUID) -> AgentTypeQuestion:
        return AgentTypeQuestion(
            org_id=self.org_id, actor=self.job.actor, agent_type_id=agent_type_id
        )

    def rotation(self) -> RotationQuestion:
        return RotationQuestion(
            org_id=self.org_id,
            actor=self.job.actor,
            provider_id=self.old,
            rotation_id=self.job.id,
        )

    def probe(self) -> ProbeProvider:
        """Ask for a test of the staged secret, or of the provider that is moved to."""
        is_staged = self.job.to_provider_id is None
        return ProbeProvider(
            org_id=self.org_id,
            actor=self.job.actor,
            provider_id=self.old if is_staged else self.new,
            model=self.job.model,
            rotation_id=self.job.id if is_staged else None,
        )


def _there(provider_id: UUID | None) -> UUID:
    if provider_id is None:
        raise LookupError("A job without this provider has no such step.")
    return provider_id

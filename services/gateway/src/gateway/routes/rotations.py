"""`/providers/{id}/rotate`: a new secret, or another provider, in place of the old."""

from http import HTTPStatus
from typing import Self
from uuid import UUID

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from gateway.access.permissions import Permission
from gateway.jobs.jobs import Jobs
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation
from gateway.routing.reading import Input
from shared.contracts.base import Instant
from shared.contracts.credentials import ProviderPatch, SecretField
from shared.contracts.jobs import Job
from shared.contracts.probes import ProbedModel
from shared.errors import (
    AgentTypeNotFoundError,
    JobRunningError,
    MasterKeyUnavailableError,
    ProviderIncompleteError,
    ProviderNotFoundError,
)

__all__ = ["RotationRoutes", "accepted"]

_SECRETS = (
    "api_key",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
)


class Rotation(Input):
    """Either new secrets, which replace all that the provider has, or another provider.

    *delete_old* removes the old provider at the end. Bedrock is tested with *model*: if
    none is named, with one that agent types use.
    """

    to_provider_id: UUID | None = None
    delete_old: bool = False
    model: ProbedModel | None = None
    api_key: SecretField | None = None
    aws_access_key_id: SecretField | None = None
    aws_secret_access_key: SecretField | None = None
    aws_session_token: SecretField | None = None
    aws_session_expires_at: Instant | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.to_provider_id is None) is (not self._secrets()):
            raise PydanticCustomError(
                "either_or", "Give either new secrets or to_provider_id"
            )
        if self.to_provider_id is None and self.delete_old:
            raise PydanticCustomError(
                "nothing_to_delete", "delete_old goes with to_provider_id"
            )
        return self

    @property
    def patch(self) -> ProviderPatch:
        return ProviderPatch.model_validate(self._secrets())

    def _secrets(self) -> dict[str, object]:
        names = [name for name in _SECRETS if getattr(self, name) is not None]
        if self.aws_session_expires_at is not None:
            names.append("aws_session_expires_at")
        return {name: getattr(self, name) for name in names}


class RotationRoutes:
    """What takes longer than a request: `/jobs/{id}` tells how far it is."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    @operation(
        "POST /providers/{id}/rotate",
        needs=Permission.PROVIDERS_WRITE,
        status=HTTPStatus.ACCEPTED,
        errors=(JobRunningError, MasterKeyUnavailableError, ProviderIncompleteError),
        missing=ProviderNotFoundError,
    )
    async def rotate_provider(self, asked: Asked, body: Rotation) -> Reply[Job]:
        """Rotate a provider's secret, or move what uses it to another provider.

        The new one is tested first. Agent types move, agents restart a few at a time;
        those that do not come up are skipped and listed. No message is lost.
        It takes the rights to change agent types and agents, too.
        """
        asked.who.require(Permission.AGENT_TYPES_WRITE)
        asked.who.require(Permission.AGENTS_WRITE)
        if body.to_provider_id is None:
            job = await self._jobs.rotate_secret(
                asked.who, asked.new_id, asked.id, body.patch, model=body.model
            )
        else:
            job = await self._jobs.rotate_provider(
                asked.who,
                asked.new_id,
                asked.id,
                to_provider_id=body.to_provider_id,
                delete_old=body.delete_old,
                model=body.model,
            )
        return accepted(asked, job)

    @operation(
        "POST /agent-types/{id}/restart",
        needs=Permission.AGENTS_WRITE,
        status=HTTPStatus.ACCEPTED,
        errors=(JobRunningError,),
        missing=AgentTypeNotFoundError,
    )
    async def restart_agents(self, asked: Asked) -> Reply[Job]:
        """Restart the agents of a type that are to run, a few at a time."""
        return accepted(
            asked, await self._jobs.restart_agents(asked.who, asked.new_id, asked.id)
        )


def accepted(asked: Asked, job: Job) -> Reply[Job]:
    """Tell of a job that has begun, and where it is."""
    prefix = "/api/v1" if asked.http.path.startswith("/api/v1/") else "/api"
    return Reply(job, HTTPStatus.ACCEPTED, {"Location": f"{prefix}/jobs/{job.id}"})

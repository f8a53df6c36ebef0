"""Use cases of agent types: make, read, change, remove."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from agent_runner.repositories import agent_types as repository
from agent_runner.repositories.audit import note
from agent_runner.runtimes.errors import (
    EngineUnavailableError,
    ImageNotFoundError,
    ImageRefusedError,
)
from agent_runner.runtimes.runtime import Runtime
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_types import (
    AgentRuntime,
    AgentType,
    AgentTypePatch,
    AgentTypeQuestion,
    AgentTypeSubmission,
    CreateAgentType,
    CredentialDelivery,
    ModelsInUse,
    ModelsQuestion,
    UpdateAgentType,
)
from shared.contracts.base import Empty, Page, PageQuestion, Question
from shared.contracts.credentials import GET_PROVIDER, Provider, ProviderQuestion
from shared.contracts.limits import (
    BUDGETS_CHANGED,
    BudgetsChanged,
    BudgetScope,
    ScopeKind,
)
from shared.contracts.mcp_servers import (
    GET_MCP_SERVER,
    McpServer,
    McpServerQuestion,
)
from shared.contracts.tools import McpServerTools
from shared.database import Database
from shared.errors import (
    InvalidError,
    McpServerNotFoundError,
    PreconditionFailedError,
)
from shared.pages import before, page_of

from .budget_scopes import remove_budgets
from .external_agents import ExternalAgents
from .type_budgets import give_budget
from .type_providers import require_fitting_providers
from .type_tools import require_fitting_tools

__all__ = ["AgentTypes", "patched"]

_LIVE_FIELDS = frozenset({"budget", "fallbacks", "limits", "residency"})
"""What holds for running agents at once."""


class AgentTypes:
    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        external: ExternalAgents,
        runtime: Runtime,
        allow_environment_delivery: bool,
        allow_private_tool_hosts: bool,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._bus = bus
        self._runtime = runtime
        self._allow_environment_delivery = allow_environment_delivery
        self._allow_private_tool_hosts = allow_private_tool_hosts
        self._external = external
        self._now = now

    async def create(self, question: CreateAgentType) -> AgentType:
        """Make a type, and the budget that is given with it.

        Raises `InvalidError`, `NameTakenError`, and what the credentials service says
        of a provider.
        """
        submission = self._settled(question.submission)
        await self._require_image(submission)
        await self._require_providers(question, submission)
        async with self._database.organization(question.org_id) as transaction:
            is_new = await repository.add_agent_type(
                transaction,
                org_id=question.org_id,
                agent_type_id=question.agent_type_id,
                submission=submission,
                at=self._now(),
            )
            await note(
                transaction, question, "agent_type.created", question.agent_type_id
            )
            if is_new:
                await give_budget(transaction, question, submission, at=self._now())
            made = await repository.agent_type(transaction, question.agent_type_id)
        if made.budget:
            await self._tell_budgets_changed(question)
        return made

    async def update(self, question: UpdateAgentType) -> AgentType:
        """Make a new version; running agents keep theirs until they restart.

        What needs no restart holds for them at once. Raises as `create` does, and
        `PreconditionFailedError` or `ConflictError` if somebody else was faster.
        """
        async with self._database.organization(question.org_id) as transaction:
            current = await repository.agent_type(transaction, question.agent_type_id)
        if question.if_version not in {None, current.version}:
            raise PreconditionFailedError(
                f"The agent type has moved on to version {current.version}."
            )
        submission = self._settled(patched(current, question.patch))
        _require_same_kind(current, submission)
        await self._require_image(submission)
        await self._require_providers(question, submission)
        async with self._database.organization(question.org_id) as transaction:
            await repository.add_agent_type_version(
                transaction,
                org_id=question.org_id,
                agent_type_id=question.agent_type_id,
                submission=submission,
                after_version=current.version,
                needs_restart=_starts_otherwise(current, submission),
                at=self._now(),
            )
            await note(
                transaction, question, "agent_type.updated", question.agent_type_id
            )
            if "budget" in question.patch.model_fields_set:
                await give_budget(transaction, question, submission, at=self._now())
            rerouted = []
            if question.patch.model_fields_set & _LIVE_FIELDS:
                rerouted = await self._external.note_rerouted(
                    transaction, question, question.agent_type_id
                )
            changed = await repository.agent_type(transaction, question.agent_type_id)
        await self._external.reroute(question, rerouted)
        if "budget" in question.patch.model_fields_set:
            await self._tell_budgets_changed(question)
        return changed

    async def get(self, question: AgentTypeQuestion) -> AgentType:
        async with self._database.organization(question.org_id) as transaction:
            return await repository.agent_type(transaction, question.agent_type_id)

    async def list(self, question: PageQuestion) -> Page[AgentType]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.agent_types(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

    async def models_in_use(self, question: ModelsQuestion) -> ModelsInUse:
        async with self._database.organization(question.org_id) as transaction:
            models = await repository.models_in_use(transaction, question.provider_id)
        return ModelsInUse(models=models)

    async def delete(self, question: AgentTypeQuestion) -> Empty:
        """Remove a type and its budgets. Raises `AgentTypeInUseError`."""
        async with self._database.organization(question.org_id) as transaction:
            await repository.remove_agent_type(transaction, question.agent_type_id)
            await note(
                transaction, question, "agent_type.deleted", question.agent_type_id
            )
            scope = BudgetScope(kind=ScopeKind.AGENT_TYPE, id=question.agent_type_id)
            await remove_budgets(transaction, question, scope)
        await self._tell_budgets_changed(question)
        return Empty()

    async def _tell_budgets_changed(self, question: Question) -> None:
        await self._bus.signal(BUDGETS_CHANGED, BudgetsChanged(org_id=question.org_id))

    def _settled(self, submission: AgentTypeSubmission) -> AgentTypeSubmission:
        """Fill in what was left to us, within what this installation allows.

        Raises `InvalidError` for what cannot be.
        """
        completed = _completed(submission)
        if self._allow_environment_delivery:
            return completed
        if completed.credential_delivery is CredentialDelivery.ENVIRONMENT:
            raise _invalid(
                "credential_delivery",
                "must be sealed: this installation gives no process a provider's key",
            )
        return completed.model_copy(
            update={"credential_delivery": CredentialDelivery.SEALED}
        )

    async def _require_image(self, submission: AgentTypeSubmission) -> None:
        """Refuse an image that may not be launched, as far as this runner can tell.

        It may be on the host of another one alone; a launch looks again.
        """
        if submission.image is None:
            return
        try:
            await self._runtime.check_image(submission.image)
        except ImageRefusedError as error:
            raise _invalid("image", error.message) from error
        except (EngineUnavailableError, ImageNotFoundError):
            return

    async def _require_providers(
        self, question: Question, submission: AgentTypeSubmission
    ) -> None:
        """Raise what the credentials service says of a provider that is not there.

        Those that are must fit.
        """
        named = {submission.provider_id} | {
            each.provider_id for each in submission.fallbacks
        }
        providers = {each: await self._provider(question, each) for each in named}
        require_fitting_providers(submission, providers)
        require_fitting_tools(
            submission,
            [each.base_url for each in providers.values() if each.base_url],
            await self._mcp_servers(question, submission),
            allow_private=self._allow_private_tool_hosts,
        )

    async def _mcp_servers(
        self, question: Question, submission: AgentTypeSubmission
    ) -> dict[UUID, McpServer]:
        """Read the MCP servers that are named, as far as there are such."""
        servers = {}
        for tool in submission.tools:
            if isinstance(tool, McpServerTools):
                with suppress(McpServerNotFoundError):
                    servers[tool.server_id] = await self._bus.ask(
                        GET_MCP_SERVER,
                        McpServerQuestion(
                            org_id=question.org_id,
                            actor=question.actor,
                            server_id=tool.server_id,
                        ),
                    )
        return servers

    async def _provider(self, question: Question, provider_id: UUID) -> Provider:
        return await self._bus.ask(
            GET_PROVIDER,
            ProviderQuestion(
                org_id=question.org_id, actor=question.actor, provider_id=provider_id
            ),
        )


def patched(current: AgentType, patch: AgentTypePatch) -> AgentTypeSubmission:
    """Lay *patch* over *current*.

    A type that allows its one model goes on doing so when only the model changes. The
    budget is none that was not given again.
    """
    kept: dict[str, Any] = {
        name: getattr(current, name)
        for name in AgentTypeSubmission.model_fields
        if name != "budget"
    }
    if current.allowed_models == [current.model]:
        kept["allowed_models"] = None
    changes = {name: getattr(patch, name) for name in patch.model_fields_set}
    return AgentTypeSubmission.model_validate(kept | changes)


def _starts_otherwise(current: AgentType, submission: AgentTypeSubmission) -> bool:
    """Say whether agents that run would be others if they started anew."""
    live = set(_LIVE_FIELDS)
    as_it_is = patched(current, AgentTypePatch())
    return as_it_is.model_dump(exclude=live) != submission.model_dump(exclude=live)


def _completed(submission: AgentTypeSubmission) -> AgentTypeSubmission:
    """Fill in what was left to us; raises `InvalidError` for what cannot be."""
    allowed = submission.allowed_models
    if allowed is not None and submission.model not in allowed:
        raise _invalid("allowed_models", "does not hold the type's model")
    if submission.image is not None:
        if submission.runtime not in {None, AgentRuntime.DOCKER}:
            raise _invalid("image", "needs the docker runtime")
        return submission.model_copy(update={"runtime": AgentRuntime.DOCKER})
    if submission.runtime is not AgentRuntime.EXTERNAL:
        return submission
    if submission.credential_delivery is CredentialDelivery.ENVIRONMENT:
        raise _invalid(
            "credential_delivery", "is sealed for external agents: we start no process"
        )
    if submission.runner_labels:
        raise _invalid("runner_labels", "means nothing: external agents have no runner")
    return submission.model_copy(
        update={"credential_delivery": CredentialDelivery.SEALED}
    )


def _require_same_kind(current: AgentType, submission: AgentTypeSubmission) -> None:
    """Refuse to make hosted agents external, or external ones hosted."""
    is_external = submission.runtime is AgentRuntime.EXTERNAL
    if is_external is not (current.runtime is AgentRuntime.EXTERNAL):
        raise _invalid("runtime", "cannot become external, or cease to be")


def _invalid(field: str, message: str) -> InvalidError:
    return InvalidError.of_fields(
        "The agent type cannot be like this.", {field: message}
    )

"""Every operation of the API that a program can use.

Made by `make generate` of docs/api/openapi.json.
"""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime

from .connection import Connection, segment
from .models import (
    Agent,
    AgentMessage,
    AgentPatch,
    AgentStats,
    AgentSubmission,
    AgentToken,
    AgentType,
    AgentTypePatch,
    AgentTypeSubmission,
    Alert,
    AlertRule,
    AlertRuleChange,
    AlertRuleName,
    AlertRules,
    AlertStatus,
    ApiKeySubmission,
    ApiKeyView,
    AuditVerification,
    Budget,
    BudgetPatch,
    BudgetSubmission,
    Call,
    CallStatus,
    Delivery,
    DeliveryStatus,
    Health,
    IamPolicy,
    Interval,
    InvitedUserView,
    Job,
    LastLines,
    Limits,
    LiveModels,
    MasterKeyState,
    McpApproval,
    McpServer,
    McpServerPatch,
    McpServerSubmission,
    McpTools,
    McpWithdrawal,
    Me,
    MessageSubmission,
    ModelCatalogue,
    NewAgent,
    NewApiKeyView,
    NewWebhook,
    NewWebhookView,
    OrganizationPatch,
    OrganizationView,
    PageOfAgent,
    PageOfAgentType,
    PageOfAlert,
    PageOfApiKeyView,
    PageOfAuditEntry,
    PageOfBudget,
    PageOfCall,
    PageOfDeadLetter,
    PageOfDelivery,
    PageOfExplainedError,
    PageOfJob,
    PageOfMcpServer,
    PageOfProvider,
    PageOfRunner,
    PageOfThread,
    PageOfToolCall,
    PageOfUserView,
    PageOfWebhook,
    PasswordChange,
    PriceOverride,
    PriceOverrideSubmission,
    PriceQuote,
    Prices,
    ProbeResult,
    Provider,
    ProviderPatch,
    ProviderSubmission,
    ProviderTest,
    ProviderTrial,
    ProviderType,
    Ready,
    Replay,
    Replayed,
    RepriceOrder,
    Repricing,
    Rewrap,
    Rotation,
    Runner,
    Silence,
    StartedSession,
    TaskId,
    ThreadHistory,
    ToolCall,
    ToolCallStatus,
    UsageErrors,
    UsagePageOfUsageOfAgent,
    UsagePageOfUsageOfAgentType,
    UsagePageOfUsageOfLabel,
    UsagePageOfUsageOfModel,
    UsagePageOfUsageOfProvider,
    UsagePageOfUsageOfProviderType,
    UsagePageOfUsageOfStatus,
    UsagePageOfUsageOfUseCase,
    UsageSummary,
    UsageTimeline,
    UserPatch,
    UserSubmission,
    UserView,
    Webhook,
    WebhookPatch,
)

__all__ = ["Operations"]


class Operations(Connection):
    """Named as in the description."""

    async def list_providers(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfProvider:
        """List providers, newest first."""
        answer: PageOfProvider = await self._ask(
            PageOfProvider,
            "GET",
            "/api/providers",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def create_provider(
        self, body: ProviderSubmission, *, idempotency_key: str | None = None
    ) -> Provider:
        """Add a provider; its secret is stored encrypted and never shown again."""
        answer: Provider = await self._ask(
            Provider,
            "POST",
            "/api/providers",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_provider(self, provider_id: UUID) -> Provider:
        """Show a provider, without its secret."""
        answer: Provider = await self._ask(
            Provider, "GET", f"/api/providers/{provider_id}"
        )
        return answer

    async def update_provider(
        self, provider_id: UUID, body: ProviderPatch, *, if_match: str | None = None
    ) -> Provider:
        """Change a provider; what is not named stays, its secret too."""
        answer: Provider = await self._ask(
            Provider,
            "PATCH",
            f"/api/providers/{provider_id}",
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    async def delete_provider(
        self, provider_id: UUID, *, if_match: str | None = None
    ) -> None:
        """Delete a provider that no active agent uses."""
        await self._ask(
            None,
            "DELETE",
            f"/api/providers/{provider_id}",
            headers={"If-Match": if_match},
        )

    async def get_iam_policy(
        self,
        provider_id: UUID,
        *,
        models: str | None = None,
        account: str | None = None,
    ) -> IamPolicy:
        """Make the least IAM policy for the models that are named, or are in use."""
        answer: IamPolicy = await self._ask(
            IamPolicy,
            "GET",
            f"/api/providers/{provider_id}/iam-policy",
            query={"models": models, "account": account},
        )
        return answer

    async def test_provider(
        self,
        provider_id: UUID,
        body: ProviderTest | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> ProbeResult:
        """Make one cheap call to a provider, and explain what went wrong."""
        answer: ProbeResult = await self._ask(
            ProbeResult,
            "POST",
            f"/api/providers/{provider_id}/test",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def test_submission(
        self, body: ProviderTrial, *, idempotency_key: str | None = None
    ) -> ProbeResult:
        """Try a provider before it is added; nothing of it is kept."""
        answer: ProbeResult = await self._ask(
            ProbeResult,
            "POST",
            "/api/providers/test",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def list_live_models(
        self, provider_id: UUID, *, region: str | None = None
    ) -> LiveModels:
        """List the models that the provider itself lists, all at once.

        It takes the right to change providers, for the secret is opened to ask.
        """
        answer: LiveModels = await self._ask(
            LiveModels,
            "GET",
            f"/api/providers/{provider_id}/models",
            query={"region": region},
        )
        return answer

    async def rotate_provider(
        self, provider_id: UUID, body: Rotation, *, idempotency_key: str | None = None
    ) -> Job:
        """Rotate a provider's secret, or move what uses it to another provider.

        The new one is tested first. Agent types move, agents restart a few at a
        time; those that do not come up are skipped and listed. No message is lost.
        It takes the rights to change agent types and agents, too.
        """
        answer: Job = await self._ask(
            Job,
            "POST",
            f"/api/providers/{provider_id}/rotate",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def restart_agents(
        self, agent_type_id: UUID, *, idempotency_key: str | None = None
    ) -> Job:
        """Restart the agents of a type that are to run, a few at a time."""
        answer: Job = await self._ask(
            Job,
            "POST",
            f"/api/agent-types/{agent_type_id}/restart",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def list_agent_types(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfAgentType:
        """List agent types, newest first."""
        answer: PageOfAgentType = await self._ask(
            PageOfAgentType,
            "GET",
            "/api/agent-types",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def create_agent_type(
        self, body: AgentTypeSubmission, *, idempotency_key: str | None = None
    ) -> AgentType:
        """Create an agent type, with a budget of its agents' calls if one is given.

        A key with scopes needs `budgets:write` too for a budget.
        """
        answer: AgentType = await self._ask(
            AgentType,
            "POST",
            "/api/agent-types",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_agent_type(self, agent_type_id: UUID) -> AgentType:
        """Show the newest version of an agent type."""
        answer: AgentType = await self._ask(
            AgentType, "GET", f"/api/agent-types/{agent_type_id}"
        )
        return answer

    async def update_agent_type(
        self,
        agent_type_id: UUID,
        body: AgentTypePatch,
        *,
        restart: Literal["rolling"] | None = None,
        if_match: str | None = None,
    ) -> AgentType | Job:
        """Change an agent type, which makes a new version.

        Running agents keep the version they started with and say
        `restart_required`. With `restart=rolling` the answer is the job that
        restarts them. A key with scopes needs `budgets:write` too to change the
        budget.
        """
        answer: AgentType | Job = await self._ask(
            AgentType | Job,
            "PATCH",
            f"/api/agent-types/{agent_type_id}",
            query={"restart": restart},
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    async def delete_agent_type(
        self, agent_type_id: UUID, *, if_match: str | None = None
    ) -> None:
        """Delete an agent type that no agent has, and the budgets of its calls."""
        await self._ask(
            None,
            "DELETE",
            f"/api/agent-types/{agent_type_id}",
            headers={"If-Match": if_match},
        )

    async def list_agents(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfAgent:
        """List agents, newest first."""
        answer: PageOfAgent = await self._ask(
            PageOfAgent, "GET", "/api/agents", query={"limit": limit, "cursor": cursor}
        )
        return answer

    async def create_agent(
        self, body: AgentSubmission, *, idempotency_key: str | None = None
    ) -> NewAgent:
        """Create an agent, stopped; with `start` it is started, or not made at all.

        One of an external type may call at once, with the token that this answer
        alone shows.
        """
        answer: NewAgent = await self._ask(
            NewAgent,
            "POST",
            "/api/agents",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_agent(self, agent_id: UUID) -> Agent:
        """Show an agent."""
        answer: Agent = await self._ask(Agent, "GET", f"/api/agents/{agent_id}")
        return answer

    async def update_agent(
        self, agent_id: UUID, body: AgentPatch, *, if_match: str | None = None
    ) -> Agent:
        """Rename an agent, or give it another type from its next restart on."""
        answer: Agent = await self._ask(
            Agent,
            "PATCH",
            f"/api/agents/{agent_id}",
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    async def delete_agent(
        self, agent_id: UUID, *, if_match: str | None = None
    ) -> None:
        """Stop an agent and delete it."""
        await self._ask(
            None, "DELETE", f"/api/agents/{agent_id}", headers={"If-Match": if_match}
        )

    async def start_agent(
        self, agent_id: UUID, *, idempotency_key: str | None = None
    ) -> Agent:
        """Start an agent; one that runs already is left alone."""
        answer: Agent = await self._ask(
            Agent,
            "POST",
            f"/api/agents/{agent_id}/start",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def stop_agent(
        self, agent_id: UUID, *, idempotency_key: str | None = None
    ) -> Agent:
        """Stop an agent; one that is stopped already is left alone."""
        answer: Agent = await self._ask(
            Agent,
            "POST",
            f"/api/agents/{agent_id}/stop",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def restart_agent(
        self, agent_id: UUID, *, idempotency_key: str | None = None
    ) -> Agent:
        """Stop an agent and start it anew, with the newest version of its type."""
        answer: Agent = await self._ask(
            Agent,
            "POST",
            f"/api/agents/{agent_id}/restart",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_agent_logs(self, agent_id: UUID) -> LastLines:
        """Show the last lines an agent wrote, secrets masked.

        With `follow`, server-sent events: `lines` (`{"lines", "has_skipped"}`),
        first what is kept and then what comes, or what follows `Last-Event-ID`;
        `deleted`, and no more, when the agent is. Who reads too slowly misses
        lines, and is told.
        """
        answer: LastLines = await self._ask(
            LastLines, "GET", f"/api/agents/{agent_id}/logs"
        )
        return answer

    async def replace_agent_token(
        self, agent_id: UUID, *, idempotency_key: str | None = None
    ) -> AgentToken:
        """Give an external agent another token, which this answer alone shows."""
        answer: AgentToken = await self._ask(
            AgentToken,
            "POST",
            f"/api/agents/{agent_id}/token",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def revoke_agent_token(self, agent_id: UUID) -> None:
        """Revoke the token of an external agent, until it is given another."""
        await self._ask(None, "DELETE", f"/api/agents/{agent_id}/token")

    async def send_message(
        self,
        agent_id: UUID,
        body: MessageSubmission,
        *,
        idempotency_key: str | None = None,
    ) -> AgentMessage:
        """Send a message to an agent and wait for its answer.

        200 with the final message; 202 with the message as it is while it has no
        answer: because time is up, or because none was waited for.

        With `stream`, server-sent events: `delta` (`{"content"}`), more of the
        answer; `restart`, forget what came so far; and last the message:
        `completed`, or `failed` if it has no answer and will get none (its `status`
        says why), or `pending` if time is up. A comment every 15 s says that
        somebody is there.
        """
        answer: AgentMessage = await self._ask(
            AgentMessage,
            "POST",
            f"/api/agents/{agent_id}/messages",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def ask(
        self, slug: str, body: MessageSubmission, *, idempotency_key: str | None = None
    ) -> AgentMessage:
        """Send a message to whichever agent of a type has the least to do.

        A thread stays with its agent as long as that one runs. Answers as sending a
        message to an agent does.
        """
        answer: AgentMessage = await self._ask(
            AgentMessage,
            "POST",
            f"/api/ask/{segment(slug)}",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_message(self, message_id: UUID) -> AgentMessage:
        """Show a message and, once it is final, its answer."""
        answer: AgentMessage = await self._ask(
            AgentMessage, "GET", f"/api/messages/{message_id}"
        )
        return answer

    async def cancel_message(
        self, message_id: UUID, *, idempotency_key: str | None = None
    ) -> AgentMessage:
        """End a message that has no answer yet.

        An answer that its agent is just giving is not heard any more.
        """
        answer: AgentMessage = await self._ask(
            AgentMessage,
            "POST",
            f"/api/messages/{message_id}/cancel",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def retry_message(
        self, message_id: UUID, *, idempotency_key: str | None = None
    ) -> AgentMessage:
        """Send a message again that was acknowledged, failed or cancelled.

        It goes to the end of its thread.
        """
        answer: AgentMessage = await self._ask(
            AgentMessage,
            "POST",
            f"/api/messages/{message_id}/retry",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def list_threads(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        agent_id: UUID | None = None,
    ) -> PageOfThread:
        """List conversations, newest first."""
        answer: PageOfThread = await self._ask(
            PageOfThread,
            "GET",
            "/api/threads",
            query={"limit": limit, "cursor": cursor, "agent_id": agent_id},
        )
        return answer

    async def get_thread(
        self, thread_id: UUID, *, limit: int | None = None, cursor: str | None = None
    ) -> ThreadHistory:
        """Show a conversation with a page of its messages, newest first."""
        answer: ThreadHistory = await self._ask(
            ThreadHistory,
            "GET",
            f"/api/threads/{thread_id}",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def list_dead_letters(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfDeadLetter:
        """List messages that are not delivered any more, newest first."""
        answer: PageOfDeadLetter = await self._ask(
            PageOfDeadLetter,
            "GET",
            "/api/dead-letters",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def replay_dead_letter(
        self, dead_letter_id: UUID, *, idempotency_key: str | None = None
    ) -> AgentMessage:
        """Send a dead letter again, to the end of its thread."""
        answer: AgentMessage = await self._ask(
            AgentMessage,
            "POST",
            f"/api/dead-letters/{dead_letter_id}/replay",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_agent_stats(
        self,
        agent_id: UUID,
        *,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> AgentStats:
        """Show what an agent used and how it fared, ever or in a period."""
        answer: AgentStats = await self._ask(
            AgentStats,
            "GET",
            f"/api/agents/{agent_id}/stats",
            query={"period": period, "days": days, "from": from_, "to": to, "tz": tz},
        )
        return answer

    async def get_usage(
        self,
        *,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
        agent_id: UUID | None = None,
        agent_type_id: UUID | None = None,
        provider_id: UUID | None = None,
        provider_type: ProviderType | None = None,
        model: str | None = None,
        use_case: str | None = None,
        label: str | None = None,
    ) -> UsageSummary:
        """Show what the organization used, or what of it has one value."""
        answer: UsageSummary = await self._ask(
            UsageSummary,
            "GET",
            "/api/stats/usage/summary",
            query={
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
                "agent_id": agent_id,
                "agent_type_id": agent_type_id,
                "provider_id": provider_id,
                "provider_type": provider_type,
                "model": model,
                "use_case": use_case,
                "label": label,
            },
        )
        return answer

    async def get_usage_timeline(
        self,
        *,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
        agent_id: UUID | None = None,
        agent_type_id: UUID | None = None,
        provider_id: UUID | None = None,
        provider_type: ProviderType | None = None,
        model: str | None = None,
        use_case: str | None = None,
        label: str | None = None,
        interval: Interval | None = None,
    ) -> UsageTimeline:
        """Show usage by hour or day of a time zone, 10,000 at most, oldest first."""
        answer: UsageTimeline = await self._ask(
            UsageTimeline,
            "GET",
            "/api/stats/usage/timeline",
            query={
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
                "agent_id": agent_id,
                "agent_type_id": agent_type_id,
                "provider_id": provider_id,
                "provider_type": provider_type,
                "model": model,
                "use_case": use_case,
                "label": label,
                "interval": interval,
            },
        )
        return answer

    async def get_usage_errors(
        self,
        *,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> UsageErrors:
        """Show how many calls failed, and by which codes."""
        answer: UsageErrors = await self._ask(
            UsageErrors,
            "GET",
            "/api/stats/usage/errors",
            query={"period": period, "days": days, "from": from_, "to": to, "tz": tz},
        )
        return answer

    async def get_usage_by_agent(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> UsagePageOfUsageOfAgent:
        """Show usage by agent, those with most tokens first."""
        answer: UsagePageOfUsageOfAgent = await self._ask(
            UsagePageOfUsageOfAgent,
            "GET",
            "/api/stats/usage/by-agent",
            query={
                "limit": limit,
                "cursor": cursor,
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )
        return answer

    async def get_usage_by_agent_type(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> UsagePageOfUsageOfAgentType:
        """Show usage by agent type, those with most tokens first."""
        answer: UsagePageOfUsageOfAgentType = await self._ask(
            UsagePageOfUsageOfAgentType,
            "GET",
            "/api/stats/usage/by-agent-type",
            query={
                "limit": limit,
                "cursor": cursor,
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )
        return answer

    async def get_usage_by_provider(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> UsagePageOfUsageOfProvider:
        """Show usage by provider, those with most tokens first."""
        answer: UsagePageOfUsageOfProvider = await self._ask(
            UsagePageOfUsageOfProvider,
            "GET",
            "/api/stats/usage/by-provider",
            query={
                "limit": limit,
                "cursor": cursor,
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )
        return answer

    async def get_usage_by_provider_type(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> UsagePageOfUsageOfProviderType:
        """Show usage by type of provider, those with most tokens first."""
        answer: UsagePageOfUsageOfProviderType = await self._ask(
            UsagePageOfUsageOfProviderType,
            "GET",
            "/api/stats/usage/by-provider-type",
            query={
                "limit": limit,
                "cursor": cursor,
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )
        return answer

    async def get_usage_by_model(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> UsagePageOfUsageOfModel:
        """Show usage by model, those with most tokens first."""
        answer: UsagePageOfUsageOfModel = await self._ask(
            UsagePageOfUsageOfModel,
            "GET",
            "/api/stats/usage/by-model",
            query={
                "limit": limit,
                "cursor": cursor,
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )
        return answer

    async def get_usage_by_use_case(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> UsagePageOfUsageOfUseCase:
        """Show usage by use case, those with most tokens first."""
        answer: UsagePageOfUsageOfUseCase = await self._ask(
            UsagePageOfUsageOfUseCase,
            "GET",
            "/api/stats/usage/by-use-case",
            query={
                "limit": limit,
                "cursor": cursor,
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )
        return answer

    async def get_usage_by_label(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> UsagePageOfUsageOfLabel:
        """Show usage by label, those with most tokens first.

        A call counts under each of its labels.
        """
        answer: UsagePageOfUsageOfLabel = await self._ask(
            UsagePageOfUsageOfLabel,
            "GET",
            "/api/stats/usage/by-label",
            query={
                "limit": limit,
                "cursor": cursor,
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )
        return answer

    async def get_usage_by_status(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
    ) -> UsagePageOfUsageOfStatus:
        """Show usage by how calls ended, those with most tokens first."""
        answer: UsagePageOfUsageOfStatus = await self._ask(
            UsagePageOfUsageOfStatus,
            "GET",
            "/api/stats/usage/by-status",
            query={
                "limit": limit,
                "cursor": cursor,
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )
        return answer

    async def export_usage(
        self,
        *,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
        by: Literal[
            "agent",
            "agent_type",
            "provider",
            "provider_type",
            "model",
            "use_case",
            "label",
            "status",
        ]
        | None = None,
        interval: Interval | None = None,
    ) -> str:
        """Export usage as a table: a row for each hour or day and each value."""
        answer: str = await self._ask(
            str,
            "GET",
            "/api/stats/export.csv",
            query={
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
                "by": by,
                "interval": interval,
            },
        )
        return answer

    async def list_calls(
        self,
        *,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        agent_id: UUID | None = None,
        agent_type_id: UUID | None = None,
        provider_id: UUID | None = None,
        model: str | None = None,
        status: CallStatus | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> PageOfCall:
        """List calls, those started last first.

        Of the last 24 hours, unless a period or a request is named.
        """
        answer: PageOfCall = await self._ask(
            PageOfCall,
            "GET",
            "/api/calls",
            query={
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
                "limit": limit,
                "cursor": cursor,
                "agent_id": agent_id,
                "agent_type_id": agent_type_id,
                "provider_id": provider_id,
                "model": model,
                "status": status,
                "code": code,
                "request_id": request_id,
            },
        )
        return answer

    async def get_call(self, call_id: UUID) -> Call:
        """Show a call with its attempts."""
        answer: Call = await self._ask(Call, "GET", f"/api/calls/{call_id}")
        return answer

    async def list_tool_calls(
        self,
        *,
        period: Literal["24h", "7d", "30d", "90d"] | None = None,
        days: int | None = None,
        from_: AwareDatetime | None = None,
        to: AwareDatetime | None = None,
        tz: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        agent_id: UUID | None = None,
        agent_type_id: UUID | None = None,
        message_id: UUID | None = None,
        tool: str | None = None,
        status: ToolCallStatus | None = None,
        code: str | None = None,
    ) -> PageOfToolCall:
        """List tool calls, those started last first.

        Of the last 24 hours, unless a period or a message is named; those that
        began: what is refused before that takes nothing and is none.
        """
        answer: PageOfToolCall = await self._ask(
            PageOfToolCall,
            "GET",
            "/api/tool-calls",
            query={
                "period": period,
                "days": days,
                "from": from_,
                "to": to,
                "tz": tz,
                "limit": limit,
                "cursor": cursor,
                "agent_id": agent_id,
                "agent_type_id": agent_type_id,
                "message_id": message_id,
                "tool": tool,
                "status": status,
                "code": code,
            },
        )
        return answer

    async def get_tool_call(self, tool_call_id: UUID) -> ToolCall:
        """Show a tool call, and why it failed if it did."""
        answer: ToolCall = await self._ask(
            ToolCall, "GET", f"/api/tool-calls/{tool_call_id}"
        )
        return answer

    async def list_alerts(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: AlertStatus | None = None,
        rule: AlertRuleName | None = None,
    ) -> PageOfAlert:
        """List alerts, those opened last first."""
        answer: PageOfAlert = await self._ask(
            PageOfAlert,
            "GET",
            "/api/alerts",
            query={"limit": limit, "cursor": cursor, "status": status, "rule": rule},
        )
        return answer

    async def get_alert(self, alert_id: UUID) -> Alert:
        """Show an alert with its evidence."""
        answer: Alert = await self._ask(Alert, "GET", f"/api/alerts/{alert_id}")
        return answer

    async def silence_alert(
        self, alert_id: UUID, body: Silence, *, idempotency_key: str | None = None
    ) -> Alert:
        """Tell nobody of an alert for a while, nor of its return."""
        answer: Alert = await self._ask(
            Alert,
            "POST",
            f"/api/alerts/{alert_id}/silence",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def list_alert_rules(self) -> AlertRules:
        """List the rules, when each opens an alert, and whether it is on."""
        answer: AlertRules = await self._ask(AlertRules, "GET", "/api/alert-rules")
        return answer

    async def update_alert_rule(self, body: AlertRuleChange) -> AlertRule:
        """Switch a rule on or off."""
        answer: AlertRule = await self._ask(
            AlertRule, "PATCH", "/api/alert-rules", body=body
        )
        return answer

    async def list_webhooks(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfWebhook:
        """List webhooks, newest first."""
        answer: PageOfWebhook = await self._ask(
            PageOfWebhook,
            "GET",
            "/api/webhooks",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def create_webhook(
        self, body: NewWebhook, *, idempotency_key: str | None = None
    ) -> NewWebhookView:
        """Create a webhook, which is told of what happens from now on.

        This answer alone shows the secret that its deliveries are signed with, as
        Standard Webhooks describe. Another URL is another webhook.
        """
        answer: NewWebhookView = await self._ask(
            NewWebhookView,
            "POST",
            "/api/webhooks",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_webhook(self, webhook_id: UUID) -> Webhook:
        """Show a webhook, and how many deliveries wait for it."""
        answer: Webhook = await self._ask(Webhook, "GET", f"/api/webhooks/{webhook_id}")
        return answer

    async def update_webhook(
        self, webhook_id: UUID, body: WebhookPatch, *, if_match: str | None = None
    ) -> Webhook:
        """Rename a webhook, choose its events, or switch it on or off.

        While it is off it is told of nothing that happens; what waited before goes
        on waiting.
        """
        answer: Webhook = await self._ask(
            Webhook,
            "PATCH",
            f"/api/webhooks/{webhook_id}",
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    async def delete_webhook(
        self, webhook_id: UUID, *, if_match: str | None = None
    ) -> None:
        """Delete a webhook with its secret, and all its deliveries."""
        await self._ask(
            None,
            "DELETE",
            f"/api/webhooks/{webhook_id}",
            headers={"If-Match": if_match},
        )

    async def test_webhook(
        self, webhook_id: UUID, *, idempotency_key: str | None = None
    ) -> Delivery:
        """Deliver a `webhook.test` event, once, and tell what came of it."""
        answer: Delivery = await self._ask(
            Delivery,
            "POST",
            f"/api/webhooks/{webhook_id}/test",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def list_deliveries(
        self,
        webhook_id: UUID,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: DeliveryStatus | None = None,
    ) -> PageOfDelivery:
        """List the deliveries of 30 days with their attempts, newest first."""
        answer: PageOfDelivery = await self._ask(
            PageOfDelivery,
            "GET",
            f"/api/webhooks/{webhook_id}/deliveries",
            query={"limit": limit, "cursor": cursor, "status": status},
        )
        return answer

    async def replay_deliveries(
        self, webhook_id: UUID, body: Replay, *, idempotency_key: str | None = None
    ) -> Replayed:
        """Deliver again, under the same `webhook-id`, so that repeats can be told."""
        answer: Replayed = await self._ask(
            Replayed,
            "POST",
            f"/api/webhooks/{webhook_id}/replay",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def list_mcp_servers(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfMcpServer:
        """List MCP servers, newest first."""
        answer: PageOfMcpServer = await self._ask(
            PageOfMcpServer,
            "GET",
            "/api/mcp-servers",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def create_mcp_server(
        self, body: McpServerSubmission, *, idempotency_key: str | None = None
    ) -> McpServer:
        """Add an MCP server; its token is stored encrypted and never shown again.

        Agents have none of its tools before somebody approves them. Another URL or
        name is another server.
        """
        answer: McpServer = await self._ask(
            McpServer,
            "POST",
            "/api/mcp-servers",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_mcp_server(self, mcp_server_id: UUID) -> McpServer:
        """Show an MCP server, without its token."""
        answer: McpServer = await self._ask(
            McpServer, "GET", f"/api/mcp-servers/{mcp_server_id}"
        )
        return answer

    async def update_mcp_server(
        self, mcp_server_id: UUID, body: McpServerPatch, *, if_match: str | None = None
    ) -> McpServer:
        """Give an MCP server another token, or none (null); runners use it at once."""
        answer: McpServer = await self._ask(
            McpServer,
            "PATCH",
            f"/api/mcp-servers/{mcp_server_id}",
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    async def delete_mcp_server(
        self, mcp_server_id: UUID, *, if_match: str | None = None
    ) -> None:
        """Delete an MCP server with its token and all approvals of its tools."""
        await self._ask(
            None,
            "DELETE",
            f"/api/mcp-servers/{mcp_server_id}",
            headers={"If-Match": if_match},
        )

    async def list_mcp_tools(self, mcp_server_id: UUID) -> McpTools:
        """Ask the server for its tools, and compare them with what was approved.

        All at once. Of a tool that has changed `diff` shows how; agents have it
        again when the change is approved. If the server cannot be asked,
        `explanation` says why, and what was approved is listed.
        """
        answer: McpTools = await self._ask(
            McpTools, "GET", f"/api/mcp-servers/{mcp_server_id}/tools"
        )
        return answer

    async def approve_mcp_tools(
        self,
        mcp_server_id: UUID,
        body: McpApproval,
        *,
        idempotency_key: str | None = None,
    ) -> McpTools:
        """Approve tools as they were shown, by the fingerprints that were.

        The server is asked again: what it describes otherwise by now is not
        approved.
        """
        answer: McpTools = await self._ask(
            McpTools,
            "POST",
            f"/api/mcp-servers/{mcp_server_id}/tools/approve",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def withdraw_mcp_tools(
        self,
        mcp_server_id: UUID,
        body: McpWithdrawal,
        *,
        idempotency_key: str | None = None,
    ) -> None:
        """Take approvals back: agents cannot call these tools from now on."""
        await self._ask(
            None,
            "POST",
            f"/api/mcp-servers/{mcp_server_id}/tools/withdraw",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )

    async def list_prices(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Prices:
        """List the organization's own prices, newest first."""
        answer: Prices = await self._ask(
            Prices, "GET", "/api/prices", query={"limit": limit, "cursor": cursor}
        )
        return answer

    async def put_price(self, body: PriceOverrideSubmission) -> PriceOverride:
        """Set a price, for calls that are counted from now on.

        One of the same provider, model and beginning is replaced.
        """
        answer: PriceOverride = await self._ask(
            PriceOverride, "PUT", "/api/prices", body=body
        )
        return answer

    async def quote_price(
        self,
        *,
        provider_type: ProviderType,
        model: str,
        provider_id: UUID | None = None,
        at: AwareDatetime | None = None,
    ) -> PriceQuote:
        """Show what a model costs by all that is known, or why nobody can say."""
        answer: PriceQuote = await self._ask(
            PriceQuote,
            "GET",
            "/api/prices/quote",
            query={
                "provider_type": provider_type,
                "model": model,
                "provider_id": provider_id,
                "at": at,
            },
        )
        return answer

    async def reprice(
        self, body: RepriceOrder, *, idempotency_key: str | None = None
    ) -> Repricing:
        """Price the calls of a period anew.

        `/prices/repricings/{id}` tells what has changed so far.
        """
        answer: Repricing = await self._ask(
            Repricing,
            "POST",
            "/api/prices/reprice",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_repricing(self, repricing_id: UUID) -> Repricing:
        """Show how far a repricing is, and what it has changed."""
        answer: Repricing = await self._ask(
            Repricing, "GET", f"/api/prices/repricings/{repricing_id}"
        )
        return answer

    async def get_price(self, price_id: UUID) -> PriceOverride:
        """Show one of the organization's own prices."""
        answer: PriceOverride = await self._ask(
            PriceOverride, "GET", f"/api/prices/{price_id}"
        )
        return answer

    async def delete_price(
        self, price_id: UUID, *, if_match: str | None = None
    ) -> None:
        """Remove one of the organization's own prices."""
        await self._ask(
            None, "DELETE", f"/api/prices/{price_id}", headers={"If-Match": if_match}
        )

    async def list_budgets(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfBudget:
        """List budgets and how they stand, newest first."""
        answer: PageOfBudget = await self._ask(
            PageOfBudget,
            "GET",
            "/api/budgets",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def create_budget(
        self, body: BudgetSubmission, *, idempotency_key: str | None = None
    ) -> Budget:
        """Create a budget: of tokens or dollars, a day or month.

        It counts calls from now on. One of dollars refuses calls of models that
        have no price. It is deleted with the agent, type or provider that it is of.
        """
        answer: Budget = await self._ask(
            Budget,
            "POST",
            "/api/budgets",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_budget(self, budget_id: UUID) -> Budget:
        """Show a budget, and how it stands."""
        answer: Budget = await self._ask(Budget, "GET", f"/api/budgets/{budget_id}")
        return answer

    async def update_budget(
        self, budget_id: UUID, body: BudgetPatch, *, if_match: str | None = None
    ) -> Budget:
        """Change a budget, which calls obey within seconds; what is used stays used."""
        answer: Budget = await self._ask(
            Budget,
            "PATCH",
            f"/api/budgets/{budget_id}",
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    async def delete_budget(
        self, budget_id: UUID, *, if_match: str | None = None
    ) -> None:
        """Delete a budget; calls are limited by it no more."""
        await self._ask(
            None, "DELETE", f"/api/budgets/{budget_id}", headers={"If-Match": if_match}
        )

    async def list_limits(self, *, of_id: UUID | None = None) -> Limits:
        """List the limits that calls have met in the last day, with what is left.

        A limit that no call has met yet is left whole, and not listed.
        """
        answer: Limits = await self._ask(
            Limits, "GET", "/api/limits", query={"of_id": of_id}
        )
        return answer

    async def list_models(
        self, *, task: TaskId | None = None, provider_type: ProviderType | None = None
    ) -> ModelCatalogue:
        """List the models there are, or those for a task or of a provider type.

        What a provider itself lists is at `/providers/{id}/models`.
        """
        answer: ModelCatalogue = await self._ask(
            ModelCatalogue,
            "GET",
            "/api/models",
            query={"task": task, "provider_type": provider_type},
        )
        return answer

    async def get_master_key(self) -> MasterKeyState:
        """Show which key wraps now, and whether all is frozen."""
        answer: MasterKeyState = await self._ask(
            MasterKeyState, "GET", "/api/master-key"
        )
        return answer

    async def rewrap_data_keys(self, *, idempotency_key: str | None = None) -> Rewrap:
        """Start the job that brings every data key under the present master key.

        `/jobs/{id}` tells of it; while one runs, it is that.
        """
        answer: Rewrap = await self._ask(
            Rewrap,
            "POST",
            "/api/master-key/rewrap",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def freeze(self, *, idempotency_key: str | None = None) -> MasterKeyState:
        """Open no stored secret any more, until `unfreeze`."""
        answer: MasterKeyState = await self._ask(
            MasterKeyState,
            "POST",
            "/api/master-key/freeze",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def unfreeze(self, *, idempotency_key: str | None = None) -> MasterKeyState:
        """Open stored secrets again."""
        answer: MasterKeyState = await self._ask(
            MasterKeyState,
            "POST",
            "/api/master-key/unfreeze",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def list_runners(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfRunner:
        """List runners, newest first."""
        answer: PageOfRunner = await self._ask(
            PageOfRunner,
            "GET",
            "/api/runners",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def get_runner(self, runner_id: UUID) -> Runner:
        """Show a runner."""
        answer: Runner = await self._ask(Runner, "GET", f"/api/runners/{runner_id}")
        return answer

    async def drain_runner(
        self, runner_id: UUID, *, idempotency_key: str | None = None
    ) -> Runner:
        """Move a runner's agents to others, and give it none until `undrain`.

        Agents that no other runner can take stay where they are. It is empty once
        `agents` is 0.
        """
        answer: Runner = await self._ask(
            Runner,
            "POST",
            f"/api/runners/{runner_id}/drain",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def undrain_runner(
        self, runner_id: UUID, *, idempotency_key: str | None = None
    ) -> Runner:
        """Let a runner take agents again."""
        answer: Runner = await self._ask(
            Runner,
            "POST",
            f"/api/runners/{runner_id}/undrain",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def list_jobs(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfJob:
        """List rotations and rolling restarts, newest first."""
        answer: PageOfJob = await self._ask(
            PageOfJob, "GET", "/api/jobs", query={"limit": limit, "cursor": cursor}
        )
        return answer

    async def get_job(self, job_id: UUID) -> Job | Rewrap | Repricing:
        """Show how far a job is; that of the master key to who may see the key."""
        answer: Job | Rewrap | Repricing = await self._ask(
            Job | Rewrap | Repricing, "GET", f"/api/jobs/{job_id}"
        )
        return answer

    async def list_audit(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfAuditEntry:
        """List administrative acts and openings of secrets, newest first."""
        answer: PageOfAuditEntry = await self._ask(
            PageOfAuditEntry,
            "GET",
            "/api/audit",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def verify_audit(
        self, *, idempotency_key: str | None = None
    ) -> AuditVerification:
        """Name each entry of the credentials service's audit that was touched.

        Its chain is compared with itself and with the heads that the service keeps
        outside its database. To believe nothing that the machine says, run
        `ag2trust audit verify` with a copy of them that was kept elsewhere.
        """
        answer: AuditVerification = await self._ask(
            AuditVerification,
            "POST",
            "/api/audit/verify",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def list_explained_errors(self) -> PageOfExplainedError:
        """List what each provider's errors mean, all at once.

        The first row that fits a failure is its own.
        """
        answer: PageOfExplainedError = await self._ask(
            PageOfExplainedError, "GET", "/api/errors"
        )
        return answer

    async def list_api_keys(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfApiKeyView:
        """List API keys that are not revoked, newest first."""
        answer: PageOfApiKeyView = await self._ask(
            PageOfApiKeyView,
            "GET",
            "/api/api-keys",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def create_api_key(
        self, body: ApiKeySubmission, *, idempotency_key: str | None = None
    ) -> NewApiKeyView:
        """Make an API key, which this answer alone shows."""
        answer: NewApiKeyView = await self._ask(
            NewApiKeyView,
            "POST",
            "/api/api-keys",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_api_key(self, api_key_id: UUID) -> ApiKeyView:
        """Show an API key, without the key itself."""
        answer: ApiKeyView = await self._ask(
            ApiKeyView, "GET", f"/api/api-keys/{api_key_id}"
        )
        return answer

    async def revoke_api_key(
        self, api_key_id: UUID, *, if_match: str | None = None
    ) -> None:
        """Revoke an API key; it opens nothing from then on."""
        await self._ask(
            None,
            "DELETE",
            f"/api/api-keys/{api_key_id}",
            headers={"If-Match": if_match},
        )

    async def list_users(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PageOfUserView:
        """List the people of the organization, newest first."""
        answer: PageOfUserView = await self._ask(
            PageOfUserView,
            "GET",
            "/api/users",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    async def invite_user(
        self, body: UserSubmission, *, idempotency_key: str | None = None
    ) -> InvitedUserView:
        """Add a person; the answer has the link to pass on, which is shown once."""
        answer: InvitedUserView = await self._ask(
            InvitedUserView,
            "POST",
            "/api/users",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_user(self, user_id: UUID) -> UserView:
        """Show a person."""
        answer: UserView = await self._ask(UserView, "GET", f"/api/users/{user_id}")
        return answer

    async def update_user(
        self, user_id: UUID, body: UserPatch, *, if_match: str | None = None
    ) -> UserView:
        """Change a person's name or role, or let nobody in by that name for now."""
        answer: UserView = await self._ask(
            UserView,
            "PATCH",
            f"/api/users/{user_id}",
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    async def delete_user(self, user_id: UUID, *, if_match: str | None = None) -> None:
        """Remove a person; all sessions end."""
        await self._ask(
            None, "DELETE", f"/api/users/{user_id}", headers={"If-Match": if_match}
        )

    async def invite_user_again(
        self, user_id: UUID, *, idempotency_key: str | None = None
    ) -> InvitedUserView:
        """Make a new one-time link, by which a person sets a new password."""
        answer: InvitedUserView = await self._ask(
            InvitedUserView,
            "POST",
            f"/api/users/{user_id}/invite",
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def change_password(
        self, body: PasswordChange, *, idempotency_key: str | None = None
    ) -> StartedSession:
        """Change one's own password; all sessions end, and a new one begins."""
        answer: StartedSession = await self._ask(
            StartedSession,
            "POST",
            "/api/users/me/password",
            body=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return answer

    async def get_me(self) -> Me:
        """Tell who asks, and what that one may."""
        answer: Me = await self._ask(Me, "GET", "/api/me")
        return answer

    async def get_organization(self) -> OrganizationView:
        """Show the organization that everything here belongs to."""
        answer: OrganizationView = await self._ask(
            OrganizationView, "GET", "/api/organization"
        )
        return answer

    async def update_organization(
        self, body: OrganizationPatch, *, if_match: str | None = None
    ) -> OrganizationView:
        """Rename the organization."""
        answer: OrganizationView = await self._ask(
            OrganizationView,
            "PATCH",
            "/api/organization",
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    async def get_openapi(self) -> dict[str, Any]:
        """Describe this API in OpenAPI 3.1."""
        answer: dict[str, Any] = await self._ask(
            dict[str, Any], "GET", "/api/openapi.json"
        )
        return answer

    async def get_health(self) -> Health:
        """Tell that the process lives."""
        answer: Health = await self._ask(Health, "GET", "/healthz")
        return answer

    async def get_readiness(self) -> Ready:
        """Tell whether all that is needed is there, or what is missing."""
        answer: Ready = await self._ask(Ready, "GET", "/readyz")
        return answer

    async def get_metrics(self) -> str:
        """Tell what was measured, in Prometheus' text format."""
        answer: str = await self._ask(str, "GET", "/metrics")
        return answer

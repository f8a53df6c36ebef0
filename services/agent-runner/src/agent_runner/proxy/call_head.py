"""What the head of a request says of a call, worked out once for all that have it.

An SDK begins every call alike, on all its connections. What follows from that, and from
what is known of the agent and its provider, is kept with it as plans: until one of
these is another.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPMethod

from agent_runner.callers import ModelCaller
from agent_runner.http.client import Origin, request_head
from agent_runner.http.messages import Fields, RequestHead, UnsendableError
from agent_runner.http.urls import parted
from agent_runner.masking import SecretMask
from agent_runner.proof import Proof
from shared.contracts.agent_types import AgentType
from shared.contracts.credentials import LeasedCredential
from shared.errors import AppError

from .call_record import Entry
from .calls import CallBook
from .candidates import require_residency
from .headers import signature, value_of
from .paths import place_of
from .wire_format import Asked, Route, WireFormat

__all__ = ["CallHead", "Plan", "call_head"]

_MOST_PLANS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How calls for one model, all streamed or none, go out.

    It holds as long as type and credential are the same. *head* lacks only the length
    of the body. *signature* says whom an answer is of, *mask* hides what it must not
    repeat, *entry* is how such calls begin in the book.
    """

    agent_type: AgentType
    credential: LeasedCredential = field(repr=False)
    origin: Origin
    head: bytes = field(repr=False)
    signature: Fields
    mask: SecretMask = field(repr=False)
    entry: Entry

    def holds_for(self, agent: ModelCaller) -> bool:
        return (
            self.agent_type is agent.agent_type
            and self.credential is agent.lease.credential
        )


@dataclass(frozen=True, slots=True, weakref_slot=True)
class CallHead:
    wire_format: WireFormat
    route: Route
    proof: Proof
    fields: Fields = field(repr=False)
    _plans: dict[tuple[str, bool], Plan] = field(default_factory=dict)

    def plan_for(self, agent: ModelCaller, asked: Asked, book: CallBook) -> Plan | None:
        """Give the plan for what is asked; None where that is no plain call."""
        kind = asked.request.model, asked.request.is_streamed
        plan = self._plans.get(kind)
        if plan is not None and plan.holds_for(agent):
            return plan
        try:
            plan = self._planned(agent, asked, book)
        except (AppError, UnsendableError):
            return None
        if plan is not None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[kind] = plan
        return plan

    def _planned(self, agent: ModelCaller, asked: Asked, book: CallBook) -> Plan | None:
        agent_type, credential = agent.agent_type, agent.lease.credential
        model = asked.request.model
        is_plain = (
            not agent_type.fallbacks
            and model in agent_type.allowed_models
            and credential.type is self.wire_format.provider_type
            and credential.enabled
        )
        if not is_plain:
            return None
        require_residency(agent_type, credential, model)
        outgoing = self.wire_format.outgoing(asked, credential, datetime.now(UTC))
        origin, target = parted(outgoing.url)
        return Plan(
            agent_type,
            credential,
            origin,
            request_head(origin, b"POST", target, outgoing.fields),
            signature(credential.provider_id, model, attempts=1),
            SecretMask(agent.secrets),
            book.entry(agent, credential, asked),
        )


def call_head(head: RequestHead) -> CallHead | None:
    """Work a head out; None for one that does not begin a plain model call."""
    path, _, query = head.target.decode("latin-1").partition("?")
    try:
        place = place_of(path)
        route = place.format.route_of(head.method.decode(), place.path, query)
    except AppError:
        return None
    encoding = value_of(head.fields, b"content-encoding").lower()
    is_plain = (
        route.is_model_call
        and head.method == HTTPMethod.POST.encode()
        and not place.format.signs_each
        and encoding in {"", "identity"}
    )
    if not is_plain:
        return None
    key = place.format.key_of(head.fields)
    proof = Proof.given(key=key, url_token=place.token)
    return CallHead(place.format, route, proof, head.fields)

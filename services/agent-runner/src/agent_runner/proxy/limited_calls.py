"""Admitting model calls within their provider's limits and the budgets on them.

Which limits apply to an agent on a provider is worked out once a minute, and again when
either has changed or a budget's period ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from agent_runner.callers import ModelCaller
from agent_runner.limits.active_budgets import ActiveBudgets
from agent_runner.limits.leasing import Leasing
from agent_runner.limits.limit import Limit, LimitKind, Need
from agent_runner.limits.shares import Part
from agent_runner.used import Used
from shared.contracts.credentials import LeasedCredential
from shared.contracts.metrics import UsageSource
from shared.contracts.prices import PriceQuote
from shared.errors import (
    ModelNotPricedError,
    OutputLimitRequiredError,
    UnavailableError,
)

from .admission import Admission, Unlimited
from .counting import Count, End
from .prices import Prices
from .reservation import (
    Reservation,
    most_nanodollars,
    nanodollars_of,
    reserved,
    tokens_of,
)
from .wire_format import Asked, WireFormat

__all__ = ["LimitedCalls"]

_UNLIMITED = Unlimited()
_MOST_REMEMBERED = 20_000
_REMEMBERED_SECONDS = 60.0  # the database's time of day may be set meanwhile
_MOST_UNITS = 10**15  # a call asks for no more, whatever its body says; bigint sums


@dataclass(frozen=True, slots=True)
class _Applying:
    """What limits the calls of one agent to one provider, as long as all is the same.

    *always* is what every call takes; of *metered* it takes what it reserves. Budgets
    that only warn are among these, and may refuse nothing.
    """

    credential: LeasedCredential
    agent_type_id: UUID
    generation: int
    ends_at: float
    always: Sequence[Need]
    metered: Sequence[Limit]
    is_in_dollars: bool
    may_refuse: bool
    may_refuse_dollars: bool


class LimitedCalls:
    """The `Admissions` of one runner."""

    def __init__(
        self, leasing: Leasing, *, budgets: ActiveBudgets, prices: Prices
    ) -> None:
        self._leasing = leasing
        self._budgets = budgets
        self._prices = prices
        self._remembered: dict[tuple[UUID, UUID], _Applying] = {}

    def bounded(
        self,
        agent: ModelCaller,
        credential: LeasedCredential,
        asked: Asked,
        wire_format: WireFormat,
    ) -> Asked:
        """Let a call whose tokens are limited say how many it may make at the most.

        The agent type's figure stands in for one that it does not name. Raises
        `OutputLimitRequiredError` where there is none: nothing could be reserved. A
        budget that only warns counts such a call once it is over.
        """
        if asked.request.most_output is not None:
            return asked
        if not self._applying(agent, credential).may_refuse:
            return asked
        most = agent.agent_type.max_tokens
        if most is None or wire_format.bounded is None:
            raise OutputLimitRequiredError(
                "A limit counts this call's tokens, so it must say how many it may make"
                " at the most: name max_tokens in the request, or what its format calls"
                " it. For an OpenAI request the agent type's max_tokens stands in."
            )
        bounded = wire_format.bounded(asked.route, asked.request, most)
        return replace(asked, request=bounded)

    def admit_at_once(
        self, agent: ModelCaller, credential: LeasedCredential
    ) -> Admission | None:
        """Admit a call of which nothing is metered, if its shares are at hand."""
        applying = self._applying(agent, credential)
        if applying.metered:
            return None
        if not applying.always:
            return _UNLIMITED
        parts = self._leasing.take(applying.always)
        return None if parts is None else _Admitted(self._leasing, parts)

    async def admit(
        self, agent: ModelCaller, credential: LeasedCredential, asked: Asked
    ) -> Admission:
        """Reserve all that the call may take (`Admissions.admit`).

        Raises `ModelNotPricedError` where a hard budget in dollars counts a call of a
        model that has no price; one that only warns leaves it out, as it does what is
        called while the record or the price cannot be asked.
        """
        applying = self._applying(agent, credential)
        try:
            return await self._admitted(applying, agent, credential, asked)
        except UnavailableError:
            if applying.always or applying.may_refuse:
                raise
            return _UNLIMITED

    async def _admitted(
        self,
        applying: _Applying,
        agent: ModelCaller,
        credential: LeasedCredential,
        asked: Asked,
    ) -> Admission:
        if not applying.metered:
            if not applying.always:
                return _UNLIMITED
            return _Admitted(self._leasing, await self._taken(applying.always))
        metered, quote = applying.metered, None
        if applying.is_in_dollars:
            quote = await self._quote(agent, credential, asked)
            if quote is None:
                metered = [each for each in metered if not each.is_in_dollars]
        needs = [*applying.always, *_needs(metered, asked, quote)]
        return _Admitted(self._leasing, await self._taken(needs), quote=quote)

    async def _taken(self, needs: Sequence[Need]) -> list[Part]:
        taken = self._leasing.take(needs)
        return taken if taken is not None else await self._leasing.lease(needs)

    async def _quote(
        self, agent: ModelCaller, credential: LeasedCredential, asked: Asked
    ) -> PriceQuote | None:
        may_refuse = self._applying(agent, credential).may_refuse_dollars
        try:
            quote = await self._prices.of(
                agent.org_id,
                credential.type,
                credential.provider_id,
                asked.request.model,
                asked.request.terms,
            )
        except UnavailableError:
            if may_refuse:
                raise
            return None
        if quote.usd_per_million_tokens is not None:
            return quote
        if not may_refuse:
            return None
        raise ModelNotPricedError(
            "A budget in dollars counts this call, and nobody knows what its model"
            f" costs ({quote.unpriced_reason}); give it a price first."
        )

    def _applying(self, agent: ModelCaller, credential: LeasedCredential) -> _Applying:
        found = self._remembered.get((agent.id, credential.provider_id))
        if (
            found is not None
            and found.credential is credential
            and found.generation == self._budgets.generation
            and found.agent_type_id == agent.agent_type.id
            and self._leasing.now() < found.ends_at
        ):
            return found
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        found = self._worked_out(agent, credential)
        self._remembered[agent.id, credential.provider_id] = found
        return found

    def _worked_out(
        self, agent: ModelCaller, credential: LeasedCredential
    ) -> _Applying:
        wall = self._leasing.wall()
        budgets = [
            each.limit_at(wall)
            for each in self._budgets.of(agent.org_id)
            if each.counts(
                agent_id=agent.id,
                agent_type_id=agent.agent_type.id,
                provider_id=credential.provider_id,
            )
        ]
        ends = [each.ends_at for each in budgets if each.ends_at is not None]
        lasts = [_REMEMBERED_SECONDS, *((each - wall).total_seconds() for each in ends)]
        limits = _limits_of(credential, agent.org_id)
        metered = [*(each for each in limits if each.is_metered), *budgets]
        return _Applying(
            credential=credential,
            agent_type_id=agent.agent_type.id,
            generation=self._budgets.generation,
            ends_at=self._leasing.now() + min(lasts),
            always=[Need(each, 1) for each in limits if not each.is_metered],
            metered=metered,
            is_in_dollars=any(each.is_in_dollars for each in budgets),
            may_refuse=any(each.amount is not None for each in metered),
            may_refuse_dollars=any(
                each.is_in_dollars and each.amount is not None for each in budgets
            ),
        )


class _Admitted:
    """What one call has taken; *quote* prices what it uses."""

    __slots__ = ("_has_ended", "_leasing", "_parts", "_quote")

    def __init__(
        self,
        leasing: Leasing,
        parts: Sequence[Part],
        *,
        quote: PriceQuote | None = None,
    ) -> None:
        self._leasing = leasing
        self._parts = parts
        self._quote = quote
        self._has_ended = False

    def settle(self, end: End, count: Count) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        usage = _charged(end, count)
        due: dict[str, int] = {}
        for part in self._parts:
            limit = part.share.limit
            if limit.kind is LimitKind.CONCURRENT:
                self._leasing.settle(part, 0)
            elif usage is None or not limit.is_metered:
                self._leasing.settle(part, part.units)
            else:
                due.setdefault(limit.key, self._units(limit, usage))
                due[limit.key] -= self._charge(part, due[limit.key])

    def give_back(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._leasing.give_back(self._parts)

    def _charge(self, part: Part, due: int) -> int:
        """Charge *part* with what is due, the last one of its limit with all of it."""
        is_last = part is self._last_of(part.share.limit)
        units = due if is_last else min(part.units, due)
        self._leasing.settle(part, units)
        return units

    def _last_of(self, limit: Limit) -> Part:
        return next(
            each for each in reversed(self._parts) if each.share.limit.key == limit.key
        )

    def _units(self, limit: Limit, usage: Used) -> int:
        if limit.is_in_dollars and self._quote is not None:
            return nanodollars_of(usage, self._quote)
        return tokens_of(usage)


def _charged(end: End, count: Count) -> Used | None:
    """Say what is charged, as the books have it; None for what was reserved.

    That stays where the provider answered and did not say how much that was, and where
    it may have done all of the work for an answer that nobody saw.
    """
    match end:
        case End.ANSWERED:
            is_known = count.source not in {UsageSource.NONE, UsageSource.REFUSED}
        case End.ABANDONED | End.BROKEN:
            is_known = count.usage.output_tokens is not None
        case End.TIMED_OUT:
            is_known = False
        case End.REFUSED | End.UNANSWERED | End.FAILED:
            is_known = True
    return count.usage if is_known else None


def _limits_of(credential: LeasedCredential, org_id: UUID) -> list[Limit]:
    amounts = {
        LimitKind.REQUESTS: credential.limits.requests_per_minute,
        LimitKind.CONCURRENT: credential.limits.concurrent,
        LimitKind.TOKENS: credential.limits.tokens_per_minute,
    }
    return [
        Limit(
            key=f"provider:{credential.provider_id}:{kind}",
            org_id=org_id,
            kind=kind,
            amount=amount,
            version=credential.provider_version,
            of=f'provider "{credential.name}"',
            of_id=credential.provider_id,
        )
        for kind, amount in amounts.items()
        if amount is not None
    ]


def _needs(
    metered: Sequence[Limit], asked: Asked, quote: PriceQuote | None
) -> list[Need]:
    """Say what the call takes of each; of dollars none where its model is free."""
    reservation = reserved(asked.request)
    needs = [
        Need(each, min(_MOST_UNITS, _units(each, reservation, quote)))
        for each in metered
    ]
    return [each for each in needs if each.units]


def _units(limit: Limit, reservation: Reservation, quote: PriceQuote | None) -> int:
    if limit.is_in_dollars and quote is not None:
        return most_nanodollars(reservation, quote)
    return reservation.tokens

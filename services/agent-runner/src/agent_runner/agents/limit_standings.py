"""How limits stand right now, for those who look on."""

from uuid import UUID

from agent_runner.limits.limit import LimitKind
from agent_runner.repositories.limit_shares import Standing, standings
from shared.contracts.limits import Limits, LimitsQuestion, LimitStanding
from shared.database import Database

__all__ = ["LimitStandings"]


class LimitStandings:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, question: LimitsQuestion) -> Limits:
        """List the limits that were used lately, of all or of one thing."""
        async with self._database.organization(question.org_id) as transaction:
            found = await standings(transaction, of_id=question.of_id)
        return Limits(data=[_as_told(each) for each in found])


def _as_told(standing: Standing) -> LimitStanding:
    of, of_id, kind = standing.key.split(":")
    is_held = kind == LimitKind.CONCURRENT
    return LimitStanding(
        limit=kind,
        of=of,
        of_id=UUID(of_id),
        amount=standing.amount,
        used=standing.used,
        left=max(0, standing.amount - standing.used),
        resets_at=None if is_held and standing.used else standing.resets_at,
    )

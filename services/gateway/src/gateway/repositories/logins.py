"""How often somebody tried to log in lately, in PostgreSQL."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from shared.database import Database
from shared.errors import LimitedError

__all__ = ["PostgresLogins", "Tries"]

_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Tries:
    """Tries by one name, such as an email; beyond *limit* in 15 minutes are refused."""

    name: str
    limit: int

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode()).digest()


class PostgresLogins:
    """Any number of gateways count together; a try counts before it is decided."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, tries: Tries) -> None:
        """Count one more; raise `LimitedError` if it is one too many.

        Tries that are yet to come are of a clock that was put back, and count no more.
        """
        async with self._database.sweep() as transaction:
            row = await transaction.fetchrow(
                """
                INSERT INTO login_attempt AS counted (id, began_at, attempts)
                VALUES ($1, clock_timestamp(), 1)
                ON CONFLICT (id) DO UPDATE
                SET began_at = CASE
                        WHEN counted.began_at BETWEEN clock_timestamp() - $2::interval
                            AND clock_timestamp()
                        THEN counted.began_at
                        ELSE clock_timestamp()
                    END,
                    attempts = CASE
                        WHEN counted.began_at BETWEEN clock_timestamp() - $2::interval
                            AND clock_timestamp()
                        THEN counted.attempts + 1
                        ELSE 1
                    END
                RETURNING attempts, began_at + $2::interval - clock_timestamp() AS wait
                """,
                tries.id,
                _WINDOW,
            )
        assert row  # noqa: S101 - for the type checker: RETURNING has a row
        if row["attempts"] > tries.limit:
            raise LimitedError(
                "Too many tries to log in; wait before the next.",
                retry_after_seconds=row["wait"].total_seconds(),
            )

    async def forgive(self, tries: Tries) -> None:
        """Begin to count anew: the right password was given."""
        async with self._database.sweep() as transaction:
            await transaction.execute(
                "DELETE FROM login_attempt WHERE id = $1", tries.id
            )

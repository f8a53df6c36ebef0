"""A refusal names the limit, what is left and when there is more, as people say it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from agent_runner.limits.exchange import Granted
from agent_runner.limits.limit import Limit, LimitKind, Need
from agent_runner.limits.refusals import refused

NOW = datetime(2026, 11, 29, 23, 14, tzinfo=UTC)
ID = UUID(int=7)


@pytest.mark.parametrize(
    ("kind", "amount", "sentence"),
    [
        (LimitKind.REQUESTS, 1, "allows 1 request a minute; 0 left, 1 asked for;"),
        (LimitKind.REQUESTS, 2, "allows 2 requests a minute; 0 left, 1 asked for;"),
        (LimitKind.TOKENS, 5, "a minute; 0 tokens left, 1 token asked for;"),
        (LimitKind.CONCURRENT, 1, "allows 1 call at once; 0 left, 1 asked for;"),
    ],
)
def test_one_is_not_many_and_times_end_in_z(
    kind: LimitKind, amount: int, sentence: str
) -> None:
    limit = Limit(
        key="k", org_id=ID, kind=kind, amount=amount, version=1, of="agent a", of_id=ID
    )
    standing = Granted(
        share_id=ID, key="k", wished=1, units=0, amount=amount, used=amount
    )

    error = refused(Need(limit, 1), standing, left=0, wall=NOW)

    assert sentence in error.message
    assert error.message.endswith("again at 2026-11-29T23:14:01Z.")


def test_what_is_used_beyond_the_limit_has_to_be_free_first() -> None:
    limit = Limit(
        key="k",
        org_id=ID,
        kind=LimitKind.REQUESTS,
        amount=2,
        version=2,
        of="agent a",
        of_id=ID,
    )
    frees = [(1.0, 1), (20.0, 3), (40.0, 1)]
    standing = Granted(ID, "k", wished=1, units=0, amount=2, used=5, frees=frees)

    error = refused(Need(limit, 1), standing, left=0, wall=NOW)

    assert error.retry_after_seconds == 20

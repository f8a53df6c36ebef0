"""What was counted before there were days, sums and prices has them afterwards."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from ag2trust.testing import Stack
from ag2trust.waiting import until
from metrics.app import serving
from metrics.prices.pricing import price
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Actor, Service
from shared.contracts.metrics import (
    LIST_CALLS,
    USAGE_BY,
    USAGE_SUMMARY,
    CallRecord,
    CallsQuestion,
    MessageRecord,
    Usage,
)
from shared.contracts.usage import Dimension, UsageByQuestion, UsageQuestion
from shared.ids import new_id

from .conftest import Superuser
from .long_way import assert_figures
from .records import failed_call, random_call, random_message, seeded

pytestmark = pytest.mark.integration

ACTOR = Actor(kind="api_key", id="key-1")

_COLUMNS_OF_CALL = """
    call_id, org_id, agent_id, agent_type_id, provider_id, provider_type, use_case,
    model, endpoint, is_streamed, message_id, runner, request_id, status, http_status,
    started_at, duration_ms, time_to_first_token_ms, usage_source, explanation
"""
_COLUMNS_OF_MESSAGE = """
    message_id, org_id, agent_id, agent_type_id, status, finished_at, duration_ms
"""


async def set_up_first_schema(stack: Stack) -> None:
    """Leave the database as the first release would have."""
    await stack.empty_schema(Service.METRICS)
    owner = await stack.connect("metrics_owner")
    first = files("metrics.migrations") / "0001_calls.sql"
    await owner.execute(first.read_text("utf-8"))
    await owner.execute(
        """
        CREATE TABLE migration (
            name       text PRIMARY KEY,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
        INSERT INTO migration (name) VALUES ('0001_calls.sql');
        """
    )
    await owner.close()


async def store(
    superuser: Superuser,
    calls: Sequence[CallRecord],
    messages: Sequence[MessageRecord],
) -> None:
    """Write rows as the first release did."""
    for sequence, call in enumerate(calls, start=1):
        await superuser.execute(
            f"""
            INSERT INTO call (
                {_COLUMNS_OF_CALL}, source, sequence, input_tokens,
                cached_input_tokens, output_tokens, reasoning_tokens
            )
            SELECT {_COLUMNS_OF_CALL}, $2, $3, $4, $5, $6, $7
            FROM jsonb_populate_record(NULL::call, $1)
            """,  # noqa: S608 - our own words
            call.model_dump_json(),
            new_id(),
            sequence,
            call.usage.input_tokens,
            call.usage.cached_input_tokens,
            call.usage.output_tokens,
            call.usage.reasoning_tokens,
        )
        for position, attempt in enumerate(call.attempts, start=1):
            await superuser.execute(
                """
                INSERT INTO attempt (
                    call_id, position, org_id, attempt_id, provider_id, model,
                    started_at, duration_ms, http_status, error_code
                )
                SELECT
                    $2, $3, $4, attempt_id, provider_id, model, started_at,
                    duration_ms, http_status, error_code
                FROM jsonb_populate_record(NULL::attempt, $1)
                """,
                attempt.model_dump_json(),
                call.call_id,
                position,
                call.org_id,
            )
    for message in messages:
        await superuser.execute(
            f"""
            INSERT INTO message ({_COLUMNS_OF_MESSAGE}, source, sequence)
            SELECT {_COLUMNS_OF_MESSAGE}, $2, 1
            FROM jsonb_populate_record(NULL::message, $1)
            """,  # noqa: S608 - our own words
            message.model_dump_json(),
            new_id(),
        )


def as_of_then(call: CallRecord) -> CallRecord:
    """Return *call* with the counts alone that the first release kept."""
    kept = {"input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"}
    usage = Usage(**call.usage.model_dump(include=kept))
    return call.model_copy(update={"usage": usage})


async def test_what_was_counted_before_is_moved_summed_up_and_priced(
    stack: Stack, settings: Settings, superuser: Superuser, gateway: NatsBus
) -> None:
    draw = seeded(7)
    org_id, now = new_id(), datetime.now(UTC)
    agents = [new_id() for _ in range(3)]
    calls = [
        as_of_then(
            random_call(
                draw,
                org_id=org_id,
                agent_id=draw.choice(agents),
                started_at=now - timedelta(hours=draw.uniform(-200, 20_000)),
                duration_ms=draw.choice([None, 0, 1, 2, draw.randrange(10**7)]),
            )
        )
        for _ in range(200)
    ]
    calls.append(failed_call(org_id=org_id, agent_id=agents[0], started_at=now))
    messages = [random_message(draw, org_id=org_id) for _ in range(20)]
    await set_up_first_schema(stack)
    await store(superuser, calls, messages)
    long = settings.model_copy(
        update={"calls_kept_days": 36_500, "minutes_kept_days": 36_500}
    )

    async with serving(long):
        await until_repriced(superuser)
        summary = await gateway.ask(
            USAGE_SUMMARY, UsageQuestion(org_id=org_id, actor=ACTOR)
        )
        table = await gateway.ask(
            USAGE_BY,
            UsageByQuestion(org_id=org_id, actor=ACTOR, dimension=Dimension.AGENT),
        )
        page = await gateway.ask(
            LIST_CALLS, CallsQuestion(org_id=org_id, actor=ACTOR, limit=200)
        )

    assert_figures(summary, calls, messages)
    for row in table.data:
        mine = [each for each in calls if str(each.agent_id) == row.key]
        if mine:
            assert_figures(row, mine)
    by_id = {each.call_id: each for each in calls}
    for found in page.data:
        assert found.attempts == by_id[found.call_id].attempts
        assert found.usage == by_id[found.call_id].usage
        priced = price(by_id[found.call_id], [])
        assert found.price_version == priced.price_version
        assert found.unpriced_reason == priced.unpriced_reason
    sums = await superuser.fetch(
        """
        SELECT
            grain,
            sum(calls)::integer AS calls
        FROM rollup
        WHERE dimension = 'organization'
        GROUP BY grain
        """
    )
    assert {row["grain"]: row["calls"] for row in sums} == dict.fromkeys(
        ("minute", "quarter", "hour", "day"), len(calls)
    )


async def until_repriced(superuser: Superuser) -> None:
    await until(
        "the end of every repricing",
        lambda: superuser.fetchval(
            "SELECT count(*) FROM repricing WHERE status = 'running'"
        ),
        lambda running: running == 0,
    )

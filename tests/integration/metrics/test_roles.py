import asyncpg
import pytest

from ag2trust.testing import Stack
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.metrics import INGEST
from shared.ids import new_id

from .records import batch, call, message
from .watching import fold

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("metrics")]


TABLES = [
    "call",
    "message",
    "counted_call",
    "rollup",
    "fresh_rollup",
    "dimension_of_call",
    "dimension_of_message",
]


@pytest.mark.parametrize("table", TABLES)
async def test_without_an_organization_there_are_no_rows(
    stack: Stack, runner: NatsBus, settings: Settings, table: str
) -> None:
    await runner.ask(INGEST, batch(new_id(), [call(), message()]))
    await fold(settings)
    await runner.ask(INGEST, batch(new_id(), [call(), message()]))
    connection = await stack.connect("metrics")

    rows = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608 - see above

    await connection.close()
    assert rows == []


@pytest.mark.parametrize("table", TABLES)
async def test_an_organization_has_its_own_rows_alone(
    stack: Stack, runner: NatsBus, settings: Settings, table: str
) -> None:
    org_id = new_id()
    for _ in range(2):
        await fold(settings)
        mine = call(org_id=org_id), message(org_id=org_id)
        await runner.ask(INGEST, batch(new_id(), [call(), *mine, message()]))
    connection = await stack.connect("metrics")
    await connection.execute(f"SET ag2trust.org_id = '{org_id}'")

    rows = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608 - see above

    await connection.close()
    assert {row["org_id"] for row in rows} == {org_id}


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("metrics", "SELECT * FROM sequence"),
        ("metrics", "SELECT * FROM dead_letter"),
        ("metrics", "INSERT INTO message DEFAULT VALUES"),
        ("metrics", "UPDATE call SET output_tokens = 0"),
        ("metrics", "DELETE FROM call"),
        ("metrics_sweep", "UPDATE call SET output_tokens = 0"),
        ("metrics_sweep", "DELETE FROM call"),
        ("metrics", "DELETE FROM message"),
        ("metrics_sweep", "DELETE FROM dead_letter"),
        ("metrics_sweep", "UPDATE call SET started_at = now()"),
        ("metrics", "UPDATE call SET cost = 0"),
        ("metrics", "UPDATE rollup SET calls = 0"),
        ("metrics", "INSERT INTO rollup DEFAULT VALUES"),
        ("metrics", "DELETE FROM rollup"),
        ("metrics", "UPDATE fresh_rollup SET calls = 0"),
        ("metrics", "INSERT INTO fresh_rollup DEFAULT VALUES"),
        ("metrics", "DELETE FROM fresh_rollup"),
        ("metrics", "SELECT * FROM rollup_day"),
        ("metrics", "SELECT * FROM call_of_other_days"),
        ("metrics_sweep", "DELETE FROM call_of_other_days"),
        ("metrics", "SELECT drop_days()"),
        ("metrics", "SELECT retire_days(9)"),
        ("metrics", "SELECT * FROM kept_day"),
        ("metrics_sweep", "DELETE FROM kept_day"),
        ("metrics_sweep", "SELECT * FROM call_by_day"),
        ("metrics", "SELECT make_days(current_date, current_date)"),
        ("metrics", "UPDATE repricing SET calls_examined = 0"),
        ("metrics", "DELETE FROM repriced_model"),
        ("metrics", "DELETE FROM audit"),
        ("metrics_sweep", "UPDATE audit SET actor_id = 'nobody'"),
        ("gateway", "SELECT * FROM metrics.call"),
    ],
)
async def test_a_role_may_not_do_what_is_not_its_work(
    stack: Stack, role: str, statement: str
) -> None:
    connection = await stack.connect(role)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)

    await connection.close()

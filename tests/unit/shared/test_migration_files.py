"""The rules of migrations: numbered, and survived by the version before.

While an upgrade goes on, replicas of two versions run on the newer one's schema. So a
file adds, and a later version's takes away what nobody uses any more; such a file says
so in its first line: `-- Post: <what the version before stopped using>`.
"""

import re
from importlib.resources import files

import pytest

SERVICES = ["agent_runner", "credentials", "gateway", "metrics"]
POST = "-- Post: "
LAST_BEFORE_THE_RULE = {"agent_runner": 9, "credentials": 7, "gateway": 0, "metrics": 9}

TAKES_AWAY = re.compile(
    r"""
    \bDROP\s+(?:TABLE|COLUMN|FUNCTION|VIEW|DEFAULT|SCHEMA)\b
    | \bRENAME\b
    | \bSET\s+NOT\s+NULL\b
    | \bADD\s+COLUMN\s+ (?: (?!\bDEFAULT\b) [^,;] )* \bNOT\s+NULL\b
        (?: (?!\bDEFAULT\b) [^,;] )* (?=[,;])
    | \bALTER\s+COLUMN\s+\w+\s+(?:SET\s+DATA\s+)?TYPE\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def migrations(service: str) -> dict[int, str]:
    return {
        int(each.name[:4]): each.read_text("utf-8")
        for each in files(f"{service}.migrations").iterdir()
        if each.name.endswith(".sql")
    }


def taken_away(sql: str) -> list[str]:
    """Return what in *sql* the version before may not survive."""
    without_comments = re.sub(r"--.*", "", sql)
    return [" ".join(each[0].split()) for each in TAKES_AWAY.finditer(without_comments)]


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_are_numbered_without_gaps_or_repeats(service: str) -> None:
    numbers = sorted(migrations(service))

    assert numbers == [*range(1, len(numbers) + 1)]
    assert numbers


@pytest.mark.parametrize("service", SERVICES)
def test_the_version_before_survives_each_migration(service: str) -> None:
    taken = {
        number: taken_away(sql)
        for number, sql in migrations(service).items()
        if number > LAST_BEFORE_THE_RULE[service] and not sql.startswith(POST)
    }

    assert {number: each for number, each in taken.items() if each} == {}


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a DROP COLUMN b;",
        "DROP TABLE a;",
        "ALTER TABLE a RENAME COLUMN b TO c;",
        "ALTER TABLE a ADD COLUMN b text NOT NULL;",
        "ALTER TABLE a\n    ADD COLUMN b text NOT NULL CHECK (b > ''),\n    ADD c int;",
        "ALTER TABLE a ALTER COLUMN b DROP DEFAULT;",
        "ALTER TABLE a ALTER COLUMN b SET NOT NULL;",
        "ALTER TABLE a ALTER COLUMN b TYPE bigint;",
    ],
)
def test_what_takes_away_is_found(sql: str) -> None:
    assert taken_away(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "-- DROP TABLE a\nALTER TABLE a ADD COLUMN b text;",
        "ALTER TABLE a ADD COLUMN b jsonb NOT NULL DEFAULT '{}', ADD COLUMN c text;",
        "ALTER TABLE a ADD COLUMN b text DEFAULT '' NOT NULL;",
        "CREATE TABLE a (b text NOT NULL);",
        "ALTER TABLE a ALTER COLUMN b DROP NOT NULL;",
        "DROP INDEX a;",
    ],
)
def test_what_only_adds_is_let_be(sql: str) -> None:
    assert not taken_away(sql)

"""SQL of repositories names its columns.

What a version reads may not change when the next one adds a column, and a statement
that was prepared for all columns cannot be used again after that.
"""

import re
from importlib.resources import files

import pytest

SERVICES = ["agent_runner", "credentials", "gateway", "metrics"]

ALL_COLUMNS = re.compile(
    r"""
    \b(?:SELECT(?:\s+DISTINCT)?|RETURNING)\s+ (?: [^()'"]*? ,\s* )? (?:\w+\.)?\*
        (?!\s+FROM\s+unnest\()
    """,
    re.VERBOSE,
)
"""Of a table; those of `unnest` are named beside it, or by a type that stays."""


def repositories(service: str) -> dict[str, str]:
    return {
        each.name: each.read_text("utf-8")
        for each in files(f"{service}.repositories").iterdir()
        if each.name.endswith(".py")
    }


@pytest.mark.parametrize("service", SERVICES)
def test_no_repository_asks_for_all_columns_of_a_table(service: str) -> None:
    asking = {
        name: found
        for name, text in repositories(service).items()
        if (found := [each[0] for each in ALL_COLUMNS.finditer(text)])
    }

    assert asking == {}
    assert any("SELECT" in text for text in repositories(service).values())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM a",
        "SELECT\n    *\nFROM a",
        "SELECT DISTINCT * FROM a",
        "SELECT b.* FROM a b",
        "SELECT a.id, b.*\nFROM a JOIN b USING (id)",
        "UPDATE a SET b = 1 RETURNING *",
        "DELETE FROM a USING b RETURNING a.*",
    ],
)
def test_asking_for_all_columns_is_found(sql: str) -> None:
    assert ALL_COLUMNS.search(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, count(*) FROM a GROUP BY id",
        "SELECT b * 2 FROM a",
        "SELECT *\nFROM unnest($1::text[]) AS given (name)",
        "DELETE FROM a RETURNING id",
    ],
)
def test_what_names_its_columns_is_let_be(sql: str) -> None:
    assert not ALL_COLUMNS.search(sql)

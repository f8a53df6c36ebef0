"""Arrays of PostgreSQL's own types, known to a connection without asking.

asyncpg would ask when a statement first has one, each connection anew, with a query
that costs more than most of ours (asyncpg/introspection.py).
"""

from typing import Any

import asyncpg

__all__ = ["know_arrays"]

# Name, number, and that of the elements: the same in every PostgreSQL (pg_type.dat).
_ARRAYS = (
    ("_bytea", 1001, 17),
    ("_int4", 1007, 23),
    ("_int8", 1016, 20),
    ("_timestamptz", 1185, 1184),
    ("_numeric", 1231, 1700),
    ("_uuid", 2951, 2950),
)


def know_arrays(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let *connection* write and read the arrays that our statements have."""
    connection.get_settings().register_data_types(_ROWS)


def _row(name: str, oid: int, element: int) -> dict[str, Any]:
    """Say of an array what the row of asyncpg's query would."""
    return {
        "oid": oid,
        "ns": "pg_catalog",
        "name": name,
        "kind": b"b",
        "basetype": None,
        "elemtype": element,
        "elemdelim": ",",
        "range_subtype": None,
        "attrtypoids": None,
    }


_ROWS = [_row(*array) for array in _ARRAYS]

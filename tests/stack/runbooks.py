"""What docs/operations.md tells an operator to type."""

import re
from pathlib import Path

__all__ = ["RETIRING"]

_OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()

[RETIRING] = re.findall(
    r"^docker-compose stop\n(.*?)^docker-compose up",
    _OPERATIONS,
    re.DOTALL | re.MULTILINE,
)
"""Retires the local master key of a composed installation that is stopped."""

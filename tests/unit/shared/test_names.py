"""What things may be called."""

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.contracts.base import Name

NAME = TypeAdapter(Name)


@pytest.mark.parametrize("evil", ["\x1b", "\n", "\x7f", "\x9b", "\u2028", "\u202e"])
def test_a_name_moves_no_cursor_and_turns_no_text(evil: str) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(f"a{evil}b")


@pytest.mark.parametrize("name", ["a b", "été", "עברית", "👩\u200d💻", "=SUM(A1)"])
def test_a_name_is_of_any_language(name: str) -> None:
    assert NAME.validate_python(f" {name}\n") == name

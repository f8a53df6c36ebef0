"""How many tokens a text counts where a script gives no numbers."""

from typing import Final

__all__ = ["CHARACTERS_PER_TOKEN", "tokens_in"]

CHARACTERS_PER_TOKEN: Final = 4


def tokens_in(text: str) -> int:
    """One token for every four characters, rounded up: a rule, not a tokenizer."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)

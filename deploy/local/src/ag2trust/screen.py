"""What the person at the terminal reads."""

import sys
from contextlib import suppress

__all__ = ["Screen"]


class Screen:
    """Lines on standard output; a terminal that is gone stops nobody."""

    def say(self, text: str = "") -> None:
        with suppress(OSError):
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

"""How often garbage is looked for, in services whose load makes many objects."""

import gc

__all__ = ["collect_seldom"]

_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def collect_seldom() -> None:
    """Let collections be few.

    What a call or a batch makes ends without the collector. At Python's 700 it looked
    again and again through thousands of calls in hand, or a batch that grew.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)

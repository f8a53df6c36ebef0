"""`python -m metrics`: run the service."""

import gc

import uvloop

import shared.quick_start  # noqa: F401 - before all else
from shared.lifecycle import main

from .app import serving
from .settings import Settings

_OBJECTS_BETWEEN_COLLECTIONS = 50_000

if __name__ == "__main__":
    # A batch makes tens of thousands of objects that end without the collector; at
    # Python's 700 it took a tenth of the time to look through them again and again.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    main("metrics", Settings, serving, new_event_loop=uvloop.new_event_loop)

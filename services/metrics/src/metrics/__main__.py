"""`python -m metrics`: run the service."""

import uvloop

import shared.quick_start  # noqa: F401 - before all else
from shared.garbage import collect_seldom
from shared.lifecycle import main

from .app import serving
from .settings import Settings

if __name__ == "__main__":
    collect_seldom()
    main("metrics", Settings, serving, new_event_loop=uvloop.new_event_loop)

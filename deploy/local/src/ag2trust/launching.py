"""`ag2trust run` and `ag2trust demo`, which import all services, for seconds."""

import asyncio
import gc
import os

import shared.quick_start  # noqa: F401 - before all else

from .authorities import require_certificates
from .demo import tour
from .failing import explained
from .launch import Session, launch
from .screen import Screen
from .variables import read_variables
from .welcome import welcome

__all__ = ["demo", "run"]


def run() -> None:
    screen = Screen()
    _launch(screen, welcome(screen))


def demo() -> None:
    screen = Screen()
    _launch(screen, tour(screen))


def _launch(screen: Screen, session: Session) -> None:
    """Run a stack; a stop that was asked for is no failure."""
    gc.freeze()  # what imports have made stays; `shared.quick_start` spared it
    gc.enable()
    with explained():
        require_certificates(os.environ)
        asyncio.run(launch(read_variables(), screen, session))

"""`python -m agent_runner.broker`: run the launch broker."""

import shared.quick_start  # noqa: F401 - before all else
from shared.lifecycle import main

from .app import serving
from .settings import Settings

if __name__ == "__main__":
    main("broker", Settings, serving)

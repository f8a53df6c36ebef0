"""`python -m gateway`: run the service."""

import shared.quick_start  # noqa: F401 - before all else
from shared.lifecycle import main

from .app import serving
from .settings import Settings

if __name__ == "__main__":
    main("gateway", Settings, serving)

"""`python -m credentials`: run the service."""

import shared.quick_start  # noqa: F401 - before all else
from shared.lifecycle import main

from .app import serving
from .hardening import forbid_dumps
from .settings import Settings

if __name__ == "__main__":
    forbid_dumps()
    main("credentials", Settings, serving)

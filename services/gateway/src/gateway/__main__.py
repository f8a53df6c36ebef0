"""`python -m gateway`: run the service."""

from shared.lifecycle import main

from .app import serving
from .settings import Settings

if __name__ == "__main__":
    main("gateway", Settings, serving)

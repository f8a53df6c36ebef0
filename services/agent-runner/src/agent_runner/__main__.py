"""`python -m agent_runner`: run the service."""

from shared.lifecycle import main

from .app import serving
from .settings import Settings

if __name__ == "__main__":
    main("agent-runner", Settings, serving)

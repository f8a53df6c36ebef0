"""Write the copy of what the gateway says of its API.

Run `python -m tests.unit.gateway.write_openapi`, and review what changed: programs of
others were made from the copy before.
"""

import json
from pathlib import Path
from typing import Any

from gateway.routes.description import DOCUMENT
from shared.identity import Identity
from shared.testing import FakeBus, FakeClock

from .assembling import assembled
from .fakes import FakeApiKeys

COPY = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"


def text_of(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1) + "\n"


def main() -> None:
    app = assembled(FakeBus(), FakeApiKeys(), Identity.generate(), FakeClock())
    COPY.write_text(text_of(app[DOCUMENT]()))


if __name__ == "__main__":
    main()

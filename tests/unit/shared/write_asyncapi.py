"""Write the copy of what is said of the event stream.

Run `python -m tests.unit.shared.write_asyncapi`, and review what changed: programs of
others were made from the copy before.
"""

import json
from pathlib import Path

from shared.asyncapi import describe_events

from .contracts_at_hand import TOPICS

COPY = Path(__file__).parents[3] / "docs" / "api" / "asyncapi.json"


def text_of_events() -> str:
    return json.dumps(describe_events(TOPICS), indent=1) + "\n"


def main() -> None:
    COPY.write_text(text_of_events())


if __name__ == "__main__":
    main()

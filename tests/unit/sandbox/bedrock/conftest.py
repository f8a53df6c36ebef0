from collections.abc import Iterator
from typing import Any

import pytest

from ag2trust_sandbox import Sandbox

from .aws import runtime


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Any]:
    """Give the official client, which tries once."""
    with runtime(sandbox) as opened:
        yield opened

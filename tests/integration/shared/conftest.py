"""What one service is told of its database."""

import pytest

from ag2trust.testing import Stack
from shared.contracts.base import Service
from shared.settings import DatabaseSettings


@pytest.fixture
def services() -> list[Service]:
    return [Service.CREDENTIALS]


@pytest.fixture
def settings(stack: Stack) -> DatabaseSettings:
    """Return what the credentials service knows of the database, and no more."""
    return stack.database_settings(Service.CREDENTIALS)

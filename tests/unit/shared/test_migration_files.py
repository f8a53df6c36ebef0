from importlib.resources import files

import pytest

SERVICES = ["agent_runner", "credentials", "gateway", "metrics"]


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_are_numbered_without_gaps_or_repeats(service: str) -> None:
    names = [each.name for each in files(f"{service}.migrations").iterdir()]

    numbers = sorted(int(name[:4]) for name in names if name.endswith(".sql"))

    assert numbers == [*range(1, len(numbers) + 1)]
    assert numbers

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from credentials.configuration import (
    Configuration,
    configuration_of,
    patched,
    submitted,
)
from shared.contracts.credentials import (
    CredentialState,
    Provider,
    ProviderLimits,
    ProviderPatch,
    ProviderStatus,
    ProviderSubmission,
    ProviderType,
)
from shared.errors import BaseUrlForbiddenError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PROVIDER = Provider(
    id=UUID(int=1),
    name="Main",
    type=ProviderType.OPENAI,
    use_case="support",
    labels={"team": "one"},
    base_url="https://gateway.example/v1",
    limits=ProviderLimits(requests_per_minute=60),
    enabled=True,
    status=ProviderStatus.READY,
    credential=CredentialState(version=1),
    version=1,
    created_at=NOON,
    updated_at=NOON,
)
CURRENT = configuration_of(PROVIDER)


def _submitted(**fields: Any) -> Configuration:
    submission = ProviderSubmission.model_validate(
        {"name": "Main", "type": "openai", "api_key": "sk-one", **fields}
    )
    return submitted(submission, allow_private=False)


def _patched(**fields: Any) -> Configuration:
    patch = ProviderPatch.model_validate(fields)
    return patched(PROVIDER, patch, allow_private=False)


def test_a_provider_without_base_url_has_its_types_own() -> None:
    assert _submitted().base_url == "https://api.openai.com/v1"


def test_a_base_url_is_kept_in_its_one_spelling() -> None:
    assert _submitted(base_url="https://GW.example/v1/").base_url == (
        "https://gw.example/v1"
    )


def test_an_empty_use_case_is_none() -> None:
    assert _submitted(use_case=" ").use_case is None


def test_a_private_base_url_is_refused_in_a_submission_and_a_patch() -> None:
    with pytest.raises(BaseUrlForbiddenError):
        _submitted(base_url="https://127.0.0.1/v1")
    with pytest.raises(BaseUrlForbiddenError):
        _patched(base_url="https://127.0.0.1/v1")


def test_an_empty_patch_changes_nothing() -> None:
    assert _patched() == CURRENT


@pytest.mark.parametrize(
    ("field", "given", "becomes"),
    [
        ("name", "Second", "Second"),
        ("use_case", None, None),
        ("use_case", "", None),
        ("use_case", "sales", "sales"),
        ("labels", {}, {}),
        ("base_url", "https://GW.example/", "https://gw.example"),
        ("base_url", None, "https://api.openai.com/v1"),
        ("limits", {"concurrent": 2}, ProviderLimits(concurrent=2)),
        ("enabled", False, False),
    ],
)
def test_a_patch_changes_what_it_names_alone(
    field: str, given: object, becomes: object
) -> None:
    changed = _patched(**{field: given})

    assert getattr(changed, field) == becomes
    assert CURRENT.differences(changed) == [field]


def test_a_new_secret_is_no_part_of_the_configuration() -> None:
    assert _patched(api_key="sk-two") == CURRENT

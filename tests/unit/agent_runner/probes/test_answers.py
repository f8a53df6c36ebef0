"""Lists as providers give them, and as somebody who means harm might."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.probes.answers import (
    NotUnderstoodError,
    models_in,
    profiles_in,
    require_answer,
)
from shared.contracts.credentials import ProviderType
from shared.contracts.probes import LiveModel

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "id", "created", "modelSummaries", "modelId", "models", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def _bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_openais_list() -> None:
    model = {"id": "gpt-4o", "object": "model", "created": 1715367049, "owned_by": "o"}

    page = models_in(ProviderType.OPENAI, _bytes({"data": [model]}))

    created_at = datetime(2024, 5, 10, 18, 50, 49, tzinfo=UTC)
    assert page.models == [LiveModel(id="gpt-4o", owner="o", created_at=created_at)]
    assert page.after is None


def test_anthropics_list_goes_on_after_its_last_model() -> None:
    model = {
        "id": "claude",
        "display_name": "Claude",
        "created_at": "2026-01-01T00:00Z",
    }
    listed = {"data": [model], "has_more": True, "last_id": "claude"}

    page = models_in(ProviderType.ANTHROPIC, _bytes(listed))

    [found] = page.models
    assert (found.name, found.created_at) == (
        "Claude",
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert page.after == "claude"


def test_bedrocks_list_tells_what_cannot_be_called_by_its_own_id() -> None:
    listed = {
        "modelSummaries": [
            {
                "modelId": "anthropic.x",
                "modelName": "X",
                "providerName": "Anthropic",
                "inputModalities": ["TEXT", "IMAGE"],
                "outputModalities": ["TEXT"],
                "inferenceTypesSupported": [],
                "modelLifecycle": {"status": "LEGACY"},
            }
        ]
    }

    [found] = models_in(ProviderType.BEDROCK, _bytes(listed)).models

    assert found.is_on_demand is False
    assert found.status == "LEGACY"
    assert found.input_modalities == ["TEXT", "IMAGE"]


def test_a_profile_names_the_regions_behind_it_once_each() -> None:
    arns = [
        f"arn:aws:bedrock:{region}::foundation-model/anthropic.x"
        for region in ("us-west-2", "us-east-1", "us-east-1")
    ]
    listed = {
        "inferenceProfileSummaries": [
            {
                "inferenceProfileId": "us.anthropic.x",
                "models": [{"modelArn": arn} for arn in [*arns, "arn:aws", 7]],
            }
        ],
        "nextToken": "more",
    }

    page = profiles_in(_bytes(listed))

    assert page.models[0].regions == ["us-east-1", "us-west-2"]
    assert page.after == "more"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b"[]",
        b'{"data": {}}',
        b'{"models": []}',
        b"\xff",
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("provider_type", ProviderType)
def test_what_is_no_list_and_no_answer_is_not_understood(
    provider_type: ProviderType, body: bytes
) -> None:
    with pytest.raises(NotUnderstoodError):
        models_in(provider_type, body)
    with pytest.raises(NotUnderstoodError):
        require_answer(provider_type, body)


def test_what_is_no_model_is_left_out_and_an_impossible_time_is_none() -> None:
    data = [7, None, {}, {"id": 7}, {"id": ""}, {"id": "x" * 301}]
    kept = {"id": "kept", "created": 10**30, "owned_by": ["o"]}

    page = models_in(ProviderType.OPENAI, _bytes({"data": [*data, kept]}))

    assert page.models == [LiveModel(id="kept")]


@given(JSON, st.sampled_from(ProviderType))
def test_no_json_is_too_strange(value: Any, provider_type: ProviderType) -> None:
    try:
        page = models_in(provider_type, _bytes(value))
    except NotUnderstoodError:
        return
    assert all(model.id for model in page.models)

"""From LiteLLM's configuration to a manifest."""

from typing import Any

import pytest
import yaml

from ag2trust.manifests.litellm import Imported, imported
from ag2trust.manifests.manifest import ManifestError, read_manifest


def config(*deployments: dict[str, Any], **rest: Any) -> Imported:
    models = [
        {"model_name": each.pop("name"), "litellm_params": each} for each in deployments
    ]
    return imported(yaml.safe_dump({"model_list": models, **rest}))


def test_models_of_one_key_share_a_provider() -> None:
    key = "os.environ/MY_KEY"

    found = config(
        {"name": "Fast one", "model": "openai/gpt-5.4-mini", "api_key": key},
        {"name": "slow", "model": "gpt-5.5", "api_key": key, "temperature": 0.5},
        {"name": "other", "model": "openai/gpt-5.5", "api_key": "os.environ/OTHER"},
    )

    assert found.notes == []
    assert found.manifest["providers"] == [
        {"name": "openai", "type": "openai", "api_key": {"env": "MY_KEY"}},
        {"name": "openai-other", "type": "openai", "api_key": {"env": "OTHER"}},
    ]
    assert found.manifest["agent_types"] == [
        {
            "slug": "fast-one",
            "name": "Fast one",
            "provider": "openai",
            "model": "gpt-5.4-mini",
        },
        {
            "slug": "slow",
            "name": "slow",
            "provider": "openai",
            "model": "gpt-5.5",
            "temperature": 0.5,
        },
        {
            "slug": "other",
            "name": "other",
            "provider": "openai-other",
            "model": "gpt-5.5",
        },
    ]


def test_every_provider_type_is_told_by_its_prefix_or_its_model() -> None:
    found = config(
        {"name": "a", "model": "claude-sonnet-5", "rpm": 60, "tpm": 1000},
        {"name": "b", "model": "bedrock/converse/amazon.nova-lite-v1:0"},
        {"name": "c", "model": "groq/llama"},
    )

    [claude, aws] = found.manifest["providers"]
    assert claude["limits"] == {"requests_per_minute": 60, "tokens_per_minute": 1000}
    assert aws["aws_secret_access_key"] == {"env": "AWS_SECRET_ACCESS_KEY"}
    assert found.manifest["agent_types"][1]["model"] == "amazon.nova-lite-v1:0"
    assert found.notes == ["c: groq/llama is of no provider type."]


def test_a_secret_that_stands_in_the_file_does_not_come_along() -> None:
    found = config({"name": "a", "model": "openai/gpt-5.5", "api_key": "sk-plain"})

    assert found.manifest["providers"][0]["api_key"] == {"prompt": True}
    assert "sk-plain" not in str(found)
    assert "stands in the file" in found.notes[0]


def test_second_deployments_and_named_fallbacks_are_fallbacks() -> None:
    found = config(
        {"name": "a", "model": "gpt-5.5"},
        {"name": "a", "model": "gpt-5.4"},
        {"name": "b", "model": "claude-sonnet-5"},
        router_settings={"fallbacks": [{"a": ["b"]}]},
    )

    assert found.notes == []
    assert found.manifest["agent_types"][0]["fallbacks"] == [
        {"provider": "openai", "model": "gpt-5.4"},
        {"provider": "anthropic", "model": "claude-sonnet-5"},
    ]


def test_what_is_left_out_is_named() -> None:
    found = config(
        {"name": "a", "model": "gpt-5.5", "timeout": 5},
        litellm_settings={"fallbacks": [{"a": ["nobody"]}], "drop_params": True},
        general_settings={},
    )

    assert sorted(found.notes) == [
        "a: the fallback nobody is left out.",
        "a: timeout is left out.",
        "general_settings is left out.",
        "litellm_settings.drop_params is left out.",
    ]


def test_what_is_made_is_a_manifest() -> None:
    found = config({"name": "a", "model": "openai/gpt-5.5", "rpm": 5})

    assert len(read_manifest(yaml.safe_dump(found.manifest)).providers) == 1


@pytest.mark.parametrize("said", ["[", "a: 1", "model_list: [{model_name: a}]"])
def test_what_is_no_configuration_is_refused(said: str) -> None:
    with pytest.raises(ManifestError):
        imported(said)

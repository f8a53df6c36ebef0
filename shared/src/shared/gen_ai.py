"""OpenTelemetry's words for generative AI, from closed lists whatever is asked.

Semantic conventions 1.40, "Generative AI": providers, operations.
"""

from collections.abc import Mapping

from .contracts.credentials import ProviderType

__all__ = ["OTHER_OPERATION", "PROVIDER_NAMES", "operation_of"]

PROVIDER_NAMES: Mapping[ProviderType, str] = {
    ProviderType.OPENAI: "openai",
    ProviderType.ANTHROPIC: "anthropic",
    ProviderType.BEDROCK: "aws.bedrock",
}

OTHER_OPERATION = "_OTHER"

_OPERATIONS = {
    "chat.completions": "chat",
    "responses": "chat",
    "messages": "chat",
    "converse": "chat",
    "converse-stream": "chat",
    "embeddings": "embeddings",
    # The conventions have no name for these: what a body means is the model's to say.
    "invoke": "invoke_model",
    "invoke-with-response-stream": "invoke_model",
    "messages.count_tokens": "count_tokens",
}


def operation_of(endpoint: str) -> str:
    """Name what a call to *endpoint* of a provider does."""
    return _OPERATIONS.get(endpoint, OTHER_OPERATION)

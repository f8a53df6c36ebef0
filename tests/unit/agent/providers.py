"""The environment in which an agent finds the sandbox, whichever its provider type."""

from collections.abc import Mapping

from ag2trust_sandbox import EXAMPLE_KEY_PAIR, Sandbox

__all__ = ["environment_of"]

KEY = "sk-any"


def environment_of(provider_type: str, sandbox: Sandbox) -> Mapping[str, str]:
    match provider_type:
        case "openai":
            return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": sandbox.base_url}
        case "anthropic":
            return {
                "ANTHROPIC_API_KEY": KEY,
                "ANTHROPIC_BASE_URL": sandbox.anthropic_base_url,
            }
        case _:
            return {
                "AWS_ACCESS_KEY_ID": EXAMPLE_KEY_PAIR.access_key_id,
                "AWS_SECRET_ACCESS_KEY": EXAMPLE_KEY_PAIR.secret_access_key,
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": sandbox.bedrock_endpoint_url,
            }
